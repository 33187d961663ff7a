"""What sending to an area costs a channel under the settings that hold: all of a plan that stock does not change."""

import msgspec
import numpy as np

from engine import limits
from engine.areas import Area
from engine.calendars import Calendar, Dispatch, calendar_of, delivery, dispatch, ready, time_zone_of_country
from engine.commands.configuration import Node
from engine.commands.policies import CarrierRate, SafetyStockRule, SourcingPolicy
from engine.facts.sourcing import Decision
from engine.solver.problem import Locations, Rules
from engine.state.configuration import Configuration
from engine.state.state import State
from engine.supply.holidays import NONE, Days, Holidays
from engine.supply.node_table import Bools, Ints, NodeTable
from engine.supply.policies import asks_own_code, settings_of
from engine.supply.prices import (
    Column,
    Parcels,
    UnitPreference,
    caps_of,
    columns_of,
    eligible_of,
    parcels_of,
    total,
    unit_preferences_of,
)
from engine.supply.short_cuts import may_be_foreseen, may_be_quick

QUICK_NODES_MAX = 4


NEVER_NS = 2**62


NS_PER_DAY = 86_400 * limits.NS_PER_SECOND


PICKUP = "pickup"


# A policy, by its name and the record that set it; None: that of the channel, as it is today.
Under = tuple[str | None, int] | None


class Promise:
    """When a parcel leaves a node and arrives, while `now_ns` is before `valid_until_ns`; `day` is its ship day.

    For a pickup both are when it is ready. If it `slides_from_ns`, it is later by as much as now is later than that.
    """

    __slots__ = ("day", "delivers_at_ns", "ships_at_ns", "slides_from_ns", "valid_until_ns")

    def __init__(
        self, ships_at_ns: int, delivers_at_ns: int, day: int, valid_until_ns: int, slides_from_ns: int | None = None
    ) -> None:
        self.ships_at_ns = ships_at_ns
        self.delivers_at_ns = delivers_at_ns
        self.day = day
        self.valid_until_ns = valid_until_ns
        self.slides_from_ns = slides_from_ns

    def at(self, now_ns: int) -> "Promise":
        """The promise at a now for which it holds."""
        if self.slides_from_ns is None or now_ns == self.slides_from_ns:
            return self
        ready_ns = self.ships_at_ns + now_ns - self.slides_from_ns
        return Promise(ready_ns, ready_ns, self.day, self.valid_until_ns, now_ns)


