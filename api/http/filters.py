"""Filters of lists: a filter takes only values that there are."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from engine.commands.fields import Id, OrderNumber, Sku
from engine.results import FieldError, Rejection, ResultCode
from engine.state import finding
from engine.state.state import State

Known = Callable[[State, str], bool]


def _configured(part: str) -> Known:
    return lambda state, value: value in getattr(state.configuration, part)


def _is_order(state: State, number: str) -> bool:
    return finding.find_order(state, number) is not None


def only(called: str, known: Known) -> Meta:
    """For a filter whose values are looked up: `known(state, value)` says whether there is a `called` of that name."""
    return Meta(extra={"called": called, "known": known})


def some_of(*values: str) -> Meta:
    """For a filter that takes one of these values, or several with commas between them."""
    return Meta(extra={"values": values}, description=f"one of {', '.join(values)}, or several with commas between")


NodeFilter = Annotated[Id, only("node", _configured("nodes"))]
ChannelFilter = Annotated[Id, only("channel", _configured("channels"))]
SkuFilter = Annotated[Sku, only("SKU", _configured("items"))]
ProviderFilter = Annotated[Id, only("payment provider", _configured("payment_providers"))]
OrderFilter = Annotated[OrderNumber, only("order", _is_order)]


def is_wanted(asked: str | None, value: str) -> bool:
    """Whether a filter of `some_of` lets a value through."""
    return asked is None or value == asked or ("," in asked and value in asked.split(","))


class Filters:
    """The filters among the parameters of one operation."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        self._filters: list[tuple[str, str, dict[str, Any]]] = []
        for field in msgspec.structs.fields(kind):
            extras = [part.extra for part in _parts(hints[field.name]) if isinstance(part, Meta)]
            self._filters += [(field.name, field.encode_name, extra) for extra in extras if extra is not None]

    def refusal(self, query: msgspec.Struct, state: State) -> Rejection | None:
        """Why a query can let nothing through, all its filters at once; None if it can."""
        found = []
        for name, sent_as, extra in self._filters:
            value = getattr(query, name)
            detail = None if value is None else _refused(value, extra, state)
            if detail is not None:
                found.append(FieldError(f"/{sent_as}", detail))
        if not found:
            return None
        detail = f"in the query: `{found[0].pointer[1:]}`: {found[0].detail}"
        return Rejection(ResultCode.MALFORMED_REQUEST, detail, tuple(found))


def _refused(value: str, extra: dict[str, Any], state: State) -> str | None:
    if "values" in extra:
        unknown = [each for each in value.split(",") if each not in extra["values"]]
        return f"there is no {unknown[0]!r}; there are {', '.join(extra['values'])}" if unknown else None
    if "known" in extra and not extra["known"](state, value):
        return f"there is no {extra['called']} {value!r}"
    return None


def _parts(kind: Any) -> Iterator[Any]:
    """A type, what it is a union or annotation of, and the annotations."""
    yield kind
    yield from (getattr(kind, "__metadata__", None) or ())
    for part in get_args(kind):
        if not isinstance(part, Meta):
            yield from _parts(part)
