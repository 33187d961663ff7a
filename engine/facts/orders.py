"""What happened to orders, fulfilments and returns. Lines are named by their position in the order, from 0."""

import msgspec

from engine.areas import Area
from engine.facts.postings import Posting
from engine.facts.sourcing import Decision
from engine.numbers import ChangeNumber, FulfilmentNumber, InboundNumber, ReservationNumber, ReturnNumber


class Claim(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` backordered units were promised from inbound `inbound`, to leave `node` at `ships_at_ns`.

    `promised` is the record of the promise, which says whose turn it is when too little comes.
    """

    inbound: InboundNumber
    node: str
    quantity: int
    promised: int
    ships_at_ns: int | None
    delivers_at_ns: int | None


class PlacedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line as ordered; `backordered` units found no stock, but some of them have `claims` on what will come.

    `unsourceable` ones were sold elsewhere and may not wait: a person must decide. `cancelled` ones were called off
    before the order came.
    """

    id: str
    sku: str
    quantity: int
    unit_price_minor: int | None
    backordered: int
    claims: tuple[Claim, ...] = ()
    unsourceable: int = 0
    cancelled: int = 0


class Take(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of the line at position `line`."""

    line: int
    quantity: int


class PlannedFulfilment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One node's work for one order: when it leaves and arrives (None: not told), and the day on which it takes a place
    there.

    Not accepted by `accept_by_ns`, it is taken back.
    """

    fulfilment: FulfilmentNumber
    node: str
    lines: tuple[Take, ...]
    ships_at_ns: int | None = None
    delivers_at_ns: int | None = None
    day: int | None = None
    accept_by_ns: int | None = None


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One labelled box of a fulfilment, with what is in it."""

    lines: tuple[Take, ...]
    weight_grams: int | None = None
    carrier: str | None = None
    tracking_code: str | None = None


class Waiting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a line waits for from now on: units backordered, and units that need a person to decide.

    `claims` are all that the backordered units have from now on.
    """

    line: int
    backordered: int
    unsourceable: int
    claims: tuple[Claim, ...] = ()


class OrderPlaced(msgspec.Struct, array_like=True, frozen=True, tag="order_placed"):
    """An order was accepted. With `reservation` that reservation is confirmed, and what the order does not use is free.

    `contact` and `billing` are sealed under keys of `party`. The customer comes for it to `pickup_node` (None: it is
    sent) by `collect_by_ns`. What is still backordered at `cancel_backorders_at_ns` is cancelled. It `replaces` what
    another order brought. It is sourced by `policy` (None: the built-in default) as record `policy_version` set it;
    where that is not told (None), by the policy of its channel.
    """

    order: str
    channel: str
    reservation: ReservationNumber | None
    party: str | None
    contact: bytes | None
    billing: bytes | None
    area: Area
    delivery: str
    placed_at_ns: int | None
    lines: tuple[PlacedLine, ...]
    fulfilments: tuple[PlannedFulfilment, ...]
    postings: tuple[Posting, ...]
    decision: Decision | None = None
    customer_group: str | None = None
    pickup_node: str | None = None
    collect_by_ns: int | None = None
    cancel_backorders_at_ns: int | None = None
    replaces: str | None = None
    policy: str | None = None
    policy_version: int | None = None


class OrderSourced(msgspec.Struct, array_like=True, frozen=True, tag="order_sourced"):
    """Units of an order that waited, or were given back by a node, found nodes or wait on. `waiting` is absolute."""

    order: str
    fulfilments: tuple[PlannedFulfilment, ...]
    waiting: tuple[Waiting, ...]
    postings: tuple[Posting, ...]
    decision: Decision | None = None


class OrderImproved(msgspec.Struct, array_like=True, frozen=True, tag="order_improved"):
    """Work no node had begun was `withdrawn` and given to others: it saves `saved_minor` by the rules of `decision`."""

    order: str
    withdrawn: tuple[FulfilmentNumber, ...]
    fulfilments: tuple[PlannedFulfilment, ...]
    saved_minor: int
    decision: Decision
    postings: tuple[Posting, ...]


class FulfilmentTake(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of order line `line` leave fulfilment `fulfilment`."""

    fulfilment: FulfilmentNumber
    line: int
    quantity: int


class Quantity(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The line at position `line` has `quantity` units in all, not `before`.

    `ended` of those before had been cancelled, come back or got lost by then (None: not written down).
    """

    line: int
    quantity: int
    before: int
    ended: int | None = None


class ChangeBody(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is to be different: quantities, lines that are added, where it goes, how it gets there. None: as before.

    `contact` is sealed under a key of `party`.
    """

    quantities: tuple[Quantity, ...]
    added: tuple[PlacedLine, ...]
    area: Area | None = None
    party: str | None = None
    contact: bytes | None = None
    delivery: str | None = None
    pickup_node: str | None = None


class ChangeProposed(msgspec.Struct, array_like=True, frozen=True, tag="change_proposed"):
    """A change of an order that nobody has confirmed: nothing has changed yet. `change` is the seq of this record.

    `would_move` are the postings that it would have led to, `money_minor` by how much the order's value would have
    grown.
    """

    order: str
    change: ChangeNumber
    reason: str
    body: ChangeBody
    would_move: tuple[Posting, ...]
    money_minor: int
    postings: tuple[Posting, ...] = ()


class OrderChanged(msgspec.Struct, array_like=True, frozen=True, tag="order_changed"):
    """A change was confirmed. Units were `taken` from nodes, and work `withdrawn` that goes elsewhere; `waiting` is
    what lines wait for before anything new is sourced."""

    order: str
    change: ChangeNumber
    body: ChangeBody
    taken: tuple[FulfilmentTake, ...]
    withdrawn: tuple[FulfilmentNumber, ...]
    waiting: tuple[Waiting, ...]
    postings: tuple[Posting, ...]


class FulfilmentReaddressed(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_readdressed"):
    """A parcel goes to another address from the node that has it: it is packed and labelled anew, and promised anew.

    `state` is the one it is in then.
    """

    order: str
    fulfilment: FulfilmentNumber
    state: str
    ships_at_ns: int | None
    delivers_at_ns: int | None
    postings: tuple[Posting, ...] = ()


class ChangeDeclined(msgspec.Struct, array_like=True, frozen=True, tag="change_declined"):
    """A proposed change was dropped."""

    order: str
    change: ChangeNumber
    postings: tuple[Posting, ...] = ()


class StatedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A line as a marketplace knows it."""

    id: str
    quantity: int


class OrderRestated(msgspec.Struct, array_like=True, frozen=True, tag="order_restated"):
    """A marketplace stated the order as of `stated_at_ns`, with `lines`, or that it is `cancelled`; what that changed
    is in the facts beside this one. `contact` is told where the address is another than it stated before, sealed."""

    order: str
    stated_at_ns: int
    postings: tuple[Posting, ...] = ()
    lines: tuple[StatedLine, ...] = ()
    cancelled: bool = False
    contact: bytes | None = None


class StatementKept(msgspec.Struct, array_like=True, frozen=True, tag="statement_kept"):
    """A marketplace called off, as of `stated_at_ns`, an order that has not come: no older statement will place it."""

    number: str
    channel: str
    stated_at_ns: int
    postings: tuple[Posting, ...] = ()


class OrderHeld(msgspec.Struct, array_like=True, frozen=True, tag="order_held"):
    """An order was stopped; fulfilments `recalled` were with nodes that had not accepted them."""

    order: str
    handle: str
    reason: str
    scope: str
    recalled: tuple[FulfilmentNumber, ...]
    postings: tuple[Posting, ...] = ()


class ReleasedFulfilment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A fulfilment goes to its node now, which must accept it by `accept_by_ns`."""

    fulfilment: FulfilmentNumber
    accept_by_ns: int | None


class HoldLifted(msgspec.Struct, array_like=True, frozen=True, tag="hold_lifted"):
    """A stop was taken away; fulfilments that nothing keeps back any more are `released`."""

    order: str
    handle: str
    released: tuple[ReleasedFulfilment, ...]
    postings: tuple[Posting, ...] = ()


class OrderNoted(msgspec.Struct, array_like=True, frozen=True, tag="order_noted"):
    """Somebody wrote something down about the order."""

    order: str
    text: str
    postings: tuple[Posting, ...] = ()


class OrderAppeased(msgspec.Struct, array_like=True, frozen=True, tag="order_appeased"):
    """The customer is given money after the fact."""

    order: str
    amount_minor: int
    reason: str
    postings: tuple[Posting, ...] = ()


class FulfilmentSplit(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_split"):
    """Units of a fulfilment became fulfilment `part`, at the same node and in the same state."""

    order: str
    fulfilment: FulfilmentNumber
    part: FulfilmentNumber
    lines: tuple[Take, ...]
    postings: tuple[Posting, ...] = ()


class FulfilmentsMerged(msgspec.Struct, array_like=True, frozen=True, tag="fulfilments_merged"):
    """Fulfilment `merged` became a part of `fulfilment`."""

    order: str
    fulfilment: FulfilmentNumber
    merged: FulfilmentNumber
    postings: tuple[Posting, ...] = ()


class ParcelsPacked(msgspec.Struct, array_like=True, frozen=True, tag="parcels_packed"):
    """A fulfilment leaves in these parcels."""

    order: str
    fulfilment: FulfilmentNumber
    parcels: tuple[Parcel, ...]
    postings: tuple[Posting, ...] = ()


class PickupLapsed(msgspec.Struct, array_like=True, frozen=True, tag="pickup_lapsed"):
    """Nobody collected it in time."""

    order: str
    fulfilment: FulfilmentNumber
    postings: tuple[Posting, ...]


class OrderCancelled(msgspec.Struct, array_like=True, frozen=True, tag="order_cancelled"):
    """Units were cancelled: `lines` in all, of which `taken` were with nodes; `waiting` is what lines wait for now."""

    order: str
    reason: str
    lines: tuple[Take, ...]
    taken: tuple[FulfilmentTake, ...]
    waiting: tuple[Waiting, ...]
    postings: tuple[Posting, ...]


class FulfilmentAdvanced(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_advanced"):
    """A node reported a step; `state` is the new one. Goods that are ready wait until `collect_by_ns`.

    `lines` are told where only a part left: the rest has become a fulfilment of its own before.
    """

    order: str
    fulfilment: FulfilmentNumber
    state: str
    carrier: str | None
    tracking_code: str | None
    postings: tuple[Posting, ...]
    collect_by_ns: int | None = None
    lines: tuple[Take, ...] = ()


class ConfirmedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The units of the line at position `line` will leave at `ships_at_ns`."""

    line: int
    ships_at_ns: int


class FulfilmentConfirmed(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_confirmed"):
    """A supplier took a purchase order on, and said when lines of it will leave."""

    order: str
    fulfilment: FulfilmentNumber
    lines: tuple[ConfirmedLine, ...]
    postings: tuple[Posting, ...] = ()


class FulfilmentShorted(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_shorted"):
    """`lines` are the units that a node had been given and could not find; it goes on with the rest."""

    order: str
    fulfilment: FulfilmentNumber
    node: str
    reason: str
    note: str | None
    lines: tuple[Take, ...]
    postings: tuple[Posting, ...]


class FulfilmentRejected(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_rejected"):
    """A node could not do it and is not asked again for this order."""

    order: str
    fulfilment: FulfilmentNumber
    node: str
    reason: str
    note: str | None
    postings: tuple[Posting, ...]


class FulfilmentMoved(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_moved"):
    """`lines` of a fulfilment at `node` were given to others by somebody's word: `fulfilments`."""

    order: str
    fulfilment: FulfilmentNumber
    node: str
    lines: tuple[Take, ...]
    fulfilments: tuple[PlannedFulfilment, ...]
    postings: tuple[Posting, ...]


class OrderReopened(msgspec.Struct, array_like=True, frozen=True, tag="order_reopened"):
    """A closed order came back into memory because something happened to it; `state` is all of it, as it was closed."""

    order: str
    state: bytes
    postings: tuple[Posting, ...] = ()


class ReturnedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of the order line at position `line`, with the customer's reason or the disposition."""

    line: int
    quantity: int
    reason: str | None


class ReturnAuthorised(msgspec.Struct, array_like=True, frozen=True, tag="return_authorised"):
    """Shipped units may come back; `exchange_order` goes out when they have."""

    order: str
    return_id: ReturnNumber
    lines: tuple[ReturnedLine, ...]
    postings: tuple[Posting, ...] = ()
    refund_shipping: bool = False
    exchange_order: str | None = None


class LossReported(msgspec.Struct, array_like=True, frozen=True, tag="loss_reported"):
    """Shipped units did not reach the customer and do not come back; order `replacement` sends them again."""

    order: str
    lines: tuple[ReturnedLine, ...]
    replacement: str | None
    postings: tuple[Posting, ...]


class LooseUnits(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of a SKU that came back, with the customer's reason."""

    sku: str
    quantity: int
    reason: str | None


class LooseReturnTaken(msgspec.Struct, array_like=True, frozen=True, tag="loose_return_taken"):
    """Goods came back to `node` that no order is known for; they are in quarantine."""

    return_id: ReturnNumber
    channel: str
    node: str
    lines: tuple[LooseUnits, ...]
    reference: str | None
    postings: tuple[Posting, ...]


class ReturnReceived(msgspec.Struct, array_like=True, frozen=True, tag="return_received"):
    """Units came back to `node`; `reason` of a line is its disposition."""

    order: str
    return_id: ReturnNumber
    node: str
    lines: tuple[ReturnedLine, ...]
    postings: tuple[Posting, ...]


class ReturnCancelled(msgspec.Struct, array_like=True, frozen=True, tag="return_cancelled"):
    """What has not come back is no longer expected."""

    order: str
    return_id: ReturnNumber
    postings: tuple[Posting, ...] = ()


Fact = (
    OrderPlaced
    | OrderSourced
    | OrderImproved
    | ChangeProposed
    | OrderChanged
    | FulfilmentReaddressed
    | ChangeDeclined
    | OrderRestated
    | StatementKept
    | OrderHeld
    | HoldLifted
    | OrderNoted
    | OrderAppeased
    | FulfilmentSplit
    | FulfilmentsMerged
    | ParcelsPacked
    | FulfilmentMoved
    | PickupLapsed
    | OrderCancelled
    | FulfilmentAdvanced
    | FulfilmentConfirmed
    | FulfilmentShorted
    | FulfilmentRejected
    | OrderReopened
    | ReturnAuthorised
    | LossReported
    | LooseReturnTaken
    | ReturnReceived
    | ReturnCancelled
)
