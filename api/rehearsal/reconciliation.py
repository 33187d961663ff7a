"""The reconciliation: what became of every row, in rows, units and value, against what the file sums to.

Exact: units are whole, value is in whole thousandths of a pound. A row counts once. Where a return is made good by
several orders, or partly by none, its units and value stand where they went, and the row where its first units went.
"""

import enum
from typing import Any

from rich.table import Table

from api.rehearsal.dataset import Dataset, RowClass, Sums, pounds


class Fate(enum.StrEnum):
    """What can become of a row that is not refused."""

    SOLD = "order line"
    SOLD_FREE = "order line, free of charge"
    RETURNED = "return to stock against its order"
    CANCELLED = "cancelled on the day of its order"
    RETURNED_WITHOUT_ORDER = "return without an earlier order, quarantined"
    STOCK_OUT = "stock correction out"
    STOCK_IN = "stock correction in"
    SERVICE_CHARGE = "service charge, no goods"
    SERVICE_CREDIT = "service credit, no goods"
    BAD_DEBT = "bad debt, no goods"


NO_GOODS = {
    RowClass.SERVICE_CHARGE: Fate.SERVICE_CHARGE,
    RowClass.SERVICE_CREDIT: Fate.SERVICE_CREDIT,
    RowClass.BAD_DEBT: Fate.BAD_DEBT,
}
REFUSED = "refused: "


class Reconciliation:
    """Counts rows by what became of them. `sums` is in order of Fate, then refusals in order of appearance."""

    def __init__(self, dataset: Dataset) -> None:
        self._rows = dataset.rows
        self._counted = bytearray(len(dataset.rows))
        self._file = dataset.total
        self._classes = dataset.by_class()
        self.sums: dict[str, Sums] = {fate.value: Sums() for fate in Fate}

    def book(self, row: int, units: int, fate: str) -> None:
        """`units` (signed as in the file) of a row went the way of `fate`."""
        price = self._rows[row].price
        sums = self.sums.get(fate)
        if sums is None:
            sums = self.sums[fate] = Sums()
        if not self._counted[row]:
            self._counted[row] = 1
            sums.rows += 1
        sums.units += units
        sums.value += units * price

    def book_whole(self, row: int, fate: str) -> None:
        """All of a row went one way."""
        self.book(row, self._rows[row].quantity, fate)

    @property
    def total(self) -> Sums:
        """What the table sums to."""
        total = Sums()
        for sums in self.sums.values():
            total.add(sums.rows, sums.units, sums.value)
        return total

    @property
    def matches(self) -> bool:
        """Whether the table sums to the file, in rows, units and value."""
        return self.total == self._file and all(self._counted)

    def refusals(self) -> dict[str, Sums]:
        """What was refused, by reason."""
        return {name.removeprefix(REFUSED): sums for name, sums in self.sums.items() if name.startswith(REFUSED)}

    def to_json(self) -> dict[str, Any]:
        """The table for machines; value in pounds as an exact decimal string."""
        return {
            "became": {name: _plain(sums) for name, sums in self.sums.items()},
            "total": _plain(self.total),
            "file": _plain(self._file),
            "file_by_class": {kind.value: _plain(sums) for kind, sums in self._classes.items()},
            "matches": self.matches,
        }

    def table(self) -> Table:
        """The table for people."""
        table = Table(title="What became of every row", title_justify="left", title_style="bold", show_footer=False)
        table.add_column("became")
        for name in ("rows", "units", "GBP"):
            table.add_column(name, justify="right")
        for name, sums in self.sums.items():
            if sums.rows or sums.units:
                table.add_row(name, *_cells(sums), style="yellow" if name.startswith(REFUSED) else None)
        table.add_section()
        table.add_row("sum", *_cells(self.total))
        table.add_row("file", *_cells(self._file))
        style = "bold green" if self.matches else "bold red"
        difference = Sums(
            self.total.rows - self._file.rows,
            self.total.units - self._file.units,
            self.total.value - self._file.value,
        )
        table.add_row("difference", *_cells(difference), style=style)
        table.caption = "every row accounted for" if self.matches else "DIFFERENCE"
        table.caption_style, table.caption_justify = style, "left"
        return table


def _plain(sums: Sums) -> dict[str, int | str]:
    return {"rows": sums.rows, "units": sums.units, "value_gbp": pounds(sums.value).replace(",", "")}


def _cells(sums: Sums) -> tuple[str, str, str]:
    return f"{sums.rows:,}", f"{sums.units:,}", pounds(sums.value)
