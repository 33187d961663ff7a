"""What payment providers were asked for, as it is kept until they answer."""

import msgspec


class ProviderRequest(msgspec.Struct, array_like=True, gc=False):
    """Something a provider was asked for and has not answered. `asked_ns` is when."""

    number: int
    order: str
    payment: str
    provider: str
    what: str
    amount_minor: int
    asked_ns: int


class Requests:
    """Open requests by number, oldest first."""

    def __init__(self) -> None:
        self.open: dict[int, ProviderRequest] = {}
        self.next_number = 1
        self._of_order: dict[str, dict[int, ProviderRequest]] = {}

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
