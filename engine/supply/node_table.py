"""All nodes as columns, by their position in the ledger: what selectors, distances and prices are computed from."""

import numpy as np
from numpy.typing import NDArray

from engine.areas import Area
from engine.commands.policies import NodeSelector
from engine.state.configuration import Configuration

EARTH_RADIUS_KM = 6371.0088

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class NodeTable:
    """Columns of length L, one entry a node."""

    def __init__(self, configuration: Configuration, names: list[str]) -> None:
        nodes = [configuration.nodes[name] for name in names]
        self.names = tuple(names)
        self.nodes = tuple(nodes)
        self.kinds = np.array([node.kind for node in nodes], "U16")
        self.countries = np.array([node.country for node in nodes], "U2")
        self.latitudes = np.array([node.latitude for node in nodes], np.float64)
        self.longitudes = np.array([node.longitude for node in nodes], np.float64)
        self.enabled = np.array([node.enabled for node in nodes], bool)
        self.ships = np.array([node.ships for node in nodes], bool)
        self.pickup = np.array([node.pickup for node in nodes], bool)
        self.handling_minor = np.array([node.handling_cost_minor for node in nodes], np.int64)
        self.orders_per_day_max = tuple([node.orders_per_day_max for node in nodes])
        self.any_limit = any(limit is not None for limit in self.orders_per_day_max)
        self._selected: dict[NodeSelector, Bools] = {}

    def distance_km(self, area: Area) -> Floats | None:
        """Kilometres from the middle of an area to every node; None where its coordinates are unknown."""
        if area.latitude_tenths is None or area.longitude_tenths is None:
            return None
        return distance_km(self.latitudes, self.longitudes, area.latitude_tenths / 10, area.longitude_tenths / 10)

    def selected(self, selector: NodeSelector, km: Floats | None) -> Bools:
        """Which nodes a selector takes, given their distances. A fresh array."""
        chosen = self._wherever(selector).copy()
        if selector.within_km is not None:
            chosen &= np.zeros(len(self.names), bool) if km is None else km <= selector.within_km
        return chosen

    def _wherever(self, selector: NodeSelector) -> Bools:
        """Which nodes a selector takes if all are near enough."""
        found = self._selected.get(selector)
        if found is not None:
            return found
        chosen = np.ones(len(self.names), bool)
        if selector.nodes is not None:
            chosen &= np.isin(self.names, selector.nodes)
        if selector.kinds is not None:
            chosen &= np.isin(self.kinds, selector.kinds)
        if selector.countries is not None:
            chosen &= np.isin(self.countries, selector.countries)
        if selector.groups is not None:
            wanted = frozenset(selector.groups)
            chosen &= np.array([not wanted.isdisjoint(node.groups) for node in self.nodes], bool)
        if selector.ships is not None:
            chosen &= self.ships == selector.ships
        if selector.pickup is not None:
            chosen &= self.pickup == selector.pickup
        self._selected[selector] = chosen
        return chosen


def distance_km(latitudes: Floats, longitudes: Floats, latitude: float, longitude: float) -> Floats:
    """Great-circle distances in km from one point, all in decimal degrees. Haversine formula (Sinnott, 1984)."""
    phi, other = np.radians(latitudes), np.radians(latitude)
    half_rise, half_run = (phi - other) / 2, np.radians(longitudes - longitude) / 2
    chord = np.sin(half_rise) ** 2 + np.cos(phi) * np.cos(other) * np.sin(half_run) ** 2
    km: Floats = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return km
