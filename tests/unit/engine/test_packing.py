"""Work that is divided, joined and put into parcels; picks that come up short."""

from typing import Any

import pytest

from engine.commands.orders import (
    AdvanceFulfilment,
    CancelFulfilment,
    CancelLine,
    CancelOrder,
    ConfirmedDate,
    ConfirmFulfilment,
    FoundLine,
    FulfilmentLine,
    MergeFulfilments,
    PackParcels,
    ParcelRequest,
    ShortFulfilment,
    SplitFulfilment,
    Tracking,
)
from engine.limits import NS_PER_SECOND
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, TRAY, Shop, line
from tests.unit.engine.test_policy_plans import changed

DAY_NS = 86_400 * NS_PER_SECOND


@pytest.fixture
def shop() -> Shop:
    """Four kettles and three towels to be sent from Leipzig, which has six of each; Berlin has two of each."""
    made = Shop()
    for sku in (KETTLE, TOWEL):
        made.receive(sku, LEIPZIG, 6)
        made.receive(sku, BERLIN, 2)
    made.order((KETTLE, 4), (TOWEL, 3))
    return made


def units(shop: Shop, number: int) -> dict[int, int]:
    """Units by line position of a fulfilment of the first order."""
    return {take.line: take.quantity for take in shop.the_order("W-1").fulfilment(number).lines}


def parcel(*lines: tuple[str, int], weight_grams: int | None = None, code: str | None = None) -> ParcelRequest:
    """A box with (line, quantity) in it."""
    tracking = None if code is None else Tracking("DHL", code)
    return ParcelRequest(tuple(FulfilmentLine(*line) for line in lines), weight_grams, tracking)


# Short picks


@pytest.mark.parametrize(
    ("reason", "on_hand", "available", "unsellable", "loss"),
    [("not_found", 5, 1, 0, 1), ("damaged", 6, 1, 1, 0), ("no_capacity", 6, 2, 0, 0)],
)
def test_the_reason_says_what_becomes_of_one_unit_that_was_not_picked(
    shop: Shop, reason: Any, on_hand: int, available: int, unsellable: int, loss: int
) -> None:
    shop.reserve(line(KETTLE, 1, LEIPZIG))
    shop.done(ShortFulfilment(1, (FoundLine("1", 3),), reason, "shelf 7"))
    there = shop.at(KETTLE, LEIPZIG)
    assert (there.on_hand, there.available, there.unsellable) == (on_hand, available, unsellable)
    assert shop.state.ledger.totals()["loss"] == loss
    assert (there.reserved, there.allocated) == (1, 3)
    assert units(shop, 1) == {0: 3, 1: 3}
    assert shop.work("W-1") == [(1, LEIPZIG, "released"), (2, BERLIN, "released")]


def test_after_a_short_pick_on_hand_is_what_is_promised_to_others(shop: Shop) -> None:
    shop.reserve(line(KETTLE, 2, LEIPZIG))
    shop.done(ShortFulfilment(1, (FoundLine("1", 0), FoundLine("2", 3))))
    there = shop.at(KETTLE, LEIPZIG)
    assert (there.on_hand, there.reserved, there.allocated, there.available) == (2, 2, 0, 0)
    assert units(shop, 1) == {1: 3}, "the towels go on"


def test_a_line_that_is_not_named_was_found(shop: Shop) -> None:
    shop.done(AdvanceFulfilment(1, "pick"))
    shop.done(ShortFulfilment(1, (FoundLine("2", 2),), "damaged"))
    assert units(shop, 1) == {0: 4, 1: 2}
    assert shop.work("W-1")[0][2] == "picked", "what was found stays where it is"


def test_nothing_found_of_any_line_excludes_the_node_for_ever(shop: Shop) -> None:
    shop.done(ShortFulfilment(1, (FoundLine("1", 0), FoundLine("2", 0)), "damaged"))
    assert shop.work("W-1")[0] == (1, LEIPZIG, "rejected")
    assert shop.the_order("W-1").rejected_by == [LEIPZIG]


