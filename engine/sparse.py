"""Large arrays of which most stays zero: memory is taken page by page, where something is written.

numpy asks for huge pages: one cell would then take 2 MiB, and making room for them stops the node for seconds.
"""

import contextlib
import mmap

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_BLOCK_ROWS = 4_096


def zeros(rows: int, width: int) -> Ints:
    """int64[rows, width] of zeros that takes no memory yet."""
    memory = mmap.mmap(-1, rows * width * 8, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(AttributeError, OSError):  # not on every system, or there are no huge pages at all
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.int64).reshape(rows, width)


def never_written(rows: int, width: int) -> Ints:
    """int64[rows, width] of zeros without memory, not to be written to: TypeError through `flat`, else ValueError."""
    return np.broadcast_to(np.int64(0), (rows, width))


def is_written(cells: Ints) -> bool:
    """Whether these cells are other than `never_written`."""
    return cells.flags.writeable


def flat(cells: Ints) -> "memoryview[int]":
    """The same memory for one cell at a time, at the position row x width + column."""
    rows, width = cells.shape
    return (cells.reshape(-1) if is_written(cells) else np.broadcast_to(np.int64(0), (rows * width,))).data


def grown(cells: Ints, rows: int, width: int) -> Ints:
    """The same with more rows or columns. Only rows that hold something are copied."""
    if not is_written(cells):
        return never_written(rows, width)
    larger = zeros(rows, width)
    for start in range(0, len(cells), _BLOCK_ROWS):
        block = cells[start : start + _BLOCK_ROWS]
        held = np.flatnonzero(block.any(axis=1))
        larger[start + held, : cells.shape[1]] = block[held]
    return larger
