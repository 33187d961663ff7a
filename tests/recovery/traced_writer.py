"""A bare journal writer under strace: always the same batches, so that the n-th system call is the same one in every run."""

import errno
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.wal import LmdbJournal
from tests.recovery.injecting import Called, Fault, files_of, recorded, run_python

RECORDS = 75
RECORDS_PER_BATCH_MAX = 7
# Small enough that some thirty batches make the first segment, grow its map and start a second one.
SEGMENT_BYTES_MAX, MAP_BYTES_FIRST = 450_000, 600_000
WRITE = f"""
import os, sys
from pathlib import Path
from engine.wal import LmdbJournal, StorageFull
journal = LmdbJournal(Path(sys.argv[1]), segment_bytes_max={SEGMENT_BYTES_MAX}, map_bytes_first={MAP_BYTES_FIRST})
said = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
refused = 0
while journal.last_seq < {RECORDS}:
    seq = journal.last_seq + 1
    records = [b"record %d " % (seq + i) * (1 + (seq + i) * 37 % 1300) for i in range(1 + seq % 7)]
    try:
        journal.make_room(sum(map(len, records)))
    except StorageFull:
        refused += 1
        assert refused < 10, "it does not recover"
        continue
    journal.append(journal.last_time_ns + 1, records)
    os.write(said, b"%d\\n" % journal.last_seq)
print(refused)
"""


def content(seq: int) -> bytes:
    """What record `seq` holds."""
    return b"record %d " % seq * (1 + seq * 37 % 1300)


class Run(NamedTuple):
    """What became of a run. `acknowledged`: the last seq it had said was durable; `refused`: answers that there is no room."""

    directory: Path
    process: subprocess.CompletedProcess[str]
    calls: list[Called]
    acknowledged: int

    @property
    def refused(self) -> int:
        return int(self.process.stdout)


def run(directory: Path, faults: Sequence[Fault] = (), again: bool = False) -> Run:
    """Write all batches into a new journal, or as many as the faults allow; `again` goes on with the one that is there."""
    if not again:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    journal, said, record = directory / "journal", directory / "said", directory / "strace"
    # Where the second segment begins is the same in every run too, but need not be known: it may be any record.
    paths = [said, *files_of([journal / f"{seq:020d}" for seq in range(1, RECORDS)])]
    process = run_python(WRITE, str(journal), str(said), record=record, faults=faults, paths=paths)
    lines = said.read_text().splitlines() if said.exists() else []
    return Run(directory, process, recorded(record), int(lines[-1]) if lines else 0)


def check(directory: Path, acknowledged: int) -> int:
    """The journal opens, holds every acknowledged record once, in order, and at most one batch more; and it goes on.

    Gives the seq it had reached.
    """
    journal = LmdbJournal(directory / "journal", segment_bytes_max=SEGMENT_BYTES_MAX, map_bytes_first=MAP_BYTES_FIRST)
    found = [record for batch in journal.read() for record in batch.records]
    assert found == [content(seq) for seq in range(1, len(found) + 1)]
    assert acknowledged <= len(found) == journal.last_seq <= acknowledged + RECORDS_PER_BATCH_MAX
    journal.make_room(100)
    journal.append(journal.last_time_ns + 1, [b"goes on"])
    journal.close()
    again = LmdbJournal(directory / "journal", segment_bytes_max=SEGMENT_BYTES_MAX, map_bytes_first=MAP_BYTES_FIRST)
    assert again.last_seq == len(found) + 1
    assert [record for batch in again.read() for record in batch.records] == [*found, b"goes on"]
    again.close()
    return len(found)


def batches_boundaries() -> list[int]:
    """The seqs at which a batch ends, with 0 for none."""
    ends = [0]
    while ends[-1] < RECORDS:
        ends.append(ends[-1] + 1 + (ends[-1] + 1) % RECORDS_PER_BATCH_MAX)
    return ends


def error(number: int) -> str:
    """The fault that answers with this error instead of making the call."""
    return f"error={errno.errorcode[number]}"
