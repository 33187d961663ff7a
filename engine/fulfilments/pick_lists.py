"""Pick lists: several orders of a node in one walk."""

from collections.abc import Iterator
from heapq import merge

from engine.commands.picking import CancelPickList, FinishPickList, MakePickList
from engine.facts import Fact
from engine.facts.orders import FulfilmentAdvanced
from engine.facts.picking import PickListEnded, PickListMade
from engine.lifecycles import ACCEPTED, CANCELLED, FULFILMENT, OPEN_LIST, PICK_LIST, PICKED, RELEASED
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.pick_lists import PickList
from engine.state.state import State

TO_PICK = (RELEASED, ACCEPTED)


def decide_make(state: State, command: MakePickList, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Put fulfilments on a list; the node accepts those it had not."""
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    if command.fulfilments is None:
        numbers = _first(state, command.node, command.fulfilments_max)
    else:
        refusal = _refuse_named(state, command.node, command.fulfilments)
        if refusal is not None:
            return refusal
        numbers = command.fulfilments
    if not numbers:
        return Rejection(ResultCode.INVALID_TRANSITION, f"{command.node!r} has nothing to pick that is on no list yet")
    accepted = tuple(_advanced(state, number, ACCEPTED) for number in numbers if _state_of(state, number) == RELEASED)
    return (PickListMade(state.pick_lists.next_number, command.node, numbers), *accepted)


def _first(state: State, node: str, fulfilments_max: int) -> tuple[int, ...]:
    """What should leave first of what is on no list."""
    work, listed = state.orders.work, state.pick_lists.of_fulfilment
    found: list[int] = []
    waiting: Iterator[tuple[int, int]] = merge(work.after(node, RELEASED), work.after(node, ACCEPTED))
    for _, number in waiting:
        if len(found) == fulfilments_max:
            break
        if number not in listed:
            found.append(number)
    return tuple(found)


def _refuse_named(state: State, node: str, numbers: tuple[int, ...]) -> Rejection | None:
    for at, number in enumerate(numbers):
        pointer = f"/fulfilments/{at}"
        order = find_by_fulfilment(state, number)
        if order is None or order.fulfilment(number).node != node:
            return Rejection.at(ResultCode.UNKNOWN_FULFILMENT, pointer, f"{node!r} has no such fulfilment")
        if number in numbers[:at]:
            return Rejection.at(ResultCode.MALFORMED_REQUEST, pointer, "it is named twice")
        fulfilment = order.fulfilment(number)
        if fulfilment.state not in TO_PICK:
            return Rejection.at(
                ResultCode.INVALID_TRANSITION, pointer, f"it is {fulfilment.state}: there is nothing to pick"
            )
        if number in state.pick_lists.of_fulfilment:
            listed = state.pick_lists.of_fulfilment[number]
            return Rejection.at(ResultCode.IN_USE, pointer, f"it is on pick list {listed} already")
    return None


def _state_of(state: State, number: int) -> str:
    order = find_by_fulfilment(state, number)
    assert order is not None
    return order.fulfilment(number).state


def _advanced(state: State, number: int, step: str) -> FulfilmentAdvanced:
    order = find_by_fulfilment(state, number)
    assert order is not None
    assert FULFILMENT.allows(order.fulfilment(number).state, {ACCEPTED: "accept", PICKED: "pick"}[step])
    return FulfilmentAdvanced(order.number, number, step, None, None, ())


def _open(state: State, number: int, action: str) -> PickList | Rejection:
    found = state.pick_lists.find(number)
    if found is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such pick list, or it ended long ago")
    return PICK_LIST.refusal(found.state, action) or found


def decide_finish(state: State, command: FinishPickList, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """What is still to pick was picked; what went its own way meanwhile is left alone."""
    found = _open(state, command.pick_list, "pick")
    if isinstance(found, Rejection):
        return found
    picked = tuple(
        _advanced(state, number, PICKED) for number in found.fulfilments if _state_of(state, number) in TO_PICK
    )
    return (PickListEnded(found.number, PICKED), *picked)


def decide_cancel(state: State, command: CancelPickList, now_ns: int) -> PickListEnded | Rejection:
    """Dissolve it."""
    found = _open(state, command.pick_list, "cancel")
    return found if isinstance(found, Rejection) else PickListEnded(found.number, CANCELLED)


def evolve_made(state: State, fact: PickListMade) -> None:
    """Write down the walk."""
    state.pick_lists.add(PickList(fact.pick_list, fact.node, OPEN_LIST, fact.fulfilments, state.time_ns))


def evolve_ended(state: State, fact: PickListEnded) -> None:
    """Write down that it has ended."""
    found = state.pick_lists.open[fact.pick_list]
    found.state = fact.state
    state.pick_lists.end(found)
