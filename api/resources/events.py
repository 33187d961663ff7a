"""The feed of facts over HTTP: page by page, or as server-sent events that can be resumed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers.facts import data_of
from api.answers.timestamps import Timestamp, iso
from api.http import positions
from api.http.endpoint import encode
from api.http.listing import Position
from api.http.operations import Call, Handled, Operation, Reply, Stream
from api.server.server import Server
from engine import limits
from engine.facts import records
from engine.facts.records import kind_of
from engine.results import Rejection, ResultCode

EVENT_STREAM = b"text/event-stream"
SILENCE_SECONDS_MAX = 15
LOOK_SECONDS = 0.5
EVENTS_PER_PIECE = 500


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last seq the caller has; 0 for everything. `history` is the one it is of: after a restore it is
    refused instead of meaning something else."""

    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=limits.LIST_LIMIT_MAX)] = limits.LIST_LIMIT_DEFAULT
    history: str | None = None


class Event(msgspec.Struct):
    """One fact. `type` is its name, `data` its fields. Personal data is not in it. `history` is the one its seq is of."""

    seq: int
    time: Timestamp
    type: str
    actor: str
    data: dict[str, Any]
    history: str


class EventPage(msgspec.Struct):
    """The oldest first. Records come whole, so that a page may hold a few more than `limit`. `next_after` and `history`
    belong together."""

    items: list[Event]
    next_after: int
    history: str


def _read(server: Server, after: int, limit: int) -> EventPage:
    """Events of whole records after `after`, until there are `limit` of them or as many records were looked at."""
    page = EventPage([], after, server.history_id)
    for batch in server.journal.read(after):
        for seq, encoded in enumerate(batch.records, batch.first_seq):
            if seq <= after:
                continue
            record = records.decode(encoded)
            time = iso(batch.time_ns)
            page.items += [
                Event(seq, time, kind_of(fact), record.actor, data_of(fact), page.history) for fact in record.facts
            ]
            page.next_after = seq
            if len(page.items) >= limit:
                return page
    return page


def events(call: Call) -> Handled:
    """A page of facts, or all of them from here on."""
    after, history = call.query.after, call.query.history
    streams = EVENT_STREAM in call.headers.get(b"accept", b"")
    last = call.headers.get(b"last-event-id")
    if streams and last is not None:
        position = positions.of_event_id(last.decode("latin-1"))
        if isinstance(position, Rejection):
            return position
        after, history = position
    refusal = _not_here(call.server, after, history)
    if refusal is not None:
        return refusal
    if not streams:
        return Reply(200, encode(_read(call.server, after, call.query.limit)))
    headers = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
    return Stream(_stream(call.server, call.actor, after), EVENT_STREAM + b"; charset=utf-8", headers)


def _not_here(server: Server, after: int, history: str | None) -> Rejection | None:
    """A refusal where the records after `after` are of another history, or in an archive that is not here."""
    refusal = positions.foreign(server, after, history)
    if refusal is not None:
        return refusal
    first_seq = server.journal.first_seq
    if after + 1 >= first_seq:
        return None
    return Rejection(
        ResultCode.NOT_FOUND, f"records before {first_seq} are not here any more: begin after {first_seq - 1}"
    )


async def _stream(server: Server, actor: str, after: int) -> AsyncIterator[bytes]:
    """Frames until the node stops or the caller's key is revoked. The last event of a record carries the id."""
    yield b"retry: 1000\n\n"
    silent_since = server.loop.time()
    committed = server.committed()
    while not (server.stopping or server.draining) and _may_read(server, actor):
        if server.journal.last_seq > after:
            page = _read(server, after, EVENTS_PER_PIECE)
            after = page.next_after
            yield _frames(server, page.items)
            silent_since = server.loop.time()
            continue
        if committed.done():
            committed = server.committed()
        await asyncio.wait([committed], timeout=LOOK_SECONDS)
        if server.loop.time() - silent_since >= SILENCE_SECONDS_MAX:
            yield b":\n\n"
            silent_since = server.loop.time()


def _may_read(server: Server, actor: str) -> bool:
    """Whether the key the stream was opened with is still alive."""
    kind, _, key_id = actor.partition(":")
    return kind != "key" or server.state.access.keys[key_id].revoked_at_ns is None


def _frames(server: Server, items: list[Event]) -> bytes:
    """Server-sent events. Who comes back with the id of a record has had all of it."""
    parts = []
    for event, following in zip(items, [*items[1:], None], strict=True):
        ends = following is None or following.seq != event.seq
        parts.append(
            b"%bevent: %b\ndata: %b\n\n"
            % (_id_line(server, event) if ends else b"", event.type.encode(), encode(event))
        )
    return b"".join(parts)


def _id_line(server: Server, event: Event) -> bytes:
    return b"id: %b\n" % positions.event_id(server, event.seq).encode()


OPERATIONS = [
    Operation(
        id="listEvents", method="GET", path="/v1/events", tag="Journal", handle=events, query=EventsQuery,
        summary="The feed of facts, the oldest first", answer=EventPage,
        codes=(ResultCode.NOT_FOUND, ResultCode.HISTORY_CHANGED),
        description="With `Accept: text/event-stream` the same as server-sent events without end, one per fact, from "
        "`after` or from `Last-Event-ID` on. Keep `history` with your position and send both: where the node was restored "
        "meanwhile, or the position lies beyond its end, it is 410 `history_changed`, and you begin again. New kinds of events will come: skip those you do not know.",
    ),
]  # fmt: skip
