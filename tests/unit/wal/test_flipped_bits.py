"""One flipped bit anywhere in the used pages of a segment: refused by name, or it changed nothing that counts.

Every attempt runs in a child process, for LMDB dies by a signal on some damaged pages unless they are checked first.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FLIP = """
import collections, os, sys
from pathlib import Path
from engine.wal import JournalCorrupt, LmdbJournal

directory, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
journal = LmdbJournal(directory, map_bytes_first=300_000)
for i in range(1, 40):
    journal.append(i, [b"record %d " % i * (400 if i % 9 == 0 else 3)] * (i % 3 + 1))
whole = journal.last_seq, journal.chain_digest
used = journal.bytes_used
journal.close()
file = directory / "00000000000000000001" / "data.mdb"
content = file.read_bytes()

def attempt():
    try:
        journal = LmdbJournal(directory, map_bytes_first=300_000)
        list(journal.read())
        return 0 if (journal.last_seq, journal.chain_digest) == whole else 1
    except JournalCorrupt as refusal:
        return 2 if refusal.segment == file.parent.name else 3

found = collections.Counter()
descriptor = os.open(file, os.O_RDWR)
for bit in range(first, used * 8, step):
    at, changed = bit // 8, content[bit // 8] ^ 1 << bit % 8
    os.pwrite(descriptor, bytes([changed]), at)
    child = os.fork()
    if child == 0:
        status = 4
        try:
            status = attempt()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    expected = content[:at] + bytes([changed]) + content[at + 1 :]
    if status == 2 and file.read_bytes() != expected:
        status = 5
    found[{0: "the same", 2: "refused"}.get(status, f"status {status} at bit {bit}")] += 1
    os.pwrite(descriptor, content, 0)
for what, count in found.items():
    print(count, what)
"""


def outcomes(directory: Path, first: int, step: int) -> dict[str, int]:
    """How many flips ended how."""
    told = subprocess.run(
        [sys.executable, "-c", FLIP, str(directory), str(first), str(step)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {what: int(count) for count, what in (line.split(" ", 1) for line in told.stdout.splitlines())}


def test_no_flipped_bit_is_believed(tmp_path: Path) -> None:
    found = outcomes(tmp_path, 3, 1_009)
    assert set(found) == {"the same", "refused"}, found
    assert found["refused"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("first", range(8))
def test_no_flipped_bit_of_many_is_believed(tmp_path: Path, first: int) -> None:
    found = outcomes(tmp_path, first, 8 * 11 + 1)
    assert set(found) == {"the same", "refused"}, found
