"""All that is wrong with a document at once, each fault with a whole pointer.

The decoder stops at the first fault and hides the keys of maps. What follows is slow and runs only after it has refused:
every part is decoded on its own by the type it should have, and only parts that fail are looked into.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from api.answers.problems import escaped, from_validation
from engine.results import FieldError, Rejection, ResultCode

FAULTS_MAX = 100
LOOKS_MAX = 5_000
BYTES_MAX = 1024 * 1024
"""How many parts are decoded on their own, and of which documents: some 10 ms. Beyond that only the first fault is told."""

Parts = dict[str, msgspec.Raw]
_parts_of: Callable[[Any], Parts] = msgspec.json.Decoder(Parts).decode
_entries_of: Callable[[Any], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def faults_of(content: bytes | msgspec.Raw, kind: Any, error: Exception) -> Rejection:
    """The refusal of a document that is no `kind`, as `error` says of its first fault."""
    first = from_validation(error)
    if not isinstance(error, msgspec.ValidationError) or len(memoryview(content)) > BYTES_MAX:
        return first
    search = _Search()
    try:
        search.look_inside(content, kind, "")
    except _REFUSALS:
        return first  # it is no JSON from somewhere on
    if search.is_cut or first.errors[0].detail not in {fault.detail for fault in search.found}:
        search.found[:0] = [fault for fault in first.errors if fault not in search.found]
    return refusal_of(search.found[:FAULTS_MAX])


def refusal_of(found: Sequence[FieldError]) -> Rejection:
    """The refusal of a document with these faults."""
    detail = found[0].detail
    if len(found) > 1:
        detail += f" (the first of {len(found)} faults, see `errors`)"
    return Rejection(ResultCode.MALFORMED_REQUEST, detail, tuple(found))


class _Search:
    """What was found so far; `is_cut` says that not everything was looked at."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []
        self.is_cut = False
        self._looks = 0

    def look(self, raw: Any, kind: Any, pointer: str) -> None:
        """Find what is wrong with a part, if anything is."""
        if len(self.found) >= FAULTS_MAX or self._looks >= LOOKS_MAX:
            self.is_cut = True
            return
        self._looks += 1
        try:
            _decoder(kind)(raw)
        except msgspec.ValidationError as error:
            before = len(self.found)
            self.look_inside(raw, kind, pointer)
            if len(self.found) == before and not self.is_cut:
                self._note(error, pointer)

    def _note(self, error: Exception, pointer: str) -> None:
        """A fault of the part itself."""
        self.found += [FieldError(pointer + each.pointer, each.detail) for each in from_validation(error).errors]

    def look_inside(self, raw: Any, kind: Any, pointer: str) -> None:
        """The same for its own parts."""
        base = plain(kind, raw)
        try:
            if isinstance(base, type) and issubclass(base, msgspec.Struct) and not base.__struct_config__.array_like:
                self._fields(_parts_of(raw), base, pointer)
            elif get_origin(base) in (list, set, frozenset, tuple):
                self._entries(_entries_of(raw), base, pointer)
                self._whole(raw, kind, list[msgspec.Raw], pointer)
            elif get_origin(base) in (dict, Mapping):
                self._pairs(_parts_of(raw), base, pointer)
                self._whole(raw, kind, Parts, pointer)
        except msgspec.ValidationError:
            return  # it is no object, or no array: a fault of the part itself

    def _fields(self, parts: Parts, struct: type[msgspec.Struct], pointer: str) -> None:
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        for name, raw in parts.items():
            if name in fields:
                self.look(raw, fields[name].type, f"{pointer}/{escaped(name)}")
            elif struct.__struct_config__.forbid_unknown_fields:
                self._say(f"{pointer}/{escaped(name)}", f"Object contains unknown field `{name}`")
        for name, field in fields.items():
            if field.required and name not in parts:
                self._say(f"{pointer}/{escaped(name)}", f"Object missing required field `{name}`")

    def _entries(self, entries: list[msgspec.Raw], kind: Any, pointer: str) -> None:
        kinds = get_args(kind)
        if get_origin(kind) is tuple and kinds[-1] is not Ellipsis:
            if len(kinds) != len(entries):
                return
        else:
            kinds = (kinds[0],) * len(entries)
        for at, (raw, entry) in enumerate(zip(entries, kinds, strict=True)):
            self.look(raw, entry, f"{pointer}/{at}")

    def _pairs(self, parts: Parts, kind: Any, pointer: str) -> None:
        key_kind, value_kind = get_args(kind)
        for key, raw in parts.items():
            try:
                _decoder(key_kind)(msgspec.json.encode(key))
            except msgspec.ValidationError as error:
                self._note(error, f"{pointer}/{escaped(key)}")
            self.look(raw, value_kind, f"{pointer}/{escaped(key)}")

    def _whole(self, raw: Any, kind: Any, shallow: Any, pointer: str) -> None:
        """How many there are may be wrong, too."""
        try:
            _decoder(Annotated[shallow, *found] if (found := metas(kind)) else shallow)(raw)
        except msgspec.ValidationError as error:
            self._note(error, pointer)

    def _say(self, pointer: str, detail: str) -> None:
        if len(self.found) < FAULTS_MAX:
            self.found.append(FieldError(pointer, detail))
        else:
            self.is_cut = True


@lru_cache(maxsize=4_096)
def _decoder(kind: Any) -> Callable[[Any], Any]:
    return msgspec.json.Decoder(kind).decode


def metas(kind: Any) -> tuple[Any, ...]:
    """What is annotated to a type, or to its only part that is not None."""
    found: tuple[Any, ...] = ()
    while True:
        if get_origin(kind) is Annotated:
            found += kind.__metadata__
            kind = kind.__origin__
        elif get_origin(kind) in (Union, UnionType):
            kinds = [each for each in get_args(kind) if each is not type(None)]
            if len(kinds) != 1:
                return found
            kind = kinds[0]
        else:
            return found


def plain(kind: Any, value: Any) -> Any:
    """The type behind annotations and `| None`. Of several, the one that a part could be, None if that is not clear."""
    while True:
        if get_origin(kind) is Annotated:
            kind = kind.__origin__
        elif get_origin(kind) in (Union, UnionType):
            kind = _one_of([each for each in get_args(kind) if each is not type(None)], value)
        else:
            return kind


def _one_of(kinds: list[Any], raw: Any) -> Any:
    if len(kinds) == 1:
        return kinds[0]
    objects = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    return objects[0] if len(objects) == 1 and bytes(memoryview(raw)[:1]) == b"{" else None
