"""Checkout: claims on stock that end by themselves."""

import pytest
from msgspec.structs import replace

from engine.calendars import with_time_zone
from engine.commands.configuration import Configure, Item, Node
from engine.commands.reservations import (
    ChangeReservation,
    ExtendReservation,
    NewQuantityLine,
    QuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.results import Rejection, ResultCode, Shortage
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, Shop, line, safety, shop_document


@pytest.fixture
def shop() -> Shop:
    """Ten kettles in Leipzig, four in Berlin, towels in Berlin only."""
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 10)
    made.receive(KETTLE, BERLIN, 4)
    made.receive(TOWEL, BERLIN, 5)
    return made


def change(reservation: int, *lines: tuple[str, int]) -> ChangeReservation:
    return ChangeReservation(reservation, tuple(NewQuantityLine(sku, quantity) for sku, quantity in lines))


def give_back(reservation: int, *lines: tuple[str, int]) -> ReleaseReservation:
    return ReleaseReservation(reservation, tuple(QuantityLine(sku, quantity) for sku, quantity in lines))


def wanted_and_held(shop: Shop, reservation: int) -> list[tuple[str, int, int]]:
    """(SKU, units requested, units reserved), line by line."""
    return [(line.sku, line.requested, line.reserved) for line in shop.reservation(reservation).lines]


# Taking


