"""What a life that breaks off leaves behind for the tests after it."""

from pathlib import Path

from engine import machine
from tests.recovery.lives import LifeOnDisk, let_go


def test_a_life_that_broke_off_looks_at_no_record_of_the_tests_after_it(tmp_path: Path) -> None:
    before = machine.evolve
    life = LifeOnDisk(3, tmp_path / "life")
    assert machine.evolve is not before
    LifeOnDisk(4, tmp_path / "another").rest()
    let_go()
    assert machine.evolve is before
    life.rest()