def test_what_no_other_node_has_waits_or_is_left_to_a_person() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 2)
    shop.receive(TRAY, LEIPZIG, 2)
    order = shop.order((KETTLE, 2), (TRAY, 2))
    shop.done(ShortFulfilment(1, (FoundLine("1", 1), FoundLine("2", 1))))
    kettle, tray = shop.the_order(order).lines
    assert (kettle.allocated, kettle.unsourceable, tray.allocated, tray.backordered) == (1, 1, 1, 1)
    shop.receive(TRAY, LEIPZIG, 1)
    assert shop.work(order)[-1] == (2, LEIPZIG, "released"), "the node may be asked again once it has more"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((FoundLine("1", 5),), ResultCode.EXCEEDS_ALLOCATED),
        ((FoundLine("9", 1),), ResultCode.UNKNOWN_LINE),
        ((FoundLine("1", 1), FoundLine("1", 2)), ResultCode.UNKNOWN_LINE),
        ((FoundLine("1", 4),), ResultCode.INVALID_TRANSITION),
        ((), ResultCode.INVALID_TRANSITION),
    ],
)
def test_a_short_pick_that_cannot_be_is_refused(shop: Shop, lines: tuple[FoundLine, ...], code: ResultCode) -> None:
    shop.refused(ShortFulfilment(1, lines), code)
    shop.refused(ShortFulfilment(404, lines), ResultCode.NOT_FOUND)


# Dividing and joining


def test_a_part_has_a_number_of_its_own_and_goes_its_own_way(shop: Shop) -> None:
    shop.done(AdvanceFulfilment(1, "pick"))
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 1), FulfilmentLine("2", 3))))
    assert shop.work("W-1") == [(1, LEIPZIG, "picked"), (2, LEIPZIG, "picked")]
    assert (units(shop, 1), units(shop, 2)) == ({0: 3}, {0: 1, 1: 3})
    shop.done(AdvanceFulfilment(2, "ship"))
    shop.restart()
    assert [shop.the_order("W-1").lines[at].shipped for at in (0, 1)] == [1, 3]
    assert shop.order((KETTLE, 1)), "numbers go on behind the part"
    assert shop.work("W-2")[0][0] == 3


def test_parts_of_parts_are_joined_again_in_any_order(shop: Shop) -> None:
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 2),)))
    shop.done(SplitFulfilment(2, (FulfilmentLine("1", 1),)))
    shop.done(MergeFulfilments(3, 1))
    shop.done(MergeFulfilments(2, 3))
    assert units(shop, 2) == {0: 4, 1: 3}
    assert [state for _, _, state in shop.work("W-1")] == ["cancelled", "released", "cancelled"]
    shop.done(AdvanceFulfilment(2, "ship"))
    assert shop.the_order("W-1").state == "shipped"


@pytest.mark.parametrize("keep", [1, 2])
def test_a_part_takes_no_second_place_and_joining_loses_none(keep: int) -> None:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=2)
    shop.receive(KETTLE, LEIPZIG, 6)
    shop.order((KETTLE, 4))
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 1),)))

    def taken() -> int:
        return sum(sum(nodes.values()) for nodes in shop.state.capacity.taken.values())

    assert taken() == 1
    shop.done(MergeFulfilments(keep, 3 - keep))
    assert taken() == 1
    shop.done(CancelFulfilment(keep, "not wanted"))
    assert taken() == 0


