"""From the bytes of a body to what an operation takes: decoded in one go, looked at closely only where that fails."""

from collections.abc import Callable
from typing import Any

import msgspec

from api.answers import controls, faults
from api.answers.problems import malformed
from api.http import part_or_all
from engine.results import Rejection


class BodyReader:
    """Reads bodies of one kind. `without` is what a missing one stands for, nothing for a refusal."""

    def __init__(self, kind: Any, without: bytes = b"") -> None:
        self._kind = kind
        self._without = without
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode

    def read(self, content: bytes) -> Any | Rejection:
        """The body, or the refusal that names all its faults."""
        try:
            body = self._decode(content or self._without)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if not content.strip():
                return malformed(part_or_all.missing(self._kind))
            return faults.faults_of(content, self._kind, error)
        if b"\\" in content or b"\x7f" in content or not content.isascii():
            return controls.controls_in(content, self._kind) or body  # seldom: without any of these it has none
        return body
