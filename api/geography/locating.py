"""Coordinates for what has a postal code only: requests at the edge, nodes before they are sent. Nothing is overwritten."""

from typing import Any, Protocol, TypeVar

import msgspec

from api.geography.postcodes import Postcodes


class _Shipping(Protocol):
    @property
    def ship_to(self) -> Any: ...


Body = TypeVar("Body", bound=_Shipping)


class NotLocated(Exception):
    """A node has no coordinates and can't be given any; the message begins with a JSON pointer to it."""


def located(body: Body, postcodes: Postcodes | None) -> Body:
    """A request's body whose `ship_to` has the coordinates of its postal code, where it came without any.

    For the command only: an idempotency key stands for what was sent, whatever table the node is started with next time.
    """
    to = body.ship_to
    if postcodes is None or to is None or to.latitude is not None or to.country is None or to.postal_code is None:
        return body
    place = postcodes.find(to.country, to.postal_code)
    if place is None:
        return body
    there = msgspec.structs.replace(to, latitude=place[0], longitude=place[1])
    return msgspec.structs.replace(body, ship_to=there)  # type: ignore[type-var]


def locate_nodes(document: Any, postcodes: Postcodes) -> None:
    """Give the nodes of a configuration document, as people write it, the coordinates they lack.

    Only a code that is in the table will do: what is written here stays, and a slip of the pen must not move a warehouse.
    What is no node at all is left to the check of the document. Raises NotLocated.
    """
    nodes = document.get("nodes") if isinstance(document, dict) else None
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        if not isinstance(node, dict) or "latitude" in node or "longitude" in node:
            continue
        country, code = node.get("country"), node.get("postal_code")
        pointer = f"/nodes/{str(name).replace('~', '~0').replace('/', '~1')}"
        if not isinstance(country, str) or not isinstance(code, str):
            raise NotLocated(f"{pointer}: give `latitude` and `longitude`, or `country` and `postal_code`")
        place = postcodes.find_exactly(country, code)
        if place is None:
            raise NotLocated(f"{pointer}/postal_code: {code!r} of {country} is not in the table of postal codes")
        node["latitude"], node["longitude"] = place
