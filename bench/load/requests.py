"""Requests made beforehand, so that sending one is little more than joining bytes."""

import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from bench.workloads import Size, reservations

PREPARED = 5_000
BATCH_ITEMS = 100


class Target(NamedTuple):
    """Where requests go. `key` is an API key."""

    host: str
    port: int
    key: str | None = None


class Demand(NamedTuple):
    """One basket in the three bodies that a checkout sends: may I, hold it, and the tail of the order."""

    availability: bytes
    reservation: bytes
    order_tail: bytes


class Requests:
    """Builds requests to one target. Every number, key and choice follows from the seed and the start of the process."""

    def __init__(
        self, target: Target, size: Size, skew: str, seed: int, lines: int, keyed: bool, unit_prices: bool = True
    ) -> None:
        key = f"authorization: Bearer {target.key}\r\n" if target.key else ""
        self._head = f"host: {target.host}\r\n{key}content-type: application/json\r\n".encode()
        self._hold = self._start("/v1/reservations")
        self.seed = seed
        self._run = f"{time.time_ns():x}"
        self._serial = 0
        self._keyed = keyed
        self._demands = [*islice(_demands(size, skew, seed, lines, unit_prices), PREPARED)]
        self._next = seed * 997 % PREPARED
        self._batches: list[bytes] = []

    def _start(self, path: str) -> bytes:
        return b"POST %s HTTP/1.1\r\n%s" % (path.encode(), self._head)

    def demand(self) -> Demand:
        """The next basket."""
        self._next = at = (self._next + 1) % PREPARED
        return self._demands[at]

    def number(self) -> str:
        """A word that nobody has used before."""
        self._serial += 1
        return f"{self._run}-{self._serial}"

    def reserve(self, demand: Demand) -> bytes:
        """Claim it, with an idempotency key of its own if keys are wanted."""
        body = demand.reservation
        if self._keyed:
            key = self.number().encode()
            return b"%sidempotency-key: %s\r\ncontent-length: %d\r\n\r\n%s" % (self._hold, key, len(body), body)
        return b"%scontent-length: %d\r\n\r\n%s" % (self._hold, len(body), body)

    def post(self, path: str, body: bytes = b"{}") -> bytes:
        """Any other change or question."""
        return b"%scontent-length: %d\r\n\r\n%s" % (self._start(path), len(body), body)

    def order(self, demand: Demand, reservation: str, people: bool) -> tuple[str, bytes]:
        """Turn a reservation into an order: its number, and the request. `people`: with a name and a street to be sealed."""
        number = self.number()
        who = _PEOPLE if people else b""
        body = b'{"number":"%s","channel":"web","reservation":"%s",%s%s' % (
            number.encode(),
            reservation.encode(),
            who,
            demand.order_tail,
        )
        return number, self.post("/v1/orders", body)

    def batch(self) -> bytes:
        """A hundred reservations in one request, without keys."""
        if not self._batches:
            parts = [self._demands[at : at + BATCH_ITEMS] for at in range(0, PREPARED, BATCH_ITEMS)]
            bodies = (b'{"items":[%s]}' % b",".join(one.reservation for one in part) for part in parts)
            self._batches = [self.post("/v1/reservations/batch", body) for body in bodies]
        self._serial += 1
        return self._batches[self._serial % len(self._batches)]

    def chance(self) -> random.Random:
        """A source of chance for one client."""
        self._serial += 1
        return random.Random(self.seed * 1_000_003 + self._serial)


_PEOPLE = (
    b'"customer":{"name":"Erika Mustermann","email":"erika@example.org"},'
    b'"ship_to":{"name":"Erika Mustermann","street":"Invalidenstr. 1","postal_code":"10115","city":"Berlin","country":"DE"},'
)


def _demands(size: Size, skew: str, seed: int, lines: int, unit_prices: bool) -> Iterator[Demand]:
    encode = msgspec.json.encode
    price = {"unit_price_minor": 255} if unit_prices else {}
    for command in reservations(size, seed, skew, lines):
        asked = [{"sku": line.sku, "quantity": line.quantity} for line in command.lines]
        wanted = {"channel": command.channel, "lines": asked, "ship_to": command.ship_to}
        ordered = [{"id": str(at), **line, **price} for at, line in enumerate(asked, 1)]
        yield Demand(encode(wanted), encode(command), b'"lines":%s}' % encode(ordered))
