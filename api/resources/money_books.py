"""The money books over HTTP: an order's account, the journal of money, trial balance, write-offs, locked periods."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.facts import Document, document_of
from api.answers.timestamps import Timestamp, iso
from api.http.endpoint import encode
from api.http.filters import OrderFilter, only
from api.http.listing import SpanQuery
from api.http.operations import Call, Changing, Handled, Operation, PageOf, Reading, Reply
from api.http.part_or_all import PartOrAll
from api.http.scanning import bookings_in, scan
from api.http.things import STEP_CODES
from api.resources.orders import ORDERS
from engine import limits
from engine.calendars.local_time import date_of_day
from engine.commands.bookkeeping import LockPeriod, WriteOff
from engine.commands.fields import Currency, Date, Text
from engine.facts import Fact
from engine.facts.money import MoneyBooked
from engine.results import Rejection, ResultCode
from engine.state.money_books import KINDS, of_customer
from engine.state.state import State

TAG = "Money books"
Amount = Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)]


class MoneyPostingAnswer(msgspec.Struct, frozen=True):
    """`amount_minor` goes from one account (credit) to another (debit)."""

    source_account: str
    target_account: str
    amount_minor: int


class MoneyEntry(msgspec.Struct, kw_only=True):
    """One booking: `date` is the day it belongs to where the order was placed, `time` when it was written down; `document` says why."""

    seq: int
    time: Timestamp
    date: str
    actor: str
    order: str | None
    currency: str
    document: Document
    postings: tuple[MoneyPostingAnswer, ...]


class AccountEntry(MoneyEntry, kw_only=True):
    """With what the customer owes after it: above nothing a receivable, below nothing what we owe."""

    balance_minor: int


class AccountAnswer(msgspec.Struct):
    """The account of an order, the oldest entry first. `balance_minor` is what the customer owes by the books; no currency without prices."""

    order: str
    currency: str | None
    balance_minor: int
    entries: list[AccountEntry]


class MoneyJournalPage(PageOf[MoneyEntry]):
    """The newest first. A page may end early, even empty, with a cursor: then more was looked at than one call may."""


def _is_account(state: State, name: str) -> bool:
    return name.partition(":")[0] in KINDS


class MoneyJournalQuery(SpanQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Entries must meet all of it. `account` is one that a posting names, in full or up to a `:`."""

    order: OrderFilter | None = None
    account: Annotated[str, only("account", _is_account)] | None = None
    document: str | None = None
    currency: Currency | None = None


class CurrencyBalance(msgspec.Struct):
    """All accounts in one currency: debits above nothing, credits below; they sum to zero."""

    currency: str
    balanced: bool
    accounts: dict[str, int]


class TrialBalance(msgspec.Struct):
    """The trial balance in every currency. Days through `locked_through` take no more bookings. `last_numbers` are those of documents."""

    seq: int
    balanced: bool
    currencies: list[CurrencyBalance]
    locked_through: str | None
    last_numbers: dict[str, dict[str, int]]


class LockBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is booked on a day up to `through` any more."""

    through: Date


class LockAnswer(msgspec.Struct):
    """The last day that is locked."""

    locked_through: str


class WriteOffBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why what the customer owes will not come; without `amount_minor`, or with `all`, all of it."""

    reason: Text
    amount_minor: Amount | None = None


def _postings(fact: MoneyBooked) -> tuple[MoneyPostingAnswer, ...]:
    return tuple(MoneyPostingAnswer(entry.source, entry.target, entry.amount_minor) for entry in fact.entries)


def entry_of(seq: int, time_ns: int, actor: str, fact: MoneyBooked) -> MoneyEntry:
    """A booking as clients see it."""
    return MoneyEntry(
        seq=seq,
        time=iso(time_ns),
        date=date_of_day(fact.day),
        actor=actor,
        order=fact.order,
        currency=fact.currency,
        document=document_of(fact, seq),
        postings=_postings(fact),
    )


