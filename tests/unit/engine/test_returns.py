"""Shipped units come back: agreed, in parts, to where their condition allows."""

from typing import Any

import pytest

from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelReturn,
    ReceiveReturn,
    ReceiveReturnLine,
    ReturnLineRequest,
)
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, Shop


@pytest.fixture
def shop() -> Shop:
    """Order W-1: three kettles and a towel, shipped from Berlin; one kettle still there."""
    made = Shop()
    made.receive(KETTLE, BERLIN, 4)
    made.receive(TOWEL, BERLIN, 1)
    made.order((KETTLE, 3), (TOWEL, 1))
    made.done(AdvanceFulfilment(1, "ship"))
    return made


def agree(*lines: tuple[str, int]) -> AuthoriseReturn:
    return AuthoriseReturn("W-1", tuple(ReturnLineRequest(*entry) for entry in lines))


def arrive(return_id: int, *lines: tuple[Any, ...], node: str = LEIPZIG) -> ReceiveReturn:
    return ReceiveReturn(return_id, node, tuple(ReceiveReturnLine(*entry) for entry in lines))


@pytest.mark.parametrize(
    ("disposition", "account"), [("restock", "available"), ("quarantine", "unsellable"), ("scrap", "loss")]
)
def test_the_disposition_says_where_units_go(shop: Shop, disposition: str, account: str) -> None:
    shop.done(agree(("1", 2)))
    before = shop.state.ledger.totals()
    shop.done(arrive(1, ("1", 2, disposition)))
    after = shop.state.ledger.totals()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        account: 2,
        "customer": -2,
    }


def test_an_agreement_moves_nothing(shop: Shop) -> None:
    before = shop.state.ledger.totals()
    shop.done(agree(("1", 3), ("2", 1)))
    assert shop.state.ledger.totals() == before


def test_no_more_comes_back_than_was_shipped_whatever_has_been_agreed(shop: Shop) -> None:
    shop.done(agree(("1", 2)))
    shop.refused(agree(("1", 2)), ResultCode.EXCEEDS_RETURNABLE)
    refusal = shop.refused(agree(("2", 1), ("1", 1), ("1", 1)), ResultCode.EXCEEDS_RETURNABLE)
    assert refusal.errors[0].pointer == "/lines/2/quantity"
    shop.done(arrive(1, ("1", 2)))
    shop.refused(agree(("1", 2)), ResultCode.EXCEEDS_RETURNABLE)
    shop.done(agree(("1", 1)))


def test_a_return_arrives_in_parts(shop: Shop) -> None:
    shop.done(agree(("1", 3)))
    shop.done(arrive(1, ("1", 1)))
    assert shop.the_order("W-1").returns[0].state == "authorised"
    shop.refused(arrive(1, ("1", 3)), ResultCode.EXCEEDS_RETURNABLE)
    shop.refused(arrive(1, ("1", 1), ("1", 2)), ResultCode.EXCEEDS_RETURNABLE)
    shop.done(arrive(1, ("1", 1, "restock"), ("1", 1, "scrap")))
    assert shop.the_order("W-1").returns[0].state == "received"
    shop.refused(arrive(1, ("1", 1)), ResultCode.INVALID_TRANSITION)


def test_one_line_agreed_twice_arrives_as_one(shop: Shop) -> None:
    shop.done(agree(("1", 1), ("1", 2)))
    shop.done(arrive(1, ("1", 3)))
    assert shop.the_order("W-1").returns[0].state == "received"


def test_only_what_was_agreed_is_taken_in(shop: Shop) -> None:
    shop.done(agree(("1", 1)))
    shop.refused(arrive(1, ("2", 1)), ResultCode.UNKNOWN_LINE)
    shop.refused(arrive(1, ("9", 1)), ResultCode.UNKNOWN_LINE)
    shop.refused(arrive(1, ("1", 1), node="atlantis"), ResultCode.UNKNOWN_NODE)
    shop.refused(arrive(9, ("1", 1)), ResultCode.NOT_FOUND)
    shop.refused(agree(("9", 1)), ResultCode.UNKNOWN_LINE)


def test_a_cancelled_return_frees_the_rest(shop: Shop) -> None:
    shop.done(agree(("1", 3)))
    shop.done(arrive(1, ("1", 1)))
    shop.done(CancelReturn(1))
    assert shop.the_order("W-1").returns[0].state == "received"
    shop.refused(CancelReturn(1), ResultCode.INVALID_TRANSITION)
    shop.done(agree(("1", 2)))
    shop.done(CancelReturn(2))
    assert shop.the_order("W-1").returns[1].state == "cancelled"
    shop.refused(CancelReturn(9), ResultCode.NOT_FOUND)


def test_what_never_shipped_cannot_come_back(shop: Shop) -> None:
    number = shop.order((KETTLE, 1))
    shop.refused(AuthoriseReturn(number, (ReturnLineRequest("1", 1),)), ResultCode.EXCEEDS_RETURNABLE)
    shop.refused(AuthoriseReturn("W-404", (ReturnLineRequest("1", 1),)), ResultCode.NOT_FOUND)


def test_returns_survive_a_restart(shop: Shop) -> None:
    shop.done(agree(("1", 3)))
    shop.done(arrive(1, ("1", 1)))
    shop.restart()
    shop.done(arrive(1, ("1", 2)))
    assert shop.the_order("W-1").lines[0].returned == 3
    assert shop.state.orders.next_return == 2
