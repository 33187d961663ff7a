"""What a connection of the load generator does: a work yields requests and is sent their answers."""

import random
import re
import time
from collections.abc import Callable, Generator
from itertools import islice
from typing import NamedTuple

import msgspec

from bench.workloads import SIZES, reservations

BATCH = 100
BODIES = 5_000
_ID = re.compile(rb'"id":"([^"]+)"')
_FULFILMENT = re.compile(rb'"id":"(f-\d+)"')


class Asking(NamedTuple):
    """A request, the statuses that count as done, and how many units of work it does."""

    request: bytes
    expected: tuple[int, ...] = (201,)
    units: int = 1


Work = Generator[Asking, tuple[int, bytes], None]


class Bodies:
    """Requests made beforehand, so that the generator has little to do while it measures."""

    def __init__(self, size: str, seed: int, hot: bool, keyed: bool) -> None:
        made = list(islice(reservations(SIZES[size], seed, "hot" if hot else "zipf"), BODIES))
        self.reservations = [msgspec.json.encode(command) for command in made]
        self.lines = [
            msgspec.json.encode(
                [
                    {"id": str(at), "sku": line.sku, "quantity": line.quantity, "unit_price_minor": 295}
                    for at, line in enumerate(command.lines)
                ]
            )
            for command in made
        ]
        self.asks = [
            msgspec.json.encode({"channel": "web", "lines": [msgspec.to_builtins(line) for line in command.lines]})
            for command in made
        ]
        self._keys = random.Random(time.time_ns()) if keyed else None
        self._numbers = time.time_ns()
        self._next = 0

    def turn(self) -> int:
        """The place of the next body."""
        self._next = (self._next + 1) % BODIES
        return self._next

    def number(self) -> bytes:
        """An order number that nobody has used."""
        self._numbers += 1
        return b"%d" % self._numbers

    def post(self, path: bytes, body: bytes) -> bytes:
        """A POST; with a key of its own if keys are wanted."""
        key = b"" if self._keys is None else b"idempotency-key: %032x\r\n" % self._keys.getrandbits(128)
        return (
            b"POST %b HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
            % (path, key, len(body), body)
        )


def reserve(bodies: Bodies, number: int) -> Work:
    """Reservations, one a request."""
    while True:
        yield Asking(bodies.post(b"/v1/reservations", bodies.reservations[bodies.turn()]))


def order(bodies: Bodies, number: int) -> Work:
    """A reservation, then the order that confirms it: one unit in two requests."""
    while True:
        turn = bodies.turn()
        status, answer = yield Asking(bodies.post(b"/v1/reservations", bodies.reservations[turn]), units=0)
        if status == 201:
            yield Asking(_order(bodies, turn, answer))


def _order(bodies: Bodies, turn: int, reservation: bytes) -> bytes:
    found = _ID.search(reservation)
    assert found is not None, reservation
    body = b'{"number":"W-%b","channel":"web","reservation":"%b","lines":%b}'
    return bodies.post(b"/v1/orders", body % (bodies.number(), found.group(1), bodies.lines[turn]))


def batch(bodies: Bodies, number: int) -> Work:
    """Reservations, a hundred a request."""
    while True:
        items = b",".join(bodies.reservations[bodies.turn()] for _ in range(BATCH))
        yield Asking(bodies.post(b"/v1/reservations/batch", b'{"items":[%b]}' % items), (200,), BATCH)


def mixed(bodies: Bodies, number: int) -> Work:
    """A shop's day: 60 % availability, 20 % reservations, 12 % orders, and shipping, cancelling, extending."""
    chance = random.Random(number)
    held: list[tuple[int, bytes]] = []
    placed: list[bytes] = []
    while True:
        what = chance.random()
        turn = bodies.turn()
        if what < 0.6:
            yield Asking(bodies.post(b"/v1/availability", bodies.asks[turn]), (200,))
        elif what < 0.8 or not held:
            status, answer = yield Asking(bodies.post(b"/v1/reservations", bodies.reservations[turn]))
            if status == 201:
                held.append((turn, answer))
        elif what < 0.92:
            of, reservation = held.pop()
            _, answer = yield Asking(_order(bodies, of, reservation))
            placed.append(answer)
        elif what < 0.95 and placed:
            found = _FULFILMENT.search(placed.pop())
            assert found is not None
            path = b"/v1/fulfilments/%b/ship" % found.group(1)
            yield Asking(bodies.post(path, b"{}"), (200,))
        elif what < 0.97 and placed:
            named = re.search(rb'"number":"([^"]+)"', placed.pop())
            assert named is not None
            path = b"/v1/orders/%b/cancel" % named.group(1)
            yield Asking(bodies.post(path, b'{"reason":"changed my mind"}'), (200,))
        else:
            found = _ID.search(held[-1][1])
            assert found is not None
            path = b"/v1/reservations/%b/extend" % found.group(1)
            yield Asking(bodies.post(path, b'{"ttl_seconds":900}'), (200,))


WORKS: dict[str, Callable[[Bodies, int], Work]] = {"reserve": reserve, "order": order, "batch": batch, "mixed": mixed}
