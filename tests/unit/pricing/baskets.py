"""A catalogue for tests of quotes, and short words to ask for one."""

from typing import Any

import msgspec

from engine.commands.configuration import Channel, Item
from engine.commands.pricing import PriceList, Promotion, TaxRates
from engine.pricing.lists import Buyer
from engine.pricing.moments import begins_ns
from engine.pricing.quoting import Asked, Quote, Wanted, quote
from engine.results import Rejection
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

NOON = begins_ns("2026-11-24T12:00:00Z")
PRICES = {"KETTLE": 3_000, "TOWEL": 1_000, "TRAY": 2_000, "BOOK": 1_070}


def configuration(**promotions: dict[str, Any]) -> Configuration:
    """Four items of which the book has the reduced rate, one list for euros, German and Austrian rates, these promotions."""
    known = Configuration()
    known.items = {
        "KETTLE": Item(name="Kettle", groups=("kitchen",)),
        "TOWEL": Item(name="Towel", groups=("linen",)),
        "TRAY": Item(name="Tray", groups=("kitchen",)),
        "BOOK": Item(name="Book", tax_class="reduced"),
    }
    known.channels = {"web": Channel(name="Web", kind="web", country="DE", currency="EUR")}
    known.price_lists = {
        "shelf": msgspec.convert(
            {"currency": "EUR", "prices": {sku: [{"unit_price_minor": minor}] for sku, minor in PRICES.items()}},
            PriceList,
        )
    }
    known.tax_rates = {
        country: msgspec.convert({"classes": {"standard": [{"rate": rate}], "reduced": [{"rate": low}]}}, TaxRates)
        for country, rate, low in (("DE", "0.19", "0.07"), ("AT", "0.2", "0.1"))
    }
    for name, body in promotions.items():
        known.put("promotions", msgspec.convert({"name": name, **body}, Promotion), name)
    return known


def ask(known: Configuration, *lines: tuple[str, int], usage: Usage | None = None, **more: Any) -> Quote | Rejection:
    """A quote for units of SKUs; `more` are fields of the buyer or of the question."""
    buyer = Buyer("web", "EUR", more.pop("country", "DE"), more.pop("customer_group", None), more.pop("at_ns", NOON))
    wanted = [Wanted(str(at + 1), sku, quantity) for at, (sku, quantity) in enumerate(lines)]
    return quote(known, Asked(buyer, wanted, **more), usage or Usage())


def quoted(known: Configuration, *lines: tuple[str, int], **more: Any) -> Quote:
    """A quote that is given."""
    found = ask(known, *lines, **more)
    assert isinstance(found, Quote), found
    return found


def discounts(found: Quote) -> list[int]:
    """What is taken off every line."""
    return [line.discount_minor for line in found.lines]


def reasons(found: Quote) -> dict[str, str | None]:
    """Why promotions do not apply; None for those that do."""
    return {each.promotion: each.reason for each in found.verdicts}
