"""What prices cost: whole sales over HTTP with and without them, each on a node of its own, in turn."""

import random
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import http
from bench.core import Unsound
from bench.workloads import SIZES, Size
from engine.commands import Command
from engine.commands.configuration import Channel, Configure, Item
from engine.commands.pricing import (
    BuyXGetY,
    DatedRate,
    Gives,
    PriceList,
    PriceStep,
    Promotion,
    PromotionConditions,
    TaxRates,
)
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Quote, Wanted, quote
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

WITHOUT, OWN = "no prices", "the shop's own prices, no tax"
LIST, OFFER = "a price list and tax", "a price list, tax and a promotion"


def shelf(size: Size, promotions: int) -> Iterator[Command]:
    """Prices of everything, a tax, and promotions of ten percent."""
    for start in range(0, size.skus, 1_000):
        some = range(start, min(size.skus, start + 1_000))
        prices: dict[str, tuple[PriceStep, ...]] = {f"SKU-{i}": (PriceStep(199 + i % 1_000),) for i in some}
        yield Configure(price_lists={f"shelf-{start}": PriceList("GBP", prices)})
    yield Configure(
        tax_rates={"GB": TaxRates({"standard": (DatedRate("0.2"),)})},
        promotions={f"ten-{i}": Promotion("Ten", Gives(percent="10")) for i in range(promotions)},
    )


def measure(directory: Path, size: str, connections: int, seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Sales (reserve, order, ship) a second, and the ratio to those without prices of the same round."""
    shops: dict[str, Iterable[Command]] = {
        WITHOUT: (),
        OWN: (),
        LIST: shelf(SIZES[size], 0),
        OFFER: shelf(SIZES[size], 1),
    }
    for at, more in enumerate(shops.values()):
        http.prepare(directory / str(at), size, more)
    with ExitStack() as stack:
        ports = {name: stack.enter_context(http.serving(directory / str(at))) for at, name in enumerate(shops)}
        runs = [
            {
                name: http.load(
                    ports[name], connections, seconds, size, seed, keyed=True, workload="sale", unit_prices=name == OWN
                )
                for name in shops
            }
            for seed in range(rounds)
        ]
    for at, name in enumerate(shops):
        http.audit(directory / str(at), sum(run[name]["accepted"] for run in runs))
    for name in shops:
        yield {
            "what": f"HTTP: reserve, order, ship: {name}",
            "connections": connections,
            "lines": 2,
            "keyed": True,
            **http.summed_up([run[name] for run in runs], seconds),
            "ratio": round(statistics.median(run[name]["per_second"] / run[WITHOUT]["per_second"] for run in runs), 3),
        }


PROMOTIONS, QUOTED_LINES, QUOTES = 500, 20, 300
_EFFECTS = (
    Gives(percent="10"),
    Gives(amount=500),
    Gives(amount_per_item=50),
    Gives(buy_x_get_y=BuyXGetY(2, 1)),
    Gives(percent="5", on="cheapest"),
    Gives(fixed_price=900),
)


def quotes(skus: int = 5_000) -> Iterator[dict[str, Any]]:
    """A quote of many lines against many active promotions, one core: a mixed catalogue, and three of which all are about the basket."""
    chance = random.Random(1)
    groups = [f"group-{at}" for at in range(50)]
    mixed = {f"p{at}": _promotion(chance, at, groups, skus) for at in range(PROMOTIONS)}
    same = {
        "percent of the order, stacked": Promotion("x", Gives(percent="1")),
        "percent of items, the best of one group": Promotion("x", Gives(percent="1", on="items"), combines="best_of:a"),
        "buy 2 get 1, stacked": Promotion("x", Gives(buy_x_get_y=BuyXGetY(2, 1))),
    }
    catalogues = {"mixed": mixed} | {
        f"all: {name}": {f"p{at}": body for at in range(PROMOTIONS)} for name, body in same.items()
    }
    for name, promotions in catalogues.items():
        known = Configuration()
        known.channels = {"web": Channel(name="Web", kind="web", country="DE", currency="EUR")}
        known.items = {f"S{at}": Item(name="x", groups=(groups[at % 50], groups[at * 7 % 50])) for at in range(skus)}
        known.price_lists = {"shelf": PriceList("EUR", {f"S{at}": (PriceStep(500 + at),) for at in range(skus)})}
        known.tax_rates = {"DE": TaxRates({"standard": (DatedRate("0.19"),)})}
        for promotion, body in promotions.items():
            known.put("promotions", body, promotion)
        wanted = [Wanted(str(at), f"S{chance.randrange(skus)}", chance.randint(1, 4)) for at in range(QUOTED_LINES)]
        yield {
            "what": f"a quote of {QUOTED_LINES} lines against {PROMOTIONS} promotions: {name}",
            **_timed(known, Asked(Buyer("web", "EUR", "DE", None, 0), wanted, 490)),
        }


def _promotion(chance: random.Random, at: int, groups: list[str], skus: int) -> Promotion:
    """Half are about a group of items, a fifth about twenty items, some need goods of a value or a voucher, the rest are about everything."""
    kind = at % 10
    when = PromotionConditions()
    if kind < 5:
        when = PromotionConditions(item_groups=(chance.choice(groups),))
    elif kind < 7:
        when = PromotionConditions(items=tuple(f"S{chance.randrange(skus)}" for _ in range(20)))
    elif kind == 7:
        when = PromotionConditions(min_goods_minor=chance.randrange(1_000, 100_000))
    elif kind == 8:
        when = PromotionConditions(voucher=True)
    combines = chance.choice(("stack", "best_of:a", "best_of:b", "exclusive", "best_of:c"))
    return Promotion("x", _EFFECTS[at % len(_EFFECTS)], when, combines, chance.randrange(5))


def _timed(known: Configuration, asked: Asked) -> dict[str, Any]:
    usage, seconds = Usage(), []
    for _ in range(QUOTES):
        started = time.perf_counter()
        found = quote(known, asked, usage)
        seconds.append(time.perf_counter() - started)
    if not isinstance(found, Quote):
        raise Unsound("a quote was refused")
    looked_at = found.verdicts
    return {
        "median_ms": round(1_000 * statistics.median(seconds), 3),
        "p99_ms": round(1_000 * sorted(seconds)[int(0.99 * QUOTES)], 3),
        "about_the_basket": len(looked_at),
        "applied": sum(verdict.reason is None for verdict in looked_at),
    }
