"""The fast lane: the hottest operations answered by the connection itself, below ASGI, with the same code and the same bytes.

A request takes it when its address is one of a hot operation without parameters, or `/v1/reservations/{id}/release` and the like,
and nothing about it is unusual; everything else goes to the application. Falling back is always right.
"""

import re
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Target = TypeVar("Target")
Address = tuple[str, str, Target]
"""Method, path with its parameters in braces, and what is there."""

UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"x-request-id", b"traceparent"))
"""Headers that send a request to the application."""

_SEGMENT = rb"([A-Za-z0-9._:-]+)"


class Found(NamedTuple, Generic[Target]):
    """A hot operation, with the parameters of its path."""

    prepared: Target
    path: str
    parameters: dict[str, str]


class Lane(Generic[Target]):
    """The hot operations by address."""

    def __init__(self, addresses: Sequence[Address[Target]]) -> None:
        self._fixed: dict[tuple[bytes, bytes], Found[Target]] = {}
        self._shapes: list[tuple[bytes, re.Pattern[bytes], tuple[str, ...], Target]] = []
        self.addresses = [(method, path) for method, path, _ in addresses]
        for method, path, target in addresses:
            self._add(method.encode(), path, target)

    def _add(self, method: bytes, path: str, target: Target) -> None:
        names = tuple(re.findall(r"\{(\w+)\}", path))
        if not names:
            self._fixed[method, path.encode()] = Found(target, path, {})
        else:
            shape = re.compile(re.sub(rb"\\\{\w+\\\}", lambda _: _SEGMENT, re.escape(path.encode())))
            self._shapes.append((method, shape, names, target))

    def find(self, method: bytes, url: bytes) -> Found[Target] | None:
        """The hot operation at an address as it was sent; None for any other."""
        found = self._fixed.get((method, url))
        if found is not None:
            return found
        for its_method, shape, names, target in self._shapes:
            match = shape.fullmatch(url) if its_method == method else None
            if match is not None:
                values = [value.decode() for value in match.groups()]
                return Found(target, url.decode(), dict(zip(names, values, strict=True)))
        return None


def rendered(
    status: int,
    media_type: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    default_headers: Sequence[tuple[bytes, bytes]],
    closing: bool,
) -> tuple[bytes, bool]:
    """An answer as the server would write the application's, and whether the connection closes after it."""
    parts = [STATUS_LINE[status]]
    for name, value in default_headers:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (media_type, len(body)))
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
        closing = closing or name == b"connection"
    if closing and (b"connection", b"close") not in headers:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", body)
    return b"".join(parts), closing
