"""All state of a node, composed. Everything here is a fold of the journal."""

from typing import Any

import msgspec

from engine.ledger import Ledger
from engine.state.api_keys import Access
from engine.state.capacity import Capacity
from engine.state.closed import Closed, Table
from engine.state.configuration import Configuration
from engine.state.idempotency import Idempotency
from engine.state.inbound import Inbounds
from engine.state.looks import Looks
from engine.state.money_books import MoneyBooks
from engine.state.orders import LooseReturns, Orders
from engine.state.parts import Dumped
from engine.state.payment_requests import Requests
from engine.state.pick_lists import PickLists
from engine.state.promotion_usage import Usage
from engine.state.reservations import Reservations
from engine.state.statements import Statements
from engine.state.stock import Stock
from engine.state.transfers import Transfers


class Position(msgspec.Struct, array_like=True, tag="position"):
    """Where the journal stood, and the numbers given out."""

    seq: int
    time_ns: int
    next_fulfilment: int
    next_return: int
    next_inbound: int = 1
    next_transfer: int = 1
    next_pick_list: int = 1


class State:
    """The state after record `seq`, whose batch was stamped `time_ns`: its tables, in the order of the dump."""

    configuration: Configuration
    ledger: Ledger
    capacity: Capacity
    reservations: Reservations
    orders: Orders
    inbound: Inbounds
    pick_lists: PickLists
    loose_returns: LooseReturns
    usage: Usage
    money_books: MoneyBooks
    payment_requests: Requests
    transfers: Transfers
    statements: Statements
    idempotency: Idempotency
    access: Access

    def __init__(self, closed_table: Table) -> None:
        self.seq = 0
        self.time_ns = 0
        for name, table in TABLES.items():
            setattr(self, name, table())
        # Derived from the tables, or from the journal.
        self.stock = Stock(self.ledger)
        self.looks = Looks()
        self.closed = Closed(closed_table)

    def dump(self) -> Dumped:
        """Everything that is dumped, part by part."""
        orders, numbers = self.orders, (table.next_number for table in (self.inbound, self.transfers, self.pick_lists))
        yield Position(self.seq, self.time_ns, orders.next_fulfilment, orders.next_return, *numbers)
        for name in TABLES:
            yield from getattr(self, name).dump()

    def load(self, part: Any) -> None:
        """Take back a part."""
        if not isinstance(part, Position):
            getattr(self, TABLE_OF[type(part)]).load(part)
            return
        self.seq, self.time_ns = part.seq, part.time_ns
        self.orders.next_fulfilment, self.orders.next_return = part.next_fulfilment, part.next_return
        self.inbound.next_number, self.transfers.next_number = part.next_inbound, part.next_transfer
        self.pick_lists.next_number = part.next_pick_list


# A table has PARTS, a dump and a load; these say which table a part belongs to.
TABLES: dict[str, Any] = State.__annotations__
TABLE_OF: dict[type, str] = {part: name for name, table in TABLES.items() for part in table.PARTS}
assert all(table.dump and table.load for table in TABLES.values())
