"""Sends requests to payment providers, in the background: those of one order in turn, each until it is answered."""

import asyncio
import ssl
import time
from functools import cache
from heapq import heappop, heappush
from itertools import takewhile
from typing import Final, NamedTuple

import httpx2
import msgspec

from api.answers.identifiers import payment_request_id
from api.server.host import Host
from api.server.outbound.addresses import NotAllowed, destination
from api.server.outbound.signing import secret_of, signed
from engine.state import finding
from engine.state.payment_requests import ProviderRequest

EVERY_SECONDS: Final = 0.2
TIMEOUT_SECONDS: Final = 10.0
AT_ONCE_MAX: Final = 16
LOOKED_AT_MAX: Final = 500
LOOK_AGAIN_SECONDS: Final = 1.0
AGAIN_SECONDS_MAX: Final = 300.0
ANSWER_BYTES_MAX: Final = 64 * 1024


@cache
def trusted() -> ssl.SSLContext:
    """Whom this machine trusts, read once a process: that takes some 30 ms."""
    return httpx2.create_ssl_context(trust_env=False)


class ProviderMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a provider is asked for. `request` is the same whenever it is sent again."""

    request: str
    what: str
    order: str
    payment: str
    method: str
    amount_minor: int
    currency: str


class Attempts(NamedTuple):
    """How often a request was sent, when it is sent again (monotonic seconds), what went wrong last (None: nothing)."""

    times: int
    again_at: float
    error: str | None


class Courier:
    """Carries open requests to their providers for as long as the node runs.

    What is due is looked at, not all that is open: a provider that is down for hours makes the list long.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._due: list[tuple[float, int]] = []
        self._known_through = 0
        self.attempts: dict[int, Attempts] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        async with httpx2.AsyncClient(verify=trusted(), timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            try:
                while True:
                    await asyncio.sleep(EVERY_SECONDS)
                    self._take_in()
                    self._start(client)
            finally:
                for task in self._sending.values():
                    task.cancel()

    def _take_in(self) -> None:
        """What was asked since the last time is due now."""
        requests = self._host.state.payment_requests
        new = [*takewhile(lambda number: number > self._known_through, reversed(requests.open))]
        for number in reversed(new):
            heappush(self._due, (0.0, number))
        self._known_through = requests.next_number - 1

    def _start(self, client: httpx2.AsyncClient) -> None:
        """Begin to send what is due; the later requests of an order wait for the first."""
        requests = self._host.state.payment_requests
        now = time.monotonic()
        for _ in range(LOOKED_AT_MAX):
            if not self._due or self._due[0][0] > now or len(self._sending) >= AT_ONCE_MAX:
                return
            number = heappop(self._due)[1]
            request = requests.open.get(number)
            if request is None:
                self.attempts.pop(number, None)
            elif request.order in self._sending or requests.of_order(request.order)[0] is not request:
                heappush(self._due, (now + LOOK_AGAIN_SECONDS, number))
            else:
                self._sending[request.order] = asyncio.get_running_loop().create_task(self._send(client, request))

    async def _send(self, client: httpx2.AsyncClient, request: ProviderRequest) -> None:
        times = 1 if request.number not in self.attempts else self.attempts[request.number].times + 1
        error: str | None = "unexpected error"
        try:
            error = await self._try(client, request)
        except NotAllowed as refusal:
            error = str(refusal)
        except httpx2.HTTPError as problem:
            error = type(problem).__name__
        except Exception as problem:  # noqa: BLE001 -- whatever it is, the next attempt comes
            self._host.report(problem)
        wait = AGAIN_SECONDS_MAX if error is None else min(AGAIN_SECONDS_MAX, 0.5 * 2 ** min(times, 20))
        self.attempts[request.number] = Attempts(times, time.monotonic() + wait, error)
        heappush(self._due, (self.attempts[request.number].again_at, request.number))
        del self._sending[request.order]

    async def _try(self, client: httpx2.AsyncClient, request: ProviderRequest) -> str | None:
        """Send it once; what went wrong, if anything did."""
        host = self._host
        provider = host.state.configuration.payment_providers.get(request.provider)
        order = finding.find_order(host.state, request.order)
        if provider is None or order is None or order.money is None:
            return "there is no such provider any more"
        payment = order.money.payment(request.payment)
        assert payment is not None
        of_order, name = payment.origin or (request.order, request.payment)
        message = ProviderMessage(
            payment_request_id(request.number), request.what, of_order, name, payment.method, request.amount_minor,
            order.money.currency,
        )  # fmt: skip
        body = msgspec.json.encode(message)
        to = await destination(provider.url, host.allow_private_outbound)
        headers = {
            "Host": to.authority,
            "Content-Type": "application/json",
            "Kontor-Request-Id": message.request,
            **signed(secret_of(host.parties, request.provider, provider.secret_version), body),
        }
        named = {"sni_hostname": to.host}
        async with client.stream("POST", to.url, headers=headers, content=body, extensions=named) as answer:
            size = 0
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > ANSWER_BYTES_MAX:
                    return "the answer is too large"
            return None if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"
