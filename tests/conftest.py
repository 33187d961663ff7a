"""What holds for every test."""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import examples

# No test may fail because a machine is slow.
settings.register_profile("kontor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kontor")

TESTS = Path(__file__).parent
LONG_FIRST = ("replay", "recovery", "bench", "simulation", "properties", "docs", "contract", "api")


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples where the slow tests are left out."""
    examples.whole = config.option.markexpr != "not slow"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders with long tests come first, so that all processes end together."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What all tests are made of lives to the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
