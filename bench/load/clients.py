"""What clients do. A client is a generator: it yields what to send next, and is given the whole answer."""

from collections import deque
from collections.abc import Callable, Generator

import msgspec

from bench.load.requests import BATCH_ITEMS, Demand, Requests

Step = tuple[str, bytes]
"""What kind of request it is, and its bytes."""
Client = Generator[Step, bytes, None]
"""Yields steps, gets answers as they came over the wire: status line, head and body."""


class _Named(msgspec.Struct):
    id: str


class _Placed(msgspec.Struct):
    fulfilments: list[_Named]


_named = msgspec.json.Decoder(_Named).decode
_placed = msgspec.json.Decoder(_Placed).decode


def accepted(answer: bytes) -> bool:
    """Whether the status is 2xx."""
    return answer[9:10] == b"2"


def body_of(answer: bytes) -> bytes:
    """The answer without its head."""
    return answer.partition(b"\r\n\r\n")[2]


def reserving(requests: Requests) -> Client:
    """One reservation after another."""
    while True:
        yield "reserve", requests.reserve(requests.demand())


def ordering(requests: Requests, people: bool = False) -> Client:
    """A checkout: reserve, then order."""
    while True:
        demand = requests.demand()
        answer = yield "reserve", requests.reserve(demand)
        if accepted(answer):
            yield "order", requests.order(demand, _named(body_of(answer)).id, people)[1]


def selling(requests: Requests) -> Client:
    """A whole sale: reserve, order, ship every fulfilment."""
    while True:
        demand = requests.demand()
        answer = yield "reserve", requests.reserve(demand)
        if not accepted(answer):
            continue
        answer = yield "order", requests.order(demand, _named(body_of(answer)).id, people=False)[1]
        if accepted(answer):
            for fulfilment in _placed(body_of(answer)).fulfilments:
                yield "ship", requests.post(f"/v1/fulfilments/{fulfilment.id}/ship")


def ordering_with_people(requests: Requests) -> Client:
    """The same, with a customer and an address, which are sealed under a key of their own."""
    return ordering(requests, people=True)


def batching(requests: Requests) -> Client:
    """A hundred reservations a request."""
    while True:
        answer = yield "batch", requests.batch()
        assert answer.count(b'"status":201') == BATCH_ITEMS, answer[:500]


DECK = [("availability", 60), ("reserve", 20), ("order", 12), ("ship", 5), ("extend", 2), ("cancel", 1)]
"""How many of a hundred steps of a mixed life are of each kind. What there is nothing for becomes a reservation."""


def living(requests: Requests) -> Client:
    """A shop's day: much looking, some reserving, fewer orders, which are shipped or cancelled."""
    chance = requests.chance()
    held: deque[tuple[Demand, str]] = deque(maxlen=100)
    orders: deque[str] = deque(maxlen=100)
    to_ship: deque[str] = deque(maxlen=100)
    deck = [kind for kind, count in DECK for _ in range(count)]
    while True:
        chance.shuffle(deck)
        for kind in deck:
            if kind == "availability":
                yield kind, requests.post("/v1/availability", requests.demand().availability)
            elif kind == "order" and held:
                demand, reservation = held.popleft()
                number, request = requests.order(demand, reservation, people=False)
                answer = yield kind, request
                if accepted(answer):
                    # Every second one may be cancelled, the others are shipped.
                    if len(orders) <= len(to_ship):
                        orders.append(number)
                    else:
                        to_ship.extend(named.id for named in _placed(body_of(answer)).fulfilments)
            elif kind == "ship" and to_ship:
                yield kind, requests.post(f"/v1/fulfilments/{to_ship.popleft()}/ship")
            elif kind == "extend" and held:
                yield kind, requests.post(f"/v1/reservations/{held[-1][1]}/extend", b'{"ttl_seconds":80000}')
            elif kind == "cancel" and orders:
                yield kind, requests.post(f"/v1/orders/{orders.popleft()}/cancel", b'{"reason":"changed their mind"}')
            else:
                demand = requests.demand()
                answer = yield "reserve", requests.reserve(demand)
                if accepted(answer):
                    held.append((demand, _named(body_of(answer)).id))


WORKLOADS: dict[str, Callable[[Requests], Client]] = {
    "reserve": reserving,
    "order": ordering,
    "sale": selling,
    "order-with-people": ordering_with_people,
    "batch": batching,
    "mixed": living,
}
