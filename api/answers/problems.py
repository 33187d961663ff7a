"""Problem documents (RFC 9457): how every refusal leaves the node."""

import re

import msgspec

from engine import limits
from engine.commands.fields import PATTERNS_IN_WORDS
from engine.results import FieldError, Rejection, ResultCode, Shortage

MEDIA_TYPE = b"application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a request was refused. Nothing was changed. `errors` point into the body; `lines` say what can't be promised."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    lines: tuple[Shortage, ...] = ()
    request_id: str | None = None


BETWEEN_RULES = "\x1e"
_encode = msgspec.json.Encoder().encode
_PATH = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_ONE_FIELD = re.compile(r"^`([a-z_]+(?:\[\d+\]|\.[a-z_]+)*)` (?!and )")  # how a rule about one field begins
_NO_FIELD = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[(\.\.\.)\]")


def body_of(rejection: Rejection, request_id: str | None = None) -> bytes:
    """The document for a refusal."""
    code = rejection.code
    return _encode(
        Problem(
            type=f"/problems/{code.wire}",
            title=code.title,
            status=code.status,
            code=code.wire,
            detail=rejection.detail or code.title,
            errors=rejection.errors,
            lines=rejection.lines,
            request_id=request_id,
        )
    )


def retry_after(code: ResultCode) -> int | None:
    """Seconds to wait before trying again, for codes that say so."""
    return limits.RETRY_AFTER_SECONDS if code.status in (429, 503) else None


def malformed(detail: str, pointer: str = "") -> Rejection:
    """The refusal of a request that has not the documented shape; `pointer` "" is the whole body."""
    return Rejection.at(ResultCode.MALFORMED_REQUEST, pointer, detail)


def from_validation(error: Exception) -> Rejection:
    """Turn what the decoder says into a refusal that points at the field."""
    if isinstance(error, RecursionError):
        return malformed("the document is nested too deeply")
    text = str(error)
    found = _PATH.search(text)
    words = text if found is None else text[: found.start()]
    pointer = "" if found is None else pointer_of(found.group(1))
    errors = tuple(_fault(rule, pointer) for rule in words.split(BETWEEN_RULES))
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, errors)


def broken(*rules: str | None) -> None:
    """Raise ValueError with the rules that a body breaks, all at once; None is a rule that it keeps."""
    if found := [rule for rule in rules if rule]:
        raise ValueError(BETWEEN_RULES.join(found))


def _fault(rule: str, pointer: str) -> FieldError:
    words = _in_words(rule)
    if missing := _NO_FIELD.match(words):
        return FieldError(f"{pointer}/{escaped(missing.group(1))}", words)
    if field := _ONE_FIELD.match(words):
        return FieldError(pointer + pointer_of(f"$.{field.group(1)}"), words)
    return FieldError(pointer, words)


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _in_words(text: str) -> str:
    """People are told what is expected, not a regular expression."""
    for pattern, words in PATTERNS_IN_WORDS.items():
        if text == f"Expected `str` matching regex {pattern!r}":
            return f"Expected {words}"
    return text


def pointer_of(path: str) -> str:
    """A JSON pointer for msgspec's path: `$.lines[0].quantity` -> `/lines/0/quantity`. Keys it hides stay `...`."""
    return "".join(f"/{name or index or rest}" for name, index, rest in _STEP.findall(path))