def test_what_one_checkout_holds_no_other_can_take(shop: Shop) -> None:
    shop.reserve(line(TOWEL, 4))
    refusal = shop.refused(ReserveStock("web", (line(TOWEL, 2),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(TOWEL, 2, 1),)


def test_all_lines_or_none(shop: Shop) -> None:
    wish = ReserveStock("web", (line(KETTLE, 2), line(TOWEL, 6)))
    assert shop.refused(wish, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(TOWEL, 6, 5),)
    assert shop.at(KETTLE, LEIPZIG).reserved == 0


def test_lines_of_one_sku_count_together(shop: Shop) -> None:
    wish = ReserveStock("web", (line(TOWEL, 3), line(KETTLE, 1), line(TOWEL, 3)))
    assert shop.refused(wish, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(TOWEL, 6, 5),)
    assert shop.nodes_of(shop.reserve(line(TOWEL, 3), line(TOWEL, 2))) == [(TOWEL, BERLIN, 3), (TOWEL, BERLIN, 2)]


def test_a_line_is_spread_over_nodes_when_no_node_has_all_of_it(shop: Shop) -> None:
    assert shop.nodes_of(shop.reserve(line(KETTLE, 13))) == [(KETTLE, LEIPZIG, 10), (KETTLE, BERLIN, 3)]


def test_one_node_that_has_everything_is_better_than_two(shop: Shop) -> None:
    assert shop.nodes_of(shop.reserve(line(KETTLE, 1), line(TOWEL, 1))) == [(KETTLE, BERLIN, 1), (TOWEL, BERLIN, 1)]


def test_a_line_that_names_a_node_comes_from_there_only(shop: Shop) -> None:
    assert shop.nodes_of(shop.reserve(line(KETTLE, 4, BERLIN))) == [(KETTLE, BERLIN, 4)]
    refusal = shop.refused(ReserveStock("web", (line(KETTLE, 1, BERLIN),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(KETTLE, 1, 0),)


def test_a_named_line_goes_before_a_free_line_of_the_same_sku(shop: Shop) -> None:
    held = shop.nodes_of(shop.reserve(line(KETTLE, 7), line(KETTLE, 6, LEIPZIG)))
    assert held == [(KETTLE, LEIPZIG, 4), (KETTLE, BERLIN, 3), (KETTLE, LEIPZIG, 6)]
    assert shop.at(KETTLE, LEIPZIG).available == 0


def test_named_and_free_lines_together_cannot_take_more_than_there_is(shop: Shop) -> None:
    wish = ReserveStock("web", (line(KETTLE, 11), line(KETTLE, 4, BERLIN)))
    assert shop.refused(wish, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(KETTLE, 15, 14),)


def test_a_partial_reservation_takes_what_is_there_and_says_what_it_lacks(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 9), line(KETTLE, 1), allow_partial=True)
    towels, kettles = shop.reservation(held).lines
    assert (towels.requested, towels.reserved) == (9, 5)
    assert (kettles.requested, kettles.reserved) == (1, 1)


def test_a_partial_reservation_of_nothing_is_refused(shop: Shop) -> None:
    shop.reserve(line(TOWEL, 5))
    wish = ReserveStock("web", (line(TOWEL, 1),), allow_partial=True)
    assert shop.refused(wish, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(TOWEL, 1, 0),)


def test_safety_stock_is_never_promised(shop: Shop) -> None:
    shop.done(safety(BERLIN, TOWEL, 2))
    refusal = shop.refused(ReserveStock("web", (line(TOWEL, 4),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(TOWEL, 4, 3),)
    shop.refused(ReserveStock("web", (line(TOWEL, 4, BERLIN),)), ResultCode.INSUFFICIENT_STOCK)
    shop.reserve(line(TOWEL, 3))


def test_a_buffer_is_withheld_from_its_channel_over_all_nodes() -> None:
    shop = Shop(buffer=3)
    shop.receive(KETTLE, LEIPZIG, 2)
    shop.receive(KETTLE, BERLIN, 2)
    refusal = shop.refused(ReserveStock("web", (line(KETTLE, 2),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(KETTLE, 2, 1),)
    shop.refused(ReserveStock("web", (line(KETTLE, 2, BERLIN),)), ResultCode.INSUFFICIENT_STOCK)
    shop.reserve(line(KETTLE, 1))
    shop.reserve(line(KETTLE, 3), channel="market")


def test_a_channel_sees_only_its_nodes_and_no_closed_ones() -> None:
    shop = Shop(nodes=(BERLIN, MUNICH))
    for node in (LEIPZIG, BERLIN, MUNICH):
        shop.receive(KETTLE, node, 1)
    shut = Node(name="Munich", kind="warehouse", country="DE", latitude=48.1, longitude=11.6, enabled=False)
    shop.done(Configure(nodes={MUNICH: shut}))
    refusal = shop.refused(ReserveStock("web", (line(KETTLE, 3),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(KETTLE, 3, 1),)
    for node in (LEIPZIG, MUNICH):
        shop.refused(ReserveStock("web", (line(KETTLE, 1, node),)), ResultCode.INSUFFICIENT_STOCK)


def test_a_store_that_only_hands_out_serves_the_line_that_names_it_and_no_other(shop: Shop) -> None:
    store = Node(name="Shop", kind="store", country="DE", latitude=51.5, longitude=12, ships=False, pickup=True)
    shop.done(Configure(nodes={"halle": store}))
    shop.receive(TOWEL, "halle", 3)
    assert shop.nodes_of(shop.reserve(line(TOWEL, 1))) == [(TOWEL, BERLIN, 1)]
    assert shop.nodes_of(shop.reserve(line(TOWEL, 2, "halle"))) == [(TOWEL, "halle", 2)]
    refusal = shop.refused(ReserveStock("web", (line(TOWEL, 5),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(TOWEL, 5, 4),)


@pytest.mark.parametrize(
    ("wish", "code", "pointer"),
    [
        (ReserveStock("atlantis", (line(KETTLE, 1),)), ResultCode.UNKNOWN_CHANNEL, "/channel"),
        (ReserveStock("web", (line("?", 1), line(KETTLE, 1, "x"))), ResultCode.UNKNOWN_NODE, "/lines/1/node"),
        (ReserveStock("web", (line(KETTLE, 1), line("?", 1))), ResultCode.UNKNOWN_SKU, "/lines/1/sku"),
    ],
)
def test_what_does_not_exist_is_named(shop: Shop, wish: ReserveStock, code: ResultCode, pointer: str) -> None:
    assert shop.refused(wish, code).errors[0].pointer == pointer


def test_the_last_unit_goes_to_the_first_of_forty_buyers(shop: Shop) -> None:
    shop.reserve(line(TOWEL, 4))
    for _ in range(40):
        shop.submit(ReserveStock("web", (line(TOWEL, 1),)))
    outcomes = shop.settle()
    assert not isinstance(outcomes[0], Rejection)
    assert [o.code for o in outcomes[1:]] == [ResultCode.INSUFFICIENT_STOCK] * 39


# Changing


def test_a_holder_is_never_blocked_by_its_own_reservation(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 5))
    shop.done(change(held, (TOWEL, 5)))
    shop.done(change(held, (TOWEL, 4)))
    shop.done(change(held, (TOWEL, 5)))
    refusal = shop.refused(change(held, (TOWEL, 6)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(TOWEL, 6, 5),)


def test_a_change_up_keeps_what_is_held_and_adds_to_it(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 8))
    shop.done(change(held, (KETTLE, 12)))
    assert shop.nodes_of(held) == [(KETTLE, LEIPZIG, 8), (KETTLE, BERLIN, 4)]
    assert shop.reservation(held).lines[0].requested == 12


def test_a_change_down_gives_back_from_the_last_choice(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 13))
    shop.done(change(held, (KETTLE, 9)))
    assert shop.nodes_of(held) == [(KETTLE, LEIPZIG, 9)]


def test_a_change_down_over_two_lines_empties_the_last_line_first(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2, BERLIN), line(KETTLE, 3))
    shop.done(change(held, (KETTLE, 1)))
    assert shop.nodes_of(held) == [(KETTLE, BERLIN, 1)]
    assert len(shop.reservation(held).lines) == 1


def test_a_change_up_goes_to_the_free_line(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1), line(KETTLE, 2, BERLIN))
    shop.done(change(held, (KETTLE, 6)))
    assert shop.nodes_of(held) == [(KETTLE, BERLIN, 1), (KETTLE, LEIPZIG, 3), (KETTLE, BERLIN, 2)]


def test_a_change_of_a_line_with_a_node_stays_at_that_node(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2, BERLIN))
    shop.done(change(held, (KETTLE, 4)))
    assert shop.nodes_of(held) == [(KETTLE, BERLIN, 4)]
    refusal = shop.refused(change(held, (KETTLE, 5)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(KETTLE, 5, 4),)


def test_a_change_can_bring_in_another_sku(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1))
    shop.done(change(held, (TOWEL, 2)))
    assert shop.nodes_of(held) == [(KETTLE, LEIPZIG, 1), (TOWEL, BERLIN, 2)]


def test_a_refused_change_says_how_much_there_is_of_a_sku_it_does_not_hold_yet(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1))
    refusal = shop.refused(change(held, (TOWEL, 9)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(TOWEL, 9, 5),)


def test_a_change_of_one_sku_leaves_what_was_wanted_of_another(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1), line(TOWEL, 9), allow_partial=True)
    shop.done(change(held, (KETTLE, 2)))
    assert wanted_and_held(shop, held) == [(KETTLE, 2, 2), (TOWEL, 9, 5)]
    shop.done(change(held, (KETTLE, 1)))
    assert wanted_and_held(shop, held) == [(KETTLE, 1, 1), (TOWEL, 9, 5)]


def test_a_change_up_and_down_is_all_or_nothing(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 9), line(TOWEL, 1))
    shop.refused(change(held, (KETTLE, 1), (TOWEL, 6)), ResultCode.INSUFFICIENT_STOCK)
    assert shop.reservation(held).lines[0].reserved == 9


def test_a_change_of_everything_to_nothing_ends_the_reservation(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 9), line(TOWEL, 1))
    shop.done(change(held, (KETTLE, 0)))
    assert shop.reservation(held).state == "active"
    shop.done(change(held, (TOWEL, 0)))
    assert shop.reservation(held).state == "released"
    assert shop.at(TOWEL, BERLIN).available == 5


def test_a_partial_reservation_can_be_settled_at_what_it_holds(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 9), allow_partial=True)
    shop.done(change(held, (TOWEL, 5)))
    assert (shop.reservation(held).lines[0].requested, shop.reservation(held).lines[0].reserved) == (5, 5)


def test_a_change_names_each_sku_once_and_knows_it(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1))
    refusal = shop.refused(change(held, (KETTLE, 2), (KETTLE, 3)), ResultCode.MALFORMED_REQUEST)
    assert [error.pointer for error in refusal.errors] == ["/lines/0/sku", "/lines/1/sku"]
    shop.refused(change(held, ("NO-SUCH", 2)), ResultCode.UNKNOWN_SKU)


def test_a_reservation_never_grows_past_a_thousand_lines() -> None:
    shop = Shop()
    shop.done(Configure(items={f"SKU-{i}": Item(name="x") for i in range(1_001)}))
    for i in range(1_001):
        shop.receive(f"SKU-{i}", BERLIN, 1)
    held = shop.reserve(*(line(f"SKU-{i}", 1) for i in range(1_000)))
    shop.refused(change(held, ("SKU-1000", 1)), ResultCode.MALFORMED_REQUEST)


def test_a_change_respects_the_buffer_as_if_the_held_units_were_free() -> None:
    shop = Shop(buffer=2)
    shop.receive(KETTLE, LEIPZIG, 5)
    held = shop.reserve(line(KETTLE, 3))
    shop.done(change(held, (KETTLE, 3)))
    refusal = shop.refused(change(held, (KETTLE, 4)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines == (Shortage(KETTLE, 4, 3),)


# Giving back


def test_a_release_frees_everything(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 13), line(TOWEL, 2))
    shop.done(ReleaseReservation(held))
    assert shop.reservation(held).state == "released"
    assert (shop.at(KETTLE, LEIPZIG).available, shop.at(TOWEL, BERLIN).available) == (10, 5)
    shop.refused(ReleaseReservation(held), ResultCode.RESERVATION_NOT_ACTIVE)


def test_a_partial_release_gives_back_the_last_choice(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 13))
    shop.done(give_back(held, (KETTLE, 5)))
    assert shop.nodes_of(held) == [(KETTLE, LEIPZIG, 8)]
    assert shop.reservation(held).lines[0].requested == 8


def test_what_is_given_back_of_two_lines_is_not_wanted_any_more_and_no_more_than_that(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 4), line(TOWEL, 5), allow_partial=True)
    assert wanted_and_held(shop, held) == [(TOWEL, 4, 4), (TOWEL, 5, 1)]
    shop.done(give_back(held, (TOWEL, 3)))
    assert wanted_and_held(shop, held) == [(TOWEL, 2, 2), (TOWEL, 4, 0)]


