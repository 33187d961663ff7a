"""Query strings: whole numbers are digits, nothing means null, and a filter takes only values that there are."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from api.answers.problems import malformed
from engine.commands.fields import Id, OrderNumber, Sku
from engine.results import Rejection
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


class QueryReader:
    """Reads the query string of one operation as a struct."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._kind = kind
        hints = get_type_hints(kind, include_extras=True)
        self._numbers = set()
        self._filters: list[tuple[str, str, dict[str, Any]]] = []
        for field in msgspec.structs.fields(kind):
            parts = list(_parts(hints[field.name]))
            if int in parts:
                self._numbers.add(field.encode_name)
            extras = [part.extra for part in parts if isinstance(part, Meta) and part.extra is not None]
            self._filters += [(field.name, field.encode_name, extra) for extra in extras]

    def read(self, pairs: dict[str, str], state: State) -> Any | Rejection:
        """The struct, or the refusal of a filter that can let nothing through. Raises msgspec.ValidationError."""
        values: dict[str, Any] = dict(pairs)
        for name in self._numbers & values.keys():
            if re.fullmatch(r"0|[1-9][0-9]{0,18}", values[name], re.ASCII):
                values[name] = int(values[name])
        query = msgspec.convert(values, self._kind)
        for name, sent_as, extra in self._filters:
            value = getattr(query, name)
            if value is not None:
                detail = _refused(value, extra, state)
                if detail is not None:
                    return malformed(f"in the query: `{sent_as}`: {detail}", f"/{sent_as}")
        return query


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
