"""What holds for every test."""

import gc

from hypothesis import HealthCheck, settings

# No test may fail because a machine is slow.
settings.register_profile("kontor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kontor")


def pytest_collection_finish() -> None:
    """What all tests are made of lives to the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
