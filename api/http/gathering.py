"""Many changes in one request, each on its own, answered together in their order."""

import asyncio

from api.http.endpoint import refusal_reply
from api.http.operations import Call, Reply
from engine.results import Rejection
from engine.writer import Done


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
        parts = b",".join(b'{"status":%d,"body":%b}' % (reply.status, reply.body) for reply in self.answers if reply)
        return Reply(200, b'{"items":[' + parts + b"]}", headers=((b"kontor-seq", b"%d" % seq),))


def item_reply(call: Call, outcome: Done | Rejection) -> Reply:
    """What an item would have been answered on its own."""
    if isinstance(outcome, Rejection):
        call.server.metrics.refused(outcome.code.wire)
        return refusal_reply(outcome, {})
    return Reply(outcome.status, outcome.body)
