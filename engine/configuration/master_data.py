"""Master data: nodes, items, channels, policies, prices. Set whole, read by everybody. Each kind is a row of KINDS."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from engine.calendars import day_of_date, with_time_zone
from engine.calendars import problems_of as problems_of_node
from engine.commands.configuration import Configure, HolidayCalendar, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.facts import Fact
from engine.facts.configuration import CalendarSet, ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentProviderSet
from engine.pricing.checking import (
    problems_of_price_list,
    problems_of_promotion,
    problems_of_shipping_prices,
    problems_of_tax_rates,
    problems_of_voucher,
)
from engine.results import FieldError, Rejection, ResultCode
from engine.state.configuration import ALL, LAST, NONE, VERSIONS_DUMPED, Configuration
from engine.state.state import State
from engine.supply.policies import FUNCTIONS, all_settings, problems_of


class Kind(NamedTuple):
    """One kind of master data: everything that is different about it.

    `part` is where it stands in a document and in the state, `word` what the journal calls it. `fact` sets one: first
    its ids, then `body` and `postings`. `journalled` is the turn of its facts within a record, `versions` which of the
    records that set one are kept. `problems(body)` are what could not be worked with, as (pointer into the body,
    detail); `refusals(known, document)` are of what does not go together with other master data; `effect(state, fact)`
    is what follows from it elsewhere.
    """

    part: str
    word: str
    fact: type[msgspec.Struct]
    journalled: int
    versions: str
    problems: Callable[[Any], Iterable[tuple[str, str]]]
    refusals: Callable[[Configuration, Configure], Iterator[Rejection]]
    effect: Callable[[State, Any], None]

    @property
    def names(self) -> tuple[str, ...]:
        """What its ids are called in the fact: one, or two if it stands under something else."""
        return self.fact.__struct_fields__[:-2]

    @property
    def body(self) -> type[msgspec.Struct]:
        """What is set."""
        kind: type[msgspec.Struct] = get_type_hints(self.fact)["body"]
        return kind

    def entries(self, document: Configure) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Everything of this kind in a document, with its ids."""
        bodies: dict[str, Any] = getattr(document, self.part)
        if len(self.names) == 1:
            yield from (((key,), body) for key, body in bodies.items())
        else:
            yield from (((above, key), body) for above, inner in bodies.items() for key, body in inner.items())