async def account(call: Call) -> Handled:
    """Every booking of an order, with the running balance."""
    node, order = call.server, ORDERS.found(call)
    if isinstance(order, Rejection):
        return order
    entries: list[AccountEntry] = []
    balance = 0
    for looked_at, seq in enumerate(seq for seq in order.history if seq >= node.journal.first_seq):
        if looked_at % 50 == 49:
            await asyncio.sleep(0)
        time_ns, encoded = node.journal.record(seq)
        actor, facts = bookings_in(encoded)
        for fact in facts:
            if fact.order == order.number:
                balance += of_customer(fact.entries)
                plain = msgspec.structs.asdict(entry_of(seq, time_ns, actor, fact))
                entries.append(AccountEntry(**plain, balance_minor=balance))
    currency = None if order.money is None else order.money.currency
    return Reply(200, encode(AccountAnswer(order.number, currency, balance, entries)))


async def journal(call: Call) -> Handled:
    """A page of the journal of money."""
    query: MoneyJournalQuery = call.query

    def facts_of(encoded: bytes) -> tuple[str, list[Fact]]:
        if query.order is not None and query.order.encode() not in encoded:
            return "", []
        actor, facts = bookings_in(encoded)
        return actor, [fact for fact in reversed(facts) if matches(fact, query)]

    page = await scan(call.server.journal, query, facts_of, entry_of)
    return page if isinstance(page, Rejection) else Reply(200, encode(MoneyJournalPage(*page)))


def matches(fact: MoneyBooked, query: MoneyJournalQuery) -> bool:
    """Whether a query asks for a booking."""
    asked = query.account
    return (
        query.order in (None, fact.order)
        and query.currency in (None, fact.currency)
        and query.document in (None, fact.document_id)
        and (asked is None or any(_is(asked, each.source) or _is(asked, each.target) for each in fact.entries))
    )


def _is(asked: str, account: str) -> bool:
    return account == asked or account.startswith(f"{asked}:")


def trial_balance(call: Call) -> Handled:
    """All accounts of all currencies."""
    return Reading(lambda state, now_ns: balance_of(state))


def balance_of(state: State) -> TrialBalance:
    """The trial balance of a state."""
    books = state.money_books
    currencies = [
        CurrencyBalance(currency, sum(accounts.values()) == 0, dict(sorted(accounts.items())))
        for currency, accounts in sorted(books.balances.items())
    ]
    numbers: dict[str, dict[str, int]] = {}
    for (series, year), number in sorted(books.last_numbers.items()):
        numbers.setdefault(series, {})[str(year)] = number
    locked = date_of_day(books.locked_through_day) if books.locked_through_day else None
    return TrialBalance(state.seq, all(each.balanced for each in currencies), currencies, locked, numbers)


def lock(call: Call) -> Handled:
    """Lock days that are over."""
    return Changing(
        LockPeriod(call.body.through),
        lambda state, seq, facts: LockAnswer(date_of_day(state.money_books.locked_through_day)),
    )


OPERATIONS = [
    Operation(
        id="getOrderAccount", method="GET", path="/v1/orders/{number}/account", tag=TAG, handle=account,
        summary="Every booking of an order, with the running balance", answer=AccountAnswer,
        codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="listMoneyJournal", method="GET", path="/v1/journal/money", tag=TAG, handle=journal, query=MoneyJournalQuery,
        summary="Every booking of money, the newest first", answer=MoneyJournalPage,
        description="`account` may be a kind (`revenue`) or one account (`revenue:DE:S:0.19`), `document` a number (`INV-2026-000017`). "
        "`kontor export` writes the same as CSV and for DATEV.",
    ),
    Operation(
        id="getMoneyTrialBalance", method="GET", path="/v1/ledger/money", tag=TAG, handle=trial_balance,
        summary="The trial balance of the money ledger", answer=TrialBalance,
    ),
    Operation(
        id="lockPeriod", method="PUT", path="/v1/ledger/money/lock", tag=TAG, handle=lock, body=LockBody,
        summary="Lock days that are over", answer=LockAnswer, codes=(ResultCode.INVALID_TRANSITION,),
        example={"through": "2026-10-31"},
        description="A lock stays, and a later one may follow. Nothing is ever booked on an earlier day than the first that is open.",
    ),
    ORDERS.act(
        "writeOff", "write-offs", "Give up what a customer owes for what was sent", WriteOffBody,
        lambda number, body: WriteOff(number, body.reason, body.amount_minor),
        tag=TAG, status=201, codes=(*STEP_CODES, ResultCode.EXCEEDS_OWED), example={"reason": "customer cannot be found"},
        description="Should the money come after all, it is written back with the payment.",
    ),
]  # fmt: skip
