"""A quote: what a basket costs, line by line, with every discount and the tax in it. Pure; changes nothing."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from engine.amounts import spread
from engine.facts.money import Condition, Discount, Priced
from engine.pricing.catalogue import Catalogues, why_not
from engine.pricing.combining import Combined, Verdict, combine
from engine.pricing.effects import Basket, Candidate, Off, Row
from engine.pricing.lists import Buyer, UnitPrice, lists_for, unit_price
from engine.pricing.shipping import shipping_price
from engine.pricing.taxes import UNTAXED, Tax, contained, on_top, rate_of, shipping_class
from engine.results import FieldError, Rejection, ResultCode
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

NO_USAGE = Usage()


class Wanted(NamedTuple):
    """A line that somebody asks the price of; `unit_price_minor` is the shop's own and wins."""

    id: str
    sku: str
    quantity: int
    unit_price_minor: int | None = None


class Given(NamedTuple):
    """A discount that the shop gives itself, off the lines at some positions (None: all), spread by what they cost."""

    label: str
    minor: int
    lines: tuple[int, ...] | None = None


class Asked(NamedTuple):
    """All that a quote depends on. `treatment` says which sale it is for tax, `vouchers` the promotions vouchers were given for,
    `customer` who buys, if that is known. Without `shipping_minor` the tables say it."""

    buyer: Buyer
    lines: Sequence[Wanted]
    shipping_minor: int | None = None
    first_order: bool = False
    treatment: str = "domestic"
    vouchers: frozenset[str] = frozenset()
    promotions: bool = True
    discounts: tuple[Given, ...] = ()
    customer: str | None = None
    delivery: str = "ship"


class Quote(NamedTuple):
    """Lines in the order in which they were asked for, shipping, why promotions did or did not apply, and what must stay for some, and
    whether it matters who buys."""

    lines: tuple[Priced, ...]
    shipping: Priced
    verdicts: list[Verdict]
    conditions: tuple[Condition, ...]
    counts_by_customer: bool

    @property
    def goods(self) -> int:
        """Before discounts, without shipping."""
        return sum([line.goods_minor for line in self.lines])

    @property
    def discount(self) -> int:
        """Off lines and shipping."""
        return sum([line.discount_minor for line in self.lines]) + self.shipping.discount_minor

    @property
    def tax(self) -> int:
        """In lines and shipping."""
        return sum([line.tax_minor for line in self.lines]) + self.shipping.tax_minor

    @property
    def total(self) -> int:
        """What the customer pays."""
        return sum([line.total_minor for line in self.lines]) + self.shipping.total_minor


def quote(configuration: Configuration, asked: Asked, usage: Usage) -> Quote | Rejection:
    """What it all costs, or the lines that there is no price for. `usage` says what is left of promotions with limits."""
    items, at_ns = configuration.items, asked.buyer.at_ns
    channel = configuration.channels[asked.buyer.channel]
    home = configuration.tax_rates.get(channel.country)
    country = asked.buyer.country or channel.country
    if home is not None and country not in configuration.tax_rates:
        country = channel.country
    rates = configuration.tax_rates.get(country)
    goods_tax = [rate_of(rates, items[line.sku].tax_class, at_ns) for line in asked.lines]
    shipping_tax = rate_of(rates, shipping_class(rates), at_ns)
    prices = _prices(configuration, asked)
    if isinstance(prices, Rejection):
        return prices
    goods_minor = sum([line.quantity * price.minor for line, price in zip(asked.lines, prices, strict=True)])
    shipping_price = _shipping(configuration, asked, goods_minor)
    untaxed = UNTAXED.get(asked.treatment)
    if untaxed is not None:
        at_home = [rate_of(home, items[line.sku].tax_class, at_ns) for line in asked.lines]
        prices = [_without_tax(price, tax) for price, tax in zip(prices, at_home, strict=True)]
        shipping_price = _without_tax(shipping_price, rate_of(home, shipping_class(home), at_ns))
        goods_tax, shipping_tax = [Tax(0, untaxed)] * len(prices), Tax(0, untaxed)
        country = asked.buyer.country or channel.country
    rows = [
        Row(line.sku, items[line.sku].groups, line.quantity, line.quantity * price.minor)
        for line, price in zip(asked.lines, prices, strict=True)
    ]
    basket, own = _own_discounts(asked, Basket(rows, [row.goods_minor for row in rows], shipping_price.minor))
    combined, refused = _promotions(configuration, asked, basket, usage)
    lines = tuple(
        _priced(price, row.goods_minor, tuple(discounts), left, tax, country)
        for price, row, discounts, left, tax in zip(
            prices, rows, _discounts(combined, own), combined.left.left, goods_tax, strict=True
        )
    )
    off_shipping = tuple(
        Discount(each.promotion.id, each.off.shipping) for each in combined.applied if each.off.shipping
    )
    shipping = _priced(
        shipping_price, shipping_price.minor, off_shipping, combined.left.shipping, shipping_tax, country
    )
    return Quote(lines, shipping, refused + combined.verdicts, _conditions(combined), _by_customer(combined))


