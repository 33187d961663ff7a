"""Master data over HTTP: nodes, items, what is special about an item at a node, channels, sourcing policies, prices.

A kind is a row of KINDS here, beside its row in engine/configuration/master_data.py.
"""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from api.answers.documents import Document
from api.http.endpoint import encode, etag_of
from api.http.listing import path_country, path_id, path_sku, position_of
from api.http.operations import Call, Changing, Handled, Handler, Operation, PageQuery, Reader, Reading, Reply
from api.http.turns import Turns, reading
from api.server.configuring import BUSY
from api.server.outbound.addresses import why_never
from engine import limits
from engine.commands.configuration import Configure
from engine.configuration import master_data
from engine.facts import Fact
from engine.results import Rejection, ResultCode
from engine.state.configuration import DOCUMENT_PARTS
from engine.state.state import State
from engine.writer import Done

TAG = "Configuration"
CONFIGURATION_RAW_BYTES = 32 * 1024  # larger documents are read in turns
_CHECKS: dict[str, Callable[[str], str | Rejection]] = {"sku": path_sku, "country": path_country}


class Kind(NamedTuple):
    """One kind of master data, as clients see it.

    `path` ends with its id. `one` and `many` name its operations, `called` and `missing` are the words for people. An
    answer is the body with the ids `names`, and `says` what it is. `codes` are the refusals of setting one.
    """

    part: str
    path: str
    one: str
    many: str
    called: str
    missing: str
    says: str
    names: tuple[str, ...]
    example: dict[str, Any]
    codes: tuple[ResultCode, ...] = ()

    def keys(self, call: Call) -> tuple[str, ...] | Rejection:
        """The ids in the path, or the refusal of one that can't be."""
        keys = []
        for name in call.path:
            key = _CHECKS[name](call.path[name]) if name in _CHECKS else path_id(call.path[name], name)
            if isinstance(key, Rejection):
                return key
            keys.append(key)
        return tuple(keys)

    def answer(self, keys: tuple[str, ...], body: Any) -> Any:
        """A body with its ids."""
        return RESOURCES[self.part](**msgspec.structs.asdict(body), **dict(zip(self.names, keys, strict=True)))


def _reader(kind: Kind) -> Reader:
    def resource(call: Call) -> Callable[[State, int], Any]:
        keys = kind.keys(call)

        def read(state: State, now_ns: int) -> Any:
            if isinstance(keys, Rejection):
                return keys
            body = state.configuration.bodies(kind.part, *keys[:-1]).get(keys[-1])
            return Rejection(ResultCode.NOT_FOUND, kind.missing) if body is None else kind.answer(keys, body)

        return read

    return resource


async def _address_refused(call: Call, providers: dict[str, Any], pointer: str) -> Rejection | None:
    """A refusal where a provider is to be asked at an address that nothing is sent to. What is set already may stay."""
    known = call.server.state.configuration.payment_providers
    for name, provider in providers.items():
        if name in known and known[name].url == provider.url:
            continue
        reason = await why_never(provider.url, call.server.allow_private_outbound)
        if reason is not None:
            return Rejection.at(ResultCode.ADDRESS_NOT_ALLOWED, pointer.format(name), reason)
    return None


async def _addresses_refused(call: Call, document: Configure) -> Rejection | None:
    return await _address_refused(call, document.payment_providers, "/payment_providers/{}/url")


def _putting(kind: Kind) -> Handler:
    async def put_provider(call: Call) -> Handled:
        name = call.path["provider"]
        return await _address_refused(call, {name: call.body}, "/url") or put(call)

    def put(call: Call) -> Handled:
        keys = kind.keys(call)
        if isinstance(keys, Rejection):
            return keys

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
            return kind.answer(keys, state.configuration.bodies(kind.part, *keys[:-1])[keys[-1]])

        document = call.body
        if call.server.configuring.checking:
            return BUSY
        for key in reversed(keys):
            document = {key: document}
        within = "/".join(("", kind.part, *map(master_data.escape, keys)))
        return Changing(Configure(**{kind.part: document}), render, within=within)

    return put_provider if kind.part == "payment_providers" else put


