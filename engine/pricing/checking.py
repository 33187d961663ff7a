"""What is wrong with prices, taxes and promotions that can't be kept."""

from collections.abc import Iterator

from engine.calendars import day_of_date
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.pricing.kinds import EFFECTS

Problem = tuple[str, str]


def problems_of_promotion(promotion: Promotion) -> Iterator[Problem]:
    """What can't be, each with a pointer into the body."""
    named = [name for name in EFFECTS if getattr(promotion.gives, name) is not None]
    if len(named) != 1:
        yield "/gives", f"a promotion gives exactly one of {', '.join(EFFECTS)}; this one {len(named)}"
    elif promotion.gives.on is not None and promotion.gives.on not in EFFECTS[named[0]].on:
        yield "/gives/on", f"{named[0]} can be on {', '.join(EFFECTS[named[0]].on)}"
    for name, moment in (("from", promotion.when.since), ("to", promotion.when.until)):
        yield from _date(f"/when/{name}", moment)


def problems_of_price_list(price_list: PriceList) -> Iterator[Problem]:
    """What can't be, each with a pointer into the body."""
    yield from _date("/valid_from", price_list.valid_from)
    yield from _date("/valid_to", price_list.valid_to)
    for sku, steps in price_list.prices.items():
        begins = [step.from_quantity for step in steps]
        if sorted(set(begins)) != begins:
            pointer = f"/prices/{sku.replace('~', '~0').replace('/', '~1')}"
            yield pointer, f"the steps of {sku!r} must begin at more and more units"


def problems_of_shipping_prices(table: ShippingPrices) -> Iterator[Problem]:
    """What can't be, each with a pointer into the body."""
    yield from _date("/valid_from", table.valid_from)
    yield from _date("/valid_to", table.valid_to)
    begins = [step.from_goods_minor for step in table.prices]
    if sorted(set(begins)) != begins:
        yield "/prices", "the steps must begin at more and more goods"


def problems_of_tax_rates(rates: TaxRates) -> Iterator[Problem]:
    """What can't be, each with a pointer into the body."""
    for name, dated in rates.classes.items():
        days = [rate.since for rate in dated]
        for at, day in enumerate(days):
            yield from _date(f"/classes/{name}/{at}/from", day)
        if sorted(set(days)) != days:
            yield f"/classes/{name}", f"the rates of class {name!r} must begin on later and later days"


def _date(pointer: str, moment: str | None) -> Iterator[Problem]:
    if moment is not None and day_of_date(moment[:10]) is None:
        yield pointer, f"there is no date {moment[:10]}"


def problems_of_voucher(voucher: Voucher) -> Iterator[Problem]:
    """What can't be, each with a pointer into the body."""
    if voucher.kind == "promotion":
        if voucher.promotion is None:
            yield "/promotion", "a voucher for a promotion names it"
        if voucher.balance_minor is not None or voucher.currency is not None:
            yield "/balance_minor", "only a voucher of a value has a balance and a currency"
    else:
        if voucher.balance_minor is None or voucher.currency is None:
            yield "/balance_minor", "a voucher of a value has a balance and a currency"
        if voucher.promotion is not None or voucher.uses_max is not None:
            yield "/promotion", "only a voucher for a promotion has a promotion and uses"
