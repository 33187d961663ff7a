"""A node's work divided, joined, and put into parcels."""

from engine.commands.orders import CollectPart, FulfilmentLine, MergeFulfilments, PackParcels, SplitFulfilment
from engine.facts import Fact
from engine.facts.orders import FulfilmentAdvanced, FulfilmentsMerged, FulfilmentSplit, Parcel, ParcelsPacked, Take
from engine.facts.postings import ALLOCATED, CUSTOMER, Posting
from engine.fulfilments.steps import open_work
from engine.fulfilments.work import take_away, units_by_line
from engine.lifecycles import CANCELLED, COLLECTED
from engine.results import Rejection, ResultCode
from engine.state.orders import Fulfilment, Order
from engine.state.state import State

MERGED = "merged"


def _units(
    order: Order, fulfilment: Fulfilment, lines: tuple[FulfilmentLine, ...], at: str
) -> dict[int, int] | Rejection:
    """Units by line position of lines that a request names, no more than the fulfilment has. `at` points at them."""
    there = units_by_line(fulfilment.lines)
    units: dict[int, int] = {}
    for position, line in enumerate(lines):
        line_at = order.line_at(line.line)
        if line_at is None or line_at not in there:
            detail = f"the fulfilment has no line {line.line!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"{at}/{position}/line", detail)
        units[line_at] = units.get(line_at, 0) + line.quantity
        if units[line_at] > there[line_at]:
            detail = f"the fulfilment has {there[line_at]} units of line {line.line!r}"
            return Rejection.at(ResultCode.EXCEEDS_ALLOCATED, f"{at}/{position}/quantity", detail)
    return units


def decide_split(state: State, command: SplitFulfilment, now_ns: int) -> FulfilmentSplit | Rejection:
    """Give some units of a fulfilment a fulfilment of their own, at the same node and in the same state."""
    found = open_work(state, command.fulfilment, "split")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    units = _units(order, fulfilment, command.lines, "/lines")
    if isinstance(units, Rejection):
        return units
    if units == units_by_line(fulfilment.lines):
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing would be left of the fulfilment")
    lines = tuple(Take(at, quantity) for at, quantity in units.items())
    return FulfilmentSplit(order.number, fulfilment.number, state.orders.next_fulfilment, lines)


def evolve_split(state: State, fact: FulfilmentSplit) -> None:
    """Write down the new fulfilment. It goes with the other one: it takes no place of its own at the node."""
    order = state.orders.touch(fact.order)
    whole = order.fulfilment(fact.fulfilment)
    for take in fact.lines:
        take_away(state, order, whole, take.line, take.quantity)
    part = Fulfilment(
        fact.part,
        whole.node,
        whole.state,
        fact.lines,
        whole.created_at_ns,
        state.time_ns,
        ships_at_ns=whole.ships_at_ns,
        delivers_at_ns=whole.delivers_at_ns,
        accept_by_ns=whole.accept_by_ns,
        collect_by_ns=whole.collect_by_ns,
    )
    order.fulfilments.append(part)
    state.orders.enter(order, part)
    state.orders.next_fulfilment = fact.part + 1


def decide_collect_part(state: State, command: CollectPart, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """The customer takes some units. The rest becomes a fulfilment of its own, which goes on waiting as it did."""
    found = open_work(state, command.fulfilment, "collect")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    units = _units(order, fulfilment, command.lines, "/lines")
    if isinstance(units, Rejection):
        return units
    whole = units_by_line(fulfilment.lines)
    rest = tuple(Take(at, count - units.get(at, 0)) for at, count in whole.items() if count > units.get(at, 0))
    taken = tuple(Take(at, count) for at, count in units.items())
    postings = tuple(
        Posting(order.lines[take.line].sku, fulfilment.node, ALLOCATED, CUSTOMER, take.quantity) for take in taken
    )
    collected = FulfilmentAdvanced(order.number, fulfilment.number, COLLECTED, None, None, postings, None, taken)
    if not rest:
        return (collected,)
    return FulfilmentSplit(order.number, fulfilment.number, state.orders.next_fulfilment, rest), collected


def decide_merge(state: State, command: MergeFulfilments, now_ns: int) -> FulfilmentsMerged | Rejection:
    """Join another fulfilment of the same order, node and state to this one."""
    found = open_work(state, command.fulfilment, "merge")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    other = next((f for f in order.fulfilments if f.number == command.other and f is not fulfilment), None)
    if other is None:
        return Rejection.at(ResultCode.UNKNOWN_FULFILMENT, "/with", "the order has no such other fulfilment")
    if (other.node, other.state) != (fulfilment.node, fulfilment.state):
        detail = f"it is {other.state} at {other.node!r}; only work of one node in one state can be joined"
        return Rejection.at(ResultCode.INVALID_TRANSITION, "/with", detail)
    return FulfilmentsMerged(order.number, fulfilment.number, other.number)


def evolve_merged(state: State, fact: FulfilmentsMerged) -> None:
    """Write down that one has the units of both, the other none. It leaves when the later of them would have."""
    order = state.orders.touch(fact.order)
    kept, gone = order.fulfilment(fact.fulfilment), order.fulfilment(fact.merged)
    units = units_by_line((*kept.lines, *gone.lines))
    kept.lines, kept.parcels = tuple(Take(at, quantity) for at, quantity in units.items()), ()
    gone.lines, gone.parcels, gone.reason = (), (), MERGED
    if kept.day is None:
        kept.day, gone.day = gone.day, None
    state.capacity.give_back(gone.slots)
    gone.day = None
    if (gone.ships_at_ns or 0) > (kept.ships_at_ns or 0):
        kept.delivers_at_ns = gone.delivers_at_ns
        state.orders.redate(kept, gone.ships_at_ns)
    state.orders.move(gone, CANCELLED, state.time_ns)


def decide_parcels(state: State, command: PackParcels, now_ns: int) -> ParcelsPacked | Rejection:
    """Say what is in which parcel; it replaces what was said before."""
    found = open_work(state, command.fulfilment, "parcels")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    left = units_by_line(fulfilment.lines)
    parcels = []
    for position, parcel in enumerate(command.parcels):
        units = _units(order, fulfilment, parcel.lines, f"/parcels/{position}/lines")
        if isinstance(units, Rejection):
            return units
        for at, quantity in units.items():
            left[at] -= quantity
            if left[at] < 0:
                detail = f"the parcels hold more units of line {order.lines[at].id!r} than the fulfilment has"
                return Rejection.at(ResultCode.EXCEEDS_ALLOCATED, f"/parcels/{position}/lines", detail)
        tracking = parcel.tracking
        parcels.append(
            Parcel(
                tuple(Take(at, quantity) for at, quantity in units.items()),
                parcel.weight_grams,
                None if tracking is None else tracking.carrier,
                None if tracking is None else tracking.code,
            )
        )
    return ParcelsPacked(order.number, fulfilment.number, tuple(parcels))


def evolve_parcels(state: State, fact: ParcelsPacked) -> None:
    """Write down the parcels."""
    state.orders.touch(fact.order).fulfilment(fact.fulfilment).parcels = fact.parcels
