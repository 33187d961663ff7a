"""The state machine: which room decides a command, which one writes down a fact; dump, load, digest. No business rule."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from engine import access, configuration, fulfilments, idempotency, orders, placing, reservations, returns, stock
from engine import commands as c
from engine import facts as f
from engine.access import ApiKey
from engine.backorders import serve_waiting
from engine.commands.configuration import Configure
from engine.facts import Fact
from engine.orders import Order
from engine.records import Record
from engine.reservations import Reservation
from engine.results import Rejection
from engine.state import State

DECIDE: dict[type, Callable[[State, Any, int], Any]] = {
    c.MoveStock: stock.decide_move_stock,
    c.ReserveStock: reservations.decide_reserve,
    c.ExtendReservation: reservations.decide_extend,
    c.ReleaseReservation: reservations.decide_release,
    c.ChangeReservation: reservations.decide_change,
    c.ExpireReservations: reservations.decide_expire,
    c.PlaceOrder: placing.decide_place,
    c.CancelOrder: placing.decide_cancel,
    c.AdvanceFulfilment: fulfilments.decide_advance,
    c.RejectFulfilment: fulfilments.decide_reject,
    c.SourceOrderAgain: fulfilments.decide_source_again,
    c.AuthoriseReturn: returns.decide_authorise,
    c.ReceiveReturn: returns.decide_receive,
    c.CancelReturn: returns.decide_cancel,
    c.Configure: configuration.decide_configure,
    c.CreateApiKey: access.decide_create_key,
    c.RevokeApiKey: access.decide_revoke_key,
    c.ForgetKeys: idempotency.decide_forget,
}

EVOLVE: dict[type, Callable[[State, Any], None]] = {
    f.StockMoved: stock.evolve_stock_moved,
    f.StockReserved: reservations.evolve_stock_reserved,
    f.ReservationExtended: reservations.evolve_extended,
    f.ReservationChanged: reservations.evolve_changed,
    f.ReservationReleased: reservations.evolve_released,
    f.ReservationExpired: reservations.evolve_expired,
    f.OrderPlaced: placing.evolve_placed,
    f.OrderCancelled: placing.evolve_cancelled,
    f.OrderSourced: fulfilments.evolve_sourced,
    f.FulfilmentAdvanced: fulfilments.evolve_advanced,
    f.FulfilmentRejected: fulfilments.evolve_rejected,
    f.OrderReopened: fulfilments.evolve_reopened,
    f.ReturnAuthorised: returns.evolve_authorised,
    f.ReturnReceived: returns.evolve_received,
    f.ReturnCancelled: returns.evolve_cancelled,
    f.NodeSet: configuration.evolve_node_set,
    f.ItemSet: configuration.evolve_item_set,
    f.NodeItemSet: configuration.evolve_node_item_set,
    f.ChannelSet: configuration.evolve_channel_set,
    f.SourcingPolicySet: configuration.evolve_sourcing_policy_set,
    f.ApiKeyCreated: access.evolve_key_created,
    f.ApiKeyRevoked: access.evolve_key_revoked,
    f.KeysForgotten: idempotency.evolve_forgotten,
}


def decide(state: State, command: c.Command, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """What will happen if `command` is carried out now, or why it will not. Changes nothing."""
    outcome = DECIDE[type(command)](state, command, now_ns)
    if isinstance(outcome, Rejection):
        return outcome
    facts: tuple[Fact, ...] = outcome if isinstance(outcome, tuple) else (outcome,)
    if state.orders.waiting and facts:
        facts += serve_waiting(state, facts)
    return facts


def evolve(state: State, seq: int, time_ns: int, facts: tuple[Fact, ...], key: bytes | None) -> None:
    """Write down one record. The live path and replay both come through here."""
    assert seq == state.seq + 1, f"record {seq} does not follow {state.seq}"
    assert time_ns >= state.time_ns
    state.seq, state.time_ns = seq, time_ns
    for fact in facts:
        EVOLVE[type(fact)](state, fact)
    orders.close_touched(state)
    if key is not None:
        state.idempotency.remember(key, seq, time_ns)


def replay(state: State, seq: int, time_ns: int, record: Record) -> None:
    """Fold one journalled record onto the state."""
    evolve(state, seq, time_ns, record.facts, record.key)


class Dump(msgspec.Struct, array_like=True):
    """All state that is a fold of the journal, section by section, in a fixed order."""

    seq: int
    time_ns: int
    configuration: Configure
    skus: list[str]
    nodes: list[str]
    balances: list[tuple[int, str, str, int]]
    reservations: list[Reservation]
    orders: list[Order]
    next_fulfilment: int
    next_return: int
    keys: list[tuple[bytes, int]]
    marks: list[tuple[int, int]]
    api_keys: list[ApiKey]


def dump(state: State) -> Dump:
    """Take all of the state out. Lists come in an order that follows from the journal alone."""
    return Dump(
        seq=state.seq,
        time_ns=state.time_ns,
        configuration=state.configuration.export(),
        skus=state.ledger.skus,
        nodes=state.ledger.nodes,
        balances=state.ledger.rows(),
        reservations=list(state.reservations.active.values()),
        orders=list(state.orders.open.values()),
        next_fulfilment=state.orders.next_fulfilment,
        next_return=state.orders.next_return,
        keys=list(state.idempotency.seq_of.items()),
        marks=state.idempotency.marks,
        api_keys=list(state.access.keys.values()),
    )


def load(state: State, content: Dump) -> None:
    """Put a dump into an empty state."""
    assert state.seq == 0
    state.seq, state.time_ns = content.seq, content.time_ns
    state.configuration.load(content.configuration)
    state.ledger.load(content.skus, content.nodes, content.balances)
    state.stock.grow()
    for node, items in state.configuration.node_items.items():
        for sku, rule in items.items():
            state.stock.withhold(sku, node, rule)
    for reservation in content.reservations:
        state.reservations.open(reservation)
    for order in content.orders:
        state.orders.add(order)
    state.orders.next_fulfilment, state.orders.next_return = content.next_fulfilment, content.next_return
    state.idempotency.seq_of = dict(content.keys)
    state.idempotency.marks = list(content.marks)
    for key in content.api_keys:
        state.access.put(key)


def digest(state: State) -> str:
    """Hash of the whole state, the same on any machine for the same journal: blake2b-256 over the encoded dump, in hex."""
    content = dump(state)
    content.configuration = _in_key_order(content.configuration)
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=32).hexdigest()


def _in_key_order(document: Configure) -> Configure:
    """The same master data with ids in order: how it came to be does not count."""
    parts = {name: dict(sorted(getattr(document, name).items())) for name in document.__struct_fields__}
    parts["node_items"] = {node: dict(sorted(items.items())) for node, items in parts["node_items"].items()}
    return Configure(**parts)
