"""What prices cost: whole sales over HTTP with and without them, each on a node of its own, in turn."""

import statistics
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import http
from bench.workloads import SIZES, Size
from engine.commands import Command, Configure
from engine.commands.pricing import DatedRate, Gives, PriceList, PriceStep, Promotion, TaxRates

SHELVES = {"shelf": "a price list and tax", "offer": "a price list, tax and a promotion"}
WITHOUT, OWN = "no prices", "the shop's own prices, no tax"


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
        SHELVES["shelf"]: shelf(SIZES[size], 0),
        SHELVES["offer"]: shelf(SIZES[size], 1),
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
