"""The fast lane: the hottest operations answered by the connection itself, below ASGI, with the same code and the same bytes.

A request takes it when its address is one of a hot operation without parameters, or `/v1/reservations/{id}/release` and the like,
and nothing about it is unusual; everything else goes to the application. Falling back is always right.
"""

import re
from typing import NamedTuple

from api.endpoint import Endpoint, Prepared

_SEGMENT = rb"([A-Za-z0-9._:-]+)"


class Found(NamedTuple):
    """A hot operation, with the parameters of its path."""

    prepared: Prepared
    path: str
    parameters: dict[str, str]


class Lane:
    """The hot operations by address."""

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        self._fixed: dict[tuple[bytes, bytes], Found] = {}
        self._shapes: list[tuple[bytes, re.Pattern[bytes], tuple[str, ...], Prepared]] = []
        for path, endpoint in endpoints.items():
            for method, prepared in endpoint.prepared.items():
                if prepared.operation.hot:
                    self._add(method.encode(), path, prepared)

    def _add(self, method: bytes, path: str, prepared: Prepared) -> None:
        names = tuple(re.findall(r"\{(\w+)\}", path))
        if not names:
            self._fixed[method, path.encode()] = Found(prepared, path, {})
        else:
            shape = re.compile(re.sub(rb"\\\{\w+\\\}", lambda _: _SEGMENT, re.escape(path.encode())))
            self._shapes.append((method, shape, names, prepared))

    def find(self, method: bytes, url: bytes) -> Found | None:
        """The hot operation at an address as it was sent; None for any other."""
        found = self._fixed.get((method, url))
        if found is not None:
            return found
        for its_method, shape, names, prepared in self._shapes:
            match = shape.fullmatch(url) if its_method == method else None
            if match is not None:
                values = [value.decode() for value in match.groups()]
                return Found(prepared, url.decode(), dict(zip(names, values, strict=True)))
        return None
