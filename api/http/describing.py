"""Texts and examples for every field of the OpenAPI document, and a text for every group of operations.

A field is described where it stands, by a string below it in its struct, or by its name in `field_words.py`. Sources
are only read when the document is made.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Final

import msgspec

from api.http.field_words import FIELDS
from api.http.field_words_apart import FIELDS_APART

# The groups, in the order in which somebody would meet them.
GROUPS: Final = {
    "Configuration": "What people set: nodes, items, channels, policies, prices, taxes, promotions, vouchers.",
    "Stock": "What is where: movements, counts, feeds, balances, and what could be promised now.",
    "Prices": "What a basket costs, line by line, and the lowest price before a reduction.",
    "Reservations": "Claims on units before the customer pays. Each ends by itself at the instant it says.",
    "Orders": "From being placed to being closed: reading, cancelling, changing, stopping, and its whole history.",
    "Fulfilments": "The work of one node for one order, step by step, with parcels and pick lists.",
    "Payments": "What customers pay and get back, and the providers that move the money.",
    "Returns": "Units that come back or were lost on the way, and what the customer gets for them.",
    "Inbound": "Goods that suppliers will bring: announced, received, delayed, cancelled.",
    "Transfers": "Goods on their way from one node to another.",
    "Money books": "Double entry for everything that orders cost: accounts, documents without gaps, locked periods.",
    "Journal": "Everything that happened, as pages and as a stream.",
    "Sourcing": "Why a plan is as it is, and what another policy would have done.",
    "Access": "API keys: who may come in.",
    "Operations": "The node about itself: health, metrics, position, snapshots, this document.",
}

PARAMETERS: Final = {
    "all": "`true`: every node, also those where nothing is",
    "history": "The history that the position was told with; another one is refused",
    "limit": "At most so many entries",
    "cursor": "Where the page begins: `next_cursor` of the page before",
    "after": "What comes after this position, as `next_after` or `Last-Event-ID` told it",
    "as_of": "As it was then: a seq, or a time such as 2026-11-23T14:32:00Z",
    "account": "Only bookings that touch this account",
    "actor": "Only what this actor asked for",
    "at_risk": "`true`: only orders whose units are missing, from the latest promise back; `false`: only the others",
    "at": "The day before which prices are looked at",
    "change": "The id of the change, such as c-1",
    "calendar": "The id of the calendar",
    "channel": "The id of the channel",
    "code": "The word for programs",
    "country": "The country (ISO 3166-1, two letters)",
    "currency": "Only this currency (ISO 4217)",
    "customer_group": "The group of customers whose prices are asked for",
    "days": "How many days are looked at",
    "digest": "`fresh`: take it anew",
    "document": "Only bookings of this document",
    "from": "Not before this time, or only what leaves this node",
    "fulfilment": "The id of the fulfilment, such as f-1",
    "handle": "The name that the hold was given",
    "inbound": "The id of the inbound, such as in-1",
    "key": "The id of the API key",
    "kind": "Only facts of this name, such as `order_placed`",
    "list": "The id of the pick list, such as p-1",
    "missing": "`true`: only SKUs of which promised units are missing, each with the nodes where they are",
    "name": "The name of the file",
    "node": "The id of the node",
    "order": "The number of the order",
    "payment": "The id of the payment within its order",
    "policy": "The id of the sourcing policy",
    "price_list": "The id of the price list",
    "promotion": "The id of the promotion",
    "provider": "The id of the payment provider",
    "reservation": "The id of the reservation, such as r-3",
    "return": "The id of the return, such as ret-1",
    "sku": "The SKU",
    "state": "Only what is in this state",
    "supplier": "Only of this supplier, or `true`: only work of suppliers",
    "table": "The id of the table of shipping prices",
    "to": "Before this time, or only what goes to this node",
    "transfer": "The id of the transfer, such as t-1",
    "voucher": "The code of the voucher",
    "without_order": "`true`: those that no order is known for",
}

EXAMPLES: Final = {
    "actor": "key:webshop",
    "bin": "A-17-3",
    "box": 1,
    "carrier": "dhl",
    "city": "Berlin",
    "code": "00340434161094015902",
    "country": "DE",
    "currency": "EUR",
    "customer_group": "retail",
    "cut_off": "16:00",
    "date": "2026-11-23",
    "delivery": "ship",
    "digest": "5f0c4c29",
    "email": "erika@example.org",
    "fulfilment": "f-1",
    "gtin": "4006381333931",
    "handle": "fraud-check",
    "id": "1",
    "kind": "order_placed",
    "label": "Ten for Monday",
    "latitude": 52.53,
    "line": "1",
    "longitude": 13.38,
    "method": "card",
    "name": "Brass kettle",
    "node": "leipzig",
    "number": "W-1001",
    "order": "W-1001",
    "payment": "card-1",
    "pickup_node": "berlin",
    "policy": "standard",
    "postal_code": "10115",
    "price_list": "retail",
    "promotion": "ten-per-cent",
    "provider": "acme-pay",
    "quantity": 2,
    "rate": "0.19",
    "reason": "too small",
    "reference": "delivery-4711",
    "reservation": "r-3",
    "segment": "00000000000000000001",
    "seq": 4711,
    "sku": "BRASS-KETTLE",
    "street": "Invalidenstr. 1",
    "supplier": "kettle-works",
    "tax_rate": "0.19",
    "tax_category": "S",
    "text": "asked for a call before delivery",
    "time_zone": "Europe/Berlin",
    "type": "order",
    "source_account": "reserved",
    "target_account": "allocated",
    "channel": "web-de",
    "tax_class": "standard",
    "node_id": "leipzig",
    "phone": "+49 30 901820",
    "postal_area": "10",
    "title": "Too few units",
    "version": "0.1.0",
    "detail": "only 2 units are free",
    "pointer": "/lines/0/sku",
    "what": "capture",
    "OrderAnswer.state": "open",
    "OrderDetail.state": "open",
    "ReservationAnswer.state": "active",
    "ReservationAnswer.id": "r-3",
    "FulfilmentAnswer.state": "released",
    "FulfilmentAnswer.id": "f-1",
    "ReturnAnswer.state": "requested",
    "ReturnAnswer.id": "ret-1",
    "InboundAnswer.state": "expected",
    "InboundAnswer.id": "in-1",
    "TransferAnswer.state": "planned",
    "TransferAnswer.id": "t-1",
    "PickListAnswer.state": "open",
    "PickListAnswer.id": "p-1",
    "ChangeAnswer.state": "proposed",
    "ChangeAnswer.id": "c-1",
    "PaymentAnswer.state": "captured",
    "PaymentAnswer.id": "card-1",
    "PaymentRequestAnswer.id": "pay-1",
    "NodeResource.id": "leipzig",
    "ChannelResource.id": "web-de",
    "NodeResource.name": "Leipzig warehouse",
    "ChannelResource.name": "Web shop Germany",
    "Customer.name": "Erika Mustermann",
    "ShipTo.name": "Erika Mustermann",
    "Customer.reference": "c-17",
    "Document.id": "W-1001",
    "KeyAnswer.name": "webshop",
    "NewKeyAnswer.name": "webshop",
    "Problem.type": "/problems/unknown_sku",
    "Problem.code": "unknown_sku",
    "Problem.title": "There is no such SKU",
    "Problem.status": 422,
    "HealthAnswer.status": "ok",
    "DocumentAnswer.type": "invoice",
}
MOMENT: Final = "2026-11-23T14:32:00.000000Z"


def describe(schemas: dict[str, Any]) -> None:
    """Give every field of every schema its text, and an example where it is a plain value."""
    structs = _structs()
    for name, schema in schemas.items():
        short = name.rpartition(".")[2]
        own = texts_of(structs.get(short))
        for field, found in schema.get("properties", {}).items():
            names = (f"{short}.{field}", f"{short.removesuffix('Resource')}.{field}", field)
            said = (words[name] for name in names for words in (FIELDS_APART, FIELDS) if name in words)
            text = own.get(field) or next(said, None)
            if text and "description" not in found:
                found["description"] = text
            example = EXAMPLES.get(f"{short}.{field}", EXAMPLES.get(field))
            if example is None and (field.endswith("_at") or field in ("time", "since", "accept_by")):
                example = MOMENT
            if example is not None and _kind_of(example) in _kinds(found):
                found["examples"] = [example]


def _kind_of(example: Any) -> str:
    return {str: "string", int: "integer", float: "number"}[type(example)]


def _kinds(schema: dict[str, Any]) -> set[str]:
    """The JSON types of a plain value."""
    if "enum" in schema:
        return set()
    alternatives: list[dict[str, Any]] = [schema, *schema.get("anyOf", ())]
    return {each.get("type", "") for each in alternatives if "enum" not in each}


@cache
def _structs() -> dict[str, type]:
    """Every struct by its name."""

    def below(kind: Any) -> Iterator[type]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return {each.__name__: each for each in below(msgspec.Struct)}


def texts_of(struct: type | None) -> dict[str, str]:
    """The strings below the fields of a struct and of those it is made from, by field."""
    texts: dict[str, str] = {}
    made_of: tuple[type, ...] = () if struct is None else struct.__mro__
    for each in reversed(made_of):
        texts.update(_strings_in(each.__module__).get(each.__name__, {}))
    return texts


@cache
def _strings_in(module: str) -> dict[str, dict[str, str]]:
    """Of each class in a module, the strings that stand below its fields."""
    if module.partition(".")[0] not in ("api", "engine", "tests"):
        return {}
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ClassDef):
            found[node.name] = dict(_strings_below(node.body))
    return found


def _strings_below(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            said = text.value
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                yield field.target.id.rstrip("_"), inspect.cleandoc(said.value)
