"""How much the suite does: from a minute to a night."""

from typing import NamedTuple


class Scale(NamedTuple):
    """`shop` names SKUs x nodes in `bench.workloads`; the rest is how long, how often and how far."""

    shop: str
    seconds: float
    rounds: int
    connections: tuple[int, ...]
    open_reservations: int
    rate_per_second: float
    growth_orders: tuple[int, ...]
    memory_shops: tuple[tuple[int, int], ...]
    stall_seconds: float


SCALES = {
    "tiny": Scale("tiny", 0.3, 1, (1, 2), 200, 50, (100, 200), ((50, 3),), 3),
    "small": Scale("small", 2, 1, (1, 32, 128), 20_000, 1_000, (1_000, 10_000), ((1_000, 10), (10_000, 10)), 20),
    "medium": Scale(
        "medium",
        4,
        3,
        (1, 8, 32, 128, 256, 512),
        200_000,
        1_000,
        (10_000, 100_000),
        ((10_000, 10), (10_000, 100), (100_000, 100)),
        60,
    ),
    "full": Scale(
        "medium",
        10,
        5,
        (1, 8, 32, 64, 128, 256, 512),
        1_000_000,
        1_000,
        (10_000, 100_000, 1_000_000, 10_000_000),
        ((10_000, 10), (10_000, 100), (100_000, 100), (100_000, 500)),
        600,
    ),
}
"""Medium and full load the shop that the targets are about: 5,000 SKUs x 20 nodes."""
