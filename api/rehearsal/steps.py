"""What a replay does, step by step, before any of it is done. A step's `id` is unique in a plan: it makes the idempotency key."""

import msgspec

from api.rehearsal.reconciliation import Fate
from api.rehearsal.shop import Market
from engine.commands.configuration import Configure


class StockLine(msgspec.Struct, frozen=True, gc=False):
    """`quantity` units of a SKU at a node."""

    sku: str
    node: str
    quantity: int


class SaleLine(msgspec.Struct, frozen=True, gc=False):
    """One row of a sale. Its line id is its position in the order, from 1. `price_minor` is in pence."""

    row: int
    sku: str
    quantity: int
    price_minor: int


class Sale(msgspec.Struct, frozen=True):
    """One order: an invoice's goods, or a hundred lines of a long one. `customer` is empty where the file names none."""

    number: str
    market: Market
    customer: str
    time_ns: int
    lines: tuple[SaleLine, ...]


class BackLine(msgspec.Struct, frozen=True, gc=False):
    """`quantity` units of the order line `line` come back, as row `row` says."""

    row: int
    line: str
    quantity: int


class GoodsBack(msgspec.Struct, frozen=True):
    """What an invoice with C takes back of one order, arriving at `node`."""

    id: str
    order: str
    node: str
    lines: tuple[BackLine, ...]


class SetUp(msgspec.Struct, frozen=True):
    """Master data."""

    id: str
    document: Configure


class Receive(msgspec.Struct, frozen=True):
    """Goods receipts."""

    id: str
    lines: tuple[StockLine, ...]


class Correct(msgspec.Struct, frozen=True):
    """A stock correction, `quantity` signed. Without `node` the units come from the nodes that have most at that moment."""

    id: str
    row: int
    sku: str
    quantity: int
    note: str
    fate: Fate
    node: str | None = None


class TakeLoose(msgspec.Struct, frozen=True):
    """Units that came back, as row `row` says, without an earlier order of that customer."""

    id: str
    row: int
    sku: str
    quantity: int
    channel: str
    node: str
    reference: str


class Reserve(msgspec.Struct, frozen=True):
    """The checkout of a sale."""

    id: str
    sale: Sale


class Place(msgspec.Struct, frozen=True):
    """The order of a sale, from its reservation."""

    id: str
    sale: Sale


class Cancel(msgspec.Struct, frozen=True):
    """Goods that were sent back on the day of the order have not shipped: they are cancelled."""

    id: str
    goods: GoodsBack


class Authorise(msgspec.Struct, frozen=True):
    """The agreement to a return."""

    id: str
    goods: GoodsBack


class TakeBack(msgspec.Struct, frozen=True):
    """The arrival of a return, restocked."""

    id: str
    goods: GoodsBack


class Settle(msgspec.Struct, frozen=True):
    """What the customer gets for a return that has arrived."""

    id: str
    goods: GoodsBack


class Ship(msgspec.Struct, frozen=True):
    """Every fulfilment of an order goes out."""

    id: str
    order: str


Step = SetUp | Receive | Correct | Reserve | Place | Cancel | Authorise | TakeBack | Settle | TakeLoose | Ship


class Chunk(msgspec.Struct, frozen=True):
    """Steps that do not depend on each other, at one instant (ns since 1970) of the simulated clock."""

    time_ns: int
    steps: tuple[Step, ...]
