"""What must hold after every record. Small functions, armed in tests, in the simulator and by `kontor verify`."""

from collections.abc import Callable, Iterable

import numpy as np

from engine.facts.postings import (
    ALLOCATED,
    IN_TRANSIT,
    INBOUND,
    INBOUND_ALLOCATED,
    INBOUND_RESERVED,
    RESERVED,
    TRANSFER,
    Account,
)
from engine.facts.sourcing import Slot
from engine.lifecycles import HELD, LEFT, OPEN, PLANNED, RELEASED
from engine.lifecycles import IN_TRANSIT as ON_THE_WAY
from engine.state.capacity import first_day_kept
from engine.state.inbound import Holder
from engine.state.money_books import PREPAYMENT, RECEIVABLE, REFUNDS_PAYABLE, VOUCHER_LIABILITY, WRITE_OFF
from engine.state.orders import RELEASE, Order
from engine.state.state import State
from engine.stock.backorders import everybody, serving
from engine.stock.inbound import promises

Violations = list[str]


def every_sku_sums_to_zero(state: State) -> Violations:
    """Per SKU all accounts, inside and outside, sum to zero."""
    return [f"the accounts of {sku!r} do not sum to zero" for sku in state.ledger.unbalanced_skus()]


def no_internal_account_is_negative(state: State) -> Violations:
    """No account of a node is ever negative."""
    return [
        f"{Account(account).name.lower()} is negative somewhere"
        for account, units in state.ledger.inside.items()
        if bool(np.any(units < 0))
    ]


def reserved_equals_active_reservations(state: State) -> Violations:
    """What is reserved is what active reservations hold, per SKU and node."""
    held: dict[tuple[str, str], int] = {}
    for reservation in state.reservations.active.values():
        for line in reservation.lines:
            for source in line.sources:
                if source.inbound is None:
                    key = (line.sku, source.node)
                    held[key] = held.get(key, 0) + source.quantity
    return _compare(state, RESERVED, held, "active reservations hold")


def allocated_equals_open_fulfilments(state: State) -> Violations:
    """What is allocated is what open fulfilments and planned transfers have, per SKU and node."""
    held: dict[tuple[str, str], int] = {}
    for transfer in state.transfers.open.values():
        for line in transfer.lines if transfer.state == PLANNED else ():
            held[line.sku, transfer.source] = held.get((line.sku, transfer.source), 0) + line.quantity
    for order in state.orders.open.values():
        for fulfilment in order.fulfilments:
            if fulfilment.state in OPEN:
                for take in fulfilment.lines:
                    key = (order.lines[take.line].sku, fulfilment.node)
                    held[key] = held.get(key, 0) + take.quantity
    return _compare(state, ALLOCATED, held, "open fulfilments and planned transfers have")


def in_transit_equals_transfers_under_way(state: State) -> Violations:
    """What is in transit is what transfers that have left still bring, per SKU and node; none is in between."""
    held: dict[tuple[str, str], int] = {}
    for transfer in state.transfers.open.values():
        for line in transfer.lines if transfer.state == ON_THE_WAY else ():
            if line.awaited:
                held[line.sku, transfer.goes_to] = held.get((line.sku, transfer.goes_to), 0) + line.awaited
    wrong = _compare(state, IN_TRANSIT, held, "transfers bring")
    return [*wrong, "units are between two nodes and in no transfer"] if state.ledger.outside[TRANSFER].any() else wrong


def inbound_equals_what_is_expected(state: State) -> Violations:
    """What is inbound is what open inbound still expects and has not promised, per SKU and node."""
    held: dict[tuple[str, str], int] = {}
    for inbound in state.inbound.open.values():
        for line in inbound.lines:
            free = line.expected - line.promised
            if free:
                key = (line.sku, inbound.node)
                held[key] = held.get(key, 0) + free
    return _compare(state, INBOUND, held, "open inbound expects")


def promised_inbound_is_claimed(state: State) -> Violations:
    """What is promised of inbound is what reservations and orders claim: per SKU and node, and inbound by inbound."""
    held: dict[int, dict[tuple[str, str], int]] = {INBOUND_RESERVED: {}, INBOUND_ALLOCATED: {}}
    of_line: dict[tuple[int, str], int] = {}
    holders: dict[int, dict[Holder, int]] = {}
    for holder, number, sku, units in promises(state):
        inbound = state.inbound.open.get(number)
        if inbound is None:
            return [f"{holder!r} claims units of inbound {number}, which is not expected"]
        claimed = held[INBOUND_RESERVED if isinstance(holder, int) else INBOUND_ALLOCATED]
        claimed[sku, inbound.node] = claimed.get((sku, inbound.node), 0) + units
        of_line[number, sku] = of_line.get((number, sku), 0) + units
        by_holder = holders.setdefault(number, {})
        by_holder[holder] = by_holder.get(holder, 0) + units
    wrong = _compare(state, INBOUND_RESERVED, held[INBOUND_RESERVED], "active reservations were promised")
    wrong += _compare(state, INBOUND_ALLOCATED, held[INBOUND_ALLOCATED], "open orders were promised")
    wrong += [
        f"inbound {inbound.number} has promised {line.promised} of {line.sku!r}, not what is claimed"
        for inbound in state.inbound.open.values()
        for line in inbound.lines
        if line.promised != of_line.get((inbound.number, line.sku), 0)
    ]
    return wrong if holders == state.inbound.holders else [*wrong, "who holds units of inbound is noted wrongly"]


