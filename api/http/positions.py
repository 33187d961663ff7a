"""Positions of feeds: records of this history, and of no other."""

import re

from api.answers.problems import malformed
from api.http.listing import number_in
from api.server.history_id import ID_BYTES
from api.server.server import Server
from engine.results import Rejection, ResultCode

_HISTORY = re.compile(f"[0-9a-f]{{{2 * ID_BYTES}}}")


def foreign(server: Server, after: int, history: str | None) -> Rejection | None:
    """A refusal where a position is of another history than the node's, or was never reached in it."""
    here = f"this node's history is {server.history_id}, which ends at record {server.journal.last_seq}"
    if history is not None and history != server.history_id:
        reason = f"the position is of history {history}, and {here}: the node was restored or copied"
    elif after > server.journal.last_seq:
        reason = f"the position is record {after}, and {here}: the node was restored to an earlier one"
    else:
        return None
    return Rejection(ResultCode.HISTORY_CHANGED, f"{reason}. What was read may not hold any more: begin again")


def event_id(server: Server, seq: int) -> str:
    """The id of an event in a stream: a position that says of which history it is."""
    return f"{server.history_id}.{seq}"


def of_event_id(text: str) -> tuple[int, str | None] | Rejection:
    """(seq, history) of `Last-Event-ID`: `<history>.<seq>` as the node gives it, or a seq alone."""
    history, dot, seq = text.rpartition(".")
    given = number_in(seq)
    if given is None or (dot and _HISTORY.fullmatch(history) is None):
        return malformed("`Last-Event-ID` is the id of the last event, a journal position")
    return given, history or None
