"""Two who want opposite things in the same batch: the first is served, the other is told why not, and nothing is done twice."""

from typing import Any

import pytest

from engine import commands as c
from engine.commands.orders import (
    AdvanceFulfilment,
    CancelFulfilment,
    CancelLine,
    CancelOrder,
    FoundLine,
    FulfilmentLine,
    HoldOrder,
    RejectFulfilment,
    ShortFulfilment,
    SplitFulfilment,
)
from engine.commands.reservations import ReserveStock
from engine.results import ResultCode
from engine.writer import Done
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, Shop

SHIP = AdvanceFulfilment(1, "ship")
ACCEPT = AdvanceFulfilment(1, "accept")
CANCEL = CancelOrder("W-1", "changed my mind")
CANCEL_ONE = CancelOrder("W-1", "one is enough", (CancelLine("1", 1),))
CANCEL_WORK = CancelFulfilment(1, "changed my mind")
REJECT = RejectFulfilment(1, "no_capacity")
NOT_ONE_FOUND = ShortFulfilment(1, (FoundLine("1", 0),))
ONE_FOUND = ShortFulfilment(1, (FoundLine("1", 1),))
HOLD_SHIPPING = HoldOrder("W-1", "customs", "papers missing", "ship")
SPLIT = SplitFulfilment(1, (FulfilmentLine("1", 1),))


@pytest.fixture
def shop() -> Shop:
    """Two kettles ordered, to be sent from Leipzig; Berlin has some too."""
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 2)
    made.receive(KETTLE, BERLIN, 5)
    made.order((KETTLE, 2))
    return made


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SHIP, CANCEL),
        (CANCEL, SHIP),
        (SHIP, CANCEL_WORK),
        (CANCEL_WORK, SHIP),
        (SHIP, ONE_FOUND),
        (CANCEL, ONE_FOUND),
        (CANCEL, NOT_ONE_FOUND),
        (NOT_ONE_FOUND, CANCEL_WORK),
        (REJECT, SHIP),
        (SHIP, REJECT),
        (HOLD_SHIPPING, SHIP),
        (SHIP, SPLIT),
        (HoldOrder("W-1", "fraud", "looks odd"), ACCEPT),
        (CANCEL, HoldOrder("W-1", "fraud", "looks odd")),
        (SHIP, SHIP),
        (CANCEL, CANCEL),
        (SHIP, HOLD_SHIPPING),
    ],
    ids=str,
)
def test_the_first_is_served_and_the_second_refused(shop: Shop, first: Any, second: Any) -> None:
    before = shop.journal.last_seq
    shop.submit(first)
    shop.submit(second)
    served, refused = shop.settle()
    assert (type(served), refused.code) == (Done, ResultCode.INVALID_TRANSITION)
    assert shop.journal.last_seq == before + 1
    shop.restart()


def test_a_short_pick_and_a_cancellation_of_the_rest_are_both_possible(shop: Shop) -> None:
    shop.submit(ONE_FOUND)
    shop.submit(CANCEL)
    assert [type(outcome) for outcome in shop.settle()] == [Done, Done]
    assert (shop.the_order("W-1").state, shop.at(KETTLE, LEIPZIG).on_hand) == ("cancelled", 1)
    assert shop.at(KETTLE, BERLIN).available == 5


def test_of_a_line_that_shrinks_no_more_is_found_than_is_left(shop: Shop) -> None:
    shop.submit(CANCEL_ONE)
    shop.submit(ShortFulfilment(1, (FoundLine("1", 2),)))
    cancelled, refused = shop.settle()
    assert (type(cancelled), refused.code) == (Done, ResultCode.EXCEEDS_ALLOCATED)


def test_the_last_unit_that_is_cancelled_goes_to_whoever_asked_later_in_the_batch(shop: Shop) -> None:
    shop.submit(CANCEL)
    shop.submit(ReserveStock(channel="web", lines=(c.reservations.DemandLine(KETTLE, 2, LEIPZIG),)))
    assert [type(outcome) for outcome in shop.settle()] == [Done, Done]
    assert (shop.at(KETTLE, LEIPZIG).reserved, shop.at(KETTLE, LEIPZIG).allocated) == (2, 0)
