"""The bookings as CSV: every posting, or every account with what moved it."""

import csv
from collections.abc import Iterable
from datetime import date
from typing import TextIO

from api.answers.timestamps import iso
from api.exporting.bookings import Booking, amount_text, harmless

POSTINGS = (
    "seq", "time", "date", "actor", "document_type", "document", "order", "debit_account", "credit_account", "amount", "currency",
)  # fmt: skip
BALANCES = ("currency", "account", "opening", "debits", "credits", "closing")


def write_postings(bookings: Iterable[Booking], file: TextIO) -> int:
    """One line for every posting; how many there were."""
    table = csv.writer(file)
    table.writerow(POSTINGS)
    count = 0
    for booking in bookings:
        fact = booking.fact
        about = (booking.seq, iso(booking.time_ns), booking.day.isoformat(), harmless(booking.actor))
        document = (fact.document_type, harmless(fact.document_id), harmless(fact.order or ""))
        for entry in fact.entries:
            amount = amount_text(entry.amount_minor, fact.currency)
            accounts = (harmless(entry.target), harmless(entry.source))
            table.writerow((*about, *document, *accounts, amount, fact.currency))
            count += 1
    return count


def write_balances(bookings: Iterable[Booking], first: date | None, file: TextIO) -> int:
    """One line for every account: what it stood at before `first`, what moved it from then on, and what it stands at.

    `bookings` begin with the very first one. Gives the number of accounts.
    """
    accounts: dict[tuple[str, str], list[int]] = {}
    for booking in bookings:
        fact = booking.fact
        before = first is not None and booking.day < first
        for entry in fact.entries:
            for account, amount in ((entry.target, entry.amount_minor), (entry.source, -entry.amount_minor)):
                sums = accounts.setdefault((fact.currency, account), [0, 0, 0])
                sums[0 if before else 1 if amount > 0 else 2] += amount
    table = csv.writer(file)
    table.writerow(BALANCES)
    for (currency, account), (opening, debited, credited) in sorted(accounts.items()):
        amounts = (opening, debited, -credited, opening + debited + credited)
        table.writerow((currency, harmless(account), *(amount_text(amount, currency) for amount in amounts)))
    return len(accounts)
