"""SKUs that commands name: known, and named once."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engine.commands.stock import ABSOLUTE_REASONS, MovementLine
from engine.results import FieldError, Rejection, ResultCode
from engine.state.state import State


class HasSku(Protocol):
    """A line of a command that names a SKU."""

    @property
    def sku(self) -> str: ...


def refuse_unknown_skus(state: State, lines: Sequence[HasSku], within: str = "/lines") -> Rejection | None:
    """The refusal of lines whose SKUs nobody has set, all of them pointed at; None if all are known."""
    items = state.configuration.items
    errors = tuple(
        [
            FieldError(f"{within}/{at}/sku", f"there is no SKU {line.sku!r}")
            for at, line in enumerate(lines)
            if line.sku not in items
        ]
    )
    return Rejection(ResultCode.UNKNOWN_SKU, errors[0].detail, errors) if errors else None


def refuse_named_twice(lines: Sequence[HasSku]) -> Rejection | None:
    """The refusal of a request that names a SKU twice, pointing at every line that does; None if none does."""
    return _refuse_repeated(lines, lambda line: line.sku, "SKU {0!r} is named twice")


def refuse_counted_twice(lines: Sequence[MovementLine]) -> Rejection | None:
    """The refusal of lines that say twice what is there of a SKU at a node: the last would win over the others."""
    said = [line for line in lines if line.reason in ABSOLUTE_REASONS]
    if len(said) < 2 or len({(line.sku, line.node) for line in said}) == len(said):
        return None
    words = "what is there of {0!r} at {1!r} is said twice: add it up, or leave one out"
    return _refuse_repeated(
        lines, lambda line: (line.sku, line.node) if line.reason in ABSOLUTE_REASONS else None, words
    )


def _refuse_repeated(lines: Sequence[Any], key_of: Callable[[Any], Any], words: str) -> Rejection | None:
    """The refusal of lines of one key, all of them pointed at. Lines whose key is None may be repeated."""
    places: dict[Any, list[int]] = {}
    for at, line in enumerate(lines):
        key = key_of(line)
        if key is not None:
            places.setdefault(key, []).append(at)
    repeated = sorted((at, key) for key, some in places.items() if len(some) > 1 for at in some)
    errors = tuple(
        FieldError(f"/lines/{at}/sku", words.format(*(key if isinstance(key, tuple) else (key,))))
        for at, key in repeated
    )
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, errors) if errors else None
