"""Requests as bytes on a socket, and the answers that come back."""

import json
import socket
import time
from collections.abc import Sequence
from typing import Any

Answer = tuple[int, Any]


def request(method: str, path: str, body: bytes | str = b"", *headers: str, host: str | None = "localhost") -> bytes:
    """One request with a right Content-Length, unless a header names a length or chunks."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {path} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *headers]
    told = any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers)
    if content and not told:
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def chunked(body: bytes | str, *trailers: str) -> bytes:
    """A body in chunks of five bytes."""
    content = body.encode() if isinstance(body, str) else body
    pieces = [content[at : at + 5] for at in range(0, len(content), 5)]
    end = "".join(f"{trailer}\r\n" for trailer in trailers).encode()
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + end + b"\r\n"


def answers(
    port: int, *segments: bytes, count: int = 1, methods: Sequence[str] = (), seconds: float = 60
) -> tuple[list[Answer], bool]:
    """Send segments one after the other; so many answers, fewer if the node closes before, and whether it closed after
    them. Answers to HEAD have no body."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, segment in enumerate(segments):
            if at:
                time.sleep(0.05)  # a segment of its own
            try:
                connection.sendall(segment)
            except OSError:
                break  # it was closed already; what it said before is read
        stream = connection.makefile("rb")
        found: list[Answer] = []
        while len(found) < count:
            answer = _read(stream, methods[len(found)] if methods else "POST")
            if answer is None:
                return found, True
            if answer[0] != 100:
                found.append(answer)
        connection.settimeout(0.3)
        try:
            return found, stream.read(1) == b""
        except TimeoutError:
            return found, False
        except OSError:
            return found, True


def _read(stream: Any, method: str) -> Answer | None:
    try:
        status = stream.readline()
    except ConnectionResetError:
        return None
    if not status:
        return None
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = stream.read(length) if method != "HEAD" else b""
    return int(status.split()[1]), json.loads(body) if body else None
