"""The movements of stock that people post."""

from engine.commands.stock import MovementLine, MoveStock
from engine.configuration.known_skus import refuse_counted_twice, refuse_unknown_skus
from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    LOSS,
    RESERVED,
    SUPPLIER,
    UNSELLABLE,
    Posting,
)
from engine.facts.stock import MovedLine, StockMoved
from engine.results import FieldError, Rejection, ResultCode, Shortage
from engine.state.state import State


def decide_move_stock(state: State, command: MoveStock, now_ns: int) -> StockMoved | Rejection:
    """Turn each line into postings, one after the other: a later line sees what an earlier one moved. All or none."""
    refusal = (
        refuse_counted_twice(command.lines)
        or _unknown_nodes(state, command)
        or refuse_unknown_skus(state, command.lines)
    )
    if refusal is not None:
        return refusal
    scratch: dict[tuple[str, str, int], int] = {}

    def balance(line: MovementLine, account: int) -> int:
        key = (line.sku, line.node, account)
        if key not in scratch:
            scratch[key] = state.ledger.balance(account, line.sku, line.node)
        return scratch[key]

    moved: list[MovedLine] = []
    postings: list[Posting] = []
    for position, line in enumerate(command.lines):
        promised = balance(line, RESERVED) + balance(line, ALLOCATED)
        available, unsellable = balance(line, AVAILABLE), balance(line, UNSELLABLE)
        moves, oversold = _moves_of(line, available, promised, unsellable)
        for source, target, quantity in moves:
            held = {AVAILABLE: available, UNSELLABLE: unsellable}.get(source)
            if held is not None and quantity > held:
                units = f"units of {line.sku!r} at {line.node!r}"
                return Rejection(
                    ResultCode.INSUFFICIENT_STOCK,
                    detail := f"line {position}: only {held} {units} can be taken by {line.reason}",
                    (FieldError(f"/lines/{position}/quantity", detail),),
                    lines=(Shortage(line.sku, quantity, held),),
                )
            postings.append(Posting(line.sku, line.node, source, target, quantity))
            for account, change in ((source, -quantity), (target, quantity)):
                if (line.sku, line.node, account) in scratch:
                    scratch[line.sku, line.node, account] += change
        moved.append(MovedLine(line.sku, line.node, line.reason, line.quantity, line.note, oversold))
    return StockMoved(command.reference, tuple(moved), tuple(postings))


def _unknown_nodes(state: State, command: MoveStock) -> Rejection | None:
    errors = tuple(
        [
            FieldError(f"/lines/{at}/node", f"there is no node {line.node!r}")
            for at, line in enumerate(command.lines)
            if line.node not in state.configuration.nodes
        ]
    )
    return Rejection(ResultCode.UNKNOWN_NODE, errors[0].detail, errors) if errors else None


def _moves_of(
    line: MovementLine, available: int, promised: int, unsellable: int
) -> tuple[list[tuple[int, int, int]], int]:
    """What a line moves, as (source, target, quantity), and the promised units that a count did not find."""
    quantity = line.quantity
    match line.reason:
        case "receipt":
            return [(SUPPLIER, AVAILABLE, quantity)], 0
        case "adjustment" if quantity > 0:
            return [(ADJUSTMENT, AVAILABLE, quantity)], 0
        case "adjustment":
            return [(AVAILABLE, ADJUSTMENT, -quantity)], 0
        case "damage" | "quarantine":
            return [(AVAILABLE, UNSELLABLE, quantity)], 0
        case "restore":
            return [(UNSELLABLE, AVAILABLE, quantity)], 0
        case "write_off":
            return [(UNSELLABLE, LOSS, quantity)], 0
    assert line.reason in ("count", "feed")
    missing = available + promised + unsellable - quantity
    if missing <= 0:
        return ([(ADJUSTMENT, AVAILABLE, -missing)] if missing else []), 0
    free = min(available, missing)
    broken = min(unsellable, missing - free)
    moves = [(AVAILABLE, ADJUSTMENT, free), (UNSELLABLE, ADJUSTMENT, broken)]
    return [move for move in moves if move[2]], missing - free - broken


def evolve_stock_moved(state: State, fact: StockMoved) -> None:
    """A movement is nothing but its postings."""
    state.ledger.post(fact.postings)
