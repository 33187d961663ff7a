"""The price of an item over HTTP, and the lowest one of the days before it began."""

import asyncio
import time
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.timestamps import Timestamp, iso, to_ns
from api.http.endpoint import encode
from api.http.listing import Moment, path_sku
from api.http.operations import Call, Handled, Operation, Reply
from engine.commands.fields import Country, Id
from engine.commands.pricing import PriceList
from engine.facts import records
from engine.facts.pricing import PriceListSet
from engine.pricing.history import lowest_before, prices_over_time
from engine.pricing.lists import Buyer
from engine.results import Rejection, ResultCode
from engine.supply.policies import NS_PER_DAY
from engine.wal import Journal

NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such SKU")


class PriceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom; `at` another time than now. The lowest price is that of `days` days."""

    channel: Id
    country: Country | None = None
    customer_group: Id | None = None
    at: Moment | None = None
    days: Annotated[int, Meta(ge=1, le=365)] = 30


class ItemPrice(msgspec.Struct):
    """The price of one unit by the price lists, before promotions, and since when it is so. `lowest_before_minor` is the lowest price
    of the `days` days before that; null if it had none."""

    sku: str
    channel: str
    currency: str
    unit_price_minor: int
    tax_included: bool
    price_list: str
    since: Timestamp
    days: int
    lowest_before_minor: int | None


async def price(call: Call) -> Handled:
    """Read it from every version of the price lists in the journal."""
    query: PriceQuery = call.query
    state, sku = call.server.state, path_sku(call.path["sku"])
    if isinstance(sku, Rejection) or sku not in state.configuration.items:
        return NOT_FOUND
    channel = state.configuration.channels.get(query.channel)
    if channel is None:
        return Rejection(ResultCode.UNKNOWN_CHANNEL, f"there is no channel {query.channel!r}")
    at_ns = max(state.time_ns, time.time_ns()) if query.at is None else to_ns(query.at)
    buyer = Buyer(query.channel, channel.currency, query.country or channel.country, query.customer_group, at_ns)
    versions: dict[str, list[tuple[int, PriceList]]] = {}
    for name, seqs in list(state.configuration.seqs["price_lists"].items()):
        versions[name] = []
        for seq in seqs:
            versions[name] += _version(call.server.journal, seq, name, sku)
            await asyncio.sleep(0)
    held = prices_over_time(versions, buyer, sku)
    if not held or held[-1].price is None:
        return Rejection(ResultCode.NO_PRICE, f"no price list has a price of {sku!r} for this channel at that time")
    now, since_ns = held[-1].price, held[-1].since_ns
    lowest = lowest_before(held, since_ns - query.days * NS_PER_DAY, since_ns)
    answer = ItemPrice(
        sku, query.channel, channel.currency, now.minor, now.tax_included, now.price_list or "", iso(since_ns),
        query.days, lowest,
    )  # fmt: skip
    return Reply(200, encode(answer))


def _version(journal: Journal, seq: int, name: str, sku: str) -> list[tuple[int, PriceList]]:
    """What a list said of a SKU as a record set it; nothing if the record is not here any more."""
    if seq < journal.first_seq:
        return []
    time_ns, encoded = journal.record(seq)
    facts = records.decode(encoded).facts
    bodies = [fact.body for fact in facts if isinstance(fact, PriceListSet) and fact.price_list == name]
    return [
        (time_ns, msgspec.structs.replace(body, prices={sku: body.prices[sku]} if sku in body.prices else {}))
        for body in bodies
    ]


OPERATIONS = [
    Operation(
        id="getItemPrice", method="GET", path="/v1/items/{sku}/price", tag="Prices", handle=price, query=PriceQuery,
        summary="The price of an item, and the lowest one of the 30 days before it began", answer=ItemPrice,
        codes=(ResultCode.NOT_FOUND, ResultCode.UNKNOWN_CHANNEL, ResultCode.NO_PRICE),
        description="From the journalled history of the price lists, with their validity. Whoever announces a price reduction in the European "
        "Union shows the lowest price of at least the 30 days before it (directive 98/6/EC, article 6a).",
    ),
]  # fmt: skip
