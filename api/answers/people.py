"""Personal data of an order: sealed before a command is built, opened only to answer a read."""

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from api.parties import sealing
from api.parties.keystore import BILLING, CONTACT, Erased, PartyKeys
from engine.areas import Area, coarse_area
from engine.commands.fields import Country, Latitude, Longitude, PostalCode
from engine.state.orders import Order

Line = Annotated[str, Meta(max_length=200)]


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who ordered. `reference` is the shop's own customer number; orders with the same one belong to the same party."""

    name: Line | None = None
    email: Annotated[str, Meta(max_length=320)] | None = None
    phone: Annotated[str, Meta(max_length=64)] | None = None
    reference: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class ShipTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the goods go. Sourcing sees only a coarse area of it."""

    name: Line | None = None
    street: Line | None = None
    postal_code: PostalCode | None = None
    city: Line | None = None
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    extra: Annotated[tuple[Line, ...], Meta(max_length=4, description="More address lines")] = ()

    def __post_init__(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("`latitude` and `longitude` belong together")

    @property
    def area(self) -> Area:
        """What a fact may carry of it."""
        return coarse_area(self.country, self.postal_code, self.latitude, self.longitude)


class Billing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who pays, where that is not who receives. Kept under a key of its own."""

    name: Line | None = None
    street: Line | None = None
    postal_code: PostalCode | None = None
    city: Line | None = None
    country: Country | None = None


class Sealed(NamedTuple):
    """The party an order belongs to, and its blobs; None where nothing was given."""

    party: str | None = None
    contact: bytes | None = None
    billing: bytes | None = None


class Opened(NamedTuple):
    """What could be opened. `erased`: something was given once, and its key was destroyed; `key_missing`: its key was
    not, and is not on this node."""

    customer: Customer | None
    ship_to: ShipTo | None
    billing: Billing | None
    erased: bool
    key_missing: bool


def seal(
    keys: PartyKeys, number: str, customer: Customer | None, ship_to: ShipTo | None, billing: Billing | None
) -> Sealed:
    """Seal what is personal of order `number`. Raises StorageFull when no new key can be kept."""
    if customer is None and ship_to is None and billing is None:
        return Sealed()
    party = keys.party_for(None if customer is None else customer.reference)
    contact = paid_by = None
    if customer is not None or ship_to is not None:
        who = customer or Customer()
        to = None if ship_to is None else sealing.ShipTo(**msgspec.structs.asdict(ship_to))
        content = sealing.encode(sealing.Contact(who.name, who.email, who.phone, who.reference, to))
        contact = sealing.seal(keys, party, CONTACT, number, content)
    if billing is not None:
        content = sealing.encode(sealing.Billing(**msgspec.structs.asdict(billing)))
        paid_by = sealing.seal(keys, party, BILLING, number, content)
    return Sealed(party, contact, paid_by)


def readdress(keys: PartyKeys, order: Order, ship_to: ShipTo) -> Sealed | None:
    """Seal another address of an order with what else is known of its customer; None where that can't be opened.

    Raises StorageFull as `seal` does.
    """
    if order.party is None or order.contact is None:
        return seal(keys, order.number, None, ship_to, None)
    content = sealing.open_sealed(keys, order.party, CONTACT, order.number, order.contact)
    if content is None:
        return None
    who = sealing.decode_contact(content)
    to = sealing.ShipTo(**msgspec.structs.asdict(ship_to))
    content = sealing.encode(sealing.Contact(who.name, who.email, who.phone, who.reference, to))
    return Sealed(order.party, sealing.seal(keys, order.party, CONTACT, order.number, content), None)


def reseal(keys: PartyKeys, order: Order, number: str) -> Sealed:
    """Seal what is known of an order's customer for another order of the same one; nothing where it can't be opened."""
    if order.party is None or order.contact is None:
        return Sealed()
    content = sealing.open_sealed(keys, order.party, CONTACT, order.number, order.contact)
    if content is None:
        return Sealed()
    return Sealed(order.party, sealing.seal(keys, order.party, CONTACT, number, content), None)


def why_closed(keys: PartyKeys, order: Order) -> str:
    """Why what is known of an order's customer can't be opened, as a sentence."""
    assert order.party is not None
    if isinstance(keys.key(order.party, CONTACT), Erased):
        return "the customer of this order was erased"
    return "the key of this order's customer is not on this node"


def open_order(keys: PartyKeys, order: Order) -> Opened:
    """Open what is sealed in an order. Raises SealBroken when a blob is not this order's."""
    customer = ship_to = billing = None
    closed = []
    if order.party is not None and order.contact is not None:
        content = sealing.open_sealed(keys, order.party, CONTACT, order.number, order.contact)
        if content is None:
            closed.append(keys.key(order.party, CONTACT))
        else:
            who = sealing.decode_contact(content)
            customer = Customer(who.name, who.email, who.phone, who.reference)
            ship_to = None if who.ship_to is None else ShipTo(**msgspec.structs.asdict(who.ship_to))
    if order.party is not None and order.billing is not None:
        content = sealing.open_sealed(keys, order.party, BILLING, order.number, order.billing)
        if content is None:
            closed.append(keys.key(order.party, BILLING))
        else:
            billing = Billing(**msgspec.structs.asdict(sealing.decode_billing(content)))
    erased = any(isinstance(key, Erased) for key in closed)
    return Opened(
        None if customer == Customer() else customer, ship_to, billing, erased, any(k is None for k in closed)
    )
