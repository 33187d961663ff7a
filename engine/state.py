"""All state of a node, composed. Everything here is a fold of the journal, but for `terms`, which is derived from it."""

from engine.access import Access
from engine.capacity import Capacity
from engine.closed import Closed, Table
from engine.configuration import Configuration
from engine.expected import Inbounds
from engine.idempotency import Idempotency
from engine.ledger import Ledger
from engine.money_books import MoneyBooks
from engine.moving import Transfers
from engine.orders import Orders
from engine.pick_lists import PickLists
from engine.pricing.usage import Usage
from engine.providers import Requests
from engine.reservations import Reservations
from engine.stock import Stock
from engine.terms import TermsCache


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
        self.terms = TermsCache()
