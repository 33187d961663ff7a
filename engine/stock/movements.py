"""The movements of stock that people post."""

from engine.commands.stock import MovementLine, MoveStock
from engine.configuration.known_skus import refuse_counted_twice, refuse_unknown_skus
from engine.facts.postings import (
    ADJUSTMENT,
    AVAILABLE,
    CUSTOMER,
    LOSS,
    SUPPLIER,
    UNSELLABLE,
    Posting,
)
from engine.facts.stock import MovedLine, StockMoved
from engine.results import FieldError, OnHandChanged, Rejection, ResultCode, Shortage
from engine.state.state import State
from engine.state.stock import Move, Shelf, lacking_by


def decide_move_stock(state: State, command: MoveStock, now_ns: int) -> StockMoved | Rejection:
    """Turn each line into postings, one after the other: a later line sees what an earlier one moved. All or none."""
    refusal = (
        refuse_counted_twice(command.lines)
        or _unknown_nodes(state, command)
        or refuse_unknown_skus(state, command.lines)
    )
    if refusal is not None:
        return refusal
    shelves: dict[tuple[str, str], Shelf] = {}
    for line in command.lines:
        place = line.sku, line.node
        if place not in shelves:
            shelves[place] = Shelf.of(state.stock.balances_at(*place))
    changed = _refuse_changed(command, shelves)
    if changed is not None:
        return changed
    moved: list[MovedLine] = []
    postings: list[Posting] = []
    for position, line in enumerate(command.lines):
        shelf = shelves[line.sku, line.node]
        moves = _moves_of(line, shelf)
        for source, target, quantity in moves:
            held = shelf.units.get(source)
            if held is not None and quantity > held:
                units = f"units of {line.sku!r} at {line.node!r}"
                return Rejection(
                    ResultCode.INSUFFICIENT_STOCK,
                    detail := f"line {position}: only {held} {units} can be taken by {line.reason}",
                    (FieldError(f"/lines/{position}/quantity", detail),),
                    lines=(Shortage(line.sku, quantity, held),),
                )
            postings.append(Posting(line.sku, line.node, source, target, quantity))
            shelf.move(source, target, quantity)
        moved.append(MovedLine(line.sku, line.node, line.reason, line.quantity, line.note, lacking_by(moves)))
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


def _refuse_changed(command: MoveStock, shelves: dict[tuple[str, str], Shelf]) -> Rejection | None:
    """Why lines that say what they expect on hand can't be posted: before the first of them there is something else."""
    errors, changed = [], []
    for position, line in enumerate(command.lines):
        on_hand = shelves[line.sku, line.node].on_hand
        if line.expected_on_hand not in (None, on_hand):
            units = f"{on_hand} units of {line.sku!r} are on hand at {line.node!r}"
            detail = f"{units}, not {line.expected_on_hand}"
            errors.append(FieldError(f"/lines/{position}/expected_on_hand", detail))
            changed.append(OnHandChanged(line.sku, line.node, line.expected_on_hand or 0, on_hand))
    if not errors:
        return None
    return Rejection(ResultCode.STOCK_CHANGED, errors[0].detail, tuple(errors), changed=tuple(changed))


def _moves_of(line: MovementLine, shelf: Shelf) -> list[Move]:
    """What a line moves. Units that are brought pay off what is missing at the end of the record (missing.py)."""
    quantity = line.quantity
    match line.reason:
        case "receipt":
            return [(SUPPLIER, AVAILABLE, quantity)]
        case "adjustment" if quantity > 0:
            return [(ADJUSTMENT, AVAILABLE, quantity)]
        case "adjustment":
            return [(AVAILABLE, ADJUSTMENT, -quantity)]
        case "damage" | "quarantine":
            return [(AVAILABLE, UNSELLABLE, quantity)]
        case "restore":
            return [(UNSELLABLE, AVAILABLE, quantity)]
        case "write_off":
            return [(UNSELLABLE, LOSS, quantity)]
        case "sale":
            return shelf.sold(quantity)
        case "sale_return":
            return [(CUSTOMER, AVAILABLE, quantity)]
    assert line.reason in ("count", "feed")
    return shelf.counted(quantity)


def evolve_stock_moved(state: State, fact: StockMoved) -> None:
    """A movement is nothing but its postings."""
    state.ledger.post(fact.postings)
