"""The money ledger: balances of money accounts by currency, and the numbers of documents. Beside the stock ledger, by
the same rules.

A posting takes an amount from one account to another, so that all accounts of a currency sum to zero, always. What is
owed to us and what we paid for stands above zero, what we owe and what we earned below.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from engine.amounts import text_of_rate
from engine.facts.money import Document, MoneyPosting
from engine.state.order_money import CREDIT_NOTE, INVOICE, ORDER_CONFIRMATION
from engine.state.parts import Dumped

RECEIVABLE, PREPAYMENT = "receivable", "prepayment"
REFUNDS_PAYABLE, VOUCHER_LIABILITY, VOUCHERS_ISSUED = "refunds_payable", "voucher_liability", "vouchers_issued"
APPEASEMENT, WRITE_OFF = "appeasement", "write_off"
REVENUE, SHIPPING_REVENUE, DISCOUNTS, TAX_PAYABLE = "revenue", "shipping", "discounts", "tax_payable"
CLEARING = "clearing"
KINDS = (
    RECEIVABLE, PREPAYMENT, REFUNDS_PAYABLE, VOUCHER_LIABILITY, VOUCHERS_ISSUED, APPEASEMENT, WRITE_OFF, REVENUE,
    SHIPPING_REVENUE, DISCOUNTS, TAX_PAYABLE, CLEARING,
)  # fmt: skip
"""What accounts are called, up to the first `:` of those that come in several."""

PREFIXES = {ORDER_CONFIRMATION: "OC", INVOICE: "INV", CREDIT_NOTE: "CN"}


@lru_cache(maxsize=4_096)
def taxed(kind: str, country: str, category: str, rate_millionths: int) -> str:
    """The account of one kind for one tax: `revenue:DE:S:0.19`."""
    return f"{kind}:{country}:{category}:{text_of_rate(rate_millionths)}"


def clearing(method: str) -> str:
    """The account of money that came, or went back, by one method of payment, on its way to or from the bank."""
    return f"{CLEARING}:{method}"


def document_id(document: Document) -> str:
    """How people write a document's number: INV-2026-000017."""
    return f"{PREFIXES[document.series]}-{document.year}-{document.number:06}"


def of_customer(entries: Iterable[MoneyPosting]) -> int:
    """By how much postings raise what a customer owes."""
    owed = (RECEIVABLE, PREPAYMENT)
    return sum([((each.target in owed) - (each.source in owed)) * each.amount_minor for each in entries])


class MoneyBalances(msgspec.Struct, array_like=True, tag="money_balances"):
    """All of the money ledger: balances by currency and account, the last number of every series and year, the lock."""

    balances: dict[str, dict[str, int]]
    last_numbers: list[tuple[str, int, int]]
    locked_through_day: int


class MoneyBooks:
    """Balances by currency and account, the last number of every series and year, and the last day that is locked."""

    PARTS = (MoneyBalances,)

    def __init__(self) -> None:
        self.balances: dict[str, dict[str, int]] = {}
        self.last_numbers: dict[tuple[str, int], int] = {}
        self.locked_through_day = 0

    def dump(self) -> Dumped:
        """All of it."""
        numbers = [(*series, number) for series, number in self.last_numbers.items()]
        balances = {currency: dict(accounts) for currency, accounts in self.balances.items()}
        yield MoneyBalances(balances, numbers, self.locked_through_day)

    def load(self, part: MoneyBalances) -> None:
        """Take it back."""
        self.balances, self.locked_through_day = part.balances, part.locked_through_day
        self.last_numbers = {(series, year): number for series, year, number in part.last_numbers}

    def post(self, currency: str, entries: Iterable[MoneyPosting]) -> None:
        """Take amounts from account to account."""
        accounts = self.balances.setdefault(currency, {})
        for entry in entries:
            assert entry.amount_minor > 0
            assert entry.source != entry.target
            accounts[entry.source] = accounts.get(entry.source, 0) - entry.amount_minor
            accounts[entry.target] = accounts.get(entry.target, 0) + entry.amount_minor

    def issue(self, document: Document) -> None:
        """Take the next number of a series."""
        series = document.series, document.year
        assert document.number == self.last_numbers.get(series, 0) + 1, f"{series} would have a gap"
        self.last_numbers[series] = document.number
