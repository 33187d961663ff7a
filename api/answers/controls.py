"""Control characters in what clients send: refused wherever a text comes from, because no screen, label or export takes
them. Texts of several lines may have ends of lines and tabs.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from api.answers.faults import FAULTS_MAX, metas, plain, refusal_of
from api.answers.problems import escaped
from engine import limits
from engine.results import FieldError, Rejection

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_A_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WRITTEN = re.compile(rb"\\[bfnrt]|\\u00[01789]|\x7f|\xc2[\x80-\x9f]")
DETAIL = "control characters are not taken"


def has_controls(text: str) -> bool:
    """Whether a word or a name has any."""
    return _CONTROL.search(text) is not None


def controls_in(content: bytes, kind: Any) -> Rejection | None:
    """The refusal of a document of this kind that has some, with pointers to the first hundred."""
    if _WRITTEN.search(content) is None:
        return None
    found: list[FieldError] = []
    _look(msgspec.json.decode(content), kind, "", found)
    return refusal_of(found) if found else None


def _look(value: Any, kind: Any, pointer: str, found: list[FieldError]) -> None:
    if kind is msgspec.Raw:
        return  # it is read on its own
    if isinstance(value, str):
        pattern = _CONTROL_IN_A_TEXT if _is_text(kind) else _CONTROL
        if pattern.search(value) is not None and len(found) < FAULTS_MAX:
            found.append(FieldError(pointer, DETAIL))
    elif isinstance(value, list):
        kinds = _kinds_of_entries(plain(kind, b""), len(value))
        for at, entry in enumerate(value):
            _look(entry, kinds[at], f"{pointer}/{at}", found)
    elif isinstance(value, dict):
        kind_of = _kinds_of_fields(plain(kind, b"{"))
        for name, entry in value.items():
            _look(name, None, f"{pointer}/{escaped(name)}", found)
            _look(entry, kind_of.get(name, kind_of.get("")), f"{pointer}/{escaped(name)}", found)


def _is_text(kind: Any) -> bool:
    """Texts are what may be as long as a text."""
    return any(getattr(meta, "max_length", None) == limits.TEXT_LENGTH_MAX for meta in metas(kind))


def _kinds_of_entries(kind: Any, count: int) -> tuple[Any, ...]:
    kinds = get_args(kind) if get_origin(kind) in (list, set, frozenset, tuple) else (None,)
    if len(kinds) == count and Ellipsis not in kinds:
        return kinds
    return (kinds[0],) * count


def _kinds_of_fields(kind: Any) -> dict[str, Any]:
    """By name; that of all others under the empty name."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    if get_origin(kind) in (dict, Mapping):
        return {"": get_args(kind)[1]}
    return {}
