"""Rows of a table as prices of a list: one row a price, several of a SKU for larger quantities."""

from collections.abc import Container
from typing import Any, NamedTuple

from api.importing.columns import Field, Mapping, RowError
from api.importing.movements import SKU_WORDS
from api.importing.numbers import NotRead, read_minor, read_whole
from api.importing.tables import BadTable, Table
from engine import limits

FIELDS = (
    Field("sku", SKU_WORDS, needed=True),
    Field("price", ("price", "unitprice", "preis", "einzelpreis", "stueckpreis", "regularprice"), own_name_wins=False),
    Field("unit_price_minor", ("unitpriceminor", "priceminor")),
    Field("from_quantity", ("fromquantity", "minquantity", "abmenge", "staffelmenge")),
    Field("currency", ("currency", "waehrung")),
)
PRICES = ("price", "unit_price_minor")

Steps = list[dict[str, int]]


class CheckedPrices(NamedTuple):
    """Prices by SKU, as a price list has them, how many rows they come from, and the rows that are not taken."""

    prices: dict[str, Steps]
    rows: int
    errors: list[RowError]


def check_rows(
    table: Table, mapping: Mapping, skus: Container[str], currency: str, exponent: int, decimal: str | None
) -> CheckedPrices:
    """Look at every row. `exponent` are the decimals of the currency. A SKU is taken with all of its rows or none.

    Raises BadTable if no column has the prices, or two have.
    """
    given = [name for name in PRICES if name in mapping.columns]
    if len(given) != 1:
        told = "no column has the prices" if not given else "two columns have prices"
        raise BadTable(f"{told}: say which one does, --map price=COLUMN, or --map unit_price_minor=COLUMN for cents")
    mark = decimal or mapping.mark(table, PRICES)
    found: dict[str, list[tuple[int, int, int]]] = {}
    bad: dict[str, int] = {}
    errors: list[RowError] = []
    for row in table.rows:
        texts = mapping.texts(row)
        step = (
            texts
            if isinstance(texts, RowError)
            else _step_of(row.number, texts, mapping, skus, currency, exponent, mark)
        )
        sku = "" if isinstance(texts, RowError) else texts["sku"]
        if isinstance(step, RowError):
            errors.append(step)
            bad.setdefault(sku, row.number)
        else:
            found.setdefault(sku, []).append((row.number, *step))
    prices: dict[str, Steps] = {}
    for sku, steps in found.items():
        wrong = _wrong_together(steps, bad.get(sku))
        if wrong is None:
            steps.sort(key=lambda step: step[1])
            prices[sku] = [_as_step(quantity, minor) for _, quantity, minor in steps]
        else:
            errors += [RowError(row, mapping.word("sku"), sku, wrong) for row, _, _ in steps]
    return CheckedPrices(prices, sum(len(found[sku]) for sku in prices), errors)


def _as_step(from_quantity: int, minor: int) -> dict[str, int]:
    return {"unit_price_minor": minor} | ({"from_quantity": from_quantity} if from_quantity > 1 else {})


def _wrong_together(steps: list[tuple[int, int, int]], bad_row: int | None) -> str | None:
    """What is wrong with the rows of a SKU, each of which is right."""
    if bad_row is not None:
        return f"row {bad_row} names it too and is wrong; its prices are taken together or not at all"
    rows: dict[int, int] = {}
    for row, quantity, _ in steps:
        if rows.setdefault(quantity, row) != row:
            return f"rows {rows[quantity]} and {row} both have its price from {quantity} on"
    if len(steps) > limits.PRICE_STEPS_MAX:
        return f"it has more than {limits.PRICE_STEPS_MAX} prices"
    return None


def _step_of(
    number: int,
    texts: dict[str, str],
    mapping: Mapping,
    skus: Container[str],
    currency: str,
    exponent: int,
    mark: str | None,
) -> tuple[int, int] | RowError:
    """From which quantity on a row has which price, in minor units; or the first thing that is wrong with it."""

    def wrong(field: str, error: str) -> RowError:
        return RowError(number, mapping.word(field), texts.get(field, ""), error)

    if texts["sku"] not in skus:
        return wrong("sku", "there is no such sku" if texts["sku"] else "there is no sku in this row")
    if texts.get("currency", "") not in ("", currency):
        return wrong("currency", f"the price list is in {currency}")
    field = next(name for name in PRICES if name in mapping.columns)
    amount = texts[field]
    if currency in amount:
        amount = amount.removesuffix(currency).removeprefix(currency).strip()
    if not amount:
        return wrong(field, "there is no price in this row")
    try:
        minor = read_minor(amount, mark, exponent if field == "price" else 0)
    except NotRead as error:
        return wrong(field, str(error))
    if minor > limits.MINOR_MAX:
        return wrong(field, "this number is too large")
    try:
        quantity = read_whole(texts["from_quantity"], None) if texts.get("from_quantity") else 1
    except NotRead as error:
        return wrong("from_quantity", str(error))
    if not 1 <= quantity <= limits.QUANTITY_MAX:
        return wrong("from_quantity", f"a quantity is from 1 to {limits.QUANTITY_MAX:,}")
    return quantity, minor


def merged(known: dict[str, Any], prices: dict[str, Steps]) -> dict[str, Any]:
    """A price list with these prices; SKUs that are not among them keep theirs."""
    return {**known, "prices": {**known.get("prices", {}), **prices}}
