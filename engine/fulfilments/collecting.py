"""Until when customers may come for what they pick up: never in the past, and never while the door is shut."""

from engine.calendars import in_hours_ns
from engine.limits import NS_PER_SECOND
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.supply.terms import terms_cache


def refuse_past(until_ns: int | None, now_ns: int) -> Rejection | None:
    """Why nobody could come until then; None if somebody can."""
    if until_ns is None or until_ns > now_ns:
        return None
    return Rejection.at(ResultCode.MALFORMED_REQUEST, "/pickup_until", "`pickup_until` is past")


def open_until_ns(state: State, node: str, until_ns: int) -> int:
    """The end of a time in which goods wait at a node: if the node is closed then, it is when it closes next."""
    calendar = terms_cache(state).calendar(state, state.ledger.node_index[node])
    return in_hours_ns(calendar, until_ns)


def channel_until_ns(state: State, channel: str, node: str, now_ns: int) -> int:
    """Until when goods wait that are ready now, by the channel."""
    seconds = state.configuration.channels[channel].collect_within_seconds
    return open_until_ns(state, node, now_ns + seconds * NS_PER_SECOND)
