"""Arrays that stay nearly empty: they keep what is written, and take memory for nothing else."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from engine import sparse


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def test_what_is_written_one_by_one_is_read_as_an_array_and_back() -> None:
    cells = sparse.zeros(3, 4)
    sparse.flat(cells)[1 * 4 + 2] = 7
    cells[2, 3] = 8
    assert cells.tolist() == [[0, 0, 0, 0], [0, 0, 7, 0], [0, 0, 0, 8]]
    assert sparse.flat(cells)[2 * 4 + 3] == 8


@pytest.mark.parametrize(("rows", "width"), [(20_000, 8), (10_000, 16), (20_000, 16)])
def test_nothing_is_lost_as_it_grows(rows: int, width: int) -> None:
    cells = sparse.zeros(10_000, 8)
    for at in range(0, 10_000, 7):
        cells[at, at % 8] = at + 1
    larger = sparse.grown(cells, rows, width)
    assert larger.shape == (rows, width)
    assert np.array_equal(larger[:10_000, :8], cells)
    assert larger.sum() == cells.sum()


def test_what_was_never_written_reads_as_zero_and_refuses_to_be() -> None:
    cells = sparse.grown(sparse.never_written(2, 3), 4, 5)
    assert not sparse.is_written(cells)
    assert cells.tolist() == [[0] * 5] * 4
    assert sparse.flat(cells)[4 * 5 - 1] == 0
    with pytest.raises(TypeError):
        sparse.flat(cells)[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        cells[0, 0] = 1


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_a_cell_here_and_there_takes_a_page_each() -> None:
    before = resident_bytes()
    cells = sparse.zeros(51_200, 512)
    cells[::512, 0] = 1
    larger = sparse.grown(cells, 102_400, 512)
    assert larger.sum() == 100
    assert resident_bytes() - before < cells.nbytes // 4
