"""A writer killed when its commit is on disk and LMDB's lock file does not say so yet, while somebody else reads."""

import subprocess
import sys
import time
from pathlib import Path

from engine.wal import JournalReader
from tests.recovery.injecting import needs_strace, under_strace
from tests.recovery.running import ROOT
from tests.recovery.traced_writer import WRITE, run

pytestmark = needs_strace
HELD_SECONDS = 4

GO_ON = """
import sys
from pathlib import Path
from engine.wal import LmdbJournal
journal = LmdbJournal(Path(sys.argv[1]))
found = journal.last_seq
journal.append(journal.last_time_ns + 1, [b"goes on"])
print(found, journal.last_seq)
"""


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
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (said.exists() and len(said.read_text().split()) == acknowledged):
            time.sleep(0.02)  # it is on its way
        time.sleep(HELD_SECONDS / 4)  # its meta page is written soon after that, and the answer held back for longer
        reader = JournalReader(directory)
    finally:
        writer.kill()
        writer.wait(30)
    told = int(said.read_text().split()[-1])
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
