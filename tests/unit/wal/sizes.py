"""How large the segments of a test's journal are. Small ones grow, fill and are sealed within a few batches."""

from typing import TypedDict


class Sizes(TypedDict):
    """What a journal is opened with."""

    segment_bytes_max: int
    map_bytes_first: int