def _compare(state: State, account: int, held: dict[tuple[str, str], int], words: str) -> Violations:
    booked = {(sku, node): units for a, sku, node, units in state.ledger.rows() if a == account}
    return [
        f"{Account(account).name.lower()} of {sku!r} at {node!r} is {booked.get((sku, node), 0)}, "
        f"but {words} {held.get((sku, node), 0)}"
        for sku, node in sorted(booked | held)
        if booked.get((sku, node), 0) != held.get((sku, node), 0)
    ]


def line_units_add_up(state: State) -> Violations:
    """Every unit of an order line is somewhere, and none is in two places."""
    return [
        f"the units of line {line.id!r} of order {order.number!r} do not add up"
        for order in state.orders.open.values()
        for line in order.lines
        if line.quantity != line.open + line.shipped + line.cancelled
        or min(line.allocated, line.backordered, line.unsourceable, line.shipped, line.cancelled) < 0
        or min(line.returned, line.lost) < 0
        or line.returned + line.lost > line.shipped
        or line.claimed > line.backordered
    ]


def line_units_are_where_they_are_counted(state: State) -> Violations:
    """A line has as allocated and shipped what its fulfilments have; announced is at most what can come back."""
    wrong = []
    for order in state.orders.open.values():
        for line, units in zip(order.lines, order.units_by_state(), strict=True):
            allocated = sum(units.get(word, 0) for word in OPEN)
            shipped = sum(units.get(word, 0) for word in LEFT)
            if (line.allocated, line.shipped) != (allocated, shipped) or min(order.returnable()) < 0:
                wrong.append(f"line {line.id!r} of order {order.number!r} counts what its fulfilments do not have")
    return wrong


def money_follows_units(state: State) -> Violations:
    """A priced order's units are paid at their frozen shares unless cancelled, taken off, settled or lost."""
    return [violation for order in state.orders.open.values() for violation in money_of(order)]


def money_of(order: Order) -> Violations:
    """What is wrong with the money of one order, open or closed."""
    money, wrong = order.money, []
    if money is None:
        return []
    shipping = money.share_of_shipping().total_minor
    credited = shipping if money.shipping_gone else 0
    to_invoice = 0 if money.shipping_gone or money.is_invoiced else shipping
    settled = [0] * len(order.lines)
    for agreed in order.returns:
        for entry in agreed.lines:
            settled[entry.line] += entry.settled
    for at, (line, priced) in enumerate(zip(order.lines, money.lines, strict=True)):
        lost = line.shipped - settled[at] - sum([count for _, count in priced.sent])
        if (
            priced.quantity != line.quantity + priced.removed
            or priced.ended != line.shipped + line.cancelled + priced.removed
            or not 0 <= lost <= line.lost
        ):
            wrong.append(f"the money of line {line.id!r} of order {order.number!r} is not that of its units")
        else:
            is_open = money.share(at, (priced.open,)).total_minor
            to_invoice += is_open
            credited += priced.total_minor - is_open - money.share(at, priced.sent).total_minor
    if money.paid_minor > money.due_minor:
        wrong.append(f"{money.paid_minor} are paid for order {order.number!r}, but {money.due_minor} are due")
    if credited != money.credited_minor:
        wrong.append(
            f"order {order.number!r} was credited {money.credited_minor}, but what is gone is worth {credited}"
        )
    owed = money.due_minor - to_invoice - money.written_off_minor - money.paid_minor
    if owed != money.balance_minor:
        wrong.append(f"the account of order {order.number!r} stands at {money.balance_minor}, not {owed}")
    return wrong


def money_sums_to_zero(state: State) -> Violations:
    """In every currency all money accounts sum to zero."""
    return [
        f"the money accounts in {currency} sum to {sum(accounts.values())}"
        for currency, accounts in state.money_books.balances.items()
        if sum(accounts.values())
    ]


