"""Reservations end at the instant, in order, in bounded sweeps, and without anybody asking."""

import pytest

from engine import limits
from engine.commands.reservations import ExtendReservation, ReleaseReservation, ReserveStock
from engine.facts.records import decode
from engine.facts.reservations import ReservationExpired
from engine.results import ResultCode
from engine.writer import SYSTEM
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, Done, Shop, line


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 3_000)
    made.receive(TOWEL, BERLIN, 1)
    return made


def expired_in_order(shop: Shop) -> list[int]:
    """Every reservation that expired, in the order of the journal."""
    facts = [fact for batch in shop.journal.read() for record in batch.records for fact in decode(record).facts]
    return [fact.reservation for fact in facts if isinstance(fact, ReservationExpired)]


def test_a_reservation_holds_until_the_last_nanosecond(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.now_ns = shop.reservation(held).expires_at_ns - 1
    shop.refused(ReserveStock("web", (line(TOWEL, 1),)), ResultCode.INSUFFICIENT_STOCK)
    shop.now_ns += 1
    shop.reserve(line(TOWEL, 1))
    assert shop.reservation(held).state == "expired"


def test_it_expires_before_anything_else_of_its_batch_is_decided(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.wait(60)
    shop.submit(ExtendReservation(held, 900))
    shop.submit(ReserveStock("web", (line(TOWEL, 1),)))
    late, buyer = shop.settle()
    assert late.code is ResultCode.RESERVATION_EXPIRED
    assert isinstance(buyer, Done)


def test_a_read_never_sees_a_reservation_that_is_over(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.wait(60)
    assert shop.read(lambda state, now_ns: (held in state.reservations.active, shop.at(TOWEL, BERLIN).available)) == (
        False,
        1,
    )


def test_an_expiry_is_a_record_of_the_system(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.wait(60)
    shop.settle()
    time_ns, encoded = shop.journal.record(shop.journal.last_seq)
    record = decode(encoded)
    assert (record.actor, time_ns) == (SYSTEM, shop.now_ns)
    assert [type(fact) for fact in record.facts] == [ReservationExpired]
    assert record.facts[0].postings[0].quantity == 1
    shop.restart()
    assert shop.reservation(held).state == "expired"


def test_the_order_of_expiry_is_the_end_and_then_the_number(shop: Shop) -> None:
    late, early = shop.reserve(line(KETTLE, 1), ttl_seconds=90), shop.reserve(line(KETTLE, 1), ttl_seconds=30)
    shop.submit(ReserveStock("web", (line(KETTLE, 1),), ttl_seconds=60))
    shop.submit(ReserveStock("web", (line(KETTLE, 1),), ttl_seconds=60))
    twin, other_twin = (outcome.seq for outcome in shop.settle())
    shop.wait(1_000)
    shop.settle()
    assert expired_in_order(shop) == [early, twin, other_twin, late]


def test_more_than_one_sweep_may_end_are_all_ended_before_anybody_is_served(shop: Shop) -> None:
    count = limits.EXPIRY_SWEEP_MAX * 2 + 5
    for _ in range(count):
        shop.submit(ReserveStock("web", (line(KETTLE, 1),), ttl_seconds=60))
    shop.settle()
    shop.wait(60)
    shop.submit(ReserveStock("web", (line(KETTLE, 3_000),)))
    assert isinstance(shop.settle()[-1], Done)
    sweeps = [
        len(record.facts)
        for batch in shop.journal.read()
        for record in map(decode, batch.records)
        if record.actor == SYSTEM
    ]
    assert sweeps == [limits.EXPIRY_SWEEP_MAX, limits.EXPIRY_SWEEP_MAX, 5]
    assert expired_in_order(shop) == sorted(expired_in_order(shop))
    assert len(expired_in_order(shop)) == count


def test_extending_counts_from_now(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.wait(50)
    shop.done(ExtendReservation(held, 60))
    assert shop.reservation(held).expires_at_ns == shop.now_ns + 60 * limits.NS_PER_SECOND
    shop.wait(59)
    shop.settle()
    assert shop.reservation(held).state == "active"
    shop.wait(1)
    shop.settle()
    assert shop.reservation(held).state == "expired"


def test_extended_twice_it_ends_once_and_late(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    shop.done(ExtendReservation(held, 120))
    shop.done(ExtendReservation(held, 300))
    shop.wait(299)
    shop.settle()
    assert shop.reservation(held).state == "active"
    shop.wait(2)
    shop.settle()
    assert expired_in_order(shop) == [held]


def test_extending_can_make_it_shorter(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=900)
    shop.done(ExtendReservation(held, 10))
    shop.wait(10)
    shop.settle()
    assert shop.reservation(held).state == "expired"
    shop.wait(900)
    shop.settle()
    assert expired_in_order(shop) == [held]


def test_extended_to_and_fro_to_the_same_end_it_ends_once(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    end_ns = shop.reservation(held).expires_at_ns
    reservations = shop.state.reservations
    for _ in range(3):
        reservations.extend(held, end_ns + 5)
        reservations.extend(held, end_ns)
    assert [r.number for r in reservations.due(end_ns, 10)] == [held]
    assert [r.number for r in reservations.due(end_ns, 10)] == [held], "looking changes nothing"


def test_ten_thousand_extensions_do_not_pile_up_in_memory(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1), ttl_seconds=60)
    for i in range(10_000):
        shop.state.reservations.extend(held, shop.now_ns + i)
    assert shop.state.reservations.ends_count < 200


def test_reservations_that_became_orders_do_not_pile_up_in_memory(shop: Shop) -> None:
    for _ in range(1_000):
        held = shop.reserve(line(KETTLE, 1), ttl_seconds=86_400)
        shop.done(ReleaseReservation(held))
    assert shop.state.reservations.ends_count < 200


def test_the_channel_says_how_long_when_the_checkout_does_not() -> None:
    shop = Shop(reservation_ttl_seconds=77)
    shop.receive(KETTLE, BERLIN, 1)
    held = shop.reserve(line(KETTLE, 1))
    assert shop.reservation(held).expires_at_ns == shop.now_ns + 77 * limits.NS_PER_SECOND


def test_the_writer_knows_when_to_wake(shop: Shop) -> None:
    assert shop.writer.next_wake_ns() is None
    shop.reserve(line(KETTLE, 1), ttl_seconds=90)
    held = shop.reserve(line(KETTLE, 1), ttl_seconds=60)
    assert shop.writer.next_wake_ns() == shop.reservation(held).expires_at_ns
