"""The replay over HTTP: the same plan against a running node, several requests at a time, each under its idempotency key.

The steps of a chunk do not depend on each other, so they are asked concurrently; a chunk begins when the one before has been
answered. Orders of different runs may be served from different nodes: who comes first is decided by the network.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from api.answers.timestamps import iso
from api.rehearsal.commands import CANCEL_REASON, correction_lines
from api.rehearsal.connection import Answer, Connection
from api.rehearsal.money import Booked
from api.rehearsal.plan import Plan
from api.rehearsal.progress import Ask, Placed, Progress, ReplayFailed
from api.rehearsal.steps import (
    Authorise,
    BackLine,
    Cancel,
    Correct,
    Place,
    Receive,
    Reserve,
    Sale,
    Settle,
    SetUp,
    Ship,
    TakeBack,
    TakeLoose,
)
from engine.results import ResultCode

REFUSALS = (409, 422)
OPEN_STATES = ("released", "accepted", "picked", "packed")
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class Latencies(msgspec.Struct):
    """Seconds of every answered request, by operation."""

    seconds: dict[str, list[float]] = {}
    retries: int = 0

    def add(self, operation: str, answer: Answer) -> None:
        """Count one."""
        self.seconds.setdefault(operation, []).append(answer.seconds)
        self.retries += answer.tries - 1

    def quantiles(self) -> dict[str, dict[str, float | int]]:
        """Count, p50 and p99 in milliseconds, by operation and over all."""
        by_operation = {**self.seconds, "all": [s for some in self.seconds.values() for s in some]}
        result: dict[str, dict[str, float | int]] = {}
        for name, some in by_operation.items():
            ordered = sorted(some)
            result[name] = {
                "count": len(ordered),
                "p50_ms": round(1000 * _quantile(ordered, 0.5), 2),
                "p99_ms": round(1000 * _quantile(ordered, 0.99), 2),
            }
        return result


def _quantile(ordered: list[float], part: float) -> float:
    """The nearest-rank quantile."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


class Request(NamedTuple):
    """One call, and what it is called in the figures."""

    operation: str
    path: str
    body: Any


