"""The tables of steps: what they allow, what they refuse, and that nothing in them is out of reach."""

import pytest

from engine import lifecycles as l
from engine.lifecycles import Lifecycle

TABLES = [l.FULFILMENT, l.ORDER, l.LINE, l.TRANSFER, l.INBOUND, l.RETURN]


def test_work_for_a_parcel_goes_from_released_to_delivered() -> None:
    assert l.FULFILMENT.allowed(l.RELEASED, ("ship",))[:3] == ("accept", "pick", "pack")
    assert l.FULFILMENT.allowed(l.SHIPPED, ("ship",)) == ("deliver",)
    assert l.FULFILMENT.allowed(l.DELIVERED, ("ship",)) == ()


def test_only_what_is_picked_up_can_be_ready_and_collected_and_it_is_never_shipped() -> None:
    assert "ready" not in l.FULFILMENT.allowed(l.PICKED, ("ship",))
    assert "ship" not in l.FULFILMENT.allowed(l.PICKED, ("pickup",))
    assert l.FULFILMENT.allowed(l.READY, ("pickup",)) == (
        "collect", "short", "split", "merge", "reject", "cancel",
    )  # fmt: skip


def test_only_suppliers_confirm() -> None:
    assert "confirm" in l.FULFILMENT.allowed(l.RELEASED, ("ship", "supplier"))
    assert "confirm" not in l.FULFILMENT.allowed(l.RELEASED, ("ship",))


def test_a_hold_on_shipping_takes_away_what_makes_goods_leave() -> None:
    free, held = (set(l.FULFILMENT.allowed(l.PACKED, traits)) for traits in (("ship",), ("ship", "ship_held")))
    assert free - held == {"ship", "deliver"}


def test_steps_that_are_taken_by_themselves_are_offered_to_nobody() -> None:
    for table in TABLES:
        offered = {action for state in table.states for action in table.allowed(state, ("ship", "pickup", "supplier"))}
        assert not [step.action for step in table.steps.values() if step.by_itself and step.action in offered]


def test_a_refusal_says_what_is_possible_instead() -> None:
    refusal = l.TRANSFER.refusal(l.PLANNED, "receive")
    assert refusal is not None
    assert refusal.detail == "the transfer is planned, so that receive is not possible; what is: ship, cancel"
    assert l.TRANSFER.refusal(l.IN_TRANSIT, "receive") is None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.thing)
def test_every_state_of_a_table_is_reached_or_is_where_things_begin(table: Lifecycle) -> None:
    begins = {"fulfilment": {l.HELD}, "transfer": {l.PLANNED}}.get(table.thing)
    if begins is not None:
        assert set(table.states) - {step.target for step in table.steps.values()} <= begins
