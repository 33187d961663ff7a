"""The money of a replay: what the books of the node must say, to the penny, and how that and the file come to the same.

The file's prices are without tax. Credits are for what was paid for the units, whatever price the row of the return
has.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from rich.table import Table

from api.exporting.bookings import Booking
from api.rehearsal.dataset import Dataset, RowClass, pounds
from api.rehearsal.steps import GoodsBack, Sale


class Booked(msgspec.Struct):
    """What money accounts were moved by, in pence: goods sold without tax, goods credited, the tax in both by rate."""

    sold_minor: int = 0
    credited_minor: int = 0
    tax_minor: dict[str, int] = {}

    def post(self, source: str, target: str, amount_minor: int) -> None:
        """Count a posting in."""
        if source.startswith("revenue:"):
            self.sold_minor += amount_minor
        elif target.startswith("revenue:"):
            self.credited_minor += amount_minor
        for account, minor in ((source, amount_minor), (target, -amount_minor)):
            if account.startswith("tax_payable:"):
                rate = account.rpartition(":")[2]
                self.tax_minor[rate] = self.tax_minor.get(rate, 0) + minor


def booked(bookings: Iterable[Booking]) -> Booked:
    """What a journal's bookings come to."""
    sums = Booked()
    for booking in bookings:
        for entry in booking.fact.entries:
            sums.post(entry.source, entry.target, entry.amount_minor)
    return sums


class Money:
    """What should be booked, step by step, and what of the file's value is not, or otherwise (thousandths of GBP)."""

    def __init__(self, dataset: Dataset) -> None:
        self._rows = dataset.rows
        self._file = dataset.total.value
        self._classes = dataset.by_class()
        self._prices: dict[str, list[int]] = {}
        self.sold_minor = 0
        self.credited_minor = 0
        self.fractions = 0
        self.other_prices = 0
        self.refused = 0
        self.without_order = 0

    def placed(self, sale: Sale) -> None:
        """An order was accepted: it will be sold, unless some of it is cancelled."""
        self._prices[sale.number] = [line.price_minor for line in sale.lines]
        for line in sale.lines:
            self.sold_minor += line.quantity * line.price_minor
            self.fractions += line.quantity * (self._rows[line.row].price - 10 * line.price_minor)

    def not_placed(self, sale: Sale) -> None:
        """An order was refused."""
        self.refused += sum(line.quantity * self._rows[line.row].price for line in sale.lines)

    def cancelled(self, goods: GoodsBack) -> None:
        """Units were never sold after all."""
        self.sold_minor -= self._back(goods)

    def settled(self, goods: GoodsBack) -> None:
        """Units that came back were credited."""
        self.credited_minor += self._back(goods)

    def _back(self, goods: GoodsBack) -> int:
        paid = 0
        for line in goods.lines:
            price = self._prices[goods.order][int(line.line) - 1]
            paid += line.quantity * price
            self.other_prices += line.quantity * (10 * price - self._rows[line.row].price)
        return paid

    def refused_back(self, goods: GoodsBack) -> None:
        """Nothing of these units came back to an order."""
        self.refused -= sum(line.quantity * self._rows[line.row].price for line in goods.lines)

    def came_without_order(self, row: int, units: int) -> None:
        """Units came back that no order is known for: nothing is credited."""
        self.without_order -= units * self._rows[row].price

    def report(self, found: Booked) -> "MoneyReport":
        """What the node booked beside all that."""
        value = {kind: self._classes[kind].value for kind in RowClass}
        corrections = value[RowClass.STOCK_OUT] + value[RowClass.STOCK_IN]
        charges = value[RowClass.SERVICE_CHARGE] + value[RowClass.SERVICE_CREDIT] + value[RowClass.BAD_DEBT]
        parts = {
            "sales, invoiced": 10 * found.sold_minor,
            "returns, credited": -10 * found.credited_minor,
            "returns without an order, quarantined": self.without_order,
            "corrections": corrections,
            "charges, credits and bad debt, no goods": charges,
            "returns at another price than was paid": self.other_prices,
            "tenths of a penny": self.fractions,
            "refused": self.refused,
        }
        as_expected = (found.sold_minor, found.credited_minor) == (self.sold_minor, self.credited_minor)
        return MoneyReport(parts, self._file, as_expected, dict(sorted(found.tax_minor.items())))


class MoneyReport(msgspec.Struct):
    """Parts of the file's value (thousandths of a pound). `as_expected`: the books say what the steps that were done
    come to.

    `tax_minor` is the tax that was booked on top, in pence, by rate.
    """

    parts: dict[str, int]
    file: int
    as_expected: bool
    tax_minor: dict[str, int]

    @property
    def matches(self) -> bool:
        """Whether nothing of the file's value is missing, and the books are what they must be."""
        return self.as_expected and sum(self.parts.values()) == self.file

    def to_json(self) -> dict[str, Any]:
        """For machines; pounds as exact decimal strings."""
        return {
            "parts": {name: pounds(value).replace(",", "") for name, value in self.parts.items()},
            "file": pounds(self.file).replace(",", ""),
            "tax": {rate: pounds(10 * minor).replace(",", "") for rate, minor in self.tax_minor.items()},
            "matches": self.matches,
        }

    def table(self) -> Table:
        """For people."""
        table = Table(title="The money, without tax", title_justify="left", title_style="bold")
        table.add_column("part")
        table.add_column("GBP", justify="right")
        for name, value in self.parts.items():
            if value:
                table.add_row(name, pounds(value))
        table.add_section()
        table.add_row("sum", pounds(sum(self.parts.values())))
        table.add_row("file", pounds(self.file))
        for rate, minor in self.tax_minor.items():
            table.add_row(f"tax on top at {rate}", pounds(10 * minor), style="dim")
        style = "bold green" if self.matches else "bold red"
        table.add_row("difference", pounds(sum(self.parts.values()) - self.file), style=style)
        table.caption = "booked to the penny" if self.matches else "DIFFERENCE"
        table.caption_style, table.caption_justify = style, "left"
        return table
