"""Pages of the journal's facts, the newest first, in slices, so that other requests are answered in between."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from api.http.listing import SpanQuery, start_of
from api.http.turns import Turns
from api.server.history import seq_at
from engine import limits
from engine.facts import Fact, records
from engine.facts.money import MoneyBooked
from engine.results import Rejection
from engine.wal import Journal


class Page(NamedTuple):
    """Entries, and where the next page begins. May end early, even empty: one call may look at so much."""

    items: list[Any]
    next_cursor: str | None


FactsOf = Callable[[bytes], tuple[str, list[Fact]]]
EntryOf = Callable[[int, int, str, Any], Any]


async def scan(source: Journal, query: SpanQuery, facts_of: FactsOf, entry_of: EntryOf) -> Page | Rejection:
    """A page of what `entry_of(seq, time_ns, actor, fact)` makes of facts that `facts_of(record)` finds, the last one
    first.

    A cursor is `<seq>.<n>`: records before `seq` come next; with n, the facts of record `seq` after the first n too.
    """
    start = start_of(query.cursor)
    if isinstance(start, Rejection):
        return start
    before_seq, given = start or (source.last_seq + 1, 0)
    if query.to_ns is not None:
        first_too_late = seq_at(source, query.to_ns)
        if first_too_late < before_seq:
            before_seq, given = first_too_late, 0
    items: list[Any] = []
    looked_at = postings = 0
    turns = Turns()
    for seq, time_ns, encoded in _records(source, before_seq + (1 if given else 0)):
        if time_ns < query.from_ns:
            return Page(items, None)
        if looked_at == limits.JOURNAL_SCAN_RECORDS_MAX:
            return Page(items, f"{seq + 1}.0")
        looked_at += 1
        if turns.is_over:
            await turns.next()
        actor, facts = facts_of(encoded)
        for position, fact in enumerate(facts):
            if seq == before_seq and position < given:
                continue
            if turns.is_over:
                await turns.next()
            if len(items) == query.limit or postings > limits.JOURNAL_PAGE_POSTINGS_MAX:
                return Page(items, f"{seq}.{position}" if position else f"{seq + 1}.0")
            items.append(entry_of(seq, time_ns, actor, fact))
            postings += len(fact.postings)
    return Page(items, None)


def bookings_in(encoded: bytes) -> tuple[str, list[MoneyBooked]]:
    """Who asked for a record, and what it booked. One without bookings is not decoded."""
    if b"money_booked" not in encoded:
        return "", []
    record = records.decode(encoded)
    return record.actor, [fact for fact in record.facts if isinstance(fact, MoneyBooked)]


def _records(journal: Journal, before_seq: int) -> Iterator[tuple[int, int, bytes]]:
    """(seq, time_ns, record), the newest first, from those before `before_seq`."""
    for batch in journal.read_backwards(before_seq):
        for offset in range(len(batch.records) - 1, -1, -1):
            if batch.first_seq + offset < before_seq:
                yield batch.first_seq + offset, batch.time_ns, batch.records[offset]