def test_joined_work_leaves_when_the_later_part_would_have() -> None:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, kind="supplier")
    shop.receive(KETTLE, LEIPZIG, 6)
    shop.order((KETTLE, 4))
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 1),)))
    soon_ns, later_ns = shop.now_ns + 3 * DAY_NS, shop.now_ns + 9 * DAY_NS
    shop.done(ConfirmFulfilment(1, (ConfirmedDate("1", soon_ns),)))
    shop.done(ConfirmFulfilment(2, (ConfirmedDate("1", later_ns),)))
    shop.done(MergeFulfilments(1, 2))
    assert shop.the_order("W-1").fulfilment(1).ships_at_ns == later_ns
    assert list(shop.state.orders.work.after(LEIPZIG, "accepted")) == [(later_ns, 1)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SplitFulfilment(1, (FulfilmentLine("9", 1),)), ResultCode.UNKNOWN_LINE),
        (SplitFulfilment(1, (FulfilmentLine("1", 5),)), ResultCode.EXCEEDS_ALLOCATED),
        (SplitFulfilment(1, (FulfilmentLine("1", 3), FulfilmentLine("1", 2))), ResultCode.EXCEEDS_ALLOCATED),
        (SplitFulfilment(1, (FulfilmentLine("1", 4), FulfilmentLine("2", 3))), ResultCode.INVALID_TRANSITION),
        (SplitFulfilment(404, (FulfilmentLine("1", 1),)), ResultCode.NOT_FOUND),
        (MergeFulfilments(1, 1), ResultCode.UNKNOWN_FULFILMENT),
        (MergeFulfilments(1, 2), ResultCode.UNKNOWN_FULFILMENT),
        (MergeFulfilments(404, 1), ResultCode.NOT_FOUND),
        (PackParcels(1, (parcel(("9", 1)),)), ResultCode.UNKNOWN_LINE),
        (PackParcels(1, (parcel(("1", 3)), parcel(("1", 2)))), ResultCode.EXCEEDS_ALLOCATED),
        (PackParcels(404, ()), ResultCode.NOT_FOUND),
        (CancelFulfilment(404, "not wanted"), ResultCode.NOT_FOUND),
        (ConfirmFulfilment(1, ()), ResultCode.INVALID_TRANSITION),
    ],
    ids=str,
)
def test_what_cannot_be_divided_joined_or_packed_is_refused(shop: Shop, command: Any, code: ResultCode) -> None:
    shop.order((KETTLE, 2))  # fulfilment 2 is another order's
    shop.refused(command, code)


def test_only_work_of_one_node_is_joined(shop: Shop) -> None:
    shop.done(ShortFulfilment(1, (FoundLine("1", 3),)))
    shop.refused(MergeFulfilments(1, 2), ResultCode.INVALID_TRANSITION)


# Parcels


def test_several_parcels_hold_several_lines_and_are_said_anew(shop: Shop) -> None:
    both = parcel(("1", 2), ("2", 1), weight_grams=1_850, code="JJD-1")
    shop.done(PackParcels(1, (both, parcel(("1", 2), ("2", 2)))))
    shop.restart()
    first, second = shop.the_order("W-1").fulfilment(1).parcels
    assert [(take.line, take.quantity) for take in first.lines] == [(0, 2), (1, 1)]
    assert (first.weight_grams, first.tracking_code, second.weight_grams) == (1_850, "JJD-1", None)
    shop.done(PackParcels(1, (parcel(("2", 3)),)))
    assert len(shop.the_order("W-1").fulfilment(1).parcels) == 1


@pytest.mark.parametrize(
    "command",
    [
        SplitFulfilment(1, (FulfilmentLine("1", 1),)),
        ShortFulfilment(1, (FoundLine("1", 3),)),
        CancelOrder("W-1", "one less", (CancelLine("1", 1),)),
    ],
    ids=["split", "short", "cancel"],
)
def test_parcels_whose_units_have_gone_are_packed_no_more(shop: Shop, command: Any) -> None:
    shop.done(PackParcels(1, (parcel(("1", 4), ("2", 3)),)))
    shop.done(command)
    assert shop.the_order("W-1").fulfilment(1).parcels == ()


# What a supplier confirms


def test_a_supplier_names_dates_and_the_order_leaves_with_the_last() -> None:
    shop = Shop()
    changed(shop, "nodes", MUNICH, kind="supplier")
    for sku in (KETTLE, TOWEL):
        shop.receive(sku, MUNICH, 5)
    shop.order((KETTLE, 1), (TOWEL, 1))
    soon_ns, later_ns = shop.now_ns + 3 * DAY_NS, shop.now_ns + 9 * DAY_NS
    shop.refused(ConfirmFulfilment(1, (ConfirmedDate("9", soon_ns),)), ResultCode.UNKNOWN_LINE)
    shop.done(ConfirmFulfilment(1, (ConfirmedDate("1", later_ns), ConfirmedDate("2", soon_ns))))
    work = shop.the_order("W-1").fulfilment(1)
    assert (work.state, work.ships_at_ns) == ("accepted", later_ns)
    shop.done(ConfirmFulfilment(1, (ConfirmedDate("1", soon_ns),)))
    assert shop.the_order("W-1").fulfilment(1).ships_at_ns == soon_ns, "a supplier may say so again"
    shop.done(AdvanceFulfilment(1, "pick"))
    shop.refused(ConfirmFulfilment(1, ()), ResultCode.INVALID_TRANSITION)
