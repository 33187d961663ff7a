"""Questions about the past: answered from a snapshot and the records after it, in a process of its own."""

import asyncio
import tempfile
from typing import Any

import msgspec

from api.answers.problems import malformed
from api.answers.timestamps import moment_ns
from api.server.helper import Helper
from api.server.host import Host
from engine.facts import records
from engine.facts.orders import OrderReopened
from engine.results import Rejection, ResultCode
from engine.state import finding, orders
from engine.state.orders import Order
from engine.wal import Batches, Journal

ASKED_MAX = 4


AS_OF = "With `as_of`, a seq or a time, it is answered as it was after the last record then; that takes a moment."


NOTHING_THEN = Rejection(ResultCode.NOT_FOUND, "there was no such thing at that time")


def seq_of(moment: str, journal: Batches) -> int | Rejection:
    """The last record at a moment: a seq, or an RFC 3339 time with its zone. A moment to come is now."""
    if moment.isascii() and moment.isdigit() and len(moment) <= 18:
        return min(int(moment), journal.last_seq)
    time_ns = moment_ns(moment)
    if time_ns is None:
        return malformed("`as_of` is a seq, or a time such as 2026-11-23T14:32:00Z")
    # Times are shown to the microsecond: what is shown with this one belongs to it.
    return min(seq_at(journal, time_ns + 1_000) - 1, journal.last_seq)


class AsOfQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`as_of` is a seq, or an RFC 3339 time with its zone; left out, it is now."""

    as_of: str | None = None


class History:
    """Asks about the past of one node, a few questions at a time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked = 0
        self._one_at_a_time = asyncio.Lock()
        self._helper = Helper()

    async def ask(self, seq: int, *question: str) -> Any | Rejection:
        """What `kontor state` says of record `seq`, decoded; a refusal when there was nothing."""
        return await self._child(seq, "state", "--at", str(seq), "--raw", *question)

    async def explain(self, seq: int) -> Any | Rejection:
        """What `kontor sourcing explain` says of record `seq`, decoded; a refusal when nothing was sourced by it."""
        if seq > self._host.journal.last_seq:
            return NOTHING_THEN
        return await self._child(seq - 1, "sourcing", "explain", "--seq", str(seq), "--raw")

    async def simulate(self, policy: str, body: bytes, first: int, last: int) -> Any | Rejection:
        """What `kontor sourcing simulate` says of a span of records under another body of a policy, decoded."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(body)
            file.flush()
            span = ["--from", str(first), "--to", str(last), "--json"]
            return await self._child(first - 1, "sourcing", "simulate", "--policy", policy, "--with", file.name, *span)

    async def _child(self, seq: int, *command: str) -> Any | Rejection:
        if self._asked >= ASKED_MAX:
            return Rejection(ResultCode.OVERLOADED, "others are asking about the past; try again shortly")
        if seq < self._host.journal.first_seq - 1:
            return Rejection(
                ResultCode.NOT_FOUND, f"records before {self._host.journal.first_seq} are not here any more"
            )
        self._asked += 1
        try:
            async with self._one_at_a_time:
                where = ["--data", str(self._host.directory), "--archive", str(self._host.paths.archive)]
                ended = await self._helper.ask([*command, *where])
        finally:
            self._asked -= 1
        if ended.code != 0:
            self._host.report(RuntimeError(f"kontor {command[0]} failed"))
            return Rejection(ResultCode.INTERNAL_ERROR, "the past could not be read; the log says more")
        return msgspec.json.decode(ended.output) or NOTHING_THEN

    def stop(self) -> None:
        """Whoever asks now is not answered."""
        self._helper.stop()

    async def order(self, number: str, seq: int) -> Order | Rejection:
        """An order as it was after record `seq`, as a copy."""
        host = self._host
        order = finding.find_order(host.state, number)
        if order is None or order.seq > seq:
            return NOTHING_THEN
        later = next((touched for touched in order.history if touched > seq), None)
        if later is None:
            return orders.decode(orders.encode(order))
        # What brings a closed order back says all of it, as it was until then.
        for fact in records.decode(host.journal.record(later)[1]).facts:
            if isinstance(fact, OrderReopened) and fact.order == number:
                return orders.decode(fact.state)
        answer = await self.ask(seq, "--order", number)
        return answer if isinstance(answer, Rejection) else orders.decode(bytes.fromhex(answer["order"]))


def seq_at(journal: Journal | Batches, time_ns: int) -> int:
    """The first seq whose time is `time_ns` or later; one past the end if there is none. Journalled time ascends."""
    low, high = journal.first_seq, journal.last_seq + 1
    while low < high:
        middle = (low + high) // 2
        if journal.record(middle)[0] < time_ns:
            low = middle + 1
        else:
            high = middle
    return low
