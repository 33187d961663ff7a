"""All state of a node, composed. Everything here is a fold of the journal."""

from engine.ledger import Ledger
from engine.state.api_keys import Access
from engine.state.capacity import Capacity
from engine.state.closed import Closed, Table
from engine.state.configuration import Configuration
from engine.state.idempotency import Idempotency
from engine.state.inbound import Inbounds
from engine.state.money_books import MoneyBooks
from engine.state.orders import Orders
from engine.state.payment_requests import Requests
from engine.state.pick_lists import PickLists
from engine.state.promotion_usage import Usage
from engine.state.reservations import Reservations
from engine.state.stock import Stock
from engine.state.transfers import Transfers


class State:
    """The state after record `seq`, whose batch was stamped `time_ns`."""

    def __init__(self, closed_table: Table) -> None:
        self.seq = 0
        self.time_ns = 0
        self.configuration = Configuration()
        self.ledger = Ledger()
        self.usage = Usage()
        self.money_books = MoneyBooks()
        self.payment_requests = Requests()
        self.stock = Stock(self.ledger)
        self.reservations = Reservations()
        self.orders = Orders()
        self.inbound = Inbounds()
        self.transfers = Transfers()
        self.pick_lists = PickLists()
        self.capacity = Capacity()
        self.idempotency = Idempotency()
        self.access = Access()
        self.closed = Closed(closed_table)
