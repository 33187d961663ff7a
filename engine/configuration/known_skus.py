"""SKUs that commands name: known, and named once."""

from collections.abc import Sequence
from typing import Protocol

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
    """The refusal of a request that names SKUs twice, pointing at every line but the first; None if it does not."""
    seen: dict[str, int] = {}
    errors = tuple(
        [
            FieldError(f"/lines/{at}/sku", f"SKU {line.sku!r} is named twice")
            for at, line in enumerate(lines)
            if seen.setdefault(line.sku, at) != at
        ]
    )
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, errors) if errors else None
