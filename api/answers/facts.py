"""Facts as clients see them: field names instead of positions, ids instead of numbers, nothing sealed or secret."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, get_type_hints

import msgspec

from api.answers.identifiers import (
    prefix_of,
)
from api.answers.timestamps import iso
from engine.calendars.local_time import date_of_day
from engine.facts import Fact
from engine.facts.maintenance import DigestRecorded
from engine.facts.missing import MissingPaid
from engine.facts.money import (
    DocumentIssued,
    MoneyBooked,
    PeriodLocked,
)
from engine.facts.orders import (
    ChangeProposed,
)
from engine.facts.postings import Account, Posting
from engine.facts.stock import StockMoved
from engine.machine import FACTS
from engine.state.money_books import document_id

ACCOUNT_NAMES = tuple(account.name.lower() for account in Account)


class Document(msgspec.Struct, frozen=True):
    """What an entry is about: `order` W-1001, `fulfilment` f-7, `movement` m-12, ..."""

    type: str
    id: str


class PostingAnswer(msgspec.Struct, frozen=True):
    """`quantity` units of `sku` at `node` go from one account to another."""

    sku: str
    node: str
    source_account: str
    target_account: str
    quantity: int


def postings_of(fact: Fact) -> tuple[PostingAnswer, ...]:
    """Exactly what the ledger applied."""
    return tuple(posting_answer(posting) for posting in fact.postings)


def posting_answer(posting: Posting) -> PostingAnswer:
    """One of them."""
    source, target = ACCOUNT_NAMES[posting.source], ACCOUNT_NAMES[posting.target]
    return PostingAnswer(posting.sku, posting.node, source, target, posting.quantity)


def document_of(fact: Fact, seq: int) -> Document:
    """What a fact of record `seq` is about."""
    match fact:
        case DocumentIssued():
            return Document(fact.document.series, document_id(fact.document))
        case MoneyBooked():
            return Document(fact.document_type, fact.document_id)
        case DigestRecorded():
            return Document("state", str(fact.parts[0][0]))
        case PeriodLocked():
            return Document("period", date_of_day(fact.through_day))
        case StockMoved() | MissingPaid():
            return Document("movement", f"m-{seq}")
    word, *fields = FACTS[type(fact)].about.split()
    fields = fields or [word]
    return Document(word, "/".join([str(_shown(type(fact))[field].write(getattr(fact, field))) for field in fields]))


class _Shown(NamedTuple):
    """How a field of a struct is shown: under which name, and what is written for its value."""

    name: str
    write: Callable[[Any], Any]


@cache
def _shown(kind: type[msgspec.Struct]) -> dict[str, _Shown]:
    """Fields that are shown, as their types and names say. A fact's `line`, a position in the order, is called that."""
    shown = {}
    for field, of_type in get_type_hints(kind, include_extras=True).items():
        prefix = prefix_of(of_type)
        if prefix is not None:
            shown[field] = _Shown(field, partial(_ids, prefix))
        elif field.endswith("_ns"):
            shown[field] = _Shown(field.removesuffix("_ns"), lambda value: None if value is None else iso(value))
        else:
            shown[field] = _Shown("line_index" if field == "line" else field, _value)
    return {field: shown[field] for field in kind.__struct_fields__ if field not in _SEALED}


def _ids(prefix: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_ids(prefix, number) for number in value]
    return None if value is None else f"{prefix}{value}"


_SEALED = ("contact", "billing")


def data_of(fact: Fact) -> dict[str, Any]:
    """All fields of a fact by name. Sealed blobs, hashes and packed states, all of them bytes, are left out."""
    data = _plain(fact)
    if isinstance(fact, ChangeProposed):
        data["would_move"] = [msgspec.structs.asdict(posting_answer(posting)) for posting in fact.would_move]
    data["postings"] = [msgspec.structs.asdict(posting) for posting in postings_of(fact)]
    return data


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field, (name, write) in _shown(type(struct)).items():
        value = getattr(struct, field)
        if not isinstance(value, bytes):
            data[name] = write(value)
    return data


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_value(entry) for entry in value]
    return value
