"""What the table of steps says is possible is what the engine takes, for every step in every state, and nothing else is."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.commands.orders import (
    AdvanceFulfilment,
    AppeaseCustomer,
    AuthoriseReturn,
    CancelFulfilment,
    CancelOrder,
    ConfirmedDate,
    ConfirmFulfilment,
    FoundLine,
    FulfilmentLine,
    HoldOrder,
    HoldRequest,
    LiftHold,
    LostLine,
    MergeFulfilments,
    MoveFulfilment,
    NoteOrder,
    OrderLineRequest,
    PackParcels,
    ParcelRequest,
    ProposeChange,
    RejectFulfilment,
    ReportLoss,
    ReturnLineRequest,
    ShortFulfilment,
    SourceOrderAgain,
    SplitFulfilment,
)
from engine.fulfilments.work import order_traits, traits_of
from engine.lifecycles import FULFILMENT, O_UNFINISHED, ORDER
from engine.results import Rejection, ResultCode
from engine.writer import Done
from tests.unit.engine.shop import BERLIN, KETTLE, MUNICH, TRAY, Shop
from tests.unit.engine.test_policy_plans import changed

ORDER_NUMBER = "W-1"
DAY_SECONDS = 86_400


def shop_for(delivery: str, kind: str, sku: str = KETTLE) -> Shop:
    """Four units in Berlin, where customers may come, and none elsewhere."""
    shop = Shop(collect_within_seconds=DAY_SECONDS)
    changed(shop, "nodes", BERLIN, pickup=True, kind=kind)
    shop.receive(sku, BERLIN, 4)
    return shop


def advance(action: Any) -> Callable[[int], Any]:
    return lambda number: AdvanceFulfilment(number, action)


FULFILMENT_STEPS: dict[str, Callable[[int], Any]] = {
    **{name: advance(name) for name in ("accept", "pick", "pack", "unpack", "ready", "ship", "deliver", "collect")},
    "confirm": lambda number: ConfirmFulfilment(number, (ConfirmedDate("1", 1_900_000_000_000_000_000),)),
    "short": lambda number: ShortFulfilment(number, (FoundLine("1", 1),), "no_capacity"),
    "split": lambda number: SplitFulfilment(number, (FulfilmentLine("1", 1),)),
    "merge": lambda number: MergeFulfilments(number, number + 1),
    "parcels": lambda number: PackParcels(number, (ParcelRequest((FulfilmentLine("1", 1),)),)),
    "move": lambda number: MoveFulfilment(number, MUNICH),
    "reject": lambda number: RejectFulfilment(number, "no_capacity"),
    "cancel": lambda number: CancelFulfilment(number, "not wanted"),
}

# How a fulfilment comes into a state: the steps that take it there, from where it is handed out.
WAYS: dict[str, tuple[str, ...]] = {
    "held": (),
    "released": (),
    "accepted": ("accept",),
    "picked": ("pick",),
    "packed": ("pack",),
    "ready": ("ready",),
    "shipped": ("ship",),
    "delivered": ("deliver",),
    "collected": ("collect",),
    "rejected": ("reject",),
    "cancelled": ("cancel",),
    "lapsed": ("ready",),
}
NOT_SHIPPED = ("ready", "collected", "lapsed")
NOT_COLLECTED = ("shipped", "delivered")


def work_in(state: str, delivery: str, kind: str, ship_held: bool) -> Shop:
    """An order of four units whose work at Berlin, in two halves, is in that state. A stop on shipping comes last."""
    shop = shop_for(delivery, kind)
    holds = (HoldRequest("payment", "not paid"),) if state == "held" else ()
    node = None if delivery == "ship" else BERLIN
    shop.order((KETTLE, 4), delivery=delivery, pickup_node=node, holds=holds)
    if state != "held":
        shop.done(SplitFulfilment(1, (FulfilmentLine("1", 2),)))
    for step in WAYS[state]:
        for number in (1, 2):
            shop.done(FULFILMENT_STEPS[step](number))
    if state == "lapsed":
        shop.wait(DAY_SECONDS)
        shop.settle()
    if ship_held:
        shop.done(HoldOrder(ORDER_NUMBER, "customs", "papers missing", "ship"))
    assert shop.work(ORDER_NUMBER)[0][2] == state
    return shop


def refusal_of(outcome: Done | Rejection) -> ResultCode:
    """Why a step was refused."""
    assert isinstance(outcome, Rejection)
    return outcome.code


def taken(outcome: Any) -> bool:
    """Whether a step was done; if not, it was the step that was refused, and nothing else about the request."""
    if not isinstance(outcome, Rejection):
        return True
    assert outcome.code in (ResultCode.INVALID_TRANSITION, ResultCode.EXCEEDS_RETURNABLE), outcome
    return False


def test_every_step_that_somebody_may_ask_for_is_tried_here() -> None:
    assert set(FULFILMENT_STEPS) == {step.action for step in FULFILMENT.steps.values() if not step.by_itself}
    assert set(WAYS) == set(FULFILMENT.states)
    assert set(ORDER_STEPS) == set(ORDER.steps)


@pytest.mark.parametrize("ship_held", [False, True], ids=["free", "ship_held"])
@pytest.mark.parametrize("kind", ["store", "supplier"])
@pytest.mark.parametrize("delivery", ["ship", "pickup", "reserve_in_store"])
@pytest.mark.parametrize("state", WAYS)
def test_what_is_allowed_of_a_fulfilment_is_what_is_taken(
    state: str, delivery: str, kind: str, ship_held: bool
) -> None:
    if state in (NOT_SHIPPED if delivery == "ship" else NOT_COLLECTED):
        return
    closed = state not in ("held", "released", "accepted", "picked", "packed", "ready", "rejected")
    if ship_held and closed:
        return  # an order that has ended cannot be stopped any more
    for action, command in FULFILMENT_STEPS.items():
        shop = work_in(state, delivery, kind, ship_held)
        order = shop.the_order(ORDER_NUMBER)
        allowed = FULFILMENT.allowed(state, traits_of(shop.state, order, order.fulfilments[0]))
        if "move" in (action, *allowed):
            shop.receive(KETTLE, MUNICH, 4)
        assert taken(shop.do(command(1))) == (action in allowed), (action, allowed)


ORDER_STEPS: dict[str, Any] = {
    "cancel": CancelOrder(ORDER_NUMBER, "not wanted"),
    "change": ProposeChange(ORDER_NUMBER, "one more tray", add=(OrderLineRequest("9", TRAY, 1, 2_50),)),
    "hold": HoldOrder(ORDER_NUMBER, "fraud", "looks odd"),
    "lift": LiftHold(ORDER_NUMBER, "payment"),
    "source_again": SourceOrderAgain(ORDER_NUMBER, also_rejected_by=True),
    "return": AuthoriseReturn(ORDER_NUMBER, (ReturnLineRequest("1", 1),)),
    "claim": ReportLoss(ORDER_NUMBER, (LostLine("1", 1),)),
    "note": NoteOrder(ORDER_NUMBER, "called"),
    "appease": AppeaseCustomer(ORDER_NUMBER, 500, "came late"),
}


def order_in(state: str) -> Shop:
    """An order in that state; for one that no node can send, the one that gave it back still has its units."""
    shop = shop_for("ship", "store", TRAY if state == "backordered" else KETTLE)
    if state == "backordered":
        shop.order((TRAY, 4))
        shop.done(AdvanceFulfilment(1, "accept"))
        shop.done(RejectFulfilment(1, "not_found"))
    elif state == "unsourceable":
        shop.order((KETTLE, 4))
        shop.done(RejectFulfilment(1, "no_capacity"))
    elif state == "collected":
        shop.order((KETTLE, 4), delivery="pickup", pickup_node=BERLIN)
        shop.done(AdvanceFulfilment(1, "collect"))
    else:
        shop.order((KETTLE, 4))
        steps = {"shipped": advance("ship"), "delivered": advance("deliver"), "cancelled": FULFILMENT_STEPS["cancel"]}
        if state in steps:
            shop.done(steps[state](1))
    assert shop.the_order(ORDER_NUMBER).state == state
    return shop


@pytest.mark.parametrize("state", ORDER.states)
@pytest.mark.parametrize("action", ORDER_STEPS)
def test_what_is_allowed_of_an_order_is_what_is_taken(state: str, action: str) -> None:
    shop = order_in(state)
    order = shop.the_order(ORDER_NUMBER)
    allowed = action in ORDER.allowed(state, order_traits(order))
    outcome = shop.do(ORDER_STEPS[action])
    if action == "source_again" and state == "backordered":
        assert (allowed, refusal_of(outcome)) == (True, ResultCode.INSUFFICIENT_STOCK)
    elif action == "lift":
        assert (allowed, refusal_of(outcome)) == (False, ResultCode.NOT_FOUND)
    else:
        assert taken(outcome) == allowed


@pytest.mark.parametrize("state", O_UNFINISHED)
def test_a_stopped_order_can_be_let_go_and_all_else_is_as_before(state: str) -> None:
    for action, command in ORDER_STEPS.items():
        shop = order_in(state)
        shop.done(HoldOrder(ORDER_NUMBER, "payment", "not paid"))
        order = shop.the_order(ORDER_NUMBER)
        allowed = action in ORDER.allowed(state, order_traits(order))
        outcome = shop.do(command)
        if action == "source_again" and state == "backordered":
            assert (allowed, refusal_of(outcome)) == (True, ResultCode.INSUFFICIENT_STOCK)
        else:
            assert taken(outcome) == allowed, action


def test_what_came_back_cannot_come_back_again_and_is_not_offered() -> None:
    shop = order_in("shipped")
    shop.done(AuthoriseReturn(ORDER_NUMBER, (ReturnLineRequest("1", 3),)))
    shop.done(ReportLoss(ORDER_NUMBER, (LostLine("1", 1),)))
    order = shop.the_order(ORDER_NUMBER)
    allowed = ORDER.allowed(order.state, order_traits(order))
    for action in ("return", "claim"):
        shop.refused(ORDER_STEPS[action], ResultCode.EXCEEDS_RETURNABLE)
        assert action not in allowed
