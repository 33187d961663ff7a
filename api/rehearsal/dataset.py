"""The Online Retail file (Daqing Chen, UCI, 2015, DOI 10.24432/C5BW33, CC BY 4.0): its rows, and what each of them is.

Every row is in exactly one class. Money is in whole thousandths of a pound, because the file has prices of 0.001.
"""

import csv
import enum
import gzip
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from engine import limits
from engine.commands.fields import SKU_REGEX

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
NS_PER_SECOND = 1_000_000_000
_SERVICE = re.compile(r"POST|DOT|M|m|C2|D|S|BANK CHARGES|AMAZONFEE|CRUK|B|22016|gift_0001_\d\d")
_PRICE = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,3})0*)?", re.ASCII)
_QUANTITY = re.compile(r"-?\d{1,10}", re.ASCII)
_INVOICE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_SKU = re.compile(SKU_REGEX)


class NoDataset(Exception):
    """The file is missing, unreadable, or has other columns."""


class RowClass(enum.StrEnum):
    """What a row is. Where several fit, the first wins."""

    MALFORMED = "malformed"
    BAD_DEBT = "bad_debt"
    SERVICE_CREDIT = "service_credit"
    SERVICE_CHARGE = "service_charge"
    RETURN_LINE = "return_line"
    STOCK_OUT = "stock_out"
    STOCK_IN = "stock_in"
    ORDER_LINE = "order_line"
    ORDER_LINE_FREE = "order_line_free"


class Row(msgspec.Struct, gc=False):
    """One row. `index` is its position, `quantity` in signed units, `price` in thousandths of a pound, `time_ns` as if UTC.

    `malformed` says what is wrong with it; such a row has no units and no value.
    """

    index: int
    invoice: str
    code: str
    description: str
    quantity: int
    time_ns: int
    price: int
    customer: str
    country: str
    malformed: str = ""

    @property
    def day(self) -> date:
        """The trading day."""
        return datetime.fromtimestamp(self.time_ns // NS_PER_SECOND, UTC).date()


class Sums(msgspec.Struct):
    """Rows, signed units, and value in thousandths of a pound."""

    rows: int = 0
    units: int = 0
    value: int = 0

    def add(self, rows: int, units: int, value: int) -> None:
        """Count in."""
        self.rows += rows
        self.units += units
        self.value += value


class Dataset(msgspec.Struct):
    """The rows in file order, their classes, what they sum to, and the hash of the file."""

    rows: list[Row]
    classes: list[RowClass]
    total: Sums
    sha256: str

    def by_class(self) -> dict[RowClass, Sums]:
        """What each class sums to."""
        sums = {kind: Sums() for kind in RowClass}
        for row, kind in zip(self.rows, self.classes, strict=True):
            sums[kind].add(1, row.quantity, row.quantity * row.price)
        return sums


def read(path: Path, days_max: int | None = None) -> Dataset:
    """Read the file, or its first `days_max` trading days. Raises NoDataset."""
    try:
        content = path.read_bytes()
        text = gzip.decompress(content).decode("utf-8") if path.suffix == ".gz" else content.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise NoDataset(f"{path} can't be read: {error}") from None
    cells = csv.reader(io.StringIO(text, newline=""))
    if next(cells, None) != COLUMNS:
        raise NoDataset(f"{path} does not have the columns {', '.join(COLUMNS)}")
    rows = list(_first_days(_rows(cells), days_max))
    total = Sums()
    for row in rows:
        total.add(1, row.quantity, row.quantity * row.price)
    return Dataset(rows, classify(rows), total, hashlib.sha256(content).hexdigest())


def _rows(cells: Iterable[list[str]]) -> Iterator[Row]:
    times: dict[str, int | None] = {}
    prices: dict[str, int | None] = {}
    last_ns = 0
    for index, row in enumerate(cells):
        if len(row) != len(COLUMNS):
            yield Row(index, "", "", "", 0, last_ns, 0, "", "", "it does not have eight columns")
            continue
        invoice, code, description, quantity, stamp, price, customer, country = row
        if stamp not in times:
            times[stamp] = _time_ns(stamp)
        if price not in prices:
            prices[price] = _thousandths(price)
        time_ns, value, units = times[stamp], prices[price], _units(quantity)
        wrong = ""
        if time_ns is None or time_ns < last_ns - 86_400 * NS_PER_SECOND:
            wrong = "its date can't be read or is out of order"
        elif value is None or units is None:
            wrong = "its quantity or price can't be read"
        elif not _SKU.match(code) or not _INVOICE.fullmatch(invoice):
            wrong = "its code or invoice number can't be used"
        elif value < 0 and invoice[0] != "A":
            wrong = "its price is negative"
        if wrong or time_ns is None or value is None or units is None:
            yield Row(index, invoice, code, description, 0, last_ns, 0, customer, country, wrong)
        else:
            last_ns = time_ns
            yield Row(index, invoice, code, description.strip(), units, time_ns, value, customer, country)


def _time_ns(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_SECOND
    except ValueError:
        return None


def _thousandths(text: str) -> int | None:
    found = _PRICE.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction = found.groups()
    value = int(whole) * 1000 + int((fraction or "").ljust(3, "0"))
    return -value if sign else value


def _units(text: str) -> int | None:
    units = int(text) if _QUANTITY.fullmatch(text) else 0
    return units if 0 < abs(units) <= limits.QUANTITY_MAX else None


def _first_days(rows: Iterator[Row], days_max: int | None) -> Iterator[Row]:
    days: set[int] = set()
    for row in rows:
        days.add(row.time_ns // (86_400 * NS_PER_SECOND))
        if days_max is not None and len(days) > days_max:
            return
        yield row


def classify(rows: list[Row]) -> list[RowClass]:
    """The class of every row. Whether a row without a price is a gift or a correction depends on its whole invoice."""
    priced = {row.invoice for row in rows if row.price > 0 and row.quantity > 0}
    return [_class_of(row, row.invoice in priced) for row in rows]


def _class_of(row: Row, priced: bool) -> RowClass:
    if row.malformed:
        return RowClass.MALFORMED
    if row.invoice[0] == "A":
        return RowClass.BAD_DEBT
    credit = row.invoice[0] == "C"
    if _SERVICE.fullmatch(row.code):
        return RowClass.SERVICE_CREDIT if credit else RowClass.SERVICE_CHARGE
    if credit and row.quantity < 0:
        return RowClass.RETURN_LINE
    if row.quantity < 0:
        return RowClass.STOCK_OUT
    if row.price == 0 and not row.customer and not priced:
        return RowClass.STOCK_IN
    return RowClass.ORDER_LINE if row.price > 0 else RowClass.ORDER_LINE_FREE


def item_names(dataset: Dataset) -> dict[str, str]:
    """The usual name of every code that is goods: its most frequent description among sales, else the code itself."""
    goods: dict[str, Counter[str]] = {}
    sold = (RowClass.ORDER_LINE, RowClass.ORDER_LINE_FREE)
    for row, kind in zip(dataset.rows, dataset.classes, strict=True):
        if kind in sold or kind in (RowClass.RETURN_LINE, RowClass.STOCK_IN, RowClass.STOCK_OUT):
            names = goods.setdefault(row.code, Counter())
            if kind in sold and row.description:
                names[row.description] += 1
    return {
        code: min(names, key=lambda name: (-names[name], name)) if names else code
        for code, names in sorted(goods.items())
    }


def pounds(thousandths: int) -> str:
    """`-1,234.567`: exact, with three decimals."""
    return f"{'-' if thousandths < 0 else ''}{abs(thousandths) // 1000:,}.{abs(thousandths) % 1000:03d}"
