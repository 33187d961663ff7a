"""A payment provider to try Kontor with: it does what it is asked for, and reports it by signed events.

    python examples/payment_provider.py --kontor http://127.0.0.1:8080 --provider acme --secret SECRET --port 8090

The secret is what `GET /v1/payment-providers/acme/secret` answers. The switches make it behave as badly as real ones do.
"""

import argparse
import asyncio
import hmac
import json
import time
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DONE = {"capture": "captured", "void": "voided", "refund": "refunded"}
FAILED = {"capture": "capture_failed", "refund": "refund_failed", "void": "voided"}


class Provider:
    """Remembers what it was asked for, so that a request that comes again is done once."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.taken: dict[str, dict[str, Any]] = {}
        self.reports: set[asyncio.Task[None]] = set()

    def sign(self, timestamp: str, body: bytes) -> str:
        """HMAC-SHA256 over `<timestamp>.<body>`, hexadecimal."""
        return hmac.digest(self.asked.secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()

    async def take(self, request: Request) -> Response:
        """A message of Kontor's."""
        body = await request.body()
        timestamp = request.headers.get("kontor-timestamp", "")
        if not hmac.compare_digest(self.sign(timestamp, body), request.headers.get("kontor-signature", "")):
            return JSONResponse({"error": "the signature does not match"}, 401)
        message = json.loads(body)
        if message["request"] not in self.taken:
            self.taken[message["request"]] = message
            task = asyncio.create_task(self.report(message))
            self.reports.add(task)
            task.add_done_callback(self.reports.discard)
        return JSONResponse({"taken": message["request"]}, 202)

    async def report(self, message: dict[str, Any]) -> None:
        """Do it, and say so until Kontor has heard it."""
        await asyncio.sleep(self.asked.late)
        fails = message["what"] == "capture" and message["amount_minor"] in self.asked.fail_captures_of
        event = {
            "id": f"evt-{message['request']}",
            "type": (FAILED if fails else DONE)[message["what"]],
            "order": message["order"],
            "payment": message["payment"],
            "request": message["request"],
            "amount_minor": message["amount_minor"],
            **({"reason": "card declined"} if fails else {}),
        }
        for _ in range(2 if self.asked.twice else 1):
            await self.send(json.dumps(event).encode())

    async def send(self, body: bytes) -> None:
        """One event, again and again until it is answered with anything but 5xx."""
        url = f"{self.asked.kontor}/v1/payment-providers/{self.asked.provider}/events"
        async with httpx2.AsyncClient() as client:
            for _ in range(100):
                timestamp = str(int(time.time()))
                signed = {"kontor-timestamp": timestamp, "kontor-signature": self.sign(timestamp, body)}
                try:
                    answer = await client.post(
                        url, content=body, headers={"content-type": "application/json", **signed}
                    )
                    if answer.status_code < 500:
                        return
                except httpx2.HTTPError:
                    pass
                await asyncio.sleep(0.2)

    async def seen(self, request: Request) -> Response:
        """Everything it was asked for."""
        return JSONResponse(list(self.taken.values()))


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kontor", required=True, help="address of the node")
    parser.add_argument("--provider", default="acme", help="its id there")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--fail-captures-of", type=int, nargs="*", default=[], help="amounts whose capture fails")
    parser.add_argument("--late", type=float, default=0.0, help="seconds until it reports")
    parser.add_argument("--twice", action="store_true", help="report everything twice")
    provider = Provider(parser.parse_args())
    routes = [Route("/", provider.take, methods=["POST"]), Route("/seen", provider.seen)]
    uvicorn.run(Starlette(routes=routes), port=provider.asked.port, log_level="warning")


if __name__ == "__main__":
    main()
