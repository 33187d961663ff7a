"""A configuration document, read some entries at a time: a large one is the work of many turns."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from api.answers import problems
from engine import limits
from engine.commands.configuration import Configure
from engine.commands.fields import Sku
from engine.commands.pricing import PriceList, PriceSteps
from engine.configuration import master_data
from engine.pricing.checking import problems_of_price_list
from engine.results import FieldError, Rejection, ResultCode

_BLANKS = re.compile(r"[ \t\n\r]*")
_scan = json.JSONDecoder().raw_decode


class _NoJson(ValueError):
    """What stands there is no JSON, or another kind of it than is asked for."""


class _Text:
    """A place in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._blanks()

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here. Between two keys the caller goes past the value."""
        self._take("{", "expected an object")
        if self._next() == "}":
            self._take("}", "")
            return
        while True:
            key = json.loads(self.value()) if self._next() == '"' else self._fail("expected a name in double quotes")
            self._take(":", "expected a colon")
            yield key
            if self._next() == "}":
                self._take("}", "")
                return
            self._take(",", "expected a comma or the end of the object")

    def value(self) -> str:
        """The value that begins here, as it is written; the place is after it."""
        start = self.at
        try:
            _, self.at = _scan(self.text, start)
        except ValueError:
            self._fail("no value")
        found = self.text[start : self.at]
        self._blanks()
        return found

    def end(self) -> None:
        """Nothing follows."""
        if self.at != len(self.text):
            self._fail("trailing characters")

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, sign: str, otherwise: str) -> None:
        if self._next() != sign:
            self._fail(otherwise)
        self.at += 1
        self._blanks()

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _fail(self, words: str) -> Any:
        raise _NoJson(f"JSON is malformed: {words} (character {self.at})")


class Document:
    """What has been read of a document: `parts` with their bodies, how many there are, and every fault so far."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, Any]] = {}
        self.entries = self.prices = 0
        self.faults: list[FieldError] = []

    def read(self, content: bytes) -> Iterator[None]:
        """Reads it; stops after every entry. What is no JSON ends it, what is no such document is a fault."""
        try:
            text = _Text(content.decode())
            for part in text.members():
                if part in master_data.OF_PART:
                    yield from self._part(text, part)
                else:
                    text.value()
                    self._fault(part, problems.malformed(f"Object contains unknown field `{part}`"))
            text.end()
        except (UnicodeDecodeError, RecursionError, _NoJson) as error:
            self.faults = [FieldError("", problems.from_validation(error).detail)]

    def _part(self, text: _Text, part: str) -> Iterator[None]:
        bodies = self.parts.setdefault(part, {})
        keys_of, *below = _KEYS[part]
        for key in text.members():
            self._check((part, key), key, keys_of)
            if part == "price_lists":
                yield from self._price_list(text, (part, key), bodies)
                continue
            if not below:
                self._body(text.value(), (part, key), bodies)
                yield
                continue
            inner = bodies.setdefault(key, {})
            for sku in text.members():
                self._check((part, key, sku), sku, below[0])
                self._body(text.value(), (part, key, sku), inner)
                yield

    def _check(self, path: tuple[str, ...], key: str, kind: Any) -> None:
        try:
            msgspec.convert(key, kind)
        except msgspec.ValidationError as error:
            self._fault("/".join(map(_escaped, path)), problems.from_validation(error))

    def _body(self, text: str, path: tuple[str, ...], bodies: dict[str, Any]) -> None:
        self.entries += 1
        try:
            bodies[path[-1]] = _DECODERS[path[0]](text)
        except (msgspec.MsgspecError, RecursionError) as error:
            self._fault("/".join(map(_escaped, path)), problems.from_validation(error))

    def _price_list(self, text: _Text, path: tuple[str, ...], bodies: dict[str, Any]) -> Iterator[None]:
        """A price list may be as large as the rest: its prices are read, and checked, one SKU at a time."""
        place = "/".join(map(_escaped, path))
        fields: dict[str, Any] = {}
        prices: dict[str, Any] = {}
        for field in text.members():
            if field != "prices":
                fields[field] = msgspec.Raw(text.value().encode())
                continue
            fields[field] = {}
            for sku in text.members():
                within = (*path, field, sku)
                self._check(within, sku, Sku)
                self.prices += 1
                try:
                    prices[sku] = _steps(text.value())
                    self._problems(place, PriceList("EUR", {sku: prices[sku]}))
                except (msgspec.MsgspecError, RecursionError) as error:
                    self._fault("/".join(map(_escaped, within)), problems.from_validation(error))
                yield
        self._body(msgspec.json.encode(fields).decode(), path, bodies)
        body = bodies.get(path[-1])
        if body is not None:
            self._problems(place, body)
            bodies[path[-1]] = msgspec.structs.replace(body, prices=prices)

    def _problems(self, place: str, price_list: PriceList) -> None:
        for pointer, detail in problems_of_price_list(price_list):
            self._fault(place, problems.malformed(detail, pointer))

    def _fault(self, place: str, rejection: Rejection) -> None:
        found = [FieldError(f"/{place}{error.pointer}", error.detail) for error in rejection.errors]
        self.faults += found[: limits.CONFIGURATION_FAULTS_MAX - len(self.faults)]

    @property
    def refusal(self) -> Rejection | None:
        """Why it is not taken, if it is not."""
        if self.faults:
            return Rejection(ResultCode.MALFORMED_REQUEST, self.faults[0].detail, tuple(self.faults))
        most, entries = limits.CONFIGURATION_ENTRIES_MAX, self.entries + self.prices
        if entries > most:
            return problems.malformed(f"a document has at most {most} entries, this one {entries}")
        return None


def slices(document: Configure) -> Iterator[Configure]:
    """The document in parts of at most CONFIGURATION_RECORD_ENTRIES entries, what others name before what names it. A
    price list is not cut."""
    some: list[tuple[master_data.Kind, tuple[str, ...], Any]] = []
    prices = 0
    for kind in master_data.JOURNALLED:
        for keys, body in kind.entries(document):
            some.append((kind, keys, body))
            prices += len(body.prices) if isinstance(body, PriceList) else 0
            if len(some) + prices >= limits.CONFIGURATION_RECORD_ENTRIES:
                yield _document_of(some)
                some, prices = [], 0
    if some:
        yield _document_of(some)


def _document_of(entries: list[tuple[master_data.Kind, tuple[str, ...], Any]]) -> Configure:
    parts: dict[str, dict[str, Any]] = {}
    for kind, (*above, key), body in entries:
        bodies = parts.setdefault(kind.part, {})
        for name in above:
            bodies = bodies.setdefault(name, {})
        bodies[key] = body
    return Configure(**parts)


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _keys_of(part: str) -> tuple[Any, ...]:
    """The types of the ids of a part, from above."""
    kinds, of_type = [], get_type_hints(Configure, include_extras=True)[part]
    for _ in master_data.OF_PART[part].names:
        key, of_type = get_args(of_type)
        kinds.append(key)
    return tuple(kinds)


_KEYS = {part: _keys_of(part) for part in master_data.OF_PART}
_steps = msgspec.json.Decoder(PriceSteps).decode
_DECODERS = {kind.part: msgspec.json.Decoder(kind.body).decode for kind in master_data.KINDS}
