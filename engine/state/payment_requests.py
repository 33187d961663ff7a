"""What payment providers were asked for, as it is kept until they answer."""

import msgspec

from engine.state.parts import Dumped, cut


class ProviderRequest(msgspec.Struct, array_like=True, gc=False):
    """Something a provider was asked for and has not answered. `asked_ns` is when."""

    number: int
    order: str
    payment: str
    provider: str
    what: str
    amount_minor: int
    asked_ns: int


class OpenRequests(msgspec.Struct, array_like=True, tag="payment_requests"):
    """The number that the next request to a payment provider gets, and some of the open ones, oldest first."""

    next_number: int
    items: list[ProviderRequest]


class Requests:
    """Open requests by number, oldest first."""

    PARTS = (OpenRequests,)

    def __init__(self) -> None:
        self.open: dict[int, ProviderRequest] = {}
        self.next_number = 1
        self._of_order: dict[str, dict[int, ProviderRequest]] = {}

    def dump(self) -> Dumped:
        """The next number, then the open ones."""
        yield OpenRequests(self.next_number, [])
        for some in cut(self.open):
            yield OpenRequests(self.next_number, list(some.values()))

    def load(self, part: OpenRequests) -> None:
        """Take back a part."""
        for request in part.items:
            self.put(request)
        self.next_number = part.next_number

    def of_order(self, number: str) -> list[ProviderRequest]:
        """The open ones of an order."""
        return list(self._of_order.get(number, {}).values())

    def put(self, request: ProviderRequest) -> None:
        """Take in one that was asked."""
        self.open[request.number] = request
        self._of_order.setdefault(request.order, {})[request.number] = request
        self.next_number = max(self.next_number, request.number + 1)

    def remove(self, number: int) -> None:
        """One was answered."""
        request = self.open.pop(number)
        others = self._of_order[request.order]
        del others[number]
        if not others:
            del self._of_order[request.order]