def _getting(kind: Kind) -> Handler:
    return lambda call: Reading(_reader(kind)(call))


def _listing(kind: Kind) -> Handler:
    def list_(call: Call) -> Handled:
        start = position_of(call.query.cursor)
        if isinstance(start, Rejection):
            return start
        first, above = start or 0, tuple(call.path.values())

        def read(state: State, now_ns: int) -> Any:
            if above and above[0] not in state.configuration.nodes:
                return Rejection(ResultCode.NOT_FOUND, "there is no such node")
            bodies = state.configuration.bodies(kind.part, *above)
            end = first + call.query.limit
            items = [kind.answer((*above, key), body) for key, body in islice(bodies.items(), first, end)]
            return PAGES[kind.part](items, str(end) if end < len(bodies) else None)

        return Reading(read)

    return list_


async def configure(call: Call) -> Handled:
    """Set any number of things, all or nothing; a large document in turns."""
    if not isinstance(call.body, msgspec.Raw):
        entries = sum(1 for kind in master_data.KINDS for _ in kind.entries(call.body))
        entries += sum(len(each.prices) for each in call.body.price_lists.values())
        if entries <= limits.CONFIGURATION_RECORD_ENTRIES:
            refusal = BUSY if call.server.configuring.checking else await _addresses_refused(call, call.body)
            return refusal or Changing(call.body, _render_configured)
    read = await _in_turns(call.content)
    if read.refusal is not None or call.server.configuring.checking:
        return read.refusal or BUSY
    document, entries = Configure(**read.parts), read.entries + read.prices
    refusal = await _addresses_refused(call, document)
    if refusal is not None:
        return refusal
    if entries <= limits.CONFIGURATION_RECORD_ENTRIES:
        return Changing(document, _render_configured)
    return await _large(call, document, entries)


async def _large(call: Call, document: Configure, entries: int) -> Handled:
    server, key, payload = call.server, None, None
    if call.key is not None:
        named = call.actor, call.key, "POST", "/v1/configuration"
        key, payload, _ = await asyncio.to_thread(server.key_digests, *named, encode(call.body))
    done = await server.configuring.apply(document, entries, call.content, call.actor, key, payload)
    if isinstance(done, Done):
        replayed = ((b"idempotent-replayed", b"true"),) if done.replayed else ()
        return Reply(done.status, done.body, headers=((b"kontor-seq", b"%d" % done.seq), *replayed))
    return done or Changing(Configure(), _render_configured)  # everything is as asked


async def _in_turns(content: bytes) -> Document:
    document, turns = Document(), Turns()
    for _ in document.read(content):
        if turns.is_over:
            await turns.next()
    await turns.next()
    return document


