"""SIGKILL while a writer commits: what was acknowledged is there once, and nothing that was never written."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.wal import LmdbJournal

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys
from pathlib import Path
from engine.wal import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]), segment_bytes_max=200_000, map_bytes_first=600_000)
print("ready", journal.last_seq, flush=True)
while True:
    seq = journal.last_seq + 1
    records = [b"record %d " % (seq + i) * (1 + (seq + i) % 40) for i in range(1 + seq % 7)]
    journal.make_room(sum(map(len, records)))
    journal.append(journal.last_time_ns + 1, records)
    print(journal.last_seq, flush=True)
"""


def write_until_killed(directory: Path, seconds: float) -> tuple[int, int]:
    """Let a process append, kill it, and give (seq it began at, last seq it acknowledged)."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline().split()
    time.sleep(seconds)  # somewhere in the middle of its work
    process.send_signal(signal.SIGKILL)
    said, complaints = process.communicate()
    assert complaints == ""
    began = int(ready[1])
    # The last line may have been cut off by the kill.
    whole = said.splitlines()[: None if said.endswith("\n") else -1]
    return began, int(whole[-1]) if whole else began


def check(directory: Path, acknowledged: int) -> int:
    """The journal opens, holds every acknowledged record once, in order, with its content; gives its last seq."""
    journal = LmdbJournal(directory)
    seq = 0
    for batch in journal.read():
        for record in batch.records:
            seq += 1
            assert record == b"record %d " % seq * (1 + seq % 40)
    assert seq == journal.last_seq
    assert acknowledged <= seq <= acknowledged + 7, "at most the batch that was on its way"
    journal.close()
    return seq


def rounds(directory: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    last_seq = 0
    for _ in range(count):
        began, acknowledged = write_until_killed(directory, chance.uniform(0.0, 0.15))
        assert began == last_seq, "it goes on where the journal ended"
        last_seq = check(directory, acknowledged)
    assert last_seq > count


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    rounds(tmp_path, 6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_writer_killed_two_hundred_times_loses_nothing(tmp_path: Path, seed: int) -> None:
    rounds(tmp_path, 20, seed=1_000 + seed)
