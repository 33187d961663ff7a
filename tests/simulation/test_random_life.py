"""Seeded lives: whatever happens, the books hold, and the journal alone gives the state back."""

import pytest

from tests.simulation.random_life import Life


def live(seed: int, steps: int) -> Life:
    life = Life(seed)
    for step in range(steps):
        life.step()
        if step % 40 == 39:
            life.crash(keep_closed_table=bool(seed % 2))
        if step % 100 == 99:
            life.writer.flush_closed()
    life.crash(keep_closed_table=False)
    return life


@pytest.mark.parametrize("seed", range(12))
def test_a_life_keeps_its_books_through_crashes(seed: int) -> None:
    live(seed, 250)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_many_lives_keep_their_books_through_crashes(seed: int) -> None:
    live(seed, 600)


def test_a_life_is_rich_enough_to_mean_something() -> None:
    kinds: dict[str, int] = {}
    for seed in range(12):
        for kind, count in live(seed, 600).kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    for needed in (
        "ReserveStock done",
        "ReserveStock insufficient_stock",
        "ChangeReservation done",
        "ReleaseReservation done",
        "PlaceOrder done",
        "RejectFulfilment done",
        "AdvanceFulfilment done",
        "AdvanceFulfilment invalid_transition",
        "CancelOrder done",
        "ReceiveReturn done",
        "ReportLoss done",
        "TakeLooseReturn done",
        "MakePickList done",
        "FinishPickList done",
        "CancelPickList done",
        "HoldOrder done",
        "LiftHold done",
        "ShortFulfilment done",
        "SplitFulfilment done",
        "MergeFulfilments done",
        "PackParcels done",
        "CancelFulfilment done",
        "ConfirmFulfilment done",
        "NoteOrder done",
        "AppeaseCustomer done",
        "ProposeChange done",
        "ConfirmChange done",
        "DeclineChange done",
        "PlanTransfer done",
        "ShipTransfer done",
        "ReceiveTransfer done",
        "CancelTransfer done",
        "system pickup_lapsed",
        "system fulfilment_rejected",
        "system order_cancelled",
    ):
        assert kinds.get(needed, 0) >= 5, (needed, kinds)