class Terms:
    """All of it for one channel, area, delivery method and set of overrides. Positions are the ledger's; L nodes.

    `sends` bool[L] who may be chosen, `would_send` who might be if it were enabled, `hands_out` who may be named by a
    line. `locations` and `rules` are the problem's parts that stock does not change; `columns` the named prices they
    come from, `parcels` the carrier table in use.
    `cost` int64[L] is one shipment of one parcel of the first weight step. `order` lists who sends, cheapest first.
    `quick` says that a shipment costs the same whatever is in it; then any two nodes cost at least `split_floor_minor`,
    and `quick_order` are the first nodes that are not dearer than that, with their costs, and `decisions` what is
    written down when one of them is chosen. `foreseeable`: plans may be found before it is their turn.
    """

    def __init__(
        self, state: State, channel_id: str, area: Area, delivery: str, variant: tuple[int, ...], under: Under = None
    ) -> None:
        channel = state.configuration.channels[channel_id]
        table = terms_cache(state).table(state)
        settings = settings_of(policy_of(state, channel_id, under), variant)
        km = table.distance_km(area)
        nodes_count = len(table.names)
        self.settings, self.area, self.delivery = settings, area, delivery
        self.table, self.km, self.buffer = table, km, channel.buffer
        self.preparation_minutes = channel.preparation_minutes
        in_channel: Bools = np.ones(nodes_count, bool)
        if channel.nodes is not None:
            in_channel &= np.isin(table.names, channel.nodes)
        self.served: Bools = table.enabled & in_channel
        self.eligible: Bools = eligible_of(settings, table, km)
        self.parcels: Parcels = parcels_of(settings, table, area, km)
        self.hands_out: Bools = self.served & (table.ships | table.pickup)
        self.would_send: Bools = in_channel & self.eligible & (table.pickup if delivery == PICKUP else table.ships)
        self.columns: list[Column] = columns_of(settings, table, channel_id, area, km)
        if delivery != PICKUP:
            self.would_send &= self.parcels.rate_at >= 0
        self.sends: Bools = self.would_send & table.enabled
        self.unit_preferences: list[UnitPreference] = unit_preferences_of(settings, table, km)
        self.locations = Locations(
            fixed=total(self.columns, "order", nodes_count),
            parcel=self.parcels.minor * (delivery != PICKUP),
            unit=total(self.columns, "unit", nodes_count),
            rate=total(self.columns, "100 g", nodes_count),
            cap=caps_of(settings, table, km),
        )
        self.rules = Rules(
            line_split=settings.line_split is not False,
            ship_complete=True,
            locations_max=1 if delivery == PICKUP else settings.nodes_max,  # nobody goes to two shops for one order
            split_penalty=settings.split_penalty_minor or 0,
            parcel_up_to_hg=self.parcels.up_to_hg,
            split_value_min=settings.split_value_minor_min or 0,
        )
        self.cost: Ints = self.locations.fixed + self.locations.parcel[0]
        self.order = [int(at) for at in np.argsort(self.cost, kind="stable") if self.sends[at]]
        self.safety: list[tuple[SafetyStockRule, Bools]] = [
            (rule, table.selected(rule.nodes, km)) for rule in settings.safety_stock or ()
        ]
        self.quick = may_be_quick(settings, channel) and not bool((self.locations.fixed < 0).any())
        self.foreseeable = may_be_foreseen(settings, channel)
        cheapest = [int(self.cost[at]) for at in self.order[:2]]
        self.split_floor_minor = sum(cheapest) + self.rules.split_penalty if len(cheapest) == 2 else NEVER_NS
        first = [(at, int(self.cost[at])) for at in self.order[:QUICK_NODES_MAX]]
        self.quick_order = [(at, minor) for at, minor in first if minor <= self.split_floor_minor]
        self.decisions: dict[int, Decision] = {}
        self._promises: dict[int, Promise] = {}
        self._doubtful = [
            at
            for at, node in enumerate(table.nodes)
            if self.hands_out[at]
            and (node.orders_per_day_max is not None or _may_be_shut(node) or any(self._resting(state, at)))
        ]

    def promise(self, state: State, node_at: int, now_ns: int) -> Promise | None:
        """When a node would send and the parcel arrive; None without a day for it (never open, or all full)."""
        found = self._promises.get(node_at)
        if found is None or now_ns >= found.valid_until_ns:
            found = self._soonest(state, node_at, now_ns)
            if found is None:
                return None
            self._promises[node_at] = found
        if found.slides_from_ns is not None:
            found = found.at(now_ns)
        if self.table.orders_per_day_max[node_at] is None:
            return found
        return self._day_with_room(state, node_at, now_ns, found)

    def promise_from(self, state: State, node_at: int, from_ns: int) -> Promise | None:
        """The same for units that are at the node from a later instant on; places on that day are not counted."""
        return self._soonest(state, node_at, from_ns, 0)

    def blocked(self, state: State, now_ns: int) -> list[int]:
        """Positions of nodes that can't take this order: never open, full, or too late for the policy."""
        days_max = self.settings.deliver_within_days
        if days_max is not None:
            late = (self.arrivals_ns(state, now_ns) - now_ns) // NS_PER_DAY > days_max
            return [int(at) for at in np.flatnonzero(late & self.hands_out)]
        return [at for at in self._doubtful if self.promise(state, at, now_ns) is None]

    def arrivals_ns(self, state: State, now_ns: int) -> Ints:
        """When a parcel sent from each node would arrive, int64[L]; NEVER_NS for a node that can't send."""
        arrivals = np.full(len(self.table.names), NEVER_NS, np.int64)
        for at in np.flatnonzero(self.hands_out).tolist():
            promise = self.promise(state, at, now_ns)
            if promise is not None:
                arrivals[at] = promise.delivers_at_ns
        return arrivals

    def _soonest(self, state: State, node_at: int, now_ns: int, not_before_day: int | None = None) -> Promise | None:
        """What a node can promise from now on, or from the opening of a later day on. Places are not counted."""
        if self.delivery == PICKUP:
            return self._ready(state, node_at, now_ns, not_before_day)
        uncollected, undelivered = self._resting(state, node_at)
        leaves = terms_cache(state).dispatch(state, node_at, now_ns, not_before_day, uncollected)
        if leaves is None:
            return None
        arrives_ns = delivery(
            leaves.ships_at_ns,
            int(self.parcels.transit_days[node_at]),
            time_zone_of_country(self.area.country or self.table.nodes[node_at].country),
            self._rate(node_at).delivery_weekdays,
            undelivered,
        )
        if arrives_ns is None:
            return None
        return Promise(leaves.ships_at_ns, arrives_ns, leaves.day, leaves.valid_until_ns)

    def _rate(self, node_at: int) -> CarrierRate:
        """The row of the carrier table for a node."""
        return self.parcels.rates[max(0, int(self.parcels.rate_at[node_at]))]

    def _resting(self, state: State, node_at: int) -> tuple[Days, Days]:
        """Days on which nobody comes for a node's parcels, and days on which none is delivered where they go."""
        if self.delivery == PICKUP or not state.configuration.calendars:
            return NONE, NONE
        holidays, own = terms_cache(state).holidays(state), self._rate(node_at).calendars
        here = self.table.nodes[node_at].country
        return holidays.of(own, here), holidays.of(own, self.area.country or here)

    def _ready(self, state: State, node_at: int, now_ns: int, not_before_day: int | None) -> Promise | None:
        """When a pickup is ready: no carrier is needed, but somebody who is there."""
        node = self.table.nodes[node_at]
        minutes = self.preparation_minutes if node.preparation_minutes is None else node.preparation_minutes
        calendar = terms_cache(state).calendar(state, node_at)
        found = ready(calendar, now_ns, node.lead_time_days, minutes, not_before_day)
        if found is None:
            return None
        slides_from_ns = now_ns if found.slides else None
        return Promise(found.at_ns, found.at_ns, found.day, found.valid_until_ns, slides_from_ns)

    def _day_with_room(self, state: State, node_at: int, now_ns: int, first: Promise) -> Promise | None:
        name = self.table.names[node_at]
        found: Promise | None = first
        while found is not None:
            if free_places(state, name, found.day):
                return found
            if found.day - first.day >= (self.settings.wait_days_max or 0):
                return None
            found = self._soonest(state, node_at, now_ns, found.day + 1)
            if found is None or found.day - first.day > (self.settings.wait_days_max or 0):
                return None
        return None


