"""An HTTP/1.1 client connection on asyncio, with what a load generator needs and a general client hides: one connection is one
socket, a lost one is opened again, and a request is sent again under the same idempotency key until there is an answer."""

import asyncio
import ssl
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from api.rehearsal.progress import ReplayFailed

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS_FIRST = 0.05
PAUSE_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 60.0
TRY_AGAIN = (408, 429, 503)


class Answer(NamedTuple):
    """What the node said. `seconds` from the first try to the last byte, pauses between tries included."""

    status: int
    body: bytes
    seconds: float
    tries: int


class Connection:
    """One keep-alive connection to `url`. `headers` go with every request. Raises ReplayFailed when nobody answers in time."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ReplayFailed(f"{url!r} is no http address")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/")
        fixed = {"host": parts.netloc.rpartition("@")[2], **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def call(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Answer:
        """Ask until there is an answer that is not "try again"."""
        request = self._request(method, path, body, key)
        started = time.perf_counter()
        pause = PAUSE_SECONDS_FIRST
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    status, content, retry_after = await self._once(request)
            except (OSError, asyncio.IncompleteReadError) as error:  # TimeoutError is an OSError
                self.close()
                trouble, retry_after = f"{type(error).__name__}: {error}", 0.0
            else:
                if status not in TRY_AGAIN:
                    return Answer(status, content, time.perf_counter() - started, tries)
                trouble = f"it answers {status}"
            if time.perf_counter() - started > PATIENCE_SECONDS:
                raise ReplayFailed(f"the node at {self._host}:{self._port} can't be used: {trouble}")
            await asyncio.sleep(max(pause, retry_after))
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    def _request(self, method: str, path: str, body: bytes | None, key: str | None) -> bytes:
        head = f"{method} {self._prefix}{path} HTTP/1.1\r\n{self._head}"
        if key is not None:
            head += f"idempotency-key: {key}\r\n"
        if body is not None:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        return head.encode("latin-1") + b"\r\n" + (body or b"")

    async def _once(self, request: bytes) -> tuple[int, bytes, float]:
        """(status, body, seconds to wait before trying again)."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        self._writer.write(request)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if "content-length" not in headers:
            raise ReplayFailed("the node's answer has no Content-Length")
        content = await self._reader.readexactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() == "close":
            self.close()
        wait = headers.get("retry-after", "0")
        return status, content, float(wait) if wait.isdigit() else 0.0

    def close(self) -> None:
        """Let the socket go."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