def vouchers_are_owed(state: State) -> Violations:
    """What is owed for vouchers is what can still be paid with them, by currency."""
    left: dict[str, int] = {}
    for code, voucher in state.configuration.vouchers.items():
        if voucher.currency is not None:
            left[voucher.currency] = left.get(voucher.currency, 0) + state.usage.left_minor(code, voucher)
    return [
        f"{-accounts.get(VOUCHER_LIABILITY, 0)} {currency} are owed for vouchers, but {left.get(currency, 0)} are left"
        for currency, accounts in state.money_books.balances.items()
        if -accounts.get(VOUCHER_LIABILITY, 0) != left.get(currency, 0)
    ]


def promotions_keep_their_limits(state: State) -> Violations:
    """No promotion has a use or a cent less than none."""
    return [
        f"promotion or voucher {name!r} was used {used.orders} times for {used.minor}"
        for name, used in (*state.usage.of.items(), *state.usage.vouchers.items())
        if min(used.orders, used.minor) < 0
    ]


def work_is_listed_once(state: State) -> Violations:
    """The lists of work hold exactly the open fulfilments, each in its state, at its time."""
    listed = sorted(state.orders.work.entries())
    open_work = sorted(
        (f.node, f.state, f.target_ns, f.number)
        for order in state.orders.open.values()
        for f in order.fulfilments
        if f.state in OPEN
    )
    return [] if listed == open_work else ["the lists of work are not the open fulfilments"]


def lists_know_their_work(state: State) -> Violations:
    """A fulfilment is on the open pick list that says so, and on no other."""
    listed = {number: made.number for made in state.pick_lists.open.values() for number in made.fulfilments}
    return [] if listed == state.pick_lists.of_fulfilment else ["the pick lists do not know what is on them"]


def nothing_is_released_while_held(state: State) -> Violations:
    """No node has new work of an order whose release is stopped, and nothing is kept back without a reason."""
    return [
        f"fulfilment {f.number} of order {order.number!r} is {f.state}"
        for order in state.orders.open.values()
        for f in order.fulfilments
        if f.state == (RELEASED if order.is_held(RELEASE) else HELD)
    ]


def waiting_lines_are_queued(state: State) -> Violations:
    """The queue of backordered lines holds exactly the lines that wait."""
    queued = {(sku, *key) for sku, queue in state.orders.waiting.items() for key in queue}
    waiting = {
        (line.sku, order.seq, at)
        for order in state.orders.open.values()
        for at, line in enumerate(order.lines)
        if line.backordered
    }
    wrong = [f"line {at} of the order of record {seq} is queued wrongly" for _, seq, at in sorted(queued ^ waiting)]
    units: dict[tuple[str, str], int] = {}
    for order in state.orders.open.values():
        for line in order.lines:
            if line.backordered:
                units[line.sku, order.channel] = units.get((line.sku, order.channel), 0) + line.backordered
    return wrong + [
        f"{state.orders.units_waiting(sku, channel)} units of {sku!r} count as waiting on {channel!r}, not {count}"
        for (sku, channel), count in sorted(units.items())
        if state.orders.units_waiting(sku, channel) != count
    ]


def nobody_waits_while_units_are_free(state: State) -> Violations:
    """No order or reservation waits that could be served as its policy asks, when no sweep is due."""
    if state.looks.due:
        return []
    return [
        f"{waiter.order or f'reservation {waiter.promised}'!r} waits, though it could be served"
        for waiter in everybody(state)
        if serving(state, waiter, state.time_ns) is not None
    ]


def earlier_promises_come_first(state: State) -> Violations:
    """Of two orders that want one SKU in the same way, the later was not given a unit while the earlier waited for one.

    Only where nothing but the turn could make a difference: one line, one policy without overrides or promises of
    inbound, nothing given back or changed; when no sweep is due.
    """
    if state.looks.due:
        return []
    waits_since: dict[tuple[object, ...], Order] = {}
    given: dict[tuple[object, ...], list[Order]] = {}
    for order in state.orders.open.values():
        way = _way_of_asking(state, order)
        if way is None:
            continue
        line = order.lines[0]
        if line.backordered > line.claimed:
            before = waits_since.get(way)
            if before is None or order.promised < before.promised:
                waits_since[way] = order
        given.setdefault(way, []).append(order)
    return [
        f"order {later.number!r} was given units while {first.number!r} waited for them"
        for way, first in waits_since.items()
        for later in given[way]
        if later.promised > first.promised and any(f.created_at_ns > first.created_at_ns for f in later.fulfilments)
    ]


def _way_of_asking(state: State, order: Order) -> tuple[object, ...] | None:
    """What decides who serves an order, but for its turn; None where more than that does."""
    policy = state.configuration.policy_placed_under(order.policy, order.policy_version or 0)
    if len(order.lines) > 1 or order.given_back_by or order.changes or order.reservation is not None or policy is None:
        return None
    if policy.overrides or policy.ship_complete or policy.inbound_days_max is not None or order.policy_version is None:
        return None
    if (policy.nodes_max, policy.line_split is not False, policy.split_value_minor_min) != (None, True, None):
        return None
    rank = (order.lines[0].sku, order.channel, order.area, order.way, order.pickup_node, order.customer_group)
    return (*rank, order.policy, order.policy_version)


