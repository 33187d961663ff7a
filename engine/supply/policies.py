"""Which settings of a policy hold for a request, and what is wrong with a policy that can't be kept."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from engine import limits
from engine.commands.policies import (
    ADDED_UP,
    CarrierRate,
    Conditions,
    ItemSelector,
    NodeSelector,
    Settings,
    SourcingPolicy,
    Weekday,
)

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NS_PER_DAY = 86_400 * limits.NS_PER_SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Circumstances(NamedTuple):
    """What conditions look at. `item_groups` are those of all items; `value_minor` what the goods are worth."""

    country: str | None = None
    delivery: str = "ship"
    customer_group: str | None = None
    item_groups: tuple[str, ...] = ()
    value_minor: int = 0
    now_ns: int = 0


def holds(when: Conditions, seen: Circumstances) -> bool:
    """Whether everything the conditions name holds."""
    return (
        (when.countries is None or seen.country in when.countries)
        and (when.deliveries is None or seen.delivery in when.deliveries)
        and (when.customer_groups is None or seen.customer_group in when.customer_groups)
        and (when.item_groups is None or any(group in when.item_groups for group in seen.item_groups))
        and (when.value_minor_from is None or seen.value_minor >= when.value_minor_from)
        and (when.value_minor_below is None or seen.value_minor < when.value_minor_below)
        and (when.valid_from is None or seen.now_ns >= instant_ns(when.valid_from))
        and (when.valid_until is None or seen.now_ns < instant_ns(when.valid_until))
        and (when.weekdays is None or weekday_of(seen.now_ns) in when.weekdays)
    )


def weekday_of(now_ns: int) -> Weekday:
    """The day of the week in UTC. 1970-01-01 was a Thursday."""
    return WEEKDAYS[(now_ns // NS_PER_DAY + 3) % 7]


def instant_ns(text: str) -> int:
    """2026-11-23T16:00:00Z in ns since 1970. Raises ValueError for a day that does not exist."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(seconds=1) * limits.NS_PER_SECOND


def variant_of(policy: SourcingPolicy, seen: Circumstances) -> tuple[int, ...]:
    """Positions of the overrides that hold."""
    return tuple([at for at, override in enumerate(policy.overrides) if holds(override.when, seen)])


def settings_of(policy: SourcingPolicy, variant: tuple[int, ...]) -> Settings:
    """The settings with these overrides applied, in order: some are added up, the others replace."""
    merged = {name: getattr(policy, name) for name in Settings.__struct_fields__}
    for at in variant:
        for name in Settings.__struct_fields__:
            value = getattr(policy.overrides[at].then, name)
            if value is None:
                continue
            merged[name] = (merged[name] or ()) + value if name in ADDED_UP else value
    return Settings(**merged)


def asks_own_code(policy: SourcingPolicy) -> bool:
    """Whether registered functions add to its prices, always or at times."""
    return any(settings.functions for _, settings in all_settings(policy))


def selects_item(selector: ItemSelector, sku: str, groups: tuple[str, ...]) -> bool:
    """Whether an item is named, or is in a named group; an empty selector takes all."""
    if selector.skus is None and selector.groups is None:
        return True
    return sku in (selector.skus or ()) or any(group in (selector.groups or ()) for group in groups)


Wrong = tuple[str, str]


def problems_of(policy: SourcingPolicy, functions: tuple[str, ...]) -> list[Wrong]:
    """Everything that can't be kept, as (JSON pointer, what is wrong). `functions` are the registered names."""
    wrong: list[Wrong] = []
    if len(policy.overrides) > limits.OVERRIDES_MAX:
        wrong.append(("/overrides", f"at most {limits.OVERRIDES_MAX} overrides"))
    for pointer, settings in all_settings(policy):
        wrong += [(pointer + inner, detail) for inner, detail in _wrong_settings(settings, functions)]
    for at, override in enumerate(policy.overrides):
        wrong += [(f"/overrides/{at}/when{inner}", detail) for inner, detail in _wrong_conditions(override.when)]
        if override.then == Settings():
            wrong.append((f"/overrides/{at}/then", "nothing is set"))
    return wrong


def all_settings(policy: SourcingPolicy) -> Iterator[tuple[str, Settings]]:
    """A policy's own settings and those of its overrides, each with the pointer to where they stand."""
    yield "", policy
    for at, override in enumerate(policy.overrides):
        yield f"/overrides/{at}/then", override.then


