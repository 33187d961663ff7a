"""A writer killed when its commit is on disk and LMDB's lock file does not say so yet, while somebody else reads."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from engine.wal import JournalReader
from engine.wal.meta import meta_pages
from tests.recovery.injecting import needs_strace, under_strace
from tests.recovery.logged_node import until
from tests.recovery.running import ROOT
from tests.recovery.traced_writer import WRITE, run

pytestmark = needs_strace
HELD_SECONDS = 120  # longer than anybody waits

GO_ON = """
import sys
from pathlib import Path
from engine.wal import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]))
found = journal.last_seq
journal.append(journal.last_time_ns + 1, [b"goes on"])
print(found, journal.last_seq)
"""


def batches_on_disk(directory: Path) -> int:
    """What LMDB's meta pages say, whatever its lock file does: the first entry of a segment is its header."""
    pages = meta_pages(max(directory.glob("0*/data.mdb")))
    assert isinstance(pages, list), pages
    return max(page.entries for page in pages) - 1


def test_the_next_writer_sees_that_commit_and_goes_on_after_it(tmp_path: Path) -> None:
    calls = run(tmp_path / "whole").calls
    place = [at for at, call in enumerate(calls) if call.is_meta_write and ".new/" not in call.text][4]
    acknowledged = sum(call.name == "write" for call in calls[:place])
    directory, said = tmp_path / "run" / "journal", tmp_path / "run" / "said"
    (tmp_path / "run").mkdir()
    program = [sys.executable, "-c", WRITE, str(directory), str(said)]
    held = under_strace(
        program, tmp_path / "record", [calls[place].fault(f"delay_exit={HELD_SECONDS * 1_000_000}")], detached=True
    )
    writer = subprocess.Popen(held, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        until(lambda: said.exists() and len(said.read_text().split()) == acknowledged, "it comes to that commit")
        told = int(said.read_text().split()[-1])
        until(lambda: batches_on_disk(directory) > acknowledged, "the meta page is written, and the answer held back")
        reader = JournalReader(directory)
    finally:
        tracer = re.search(r"TracerPid:\s+(\d+)", Path(f"/proc/{writer.pid}/status").read_text())
        writer.kill()
        if tracer is not None and tracer[1] != "0":
            os.kill(int(tracer[1]), signal.SIGKILL)  # it would hold the dead one back as well
        writer.wait(60)
    assert int(said.read_text().split()[-1]) == told
    done = subprocess.run(
        [sys.executable, "-c", GO_ON, str(directory)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, last_seq = map(int, done.stdout.split())
    assert found > told, "the commit was on disk"
    assert last_seq == found + 1
    reader.refresh()
    assert reader.last_seq == last_seq
    reader.close()