def places_taken_cover_what_is_held(state: State) -> Violations:
    """Nodes with a limit a day: nothing in memory holds a place that is not counted as taken."""
    held = _places_held(state, state.orders.open.values())
    return [
        f"{node!r} has {state.capacity.count(node, day)} places taken on day {day}, but {units} are held"
        for (node, day), units in sorted(held.items())
        if state.capacity.count(node, day) < units
    ]


def every_place_taken_is_held(state: State) -> Violations:
    """Places taken at nodes are those of active reservations and of the fulfilments of all orders, not one more or
    less.

    What shipped keeps its place, so closed orders count: this one is only for a state whose closed orders can all be
    read.
    """
    taken = {
        (node, day): count
        for day, nodes in state.capacity.taken.items()
        for node, count in nodes.items()
        if day >= first_day_kept(state.time_ns)
    }
    closed = (order for order in state.closed.newest_orders() if order.number not in state.orders.open)
    held = _places_held(state, [*state.orders.open.values(), *closed])
    return [
        f"{node!r} has {taken.get((node, day), 0)} places taken on day {day}, but {held.get((node, day), 0)} are held"
        for node, day in sorted(taken | held)
        if taken.get((node, day), 0) != held.get((node, day), 0)
    ]


def money_ledger_is_that_of_the_orders(state: State) -> Violations:
    """What the ledger says of customers is the sum of their orders' accounts, and every number of a document is one
    document.

    Closed orders count: this one is only for a state whose closed orders can all be read.
    """
    held: dict[tuple[str, str], int] = {}
    issued: dict[tuple[str, int], list[int]] = {}
    closed = (order for order in state.closed.newest_orders() if order.number not in state.orders.open)
    for order in (*state.orders.open.values(), *closed):
        money = order.money
        if money is None:
            continue
        of_customer = {
            RECEIVABLE: max(0, money.balance_minor),
            PREPAYMENT: min(0, money.balance_minor),
            WRITE_OFF: money.written_off_minor,
            REFUNDS_PAYABLE: -sum(
                payment.refunded_minor - payment.paid_out_minor
                for payment in money.payments
                if payment.id not in money.vouchers
            ),
        }
        for account, amount in of_customer.items():
            held[money.currency, account] = held.get((money.currency, account), 0) + amount
        for each in money.documents:
            issued.setdefault((each.document.series, each.document.year), []).append(each.document.number)
    books = state.money_books
    wrong = [
        f"{account} in {currency} is {books.balances.get(currency, {}).get(account, 0)}, but orders have {amount}"
        for (currency, account), amount in held.items()
        if books.balances.get(currency, {}).get(account, 0) != amount
    ]
    return wrong + [
        f"the {series} numbers of {year} are not those of the documents"
        for (series, year), last in books.last_numbers.items()
        if sorted(issued.get((series, year), [])) != list(range(1, last + 1))
    ]


def _places_held(state: State, orders: Iterable[Order]) -> dict[tuple[str, int], int]:
    """Places that active reservations and fulfilments of these orders hold, by node and day, on days that are kept."""
    slots: list[Slot] = []
    for reservation in state.reservations.active.values():
        slots += reservation.slots
    for order in orders:
        for fulfilment in order.fulfilments:
            slots += fulfilment.slots
    held: dict[tuple[str, int], int] = {}
    for slot in slots:
        if slot.day >= first_day_kept(state.time_ns):
            held[slot.node, slot.day] = held.get((slot.node, slot.day), 0) + 1
    return held


def closed_orders_have_left(state: State) -> Violations:
    """Memory holds only orders with something open."""
    return [
        f"order {order.number!r} is closed and still in memory"
        for order in state.orders.open.values()
        if not order.open
    ]


CHECKS: list[Callable[[State], Violations]] = [
    every_sku_sums_to_zero,
    no_internal_account_is_negative,
    reserved_equals_active_reservations,
    allocated_equals_open_fulfilments,
    in_transit_equals_transfers_under_way,
    inbound_equals_what_is_expected,
    promised_inbound_is_claimed,
    line_units_add_up,
    line_units_are_where_they_are_counted,
    money_follows_units,
    money_sums_to_zero,
    vouchers_are_owed,
    promotions_keep_their_limits,
    work_is_listed_once,
    nothing_is_released_while_held,
    lists_know_their_work,
    waiting_lines_are_queued,
    nobody_waits_while_units_are_free,
    earlier_promises_come_first,
    places_taken_cover_what_is_held,
    closed_orders_have_left,
]


def check(state: State) -> Violations:
    """Everything that does not hold; empty for a sound state."""
    return [violation for invariant in CHECKS for violation in invariant(state)]
