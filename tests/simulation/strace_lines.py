"""One line of `strace -f -y -xx`, in which every string and path is hexadecimal: a call, its arguments and its result."""

import re
from typing import NamedTuple

_HEXADECIMAL = re.compile(r"(?:\\x[0-9a-f]{2})+")
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (.+)", re.DOTALL)
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
# In hexadecimal no comma is part of a string: those outside of brackets are between arguments.
_ARGUMENT = re.compile(r"(?:[^,\[{]+|\[[^\]]*\]|\{[^}]*\})+")
_DESCRIPTOR = re.compile(r"(AT_FDCWD|\d+)<([^>]*)>")


class NotUnderstood(Exception):
    """A call that may have changed the directory in a way the recorder has no word for."""

    def __init__(self, line: str) -> None:
        super().__init__(_HEXADECIMAL.sub(lambda found: ascii(decoded(found[0]))[2:-1], line)[:300])


class Call(NamedTuple):
    """A call that reported no error. Its arguments are split when they are asked for: most calls are of no interest."""

    name: str
    line: str
    listed: str
    result: str

    def arguments(self) -> list[str]:
        """What stands between the brackets."""
        return [argument.strip() for argument in _ARGUMENT.findall(self.listed)]

    def refusal(self, reason: str = "") -> NotUnderstood:
        """It was not understood."""
        return NotUnderstood(f"{reason}: {self.line[:2_000]}" if reason else self.line[:2_000])

    def text(self, position: int) -> str:
        """A string among the arguments."""
        found = _STRING.fullmatch(self.arguments()[position])
        if found is None or found[2]:
            raise self.refusal()
        return decoded(found[1]).decode()

    def descriptor(self, position: int) -> tuple[str, str]:
        """A descriptor among the arguments: its number, and the path that it has now."""
        return self._descriptor(self.arguments()[position])

    def new_descriptor(self) -> tuple[str, str]:
        """The descriptor that the call gave."""
        return self._descriptor(self.result)

    def _descriptor(self, told: str) -> tuple[str, str]:
        found = _DESCRIPTOR.fullmatch(told)  # it would be followed by "(deleted)" if there was no path any more
        if found is None:
            raise self.refusal("it names no file")
        return found[1], decoded(found[2]).decode()

    def data(self, position: int) -> bytes:
        """What was written, from one string or a vector of them: as much of it as the result says."""
        parts = []
        for hexadecimal, cut in _STRING.findall(self.arguments()[position]):
            if cut:
                raise self.refusal("bytes are missing")
            parts.append(decoded(hexadecimal))
        data, count = b"".join(parts), int(self.result)
        if len(data) < count:
            raise self.refusal("bytes are missing")
        return data[:count]


def call_of(line: str) -> Call | None:
    """The call that a line tells of; None if it failed. Raises NotUnderstood for signals, and for threads in between."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise NotUnderstood(line[:2_000])
    name, listed, result = found.groups()
    return None if result.startswith("-1 ") else Call(name, line, listed, result)


def decoded(hexadecimal: str) -> bytes:
    """The bytes of a string."""
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def encoded(text: str) -> str:
    """A string as it stands in a trace."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode())