class OverHttp:
    """A running node at `url`; `key` is an API key, or None for a --dev node on this machine."""

    def __init__(self, url: str, key: str | None, connections: int, plan: Plan, progress: Progress) -> None:
        headers = {"accept": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self.plan = plan
        self.progress = progress
        self.latencies = Latencies()
        self._prefix = plan.identity.hex()[:12]
        self._connections = [Connection(url, headers) for _ in range(connections)]

    async def run(self, on_progress: Callable[[int], None]) -> None:
        """Do the whole plan. `on_progress` gets the number of steps done. Raises ReplayFailed."""
        done = 0
        for chunk in self.plan.chunks:
            asks = self.progress.asks(chunk)
            waiting = deque(enumerate(asks))
            answers: list[Any] = [None] * len(asks)
            workers = [self._work(c, waiting, answers) for c in self._connections[: len(asks)]]
            await asyncio.gather(*workers)
            for ask, answer in zip(asks, answers, strict=True):
                if isinstance(answer, _No):
                    self.progress.refused(ask, answer.code)
                else:
                    self.progress.done(ask, result_of(ask, answer))
            done += len(chunk.steps)
            on_progress(done)

    async def _work(self, connection: Connection, waiting: deque[tuple[int, Ask]], answers: list[Any]) -> None:
        while waiting:
            at, ask = waiting.popleft()
            held: list[tuple[str, int]] = []
            if isinstance(ask.step, Correct) and ask.step.node is None:
                stock = await self._get(connection, f"/v1/stock/{quote(ask.step.sku, safe='')}")
                held = [(entry["node"], entry["available"]) for entry in stock["nodes"]]
            request = request_of(ask, held)
            answer = await connection.call("POST", request.path, encode(request.body), f"{self._prefix}/{ask.id}")
            self.latencies.add(request.operation, answer)
            found = _read(answer, ask.id)
            if held and isinstance(found, _No) and found.code == ResultCode.IDEMPOTENCY_KEY_REUSED.wire:
                found = (
                    None  # an earlier run of this plan did it, and took the units from other nodes than now offer them
                )
            answers[at] = found

    async def _get(self, connection: Connection, path: str) -> Any:
        answer = await connection.call("GET", path)
        if answer.status != 200:
            raise ReplayFailed(f"GET {path}: {_explain(answer)}")
        return decode(answer.body)

    async def _booked(self) -> Booked:
        """All that the node has booked."""
        sums, cursor = Booked(), ""
        while True:
            page = await self._get(self._connections[0], f"/v1/journal/money?limit=500{cursor}")
            for entry in page["items"]:
                for each in entry["postings"]:
                    sums.post(each["source_account"], each["target_account"], each["amount_minor"])
            if page["next_cursor"] is None:
                return sums
            cursor = f"&cursor={page['next_cursor']}"

    async def findings(self) -> dict[str, Any]:
        """Position, digest, books."""
        about = await self._get(self._connections[0], "/v1/node?digest=fresh")
        books = await self._get(self._connections[0], "/v1/ledger/trial-balance")
        return {
            "seq": about["seq"],
            "digest": about["digest"],
            "accounts": books["accounts"],
            "money": await self._booked(),
            "violations": [] if books["balanced"] else ["the node says that its books do not balance"],
            "journal_bytes": about["journal_bytes"],
        }

    def close(self) -> None:
        """Let the connections go."""
        for connection in self._connections:
            connection.close()


class _No(NamedTuple):
    """An ordinary refusal."""

    code: str


def _read(answer: Answer, what: str) -> Any:
    """The decoded answer, or an ordinary refusal. Raises ReplayFailed for anything else."""
    if answer.status in (200, 201):
        return decode(answer.body)
    if answer.status in REFUSALS:
        return _No(decode(answer.body)["code"])
    raise ReplayFailed(f"{what}: {_explain(answer)}")


def _explain(answer: Answer) -> str:
    try:
        problem = decode(answer.body)
        return f"{answer.status} {problem['code']}: {problem['detail']}"
    except (msgspec.MsgspecError, KeyError, TypeError):
        return f"status {answer.status}"


def request_of(ask: Ask, held: list[tuple[str, int]]) -> Request:
    """The call for a step. `held` is what each node has available of the SKU, for a correction that names no node."""
    match ask.step:
        case Reserve(sale=sale):
            return Request("reserve", "/v1/reservations", _checkout(sale))
        case Place(sale=sale):
            return Request("order", "/v1/orders", _order(sale, ask.target))
        case Ship():
            return Request("ship", f"/v1/fulfilments/{ask.target}/ship", {})
        case Cancel(goods=goods):
            body = {"lines": _lines(goods.lines), "reason": CANCEL_REASON}
            return Request("cancel", f"/v1/orders/{goods.order}/cancel", body)
        case Authorise(goods=goods):
            return Request("return", f"/v1/orders/{goods.order}/returns", {"lines": _lines(goods.lines)})
        case TakeBack(goods=goods):
            lines = [line | {"disposition": "restock"} for line in _lines(goods.lines)]
            return Request("receive", f"/v1/returns/{ask.target}/receive", {"node": goods.node, "lines": lines})
        case Settle():
            return Request("settle", f"/v1/returns/{ask.target}/settle", {})
        case TakeLoose() as loose:
            units = [{"sku": loose.sku, "quantity": loose.quantity}]
            body = {"channel": loose.channel, "lines": units, "node": loose.node, "reference": loose.reference}
            return Request("return", "/v1/returns", body)
        case Correct() as step:
            moved = [
                {"sku": step.sku, "node": node, "reason": "adjustment", "quantity": quantity, "note": step.note}
                for node, quantity in correction_lines(step, held)
            ]
            return Request("movement", "/v1/stock/movements", {"lines": moved})
        case Receive(lines=lines):
            received = [
                {"sku": line.sku, "node": line.node, "reason": "receipt", "quantity": line.quantity} for line in lines
            ]
            return Request("movement", "/v1/stock/movements", {"lines": received})
        case SetUp(document=document):
            return Request("configuration", "/v1/configuration", document)


def _checkout(sale: Sale) -> dict[str, Any]:
    market = sale.market
    return {
        "channel": market.channel,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in sale.lines],
        "ship_to": {"country": market.iso, "latitude": market.latitude, "longitude": market.longitude},
    }


def _order(sale: Sale, reservation: str) -> dict[str, Any]:
    market = sale.market
    body = {
        "number": sale.number,
        "channel": market.channel,
        "reservation": reservation,
        "lines": [
            {"id": str(at), "sku": line.sku, "quantity": line.quantity, "unit_price_minor": line.price_minor}
            for at, line in enumerate(sale.lines, 1)
        ],
        "ship_to": {
            "city": market.capital,
            "country": market.iso,
            "latitude": market.latitude,
            "longitude": market.longitude,
        },
        "placed_at": iso(sale.time_ns),
    }
    return body | ({"customer": {"reference": sale.customer}} if sale.customer else {})


def _lines(lines: tuple[BackLine, ...]) -> list[dict[str, Any]]:
    return [{"id": line.line, "quantity": line.quantity} for line in lines]


def result_of(ask: Ask, answer: Any) -> Any:
    """What later steps need to know of this one: see Progress.done."""
    match ask.step:
        case Reserve() | Authorise():
            return answer["id"]
        case Place():
            return [Placed(f["id"], f["node"]) for f in answer["fulfilments"]]
        case Cancel():
            return [f["id"] for f in answer["fulfilments"] if f["state"] in OPEN_STATES]
    return None
