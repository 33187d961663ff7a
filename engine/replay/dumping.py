"""The whole state as parts of bounded size, and back: for snapshots, and for its digest. No business rule."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Union

import msgspec

from engine.state.state import TABLE_OF, Position, State
from engine.stock import inbound

DUMP_VERSION = 4
_Part: Any = Union[(Position, *TABLE_OF)]
_decode_part = msgspec.msgpack.Decoder(_Part).decode
_encode_part = msgspec.msgpack.Encoder().encode


def dump(state: State) -> Iterator[bytes]:
    """All state that is a fold of the journal, as parts of bounded size, in an order that follows from the journal
    alone.

    The state may change while the parts are being taken: each is then of the moment at which it was taken.
    """
    return map(_encode_part, state.dump())


def load(state: State, parts: Iterable[bytes]) -> None:
    """Put a dump into an empty state. Raises msgspec.MsgspecError for what is no dump; the state is then of no use."""
    assert state.seq == 0
    for encoded in parts:
        state.load(_decode_part(encoded))
    _derive(state)


def _derive(state: State) -> None:
    """What is not dumped because it follows from what is."""
    state.stock.grow()
    for sku, item in state.configuration.items.items():
        if not item.sellable:
            state.stock.sell(sku, False, {})
    for node, items in state.configuration.node_items.items():
        for sku, rule in items.items():
            state.stock.withhold(sku, node, rule)
    state.reservations.order_ends()
    for reservation in state.reservations.active.values():
        state.reservations.enter_waiting(reservation)
    if state.inbound.open:
        for holder, number, _, units in inbound.promises(state):
            state.inbound.enter(holder, number, units)


def digest(state: State) -> str:
    """Hash of the whole state, the same on any machine for the same journal: blake2b-256 over its dump, in hex."""
    whole = hashlib.blake2b(digest_size=32)
    for encoded in dump(state):
        whole.update(encoded)
    return whole.hexdigest()
