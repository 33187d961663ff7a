"""The snapshot that a node makes of itself when it stops, so that the next start need not replay what it did.

Nobody asks for anything any more, so the writer writes its own state: a follower would replay first, which is what is
to be saved. It is not proven by replay as the others are; `kontor verify` does that. It is bounded in time, and a stop
that can't wait goes without it.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from engine.replay import dumping, follower
from engine.state.state import State
from engine.wal import DirectoryInUse, DirectoryLock, PendingSnapshot, Stamp, StorageFull
from engine.wal.files import remove_unfinished
from engine.wal.journal import LmdbJournal

RECORDS_MIN: Final = 5_000  # fewer are replayed in well under a second
SECONDS_MAX: Final = 4.0

log = structlog.get_logger("kontor")


class _TooLong(Exception):
    """The time is up."""


def make(state: State, journal: LmdbJournal, snapshots: Path, kept: int, seconds_max: float) -> str | None:
    """Write the snapshot and remove those that are too old; gives its name, or None where none was made.

    The state is after the journal's last record, and what has closed is on disk.
    """
    assert state.seq == journal.last_seq
    started = time.perf_counter()
    try:
        lock = DirectoryLock(snapshots)
    except (DirectoryInUse, StorageFull) as error:
        log.warning("no snapshot was made at the stop", reason=str(error))
        return None
    try:
        remove_unfinished(snapshots)
        stamp = Stamp(dumping.DUMP_VERSION, journal.journal_id, state.seq, state.time_ns, journal.chain_digest)
        parts = _until(dumping.dump(state), started + seconds_max)
        name = PendingSnapshot(snapshots, stamp, parts).publish().name
        follower.prune(snapshots, kept)
    except _TooLong:
        log.warning("no snapshot was made at the stop: it would take too long", seconds=seconds_max)
        return None
    except (StorageFull, OSError) as error:
        log.warning("no snapshot was made at the stop", reason=str(error))
        return None
    finally:
        lock.close()
    log.info("snapshot made at the stop", name=name, seq=state.seq, seconds=round(time.perf_counter() - started, 3))
    return name


def _until(parts: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    for part in parts:
        if time.perf_counter() > deadline:
            raise _TooLong
        yield part
