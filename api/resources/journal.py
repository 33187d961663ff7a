"""The stock journal over HTTP: every posting, the newest first."""

import asyncio
from collections.abc import Iterator

import msgspec

from api.endpoint import encode
from api.fact_data import Document, PostingAnswer, document_of, postings_of
from api.identifiers import reservation_number
from api.listing import SpanQuery, seq_at
from api.operations import Call, Handled, Operation, Reply
from api.problems import malformed
from api.timestamps import Timestamp, iso
from engine import limits, records
from engine.facts import Fact
from engine.records import kind_of
from engine.results import Rejection
from engine.wal import Journal


class JournalQuery(SpanQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Entries must meet all of it. `sku` and `node` are met together by one posting; `kind` is a fact's name."""

    sku: str | None = None
    node: str | None = None
    order: str | None = None
    reservation: str | None = None
    actor: str | None = None
    kind: str | None = None


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


class JournalPage(msgspec.Struct):
    """The newest first. A page may end early, even empty, with a cursor: then more was looked at than one call may."""

    items: list[JournalEntry]
    next_cursor: str | None


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
    """A page of the journal. Scans in slices, so that other requests are answered in between."""
    query: JournalQuery = call.query
    reservation = None if query.reservation is None else reservation_number(query.reservation)
    if query.reservation is not None and reservation is None:
        return Reply(200, encode(JournalPage([], None)))
    start = _start(query.cursor)
    if isinstance(start, Rejection):
        return start
    source, wanted = call.node.journal, _Wanted(query, reservation)
    before_seq, given = start or (source.last_seq + 1, 0)
    if query.to_ns is not None:
        first_too_late = seq_at(source, query.to_ns)
        if first_too_late < before_seq:
            before_seq, given = first_too_late, 0
    items: list[JournalEntry] = []
    looked_at = 0
    for seq, time_ns, encoded in _records(source, before_seq + (1 if given else 0)):
        if time_ns < query.from_ns:
            return Reply(200, encode(JournalPage(items, None)))
        if looked_at == limits.JOURNAL_SCAN_RECORDS_MAX:
            return Reply(200, encode(JournalPage(items, f"{seq + 1}.0")))
        looked_at += 1
        if looked_at % limits.JOURNAL_SCAN_SLICE_RECORDS == 0:
            await asyncio.sleep(0)
        actor, facts = wanted.facts_of(encoded)
        for position, fact in enumerate(facts):
            if seq == before_seq and position < given:
                continue
            if len(items) == query.limit:
                return Reply(200, encode(JournalPage(items, f"{seq}.{position}" if position else f"{seq + 1}.0")))
            items.append(_entry(seq, time_ns, actor, fact))
    return Reply(200, encode(JournalPage(items, None)))


def _start(cursor: str | None) -> tuple[int, int] | Rejection | None:
    """A cursor is `<seq>.<n>`: records before `seq` come next; with n, the facts of record `seq` after the first n too."""
    if not cursor:
        return None
    seq, dot, given = cursor.partition(".")
    if not (cursor.isascii() and dot and seq.isdigit() and given.isdigit() and len(cursor) <= 30):
        return malformed("in the query: `cursor` is what the page before gave as `next_cursor`")
    return int(seq), int(given)


def _records(journal: Journal, before_seq: int) -> Iterator[tuple[int, int, bytes]]:
    """(seq, time_ns, record), the newest first, from those before `before_seq`."""
    for batch in journal.read_backwards(before_seq):
        for offset in range(len(batch.records) - 1, -1, -1):
            if batch.first_seq + offset < before_seq:
                yield batch.first_seq + offset, batch.time_ns, batch.records[offset]


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
