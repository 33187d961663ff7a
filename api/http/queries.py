"""The one place where a query string becomes what an operation takes: every parameter by its type, all faults at once.

Nothing is bent: `1e1`, `+1` and ` 1` are no whole numbers, `1` is no `true`, and `null` is a word like any other.
"""

import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from api.answers import controls
from api.answers.problems import from_validation, malformed
from engine.results import FieldError, Rejection, ResultCode

PARAMETERS_MAX = 50
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_WORDS = {"true": True, "false": False}


class QueryReader:
    """Reads query strings of one kind."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._kind = kind
        self._fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        self._plain = {name: _without_none(field.type) for name, field in self._fields.items()}

    def read(self, query_string: bytes) -> Any | Rejection:
        """The query, or the refusal that names all its faults."""
        try:
            text = query_string.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict")
        except ValueError:
            return malformed(f"in the query: at most {PARAMETERS_MAX} parameters, percent-encoded UTF-8")
        given = dict(pairs)
        if len(given) != len(pairs):
            return malformed("a query parameter is given twice")
        found: list[FieldError] = []
        values = {name: self._value(name, text, found) for name, text in given.items()}
        for name, field in self._fields.items():
            if field.required and name not in given:
                found.append(FieldError(f"/{name}", f"Object missing required field `{name}`"))
        if not found:
            try:
                return msgspec.convert(values, self._kind)
            except msgspec.ValidationError as error:
                found += from_validation(error).errors
        more = f" (the first of {len(found)} faults, see `errors`)" if len(found) > 1 else ""
        where = found[0].pointer.removeprefix("/")
        at = f"`{where}`: " if where in given and where in self._fields else ""
        detail = f"in the query: {at}{found[0].detail}{more}"
        return Rejection(ResultCode.MALFORMED_REQUEST, detail, tuple(found))

    def _value(self, name: str, text: str, found: list[FieldError]) -> Any:
        """What a parameter says, as its type."""
        kind = self._plain.get(name)
        try:
            if kind is None:
                raise ValueError(f"Object contains unknown field `{name}`")
            if controls.has_controls(text):
                raise ValueError(controls.DETAIL)
            return msgspec.convert(_word(kind, text), kind)
        except ValueError as error:  # the decoder's refusals are some, too
            detail = from_validation(error).detail
            found.append(FieldError(f"/{name}", detail))
            return None


def _word(kind: Any, text: str) -> Any:
    """A text as what JSON would have in its place."""
    base = kind.__origin__ if get_origin(kind) is Annotated else kind
    if base is bool:
        if text not in _WORDS:
            raise ValueError("Expected `true` or `false`")
        return _WORDS[text]
    if base is int:
        if _WHOLE.fullmatch(text) is None:
            raise ValueError("Expected a whole number")
        return int(text)
    if base is float:
        if _DECIMAL.fullmatch(text) is None:
            raise ValueError("Expected a decimal number")
        return float(text)
    return text


def _without_none(kind: Any) -> Any:
    """What a query string can say: there is no null in it."""
    if get_origin(kind) in (Union, UnionType):
        kinds = [each for each in get_args(kind) if each is not type(None)]
        return Union[tuple(kinds)]  # noqa: UP007 - made from a list
    return kind
