"""A reader that is killed leaves a line in LMDB's table of readers, and nothing else: the writer and other readers go on."""

import os
import signal
from pathlib import Path

from engine.wal import JournalReader
from tests.unit.wal.another_process import Other
from tests.unit.wal.keeping import Places, content_of, keep, places_in, read_all, reopen


def stale_slots(places: Places) -> int:
    """How many lines of LMDB's table of readers are left over from dead processes, after a writer has opened."""
    journal = reopen(places)
    try:
        return sum(segment.environment.reader_check() for segment in journal._segments)
    finally:
        journal.close()


def test_a_killed_reader_does_not_stop_the_writer(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    writer = Other("write", places)
    writer.ask("append", 1)
    with Other("read", places) as reader:
        assert reader.ask("read") == 1
        reader.ask("hold")
        reader.kill()
    last_seq = writer.ask("append", 80)
    reader_after = JournalReader(*places)
    assert reader_after.last_seq == last_seq
    assert writer.ask("read") == len(content_of(reader_after.read())) == 81
    reader_after.close()
    writer.process.communicate("end 0\n")


def test_the_slot_of_a_killed_reader_is_cleared_at_the_next_opening(tmp_path: Path) -> None:
    places = keep(tmp_path, 3)
    with Other("read", places) as reader:
        reader.ask("hold")
        reader.kill()
    assert stale_slots(places) == 0
    assert len(read_all(places)) == 3


def test_the_slot_is_cleared_although_another_reader_has_the_journal_open(tmp_path: Path) -> None:
    places = keep(tmp_path, 3)
    with Other("read", places) as alive, Other("read", places) as killed:
        assert alive.ask("read") == 3
        killed.ask("hold")
        killed.kill()
        assert stale_slots(places) == 0


def read_and_be_killed(places: Places) -> None:
    """A child that is killed in the middle of reading."""
    child = os.fork()
    if child == 0:
        try:
            reader = JournalReader(*places)
            with reader._live[max(reader._live)]._reading():
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_any_number_of_killed_readers_leaves_a_journal_that_can_be_read(tmp_path: Path) -> None:
    places = keep(tmp_path, 3)
    with Other("read", places) as alive:  # so that LMDB does not begin its table anew
        assert alive.ask("read") == 3
        for _ in range(64):
            read_and_be_killed(places)
        assert len(read_all(places)) == 3
