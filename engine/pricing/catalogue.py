"""Promotions made ready for many quotes: dates as numbers, names as sets, and an index by what they are about."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.amounts import millionths_of_percent
from engine.commands.pricing import Gives, Promotion
from engine.pricing.kinds import EFFECTS, effect_of
from engine.pricing.lists import Buyer
from engine.pricing.moments import begins_ns, ends_ns
from engine.state.configuration import Configuration

EXCLUSIVE = "exclusive"


class Ready(NamedTuple):
    """One promotion, made ready. `group` is that of best_of, None for others; `millionths` is of its percentage.

    `of_all_units`: it is about every unit of the lines that count, in the same way.
    """

    id: str
    body: Promotion
    kind: str
    on: str
    millionths: int
    begins_ns: int | None
    ends_ns: int | None
    skus: frozenset[str] | None
    groups: frozenset[str] | None
    exclusive: bool
    group: str | None
    of_all_units: bool

    @property
    def gives(self) -> Gives:
        """What it takes off."""
        return self.body.gives


def ready(promotion_id: str, body: Promotion) -> Ready:
    """Make one promotion ready."""
    kind = effect_of(body.gives)
    when, gives = body.when, body.gives
    about_all = when.items is None and when.item_groups is None
    percent = gives.percent if gives.buy_x_get_y is None else gives.buy_x_get_y.percent
    on = (
        "shipping"
        if kind == "free_shipping"
        else gives.on or ("items" if not about_all and EFFECTS[kind].whole else EFFECTS[kind].on[0])
    )
    return Ready(
        promotion_id,
        body,
        kind,
        on,
        0 if percent is None else millionths_of_percent(percent),
        None if when.since is None else begins_ns(when.since),
        None if when.until is None else ends_ns(when.until),
        None if about_all else frozenset(when.items or ()),
        None if about_all else frozenset(when.item_groups or ()),
        body.combines == EXCLUSIVE,
        body.combines.partition(":")[2] or None,
        on == "items" and gives.max_units is None and kind in ("percent", "amount", "amount_per_item", "fixed_price"),
    )


class Catalogue:
    """All promotions, indexed by what they need in a basket."""

    def __init__(self, promotions: dict[str, Promotion]) -> None:
        self.ready = [ready(name, body) for name, body in promotions.items()]
        self._everywhere: list[int] = []
        self._by_sku: dict[str, list[int]] = {}
        self._by_group: dict[str, list[int]] = {}
        for at, each in enumerate(self.ready):
            if each.skus is None or each.groups is None:
                self._everywhere.append(at)
                continue
            for sku in sorted(each.skus):
                self._by_sku.setdefault(sku, []).append(at)
            for group in sorted(each.groups):
                self._by_group.setdefault(group, []).append(at)

    def about(self, lines: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[Ready, Sequence[int]]]:
        """The promotions that could be about lines, given by SKU and groups of the item, each with the positions that
        count for it.

        In the order of their creation.
        """
        everything = range(len(lines))
        found: dict[int, Sequence[int]] = dict.fromkeys(self._everywhere, everything)
        some: dict[int, dict[int, None]] = {}
        for position, (sku, of_item) in enumerate(lines):
            for at in self._by_sku.get(sku, ()):
                some.setdefault(at, {})[position] = None
            for group in of_item:
                for at in self._by_group.get(group, ()):
                    some.setdefault(at, {})[position] = None
        for at, positions in some.items():
            found[at] = list(positions)
        return [(self.ready[at], found[at]) for at in sorted(found)]


class Catalogues:
    """The catalogue of a configuration, made anew when its promotions changed."""

    def __init__(self) -> None:
        self._version = -1
        self._made = Catalogue({})

    def of(self, configuration: Configuration) -> Catalogue:
        """All promotions, made ready for quotes."""
        if self._version != configuration.promotions_version:
            self._version, self._made = configuration.promotions_version, Catalogue(configuration.promotions)
        return self._made


def why_not(promotion: Ready, buyer: Buyer, first_order: bool, vouchers: frozenset[str]) -> str | None:
    """Which condition about the buyer does not hold; None if all do. `vouchers` are promotions with a voucher."""
    when = promotion.body.when
    if when.voucher and promotion.id not in vouchers:
        return "no_voucher"
    if when.channels is not None and buyer.channel not in when.channels:
        return "channel"
    if when.countries is not None and buyer.country not in when.countries:
        return "country"
    if promotion.begins_ns is not None and buyer.at_ns < promotion.begins_ns:
        return "not_begun"
    if promotion.ends_ns is not None and buyer.at_ns >= promotion.ends_ns:
        return "ended"
    if when.customer_groups is not None and buyer.customer_group not in when.customer_groups:
        return "customer_group"
    return "not_first_order" if when.first_order and not first_order else None
