"""A process of its own that writes, or reads, a journal as it is told, a line at a time. The test is on the other side.

Run as a module with the journal's directory and the archive's; every command is answered with one line of JSON.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.wal import JournalReader, LmdbJournal
from tests.unit.wal.keeping import Places, append, content_of, reopen

ROOT = Path(__file__).resolve().parents[3]


class Other:
    """The other process, seen from the test."""

    def __init__(self, does: str, places: Places) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.wal.another_process", does, *map(str, places)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: str, number: int = 0) -> Any:
        """Have it done, and what came of it."""
        self.tell(what, number)
        return self.answer()

    def tell(self, what: str, number: int = 0) -> None:
        """Have it done while the test goes on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what} {number}\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """What came of it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}"
        return json.loads(line)

    def kill(self) -> None:
        """SIGKILL: nothing is let go in order."""
        self.process.kill()
        self.process.communicate()
        assert self.process.returncode == -9

    def __enter__(self) -> "Other":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.communicate("end 0\n")


def writes(journal: LmdbJournal, what: str, number: int) -> Any:
    """What a writer can be told to do."""
    if what == "append":
        append(journal, number)
    elif what == "append large":
        journal.make_room(number)
        journal.append(journal.last_time_ns + 1, [bytes(number)])
    elif what == "retire":
        gone = journal.retire(journal.last_seq)
        for folder in gone:
            shutil.rmtree(folder)
        return [folder.name for folder in gone]
    elif what == "read":
        return len(content_of(journal.read()))
    elif what == "bytes":
        return journal.bytes_used
    return journal.last_seq


def reads(journal: JournalReader, what: str, number: int) -> Any:
    """What a reader can be told to do."""
    if what == "refresh":
        journal.refresh()
    elif what == "read":
        return len(content_of(journal.read(number)))
    elif what == "hold":  # a transaction that is never ended
        held.append(journal._live[max(journal._live)]._reading())
        held[-1].__enter__()
    return journal.last_seq


held: list[Any] = []


def main() -> None:
    """Do as told until the end."""
    does, *paths = sys.argv[1:]
    places = Places(*map(Path, paths))
    journal: Any = reopen(places) if does == "write" else JournalReader(*places)
    for line in sys.stdin:
        what, number = line.rsplit(" ", 1)
        if what == "end":
            break
        print(json.dumps((writes if does == "write" else reads)(journal, what, int(number))), flush=True)
    journal.close()


if __name__ == "__main__":
    main()