def decide_configure(state: State, command: Configure, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Set all of the document or none. What is already as asked gives no fact, so a repeated PUT writes nothing."""
    known = state.configuration
    return refuse_meanwhile(known) or refusal_of(known, command) or what_is_new(known, command)


def refuse_meanwhile(known: Configuration) -> Rejection | None:
    """The refusal of anything else while a large configuration is applied."""
    if known.announced is None:
        return None
    return Rejection(ResultCode.IN_USE, f"a configuration of {known.announced.entries:,} entries is being applied")


def refusal_of(known: Configuration, document: Configure, checked: tuple[str, ...] = ()) -> Rejection | None:
    """Why a document can't be set, if it can't. Bodies of parts that were `checked` before are not looked into."""
    return _malformed(document, checked) or _first_refusal(known, document)


def what_is_new(known: Configuration, document: Configure) -> tuple[Fact, ...]:
    """What is not as it shall be, as facts."""
    nodes = {name: with_time_zone(node) for name, node in document.nodes.items()}
    document = msgspec.structs.replace(document, nodes=nodes)
    facts: list[Any] = []
    for kind in JOURNALLED:
        for keys, body in kind.entries(document):
            if known.bodies(kind.part, *keys[:-1]).get(keys[-1]) != body:
                facts.append(kind.fact(*keys, body))
    return tuple(facts)


def _malformed(document: Configure, checked: tuple[str, ...]) -> Rejection | None:
    """Everything that could not be worked with, pointed at."""
    errors = [
        FieldError("/".join(("", kind.part, *map(escape, keys))) + inner, detail)
        for kind in KINDS
        if kind.part not in checked
        for keys, body in kind.entries(document)
        for inner, detail in kind.problems(body)
    ]
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, tuple(errors)) if errors else None


def _first_refusal(known: Configuration, document: Configure) -> Rejection | None:
    """What stands under something else is looked at last."""
    ordered = sorted(KINDS, key=lambda kind: len(kind.names))
    return next((refusal for kind in ordered for refusal in kind.refusals(known, document)), None)


def escape(token: str) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def evolve_set(state: State, fact: Fact) -> None:
    """Write down one body, which record set it, and what follows."""
    kind = OF_FACT[type(fact)]
    *keys, body, _ = msgspec.structs.astuple(fact)
    if isinstance(fact, SourcingPolicySet):
        state.configuration.keep_replaced_policy(fact.policy, state.orders.versions_placed_under(fact.policy))
    state.configuration.put(kind.part, body, *keys)
    if state.configuration.announced is not None:
        state.configuration.announced.count(kind.part)
    if kind.versions != NONE:
        state.configuration.note_version(kind.part, keys[-1], state.seq, kind.versions)
    kind.effect(state, fact)


def _no_problems(body: Any) -> tuple[tuple[str, str], ...]:
    return ()


def _problems_of_node_item(body: NodeItem) -> Iterator[tuple[str, str]]:
    if body.stocked_since is not None and day_of_date(body.stocked_since) is None:
        yield "/stocked_since", f"there is no date {body.stocked_since}"


def _problems_of_calendar(body: HolidayCalendar) -> Iterator[tuple[str, str]]:
    for at, date in enumerate(body.dates):
        if day_of_date(date) is None:
            yield f"/dates/{at}", f"there is no date {date}"


def _problems_of_policy(body: SourcingPolicy) -> list[tuple[str, str]]:
    return problems_of(body, tuple(FUNCTIONS))


def _names_nothing(known: Configuration, document: Configure) -> Iterator[Rejection]:
    return iter(())


_UNKNOWN = {
    "nodes": (ResultCode.UNKNOWN_NODE, "node"),
    "items": (ResultCode.UNKNOWN_SKU, "SKU"),
    "sourcing_policies": (ResultCode.UNKNOWN_SOURCING_POLICY, "sourcing policy"),
    "promotions": (ResultCode.UNKNOWN_PROMOTION, "promotion"),
    "calendars": (ResultCode.UNKNOWN_CALENDAR, "calendar"),
}


def _unknown(
    known: Configuration, document: Configure, part: str, name: str | None, pointer: str
) -> Iterator[Rejection]:
    if name and name not in getattr(known, part) and name not in getattr(document, part):
        code, called = _UNKNOWN[part]
        yield Rejection.at(code, pointer, f"there is no {called} {name!r}")


def _named_by_nodes(known: Configuration, document: Configure) -> Iterator[Rejection]:
    for name, node in document.nodes.items():
        for at, calendar in enumerate(node.calendars):
            yield from _unknown(known, document, "calendars", calendar, f"/nodes/{escape(name)}/calendars/{at}")


def _named_by_policies(known: Configuration, document: Configure) -> Iterator[Rejection]:
    for name, policy in document.sourcing_policies.items():
        for inner, settings in all_settings(policy):
            for at, rate in enumerate(settings.carriers or ()):
                for position, calendar in enumerate(rate.calendars):
                    pointer = f"/sourcing_policies/{escape(name)}{inner}/carriers/{at}/calendars/{position}"
                    yield from _unknown(known, document, "calendars", calendar, pointer)


def _named_by_channels(known: Configuration, document: Configure) -> Iterator[Rejection]:
    for name, channel in document.channels.items():
        pointer, policy = f"/channels/{escape(name)}", channel.sourcing_policy
        for at, node in enumerate(channel.nodes or ()):
            yield from _unknown(known, document, "nodes", node, f"{pointer}/nodes/{at}")
        yield from _unknown(known, document, "sourcing_policies", policy, f"{pointer}/sourcing_policy")


def _named_by_vouchers(known: Configuration, document: Configure) -> Iterator[Rejection]:
    for code, voucher in document.vouchers.items():
        yield from _unknown(known, document, "promotions", voucher.promotion, f"/vouchers/{escape(code)}/promotion")


def _named_by_node_items(known: Configuration, document: Configure) -> Iterator[Rejection]:
    for node, items in document.node_items.items():
        pointer = f"/node_items/{escape(node)}"
        yield from _unknown(known, document, "nodes", node, pointer)
        for sku in items:
            yield from _unknown(known, document, "items", sku, f"{pointer}/{escape(sku)}")


def _methods_taken(known: Configuration, document: Configure) -> Iterator[Rejection]:
    """Only one provider moves the money of a method of payment."""
    providers = {**known.payment_providers, **document.payment_providers}
    for name, provider in document.payment_providers.items():
        others = {method: other for other, body in providers.items() if other != name for method in body.methods}
        for at, method in enumerate(provider.methods):
            if method in others:
                pointer = f"/payment_providers/{escape(name)}/methods/{at}"
                yield Rejection.at(ResultCode.IN_USE, pointer, f"{others[method]!r} moves the money of {method!r}")


def _no_effect(state: State, fact: Any) -> None:
    return None


def _open_node(state: State, fact: NodeSet) -> None:
    """A new node gets its position in the ledger."""
    state.ledger.open_node(fact.node)
    state.stock.grow()


def _open_sku(state: State, fact: ItemSet) -> None:
    """A new item gets its position in the ledger. All units of one that is not sold are withheld."""
    state.ledger.open_sku(fact.sku)
    state.stock.grow()
    if fact.body.sellable != state.stock.is_sold(fact.sku):
        rules = {node: rules[fact.sku] for node, rules in state.configuration.node_items.items() if fact.sku in rules}
        state.stock.sell(fact.sku, fact.body.sellable, rules)


def _withhold(state: State, fact: NodeItemSet) -> None:
    """Safety stock, and what may not be sold from the node, is withheld."""
    state.stock.withhold(fact.sku, fact.node, fact.body)


# In the order in which problems are told.
KINDS = (
    Kind("nodes", "node", NodeSet, 0, NONE, problems_of_node, _named_by_nodes, _open_node),
    Kind("items", "item", ItemSet, 1, NONE, _no_problems, _names_nothing, _open_sku),
    Kind("node_items", "node_item", NodeItemSet, 4, NONE, _problems_of_node_item, _named_by_node_items, _withhold),
    Kind("channels", "channel", ChannelSet, 3, NONE, _no_problems, _named_by_channels, _no_effect),
    Kind("sourcing_policies", "sourcing_policy", SourcingPolicySet, 2, LAST, _problems_of_policy, _named_by_policies, _no_effect),
    Kind("price_lists", "price_list", PriceListSet, 5, ALL, problems_of_price_list, _names_nothing, _no_effect),
    Kind("tax_rates", "tax_rates", TaxRatesSet, 6, NONE, problems_of_tax_rates, _names_nothing, _no_effect),
    Kind("promotions", "promotion", PromotionSet, 10, NONE, problems_of_promotion, _names_nothing, _no_effect),
    Kind("shipping_prices", "shipping_prices", ShippingPricesSet, 8, NONE, problems_of_shipping_prices, _names_nothing, _no_effect),
    Kind("vouchers", "voucher", VoucherSet, 9, NONE, problems_of_voucher, _named_by_vouchers, _no_effect),
    Kind("payment_providers", "payment_provider", PaymentProviderSet, 7, NONE, _no_problems, _methods_taken, _no_effect),
    Kind("calendars", "calendar", CalendarSet, 11, NONE, _problems_of_calendar, _names_nothing, _no_effect),
)  # fmt: skip
OF_FACT: dict[type, Kind] = {kind.fact: kind for kind in KINDS}
OF_PART = {kind.part: kind for kind in KINDS}
JOURNALLED = sorted(KINDS, key=lambda kind: kind.journalled)

assert OF_PART.keys() == set(Configure.__struct_fields__), "every part of the document is a kind of master data"
assert OF_FACT.keys() == {fact for fact in get_args(Fact) if fact.__name__.endswith("Set")}, "every kind has its fact"
assert len({kind.journalled for kind in KINDS}) == len(KINDS)
assert {kind.part: kind.versions for kind in KINDS if kind.versions != NONE} == VERSIONS_DUMPED
for _kind in KINDS:
    assert _kind.fact.__struct_fields__[-2:] == ("body", "postings"), _kind.fact
    _part: Any = get_type_hints(Configure)[_kind.part]
    for _ in _kind.names:
        _part = get_args(_part)[1]
    assert _part is _kind.body, f"{_kind.part} holds {_part}, {_kind.fact} {_kind.body}"
