"""Idempotency keys that are old enough are forgotten, a bounded number at a time."""

from itertools import islice

from engine import limits
from engine.commands.maintenance import ForgetKeys
from engine.facts.maintenance import KeysForgotten
from engine.state.state import State


def decide_forget(state: State, command: ForgetKeys, now_ns: int) -> tuple[KeysForgotten, ...]:
    """Forget keys that are old enough, a bounded number at a time."""
    old = state.idempotency.old_seq(now_ns)
    if not old:
        return ()
    first = list(islice(state.idempotency.seq_of.values(), limits.KEYS_FORGOTTEN_MAX))
    more = len(first) == limits.KEYS_FORGOTTEN_MAX and first[-1] < old
    return (KeysForgotten(first[-1] if more else old),)


def evolve_forgotten(state: State, fact: KeysForgotten) -> None:
    """Drop the keys, oldest first, and the marks that no key is left of."""
    idempotency = state.idempotency
    forgotten = []
    for key, seq in idempotency.seq_of.items():
        if seq > fact.through_seq:
            break
        forgotten.append(key)
    for key in forgotten:
        del idempotency.seq_of[key]
    marks = idempotency.marks
    gone = sum(1 for following in marks[1:] if following[1] <= fact.through_seq + 1)
    idempotency.marks = marks[gone:]
