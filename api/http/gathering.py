"""Many changes in one request, each on its own, answered together in their order."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from api.answers.timestamps import iso
from api.http.bodies import BodyReader
from api.http.endpoint import encode, refusal_reply
from api.http.operations import Call, Renderer, Reply
from api.http.turns import Turns
from engine.commands import Command
from engine.facts import Fact
from engine.results import Rejection
from engine.state.state import State
from engine.writer import Change, Done


class Gathering:
    """The answers of a batch as they come; `whole` is done with the last one."""

    def __init__(self, count: int, whole: asyncio.Future[None]) -> None:
        self.answers: list[Reply | None] = [None] * count
        self.whole = whole
        self._missing = count

    def put(self, position: int, reply: Reply) -> None:
        """The answer of one item."""
        self.answers[position] = reply
        self._missing -= 1
        if not self._missing and not self.whole.done():
            self.whole.set_result(None)

    def reply(self, seq: int) -> Reply:
        """All answers, once they are there; `seq` is the journal's position then."""
        parts = b",".join(
            b'{"status":%d,"body":%b%b}' % (reply.status, reply.body, _replayed(reply))
            for reply in self.answers
            if reply
        )
        return Reply(200, b'{"items":[' + parts + b"]}", headers=((b"kontor-seq", b"%d" % seq),))


def _replayed(reply: Reply) -> bytes:
    """What is added to an answer that was given before."""
    return b"".join(b',"%b":%b' % header for header in reply.headers if header[0] in (b"replayed", b"recorded_at"))


class Batch:
    """Many commands of one kind. An item is the body of one with a field more, the last: its own `idempotency_key`.

    `path` is where one would be sent on its own, and `render` its answer there. `complete(call, command)` is the
    command as it is carried out.
    """

    def __init__(
        self,
        item: type[msgspec.Struct],
        kind: Callable[..., Any],
        path: str,
        render: Renderer,
        complete: Callable[[Call, Any], Command] = lambda call, command: command,
    ) -> None:
        self._reader = BodyReader(item)
        self._kind = kind
        self._path = path
        self._of_facts = render
        self._complete = complete

    async def handle(self, call: Call) -> Reply:
        """Carry out all items, each on its own, in one go."""
        items = call.body.items
        gathering = Gathering(len(items), call.server.loop.create_future())
        turns = Turns()
        for position, raw in enumerate(items):
            if turns.is_over:
                await turns.next()
            reply = self._submit(call, raw, position, gathering)
            if reply is not None:
                gathering.put(position, reply)
        await gathering.whole
        return gathering.reply(call.server.journal.last_seq)

    def _submit(self, call: Call, raw: msgspec.Raw, position: int, gathering: Gathering) -> Reply | None:
        """The answer of one item, if it is known already; else it will be put to the others."""
        item = self._reader.read(bytes(raw))
        if isinstance(item, Rejection):
            return refusal_reply(item, {})
        *fields, own_key = msgspec.structs.astuple(item)
        asked = self._kind(*fields)
        key = payload = earlier = None
        name = own_key or (f"{call.key}#{position}" if call.key is not None else None)
        if name is not None:
            key, payload, earlier = call.server.key_digests(call.actor, name, "POST", self._path, encode(asked))

        def deliver(outcome: Done | Rejection) -> None:
            gathering.put(position, _reply(call, outcome))

        command = self._complete(call, asked)
        size = len(memoryview(raw))
        change = Change(command, call.actor, self._render, deliver, key, payload, size, None, earlier)
        refusal = call.server.submit(change)
        return None if refusal is None else _reply(call, refusal)

    def _render(self, state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
        return 201, encode(self._of_facts(state, seq, facts))


def _reply(call: Call, outcome: Done | Rejection) -> Reply:
    """What an item would have been answered on its own."""
    if isinstance(outcome, Rejection):
        call.server.metrics.refused(outcome.code.wire)
        return refusal_reply(outcome, {})
    if outcome.replayed:
        recorded_at = encode(iso(call.server.journal.record(outcome.seq)[0]))
        return Reply(outcome.status, outcome.body, headers=((b"replayed", b"true"), (b"recorded_at", recorded_at)))
    return Reply(outcome.status, outcome.body)
