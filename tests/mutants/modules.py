"""The modules that are changed, and the tests that are tried: the one place that knows where they stand."""

from typing import NamedTuple


class Row(NamedTuple):
    """A module: its name in this table, its files, its own tests, and whether its assertions are changed, too."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    assertions: bool = False


_ENGINE, _PRICING, _WAL = "tests/unit/engine/test_", "tests/unit/pricing/test_", "tests/unit/wal/test_"


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}{name}.py" for name in names)


ROWS = (
    Row("ledger", ("engine/ledger.py",), _tests(_ENGINE, "ledger", "stock", "reservations"), assertions=True),
    Row(
        "reservations",
        ("engine/reservations.py", "engine/state/reservations.py"),
        _tests(_ENGINE, "reservations", "expiry", "promised_inbound", "policy_plans", "orders"),
    ),
    Row(
        "stock",
        ("engine/stock/movements.py", "engine/state/stock.py"),
        _tests(_ENGINE, "stock", "reservations", "promised_inbound", "transfers"),
    ),
    Row("amounts", ("engine/amounts.py",), _tests(_PRICING, "amounts", "quotes", "promotions")),
    Row("settling", ("engine/money/settling.py",), _tests(_PRICING, "settling", "clawing", "exchanges", "payments")),
    Row(
        "booking",
        ("engine/money/booking.py",),
        ("tests/api/test_money_books.py", *_tests(_PRICING, "payments", "exchanges", "clawing")),
    ),
    Row(
        "backorders",
        ("engine/stock/backorders.py",),
        _tests(_ENGINE, "fulfilments", "promised_inbound", "changes", "orders"),
    ),
    Row(
        "idempotency",
        ("engine/state/idempotency.py", "engine/configuration/idempotency_keys.py"),
        _tests(_ENGINE, "writer"),
    ),
    Row("framing", ("engine/wal/framing.py",), _tests(_WAL, "framing", "journal_files"), assertions=True),
    Row("recovery", ("engine/wal/recovery.py",), _tests(_WAL, "recovery_table", "opening_with_an_archive")),
    Row(
        "supply",
        ("engine/supply/plan.py",),
        (*_tests(_ENGINE, "policy_plans", "promised_inbound", "reservations"), "tests/contract/test_supply_paths.py"),
    ),
)

# Tried for what a module's own tests did not notice: quick ones from all around, cheap before dear.
WIDER = (
    "tests/unit/pricing",
    "tests/unit/engine",
    "tests/unit/wal/test_framing.py",
    "tests/unit/wal/test_journal_files.py",
    "tests/unit/wal/test_journal_reader.py",
    "tests/unit/wal/test_starting_from_snapshots.py",
    "tests/unit/test_example_shop.py",
    "tests/golden",
    "tests/contract/test_supply_paths.py",
    "tests/contract/test_looking_ahead.py",
    "tests/simulation/test_random_life.py",
    "tests/properties",
)

# Long for what they would notice here; files, or single tests.
LEFT_OUT = (
    "tests/unit/engine/test_allowed_steps.py",
    "tests/unit/engine/test_calendar_properties.py",
    "tests/unit/engine/test_calendars.py",
    "tests/unit/wal/test_journal_files.py::test_every_byte_of_a_stored_batch_counts",
    "tests/contract/test_looking_ahead.py::test_most_of_a_batch_is_foreseen",
    "tests/simulation/test_random_life.py::test_a_life_is_rich_enough_to_mean_something",
)
