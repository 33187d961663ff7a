"""The stock journal over HTTP: every posting, the newest first."""

from typing import Annotated, get_args

import msgspec

from api.answers.facts import Document, PostingAnswer, document_of, postings_of
from api.answers.identifiers import reservation_number
from api.answers.problems import malformed
from api.answers.timestamps import Timestamp, iso
from api.http.endpoint import encode
from api.http.filters import NodeFilter, OrderFilter, SkuFilter, only
from api.http.listing import SpanQuery
from api.http.operations import Call, Handled, Operation, PageOf, Reply
from api.http.scanning import scan
from engine.facts import Fact, records
from engine.facts.records import kind_of
from engine.results import Rejection

KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(Fact))
KindFilter = Annotated[str, only("kind of fact", lambda state, value: value in KINDS)]


class JournalQuery(SpanQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Entries must meet all of it. `sku` and `node` are met together by one posting; `kind` is a fact's name."""

    sku: SkuFilter | None = None
    node: NodeFilter | None = None
    order: OrderFilter | None = None
    reservation: str | None = None
    actor: str | None = None
    kind: KindFilter | None = None


class JournalEntry(msgspec.Struct, omit_defaults=True):
    """One fact: who caused it, what it is about, and what it moved. Facts of one record share `seq` and `time`."""

    seq: int
    time: Timestamp
    kind: str
    actor: str
    document: Document
    postings: tuple[PostingAnswer, ...]
    reference: str | None = None
    reverses: int | None = None


class JournalPage(PageOf[JournalEntry]):
    """The newest first. A page may end early, even empty, with a cursor: then more was looked at than one call may."""


class _Wanted:
    """The filters. `needles` stand literally in every record that has a matching fact, so most are never decoded."""

    def __init__(self, query: JournalQuery, reservation: int | None) -> None:
        self.query = query
        self.reservation = reservation
        texts = (query.sku, query.node, query.order, query.actor, query.kind)
        self.needles = [text.encode() for text in texts if text is not None]
        if reservation is not None:
            self.needles.append(msgspec.msgpack.encode(reservation))
        asked = (query.order, query.reservation, query.actor, query.kind)
        self.postings_only = all(filter_ is None for filter_ in asked)

    def facts_of(self, encoded: bytes) -> tuple[str, list[Fact]]:
        """The actor and the matching facts of a record, the last one first."""
        query = self.query
        if not all(needle in encoded for needle in self.needles):
            return "", []
        record = records.decode(encoded)
        if query.actor is not None and record.actor != query.actor:
            return "", []
        return record.actor, [fact for fact in reversed(record.facts) if self._matches(fact)]

    def _matches(self, fact: Fact) -> bool:
        query = self.query
        if self.postings_only and not fact.postings:
            return False
        if query.kind is not None and kind_of(fact) != query.kind:
            return False
        if query.order is not None and getattr(fact, "order", None) != query.order:
            return False
        if self.reservation is not None and getattr(fact, "reservation", None) != self.reservation:
            return False
        if query.sku is None and query.node is None:
            return True
        return any(
            (query.sku is None or posting.sku == query.sku) and (query.node is None or posting.node == query.node)
            for posting in fact.postings
        )


async def journal(call: Call) -> Handled:
    """A page of the journal."""
    query: JournalQuery = call.query
    reservation = None if query.reservation is None else reservation_number(query.reservation)
    if query.reservation is not None and reservation is None:
        return malformed(f"in the query: there is no reservation {query.reservation!r}", "/reservation")
    page = await scan(call.server.journal, query, _Wanted(query, reservation).facts_of, _entry)
    return page if isinstance(page, Rejection) else Reply(200, encode(JournalPage(*page)))


def _entry(seq: int, time_ns: int, actor: str, fact: Fact) -> JournalEntry:
    reference = getattr(fact, "reference", None)
    return JournalEntry(seq, iso(time_ns), kind_of(fact), actor, document_of(fact, seq), postings_of(fact), reference)


OPERATIONS = [
    Operation(
        id="listJournal", method="GET", path="/v1/journal", tag="Journal", handle=journal, query=JournalQuery,
        summary="Every posting, the newest first", answer=JournalPage,
        description="Entries without postings show only when `kind`, `order`, `reservation` or `actor` is asked for.",
    ),
]  # fmt: skip
