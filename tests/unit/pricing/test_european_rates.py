"""Every rate of the European Union, of every country, class and date, asked for and put on top, as the tables say."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.amounts import half_up
from engine.commands.configuration import Channel, Item
from engine.commands.pricing import TaxRates
from engine.pricing.checking import problems_of_tax_rates
from engine.pricing.lists import Buyer
from engine.pricing.moments import begins_ns
from engine.pricing.quoting import Asked, Quote, Wanted, quote
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

# Of ibericode/vat-rates (MIT), as of August 2025, in the form of the file; KONTOR_VAT_RATES names the whole file.
EXCERPT = {
    "DE": [
        {"effective_from": "2021-01-01", "rates": {"reduced": 7, "standard": 19}},
        {"effective_from": "2020-07-01", "rates": {"reduced": 5, "standard": 16}},
        {"effective_from": "0000-01-01", "rates": {"reduced": 7, "standard": 19}},
    ],
    "FR": [{"effective_from": "0000-01-01", "rates": {"super_reduced": 2.1, "reduced1": 5.5, "reduced2": 10, "standard": 20}}],
    "LU": [
        {"effective_from": "2024-01-01", "rates": {"super_reduced": 3, "reduced1": 8, "standard": 17, "parking": 14}},
        {"effective_from": "2023-01-01", "rates": {"super_reduced": 3, "reduced1": 7, "standard": 16, "parking": 13}},
    ],
}  # fmt: skip
WHOLE = os.environ.get("KONTOR_VAT_RATES")
TABLES: dict[str, Any] = json.loads(Path(WHOLE).read_text(encoding="utf-8"))["items"] if WHOLE else EXCERPT


def rate_text(percent: float) -> str:
    """19 as 0.19, 5.5 as 0.055."""
    return f"{percent / 100:.6f}".rstrip("0").rstrip(".") or "0"


def rates_of(periods: list[dict[str, Any]]) -> TaxRates:
    """A country of the table as the body that sets it. A class that a period does not name has no rate of its own from then on."""
    classes: dict[str, list[dict[str, str]]] = {}
    for period in reversed(periods):
        since = period["effective_from"].replace("0000-", "0001-")
        for name, percent in period["rates"].items():
            classes.setdefault(name, []).append({"from": since, "rate": rate_text(percent)})
    return msgspec.convert({"classes": classes}, TaxRates)


@pytest.mark.parametrize("country", sorted(TABLES))
@pytest.mark.parametrize("included", [True, False])
def test_every_rate_holds_in_its_country_for_its_class_from_its_day_on(country: str, included: bool) -> None:
    known = Configuration()
    rates = rates_of(TABLES[country])
    assert list(problems_of_tax_rates(rates)) == []
    known.tax_rates = {country: rates}
    known.channels = {
        "web": Channel(name="Web", kind="web", country=country, currency="EUR", prices_include_tax=included)
    }
    known.items = {name: Item(name=name, tax_class=name) for name in rates.classes}
    for period in TABLES[country]:
        day = max(period["effective_from"], "1970-01-02")
        if day != period["effective_from"] and period is not TABLES[country][-1]:
            continue
        for name, percent in period["rates"].items():
            wanted = [Wanted("1", name, 3, 3_333)]
            found = quote(known, Asked(Buyer("web", "EUR", country, None, begins_ns(day)), wanted), Usage())
            assert isinstance(found, Quote)
            line, millionths = found.lines[0], round(percent * 10_000)
            base = 1_000_000 + millionths if included else 1_000_000
            assert (line.rate_millionths, line.category) == (millionths, "S" if millionths else "Z")
            assert line.tax_minor == half_up(9_999 * millionths, base)
            assert line.total_minor - (0 if included else line.tax_minor) == line.goods_minor == 9_999