def _prices(configuration: Configuration, asked: Asked) -> list[UnitPrice] | Rejection:
    """The unit price of every line: the shop's own, else that of the lists. Lines of one SKU count together for steps."""
    included = configuration.channels[asked.buyer.channel].prices_include_tax
    units: dict[str, int] = {}
    for line in asked.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    lists = lists_for(configuration.price_lists, asked.buyer)
    prices, missing = [], []
    for at, line in enumerate(asked.lines):
        if line.unit_price_minor is not None:
            prices.append(UnitPrice(line.unit_price_minor, included, None))
            continue
        found = unit_price(lists, line.sku, units[line.sku])
        if found is None:
            detail = f"no price list for {asked.buyer.currency} on this channel has a price of {line.sku!r} now"
            missing.append(FieldError(f"/lines/{at}/sku", detail))
        else:
            prices.append(found)
    return Rejection(ResultCode.NO_PRICE, missing[0].detail, tuple(missing)) if missing else prices


def _shipping(configuration: Configuration, asked: Asked, goods_minor: int) -> UnitPrice:
    """What sending costs: the shop's own price, else that of the tables, else nothing."""
    own = UnitPrice(asked.shipping_minor or 0, configuration.channels[asked.buyer.channel].prices_include_tax, None)
    if asked.shipping_minor is not None or not configuration.shipping_prices:
        return own
    return shipping_price(configuration.shipping_prices, asked.buyer, asked.delivery, goods_minor) or own


def _without_tax(price: UnitPrice, tax: Tax) -> UnitPrice:
    """The price of a sale without tax: what is left of one that includes the tax at home."""
    if not price.tax_included:
        return price
    return UnitPrice(price.minor - contained(price.minor, tax), False, price.price_list)


def _promotions(
    configuration: Configuration, asked: Asked, basket: Basket, usage: Usage
) -> tuple[Combined, list[Verdict]]:
    """Those that apply, and why others do not."""
    if not (asked.promotions and configuration.promotions):
        return Combined([], basket, []), []
    candidates, refused = [], []
    for promotion, found in (
        configuration.cache(Catalogues).of(configuration).about([(row.sku, row.groups) for row in basket.rows])
    ):
        reason = why_not(promotion, asked.buyer, asked.first_order, asked.vouchers)
        if reason is None:
            candidates.append(Candidate(promotion, found))
        else:
            refused.append(Verdict(promotion.id, 0, reason))
    return combine(candidates, basket, partial(usage.why_not, customer=asked.customer)), refused


def _by_customer(combined: Combined) -> bool:
    """Whether some promotion is limited by customer."""
    return any(each.promotion.body.limits.uses_per_customer is not None for each in combined.applied)


def _conditions(combined: Combined) -> tuple[Condition, ...]:
    """What must stay of the order for promotions whose discount is clawed back else."""
    found = []
    for each in combined.applied:
        body = each.promotion.body
        if body.on_partial_return == "claw_back":
            offer = body.gives.buy_x_get_y
            units = max(body.when.min_quantity or 0, offer.buy + offer.get if offer is not None else 0)
            condition = Condition(each.promotion.id, tuple(each.found), body.when.min_goods_minor, units or None)
            found.append(condition)
    return tuple(found)


def _own_discounts(asked: Asked, basket: Basket) -> tuple[Basket, list[list[Discount]]]:
    """What the shop takes off itself comes before any promotion, and never takes off more than there is."""
    found: list[list[Discount]] = [[] for _ in basket.rows]
    for given in asked.discounts:
        positions = range(len(basket.rows)) if given.lines is None else given.lines
        left = [basket.left[at] for at in positions]
        minor = min(given.minor, sum(left))
        shares = dict(zip(positions, spread(minor, left), strict=True))
        basket = basket.less(Off(shares, 0, minor))
        for at, minor in shares.items():
            if minor:
                found[at].append(Discount(None, minor, given.label))
    return basket, found


def _discounts(combined: Combined, found: list[list[Discount]]) -> list[list[Discount]]:
    """What applies to every line, in the order in which it was taken off; `found` came before promotions."""
    for each in combined.applied:
        for at, minor in each.off.lines.items():
            if minor:
                found[at].append(Discount(each.promotion.id, minor))
    return found


def _priced(
    price: UnitPrice, goods: int, discounts: tuple[Discount, ...], left: int, rate: Tax, country: str
) -> Priced:
    millionths, category = rate
    tax = contained(left, rate) if price.tax_included else on_top(left, rate)
    total = left if price.tax_included else left + tax
    return Priced(
        price.minor, goods, total, tax, millionths, category, price.tax_included, discounts, price.price_list, country
    )


def more_of(priced: Priced, quantity: int) -> Priced:
    """What more units of something cost: the same price and tax, without discounts."""
    price = UnitPrice(priced.unit_price_minor, priced.tax_included, priced.price_list)
    goods = quantity * priced.unit_price_minor
    return _priced(price, goods, (), goods, Tax(priced.rate_millionths, priced.category), priced.country)


def priced_alone(configuration: Configuration, asked: Asked) -> Priced:
    """What one line costs by itself, without promotions; nothing if there is no price for it."""
    found = quote(configuration, asked._replace(promotions=False), NO_USAGE)
    if isinstance(found, Rejection):
        line = asked.lines[0]._replace(unit_price_minor=0)
        found = quote(configuration, asked._replace(promotions=False, lines=[line]), NO_USAGE)
    assert isinstance(found, Quote)
    return found.lines[0]
