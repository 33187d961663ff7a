"""What people post by hand: receipts, counts, damage, corrections."""

from typing import Any

import pytest

from engine.commands.configuration import Configure, Node, NodeItem
from engine.commands.stock import MovementLine, MoveStock
from engine.facts.stock import StockMoved
from engine.results import FieldError, ResultCode, Shortage
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, Shop, line, movement, place, safety


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.receive(KETTLE, BERLIN, 10)
    return made


def oversold(shop: Shop) -> int:
    """Units that the last movement took from under promises."""
    (moved,) = shop.facts
    assert isinstance(moved, StockMoved)
    return moved.lines[0].oversold


def test_a_receipt_comes_from_the_supplier(shop: Shop) -> None:
    assert shop.at(KETTLE, BERLIN).available == 10
    assert shop.state.ledger.totals()["supplier"] == -10


@pytest.mark.parametrize(
    ("steps", "available", "unsellable", "outside"),
    [
        ([("damage", 3)], 7, 3, {}),
        ([("quarantine", 3)], 7, 3, {}),
        ([("damage", 3), ("restore", 2)], 9, 1, {}),
        ([("damage", 3), ("write_off", 3)], 7, 0, {"loss": 3}),
        ([("adjustment", 4)], 14, 0, {"adjustment": -4}),
        ([("adjustment", -4)], 6, 0, {"adjustment": 4}),
        ([("count", 12)], 12, 0, {"adjustment": -2}),
        ([("count", 7)], 7, 0, {"adjustment": 3}),
        ([("count", 0)], 0, 0, {"adjustment": 10}),
    ],
)
def test_every_reason_has_its_accounts(
    shop: Shop, steps: list[tuple[Any, int]], available: int, unsellable: int, outside: dict[str, int]
) -> None:
    for reason, quantity in steps:
        shop.move(KETTLE, BERLIN, reason, quantity, "seen by Anna")
    there = shop.at(KETTLE, BERLIN)
    assert (there.available, there.unsellable, there.on_hand) == (available, unsellable, available + unsellable)
    totals = shop.state.ledger.totals()
    assert {name: totals[name] for name in ("loss", "adjustment") if totals[name]} == outside


def test_a_count_that_agrees_moves_nothing_and_is_still_journalled(shop: Shop) -> None:
    before = shop.journal.last_seq
    shop.move(KETTLE, BERLIN, "count", 10)
    assert shop.journal.last_seq == before + 1
    assert shop.facts[0].postings == ()


def test_a_count_below_the_promises_takes_the_free_units_and_reports_the_rest_as_oversold(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 4))
    shop.order((KETTLE, 3))
    shop.move(KETTLE, BERLIN, "count", 5)
    there = shop.at(KETTLE, BERLIN)
    assert (there.available, there.reserved, there.allocated) == (0, 4, 3)
    assert oversold(shop) == 2
    assert shop.nodes_of(held) == [(KETTLE, BERLIN, 4)], "a promise is never wiped by a count"
    shop.done(place("W-late", (KETTLE, 4), reservation=held))


def test_a_count_takes_free_units_before_unsellable_ones_and_those_before_promises(shop: Shop) -> None:
    shop.reserve(line(KETTLE, 4))
    shop.move(KETTLE, BERLIN, "damage", 3)
    shop.move(KETTLE, BERLIN, "count", 5)
    there = shop.at(KETTLE, BERLIN)
    assert (there.available, there.unsellable, there.reserved) == (0, 1, 4)
    assert oversold(shop) == 0


@pytest.mark.parametrize(
    ("reason", "quantity"), [("adjustment", -8), ("damage", 8), ("quarantine", 8), ("restore", 1), ("write_off", 1)]
)
def test_what_is_promised_or_not_there_cannot_be_taken(shop: Shop, reason: Any, quantity: int) -> None:
    shop.reserve(line(KETTLE, 3))
    refusal = shop.refused(movement(KETTLE, BERLIN, reason, quantity, "gone"), ResultCode.INSUFFICIENT_STOCK)
    held = 7 if reason in ("adjustment", "damage", "quarantine") else 0
    assert refusal.lines == (Shortage(KETTLE, abs(quantity), held),)


