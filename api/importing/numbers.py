"""Numbers as people and their systems write them: 5.0, 5,00, 1.234, 12.000, 1'234.50, 5-."""

import re
from collections.abc import Iterable
from typing import NamedTuple

MARKS = {".": ",", ",": "."}
"""What may stand before the decimals, with what then separates thousands."""

_SHAPE = re.compile(r"([+\-\u2212]?)\s*([0-9.,'\u2019 \u00a0\u202f]*[0-9])\s*(-?)", re.ASCII)
_BLANKS = re.compile(r"['\u2019 \u00a0\u202f]")
_DIGITS_MAX = 15


class NotRead(ValueError):
    """A text is no number, or could be two; the message says which."""


class CellNumber(str):
    """A fraction that a cell of a spreadsheet holds: its mark is a point, whatever people write in other cells."""

    __slots__ = ()


class Number(NamedTuple):
    """A number, exactly: `digits` after the mark, without zeros at the end."""

    negative: bool
    whole: int
    digits: str


def decimal_mark(texts: Iterable[str]) -> str | None:
    """The decimal mark that texts of one column tell, or None where none does, or they tell both."""
    told = {_told(text.strip()) for text in texts if _may_tell(text)} - {None}
    return told.pop() if len(told) == 1 else None


def _may_tell(text: str) -> bool:
    return ("." in text or "," in text) and not isinstance(text, CellNumber)


def _told(text: str) -> str | None:
    """What a number tells of its decimal mark; None if nothing."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    body = shape[2]
    marks = [character for character in body if character in MARKS]
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) == 2:
        return last
    if len(marks) > 1:
        return MARKS[last]
    head, _, tail = body.partition(last)
    groups = len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0")
    return None if groups else last


def read_number(text: str, mark: str | None) -> Number:
    """A number whose decimal mark is `mark`; None if nobody has said. Raises NotRead."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or (shape[1] and shape[3]):
        raise NotRead("this is no number")
    body = shape[2]
    mark = "." if isinstance(text, CellNumber) else mark or _told(text)
    if mark is None and ("." in body or "," in body):
        small, large = re.split("[.,]", body)[0], re.sub("[.,]", "", body)
        raise NotRead(f"this may be {small} or {large}: say which mark is the decimal one, --decimal . or --decimal ,")
    head, _, tail = body.partition(mark) if mark else (body, "", "")
    thousands = MARKS.get(mark or "", "")
    if not _is_grouped(head, thousands) or (tail and not re.fullmatch("[0-9]+", tail, re.ASCII)):
        raise NotRead(f"this is no number, if {mark} is the decimal mark" if mark else "this is no number")
    whole = _BLANKS.sub("", head).replace(thousands, "") if thousands else _BLANKS.sub("", head)
    if len(whole) + len(tail) > _DIGITS_MAX:
        raise NotRead("this number is too large")
    return Number("-" in shape[1] + shape[3] or shape[1] == "\u2212", int(whole or 0), tail.rstrip("0"))


def _is_grouped(head: str, thousands: str) -> bool:
    """Whether the part before the decimals is digits, or groups of three with one separator."""
    if re.fullmatch("[0-9]*", head, re.ASCII):
        return True
    between = set(re.findall("[^0-9]", head, re.ASCII))
    return (
        len(between) == 1
        and (between == {thousands} or bool(_BLANKS.fullmatch(*between)))
        and bool(re.fullmatch("[0-9]{1,3}([^0-9][0-9]{3})+", head, re.ASCII))
    )


def read_whole(text: str, mark: str | None) -> int:
    """A whole number; decimals may be there if they are zeros. Raises NotRead."""
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX:
        return int(text)
    number = read_number(text, mark)
    if number.digits:
        raise NotRead("a whole number is needed")
    return -number.whole if number.negative else number.whole


def read_minor(text: str, mark: str | None, exponent: int) -> int:
    """An amount of money in minor units, of which 10 to the power of `exponent` are a whole one. Raises NotRead."""
    number = read_number(text, mark)
    if number.negative:
        raise NotRead("a price is not negative")
    if len(number.digits) > exponent:
        raise NotRead(f"a price has at most {exponent} decimals here" if exponent else "a price has no decimals here")
    units: int = number.whole * 10**exponent
    return units + int(number.digits.ljust(exponent, "0") or 0)