def _wrong_conditions(when: Conditions) -> Iterator[Wrong]:
    if when == Conditions():
        yield "", "there is no condition; a setting that always holds belongs into the policy itself"
    for name in ("countries", "deliveries", "item_groups", "customer_groups", "weekdays"):
        if getattr(when, name) == ():
            yield f"/{name}", "an empty list matches nothing; leave it out to match everything"
    for name in ("valid_from", "valid_until"):
        text = getattr(when, name)
        if text is not None and not _is_date(text):
            yield f"/{name}", f"there is no {text[:10]}"
    if when.valid_from is not None and when.valid_until is not None and when.valid_from >= when.valid_until:
        yield "/valid_until", "is not after `valid_from`"
    low, high = when.value_minor_from, when.value_minor_below
    if low is not None and high is not None and low >= high:
        yield "/value_minor_below", "is not above `value_minor_from`"


def _is_date(text: str) -> bool:
    try:
        instant_ns(text)
    except ValueError:
        return False
    return True


def _wrong_settings(settings: Settings, functions: tuple[str, ...]) -> Iterator[Wrong]:
    for pointer, selector in _selectors(settings):
        for name in ("nodes", "kinds", "countries", "groups", "skus"):
            if getattr(selector, name, None) == ():
                yield f"{pointer}/{name}", "an empty list selects nothing; leave it out to select everything"
    if settings.eligible == ():
        yield "/eligible", "no node could send; leave it out to let every node send"
    for at, rate in enumerate(settings.carriers or ()):
        for inner, detail in _wrong_rate(rate, settings.parcel_grams_max):
            yield f"/carriers/{at}{inner}", detail
    for at, name in enumerate(settings.functions or ()):
        if name not in functions:
            known = ", ".join(functions) or "none"
            yield f"/functions/{at}", f"no price function {name!r} is registered here (registered: {known})"
    for part in ("eligible", "excluded", "carriers", "preferences", "safety_stock", "unit_caps"):
        if len(getattr(settings, part) or ()) > limits.RULES_MAX:
            yield f"/{part}", f"at most {limits.RULES_MAX} entries"
    if settings.parcel_grams_max is not None and settings.parcel_grams_max % 100:
        yield "/parcel_grams_max", "weights are counted in steps of 100 g"


def _wrong_rate(rate: CarrierRate, limit: int | None) -> Iterator[Wrong]:
    if not rate.delivery_weekdays:
        yield "/delivery_weekdays", "the carrier would never deliver"
    before = 0
    for at, step in enumerate(rate.steps):
        last = at == len(rate.steps) - 1
        up_to = step.up_to_grams
        if up_to is None and not last:
            yield f"/steps/{at}/up_to_grams", "only the last step may leave it out"
        elif up_to is not None and (last or up_to <= before or up_to % 100):
            wanted = "leave it out in the last step" if last else f"a multiple of 100 above {before}"
            yield f"/steps/{at}/up_to_grams", wanted
        elif up_to is not None and limit is not None and up_to >= limit:
            yield f"/steps/{at}/up_to_grams", f"a parcel weighs at most {limit} g, so this step is never left"
        before = up_to or before


def _selectors(settings: Settings) -> Iterator[tuple[str, NodeSelector | ItemSelector]]:
    for part in ("eligible", "excluded"):
        for at, selector in enumerate(getattr(settings, part) or ()):
            yield f"/{part}/{at}", selector
    for at, rate in enumerate(settings.carriers or ()):
        yield f"/carriers/{at}/origins", rate.origins
    for part in ("preferences", "safety_stock", "unit_caps"):
        for at, rule in enumerate(getattr(settings, part) or ()):
            yield f"/{part}/{at}/nodes", rule.nodes
            items = getattr(rule, "items", None)
            if items is not None:
                yield f"/{part}/{at}/items", items


PriceFunction = Callable[["PricedNodes"], "list[int]"]


class PricedNodes(msgspec.Struct, frozen=True):
    """What a price function is shown: nodes in order, the destination, the distance to each in km (None: unknown)."""

    nodes: tuple[str, ...]
    kinds: tuple[str, ...]
    countries: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    distances_km: tuple[float, ...] | None
    channel: str
    country: str | None
    postal_area: str | None


FUNCTIONS: dict[str, PriceFunction] = {}


def price_function(name: str) -> Callable[[PriceFunction], PriceFunction]:
    """Register own code under a name that policies may list.

    It must be pure: the same input gives the same list of minor units, one for each node, added once to the cost of a
    node that is used. What it said is in the decision it led to, never asked again on replay.
    """

    def register(function: PriceFunction) -> PriceFunction:
        assert name not in FUNCTIONS, f"price function {name!r} is registered twice"
        FUNCTIONS[name] = function
        return function

    return register