def test_a_later_line_sees_what_an_earlier_one_moved(shop: Shop) -> None:
    shop.done(
        MoveStock(
            (
                MovementLine(TOWEL, BERLIN, "receipt", 5),
                MovementLine(TOWEL, BERLIN, "damage", 5),
                MovementLine(TOWEL, BERLIN, "write_off", 2),
                MovementLine(TOWEL, BERLIN, "count", 3),
            )
        )
    )
    assert (shop.at(TOWEL, BERLIN).available, shop.at(TOWEL, BERLIN).unsellable) == (0, 3)


def test_lines_of_one_sku_cannot_both_take_the_last_unit(shop: Shop) -> None:
    twice = MoveStock((MovementLine(KETTLE, BERLIN, "damage", 6), MovementLine(KETTLE, BERLIN, "damage", 6)))
    assert shop.refused(twice, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(KETTLE, 6, 4),)


def test_one_bad_line_and_nothing_is_posted(shop: Shop) -> None:
    mixed = MoveStock((MovementLine(KETTLE, BERLIN, "receipt", 1), MovementLine("NO-SUCH", BERLIN, "receipt", 1)))
    refusal = shop.refused(mixed, ResultCode.UNKNOWN_SKU)
    assert refusal.errors == (FieldError("/lines/1/sku", "there is no SKU 'NO-SUCH'"),)
    assert shop.refused(movement(KETTLE, "atlantis", "receipt", 1), ResultCode.UNKNOWN_NODE).errors[0].pointer == (
        "/lines/0/node"
    )


def test_of_two_reasons_to_refuse_the_one_listed_first_wins(shop: Shop) -> None:
    mixed = MoveStock((MovementLine("NO-SUCH", BERLIN, "receipt", 1), MovementLine(KETTLE, "atlantis", "receipt", 1)))
    assert shop.refused(mixed, ResultCode.UNKNOWN_NODE).errors[0].pointer == "/lines/1/node"


def test_safety_stock_is_on_hand_and_not_to_promise(shop: Shop) -> None:
    shop.done(safety(BERLIN, KETTLE, 4))
    there = shop.at(KETTLE, BERLIN)
    assert (there.on_hand, there.available, there.available_to_promise) == (10, 10, 6)
    shop.done(safety(BERLIN, KETTLE, 40))
    assert shop.at(KETTLE, BERLIN).available_to_promise == 0
    shop.done(safety(BERLIN, KETTLE, 0, sellable=False))
    assert shop.at(KETTLE, BERLIN).available_to_promise == 0
    shop.done(safety(BERLIN, KETTLE))
    assert shop.at(KETTLE, BERLIN).available_to_promise == 10


def test_safety_stock_survives_when_the_books_grow(shop: Shop) -> None:
    shop.done(safety(BERLIN, KETTLE, 4))
    node = Node(name="kiosk", kind="store", country="DE", latitude=50, longitude=10)
    shop.done(Configure(nodes={f"kiosk-{i}": node for i in range(100)}))
    assert shop.at(KETTLE, BERLIN).available_to_promise == 6
    shop.receive(KETTLE, "kiosk-99", 2)
    assert shop.at(KETTLE, "kiosk-99").available_to_promise == 2
    assert shop.at(KETTLE, LEIPZIG).on_hand == 0


def test_configuring_the_same_again_writes_nothing(shop: Shop) -> None:
    shop.done(safety(BERLIN, KETTLE, 4))
    before = shop.journal.last_seq
    shop.done(safety(BERLIN, KETTLE, 4))
    assert shop.journal.last_seq == before


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        (safety("atlantis", KETTLE), ResultCode.UNKNOWN_NODE, "/node_items/atlantis"),
        (safety(BERLIN, "NO~SUCH"), ResultCode.UNKNOWN_SKU, "/node_items/berlin/NO~0SUCH"),
    ],
)
def test_master_data_that_names_nothing_is_refused_whole(
    shop: Shop, document: Configure, code: ResultCode, pointer: str
) -> None:
    assert shop.refused(document, code).errors[0].pointer == pointer


def test_a_price_of_a_node_that_is_taken_back_leaves_no_trace(shop: Shop) -> None:
    """Otherwise no request would ever take the quick path again."""
    shop.done(Configure(node_items={BERLIN: {KETTLE: NodeItem(sourcing_minor_per_unit=5)}}))
    shop.done(Configure(node_items={LEIPZIG: {KETTLE: NodeItem(stocked_since="2026-01-01")}}))
    assert len(shop.state.stock.special) == 1
    for node in (BERLIN, LEIPZIG):
        shop.done(Configure(node_items={node: {KETTLE: NodeItem()}}))
    assert shop.state.stock.special == {}