class TermsCache:
    """Terms by channel, area, delivery and overrides, made anew when master data changed. Forgetting is harmless."""

    def __init__(self) -> None:
        self._terms: dict[tuple[object, ...], Terms] = {}
        self._by_postal_area = False
        self._version = -1
        self._table: NodeTable | None = None
        self._holidays: Holidays | None = None
        self._calendars: dict[int, Calendar] = {}
        self._dispatches: dict[tuple[int, Days], Dispatch | None] = {}

    def get(
        self, state: State, channel_id: str, area: Area, delivery: str, variant: tuple[int, ...], under: Under = None
    ) -> Terms:
        """The terms of a known channel for an area; one without a country is somewhere in the channel's."""
        country = area.country or state.configuration.channels[channel_id].country
        self._renew(state.configuration)
        # Only own code looks at the postal area: without it, all postal areas of ten kilometres share their terms.
        postal_area = area.postal_area if self._by_postal_area else None
        north, east = area.latitude_tenths, area.longitude_tenths
        key = (channel_id, country, postal_area, north, east, delivery, variant, under)
        terms = self._terms.get(key)
        if terms is None:
            nodes_count = max(1, len(state.ledger.nodes))
            if len(self._terms) >= min(limits.COST_CACHE_MAX, limits.COST_CACHE_NODES_MAX // nodes_count):
                del self._terms[next(iter(self._terms))]
            there = msgspec.structs.replace(area, country=country)
            terms = self._terms[key] = Terms(state, channel_id, there, delivery, variant, under)
        return terms

    def _renew(self, configuration: Configuration) -> None:
        """Forget what was made of other master data. Whatever is asked for first says so."""
        if self._version == configuration.version:
            return
        self._terms.clear()
        self._calendars.clear()
        self._dispatches.clear()
        self._table, self._holidays, self._version = None, None, configuration.version
        replaced = [body for versions in configuration.replaced_policies.values() for body in versions.values()]
        self._by_postal_area = any(map(asks_own_code, [*configuration.sourcing_policies.values(), *replaced]))

    def table(self, state: State) -> NodeTable:
        """The nodes as columns, as they are now."""
        self._renew(state.configuration)
        if self._table is None:
            self._table = NodeTable(state.configuration, state.ledger.nodes)
        return self._table

    def calendar(self, state: State, node_at: int) -> Calendar:
        """When a node works."""
        self._renew(state.configuration)
        calendar = self._calendars.get(node_at)
        if calendar is None:
            node = self.table(state).nodes[node_at]
            closed = self.holidays(state).of(node.calendars)
            calendar = self._calendars[node_at] = calendar_of(node, holidays=closed)
        return calendar

    def holidays(self, state: State) -> Holidays:
        """On which days people rest."""
        self._renew(state.configuration)
        if self._holidays is None:
            self._holidays = Holidays(state.configuration)
        return self._holidays

    def dispatch(
        self,
        state: State,
        node_at: int,
        now_ns: int,
        not_before_day: int | None = None,
        uncollected: Days = NONE,
    ) -> Dispatch | None:
        """When the next parcel leaves a node, if nobody comes for any on these days; None if it never works."""
        node, calendar = self.table(state).nodes[node_at], self.calendar(state, node_at)
        if not_before_day is not None:
            return dispatch(calendar, now_ns, node.lead_time_days, not_before_day, uncollected)
        found = self._dispatches.get((node_at, uncollected))
        if found is None or now_ns >= found.valid_until_ns:
            found = dispatch(calendar, now_ns, node.lead_time_days, None, uncollected)
            self._dispatches[node_at, uncollected] = found
        return found


def _may_be_shut(node: Node) -> bool:
    """Whether a node could have no working day in sight, or none on which anybody comes for its parcels."""
    return node.opening_hours is not None or bool(node.closed_dates or node.calendars or node.cut_offs)


def free_places(state: State, node: str, day: int) -> int | None:
    """Orders a node may still take for a day; None where it has no limit."""
    limit = state.configuration.nodes[node].orders_per_day_max
    return None if limit is None else max(0, limit - state.capacity.count(node, day))


def policy_of(state: State, channel_id: str, under: Under) -> SourcingPolicy:
    """The policy that holds; `under` is one that is kept."""
    configuration = state.configuration
    if under is None:
        return configuration.policy_of(configuration.channels[channel_id])
    found = configuration.policy_placed_under(*under)
    assert found is not None
    return found


def terms_cache(state: State) -> TermsCache:
    """The terms of a state."""
    return state.configuration.cache(TermsCache)