def test_a_line_given_back_whole_is_gone(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2), line(TOWEL, 2))
    shop.done(give_back(held, (TOWEL, 2)))
    assert [kept.sku for kept in shop.reservation(held).lines] == [KETTLE]


def test_giving_back_the_last_unit_ends_the_reservation(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2), line(TOWEL, 1))
    shop.done(give_back(held, (KETTLE, 1), (TOWEL, 1), (KETTLE, 1)))
    assert shop.reservation(held).state == "released"


def test_no_more_can_be_given_back_than_is_held(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2))
    refusal = shop.refused(give_back(held, (KETTLE, 2), (KETTLE, 1)), ResultCode.EXCEEDS_RESERVATION)
    assert refusal.errors[0].pointer == "/lines/1/quantity"
    shop.refused(give_back(held, (TOWEL, 1)), ResultCode.UNKNOWN_LINE)


def test_a_reservation_that_never_was_is_not_found(shop: Shop) -> None:
    for command in (ReleaseReservation(99), ExtendReservation(99, 60), change(99, (KETTLE, 1))):
        shop.refused(command, ResultCode.NOT_FOUND)


def test_master_data_can_be_exported_and_set_again(shop: Shop) -> None:
    document = shop_document()
    nodes = {name: with_time_zone(node) for name, node in document.nodes.items()}
    assert shop.state.configuration.export() == replace(document, nodes=nodes)