def _render_configured(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
    counts = dict.fromkeys(DOCUMENT_PARTS, 0)
    for fact in facts:
        if type(fact) in master_data.OF_FACT:
            counts[master_data.OF_FACT[type(fact)].part] += 1
    return ConfigurationAnswer(seq=seq, **counts)


def _export(call: Call) -> Callable[[State, int], Any]:
    return lambda state, now_ns: state.configuration.export()


async def export(call: Call) -> Handled:
    """Everything, as the document that would set it again: copied at once, and put into words in turns."""
    document = await reading(call.server, _export(call))
    parts, turns = [], Turns()
    for part in DOCUMENT_PARTS:
        bodies = getattr(document, part)
        pieces = []
        for key, body in bodies.items():
            pieces.append(encode(key) + b":" + encode(body))
            if turns.is_over:
                await turns.next()
        if pieces:
            parts.append(encode(part) + b":{" + b",".join(pieces) + b"}")
    content = b"{" + b",".join(parts) + b"}"
    etag = etag_of(content)
    if call.headers.get(b"if-none-match") == etag:
        return Reply(304, b"", headers=((b"etag", etag),))
    return Reply(200, content, headers=((b"etag", etag),))


def _three(kind: Kind) -> list[Operation]:
    """PUT, GET, and GET on the collection."""
    body, answer = master_data.OF_PART[kind.part].body, RESOURCES[kind.part]
    return [
        Operation(
            id=f"put{kind.one}", method="PUT", path=kind.path, tag=TAG, handle=_putting(kind), resource=_reader(kind),
            summary=f"Create or replace {kind.called}", body=body, answer=answer, codes=kind.codes, example=kind.example,
        ),
        Operation(
            id=f"get{kind.one}", method="GET", path=kind.path, tag=TAG, handle=_getting(kind), resource=_reader(kind),
            summary=f"Read {kind.called}", answer=answer, codes=(ResultCode.NOT_FOUND,),
        ),
        Operation(
            id=f"list{kind.many}", method="GET", path=kind.path.rpartition("/")[0], tag=TAG, handle=_listing(kind),
            query=PageQuery, summary="List them, in the order of creation", answer=PAGES[kind.part],
            codes=(ResultCode.NOT_FOUND,) if len(kind.names) > 1 else (),
        ),
    ]  # fmt: skip


NODE = {
    "name": "Leipzig warehouse",
    "kind": "warehouse",
    "country": "DE",
    "latitude": 51.34,
    "longitude": 12.37,
    "postal_code": "04109",
    "time_zone": "Europe/Berlin",
    "cut_off": "16:00",
}
ITEM = {"name": "White hanging heart T-light holder", "weight_grams": 210, "backorderable": False}
CHANNEL = {"name": "Web shop Germany", "kind": "web", "country": "DE", "currency": "EUR", "nodes": ["leipzig"]}
POLICY = {"name": "Cheapest", "parcel_cost_minor": 400, "cost_per_100_km_minor": 20}
PRICE_LIST = {
    "currency": "EUR",
    "tax_included": True,
    "channels": ["web-de"],
    "prices": {"85123A": [{"unit_price_minor": 295}, {"from_quantity": 12, "unit_price_minor": 255}]},
}
RATES = {"classes": {"standard": [{"rate": "0.19"}], "reduced": [{"rate": "0.07"}]}}
PROMOTION = {
    "name": "Ten per cent off kitchen things from 50 EUR",
    "when": {"item_groups": ["kitchen"], "min_goods_minor": 5000},
    "gives": {"percent": "10", "on": "items"},
}

KINDS = (
    Kind(
        "nodes", "/v1/nodes/{node}", "NodeById", "Nodes", "a node", "there is no such node", "A node with its id.",
        ("id",), NODE, (ResultCode.UNKNOWN_CALENDAR,),
    ),
    Kind(
        "items", "/v1/items/{sku}", "Item", "Items", "an item", "there is no such SKU", "An item with its SKU.",
        ("sku",), ITEM,
    ),
    Kind(
        "node_items", "/v1/nodes/{node}/items/{sku}", "NodeItem", "NodeItems", "what is special about a SKU at a node",
        "nothing special is set for this SKU at this node", "What is special about one SKU at one node.",
        ("node", "sku"), {"safety_stock": 2}, (ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU),
    ),
    Kind(
        "channels", "/v1/channels/{channel}", "Channel", "Channels", "a channel", "there is no such channel",
        "A channel with its id.", ("id",), CHANNEL, (ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SOURCING_POLICY),
    ),
    Kind(
        "sourcing_policies", "/v1/sourcing-policies/{policy}", "SourcingPolicy", "SourcingPolicies",
        "a sourcing policy", "there is no such sourcing policy", "A sourcing policy with its id.", ("id",), POLICY,
        (ResultCode.UNKNOWN_CALENDAR,),
    ),
    Kind(
        "price_lists", "/v1/price-lists/{price_list}", "PriceList", "PriceLists", "a price list",
        "there is no such price list", "A price list with its id.", ("id",), PRICE_LIST,
    ),
    Kind(
        "tax_rates", "/v1/tax-rates/{country}", "TaxRates", "AllTaxRates", "the tax rates of a country",
        "no tax rates are set for this country", "The tax rates of a country.", ("country",), RATES,
    ),
    Kind(
        "promotions", "/v1/promotions/{promotion}", "Promotion", "Promotions", "a promotion",
        "there is no such promotion", "A promotion with its id.", ("id",), PROMOTION,
    ),
    Kind(
        "vouchers", "/v1/vouchers/{voucher}", "Voucher", "Vouchers", "a voucher", "there is no such voucher",
        "A voucher with its code.", ("code",), {"kind": "value", "balance_minor": 5000, "currency": "EUR"},
        (ResultCode.UNKNOWN_PROMOTION,),
    ),
    Kind(
        "shipping_prices", "/v1/shipping-prices/{table}", "ShippingPrices", "AllShippingPrices",
        "what sending costs where the order does not say", "there are no such shipping prices",
        "A table of shipping prices with its id.", ("id",),
        {"currency": "EUR", "prices": [{"price_minor": 490}, {"from_goods_minor": 5000, "price_minor": 0}]},
    ),
    Kind(
        "payment_providers", "/v1/payment-providers/{provider}", "PaymentProvider", "PaymentProviders",
        "a payment provider", "there is no such payment provider", "A payment provider with its id.", ("id",),
        {"url": "https://pay.example.org/kontor", "methods": ["card"]},
        (ResultCode.IN_USE, ResultCode.ADDRESS_NOT_ALLOWED),
    ),
    Kind(
        "calendars", "/v1/calendars/{calendar}", "Calendar", "Calendars", "a calendar of holidays",
        "there is no such calendar", "A calendar of holidays with its id.", ("id",),
        {"name": "Germany", "dates": ["2026-12-25", "2026-12-26", "2027-01-01"], "countries": ["DE"]},
    ),
)  # fmt: skip
assert {kind.part for kind in KINDS} == master_data.OF_PART.keys(), "every kind of master data can be set over HTTP"
assert all(len(kind.names) == len(master_data.OF_PART[kind.part].names) for kind in KINDS)


def _resource(kind: Kind) -> type[msgspec.Struct]:
    """The body with the ids of its place."""
    body = master_data.OF_PART[kind.part].body
    return msgspec.defstruct(
        f"{body.__name__}Resource", [(name, str) for name in kind.names], bases=(body,), module=__name__,
        namespace={"__doc__": kind.says}, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False,
    )  # fmt: skip


def _page(kind: Kind) -> type[msgspec.Struct]:
    """A page of them."""
    resource: Any = RESOURCES[kind.part]
    return msgspec.defstruct(
        f"{master_data.OF_PART[kind.part].body.__name__}Page",
        [("items", list[resource]), ("next_cursor", str | None)],
        module=__name__,
        namespace={"__doc__": "In the order in which they were created."},
    )


RESOURCES = {kind.part: _resource(kind) for kind in KINDS}
PAGES = {kind.part: _page(kind) for kind in KINDS}
ConfigurationAnswer = msgspec.defstruct(
    "ConfigurationAnswer",
    [("seq", int), *((part, int) for part in DOCUMENT_PARTS)],
    module=__name__,
    namespace={"__doc__": "How many of each were created or changed; what was already as asked is not counted."},
)

OPERATIONS = [
    *(operation for kind in KINDS for operation in _three(kind)),
    Operation(
        id="postConfiguration", method="POST", path="/v1/configuration", tag=TAG, handle=configure,
        summary="Create or replace any of it, all or nothing", body=Configure, answer=ConfigurationAnswer,
        codes=(
            ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.UNKNOWN_SOURCING_POLICY,
            ResultCode.UNKNOWN_PROMOTION, ResultCode.UNKNOWN_CALENDAR, ResultCode.IN_USE, ResultCode.ADDRESS_NOT_ALLOWED,
        ),
        raw_above_bytes=CONFIGURATION_RAW_BYTES,
        description=f"A document of more than {limits.CONFIGURATION_RECORD_ENTRIES} entries is checked whole, then applied in "
        "several records; other configuration is refused with `in_use` meanwhile. It is answered when all of it is set, and "
        "gone on with if the node ends before.",
        example={"nodes": {"leipzig": NODE}, "items": {"85123A": ITEM}, "channels": {"web-de": CHANNEL}},
    ),
    Operation(
        id="getConfiguration", method="GET", path="/v1/configuration", tag=TAG, handle=export, resource=_export,
        summary="All master data, as the document that would set it again", answer=Configure,
    ),
]  # fmt: skip
