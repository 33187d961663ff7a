"""The life of a journal that is recorded: batches whose content follows from their seq, over several segments and growths."""

import os
from pathlib import Path

from engine.wal import LmdbJournal
from tests.unit.wal.sizes import Sizes

# A segment grows shortly before it is full.
SMALL: Sizes = {"segment_bytes_max": 130_000, "map_bytes_first": 360_000}
LAST_SEQ = 1_000
REOPENED_AFTER = 500
UNPREPARED_AFTER = 900  # in a segment that has not grown yet: a batch larger than its map, and nobody makes room for it


def records_from(first_seq: int) -> list[bytes]:
    """The batch that begins with record `first_seq`."""
    count = 1 + first_seq % 7
    larger = 500 if first_seq <= UNPREPARED_AFTER < first_seq + count else 1
    return [b"record %d " % seq * (1 + seq % 40) * larger for seq in range(first_seq, first_seq + count)]


def next_batch(journal: LmdbJournal) -> list[bytes]:
    """What comes next, with room made for it."""
    records = records_from(journal.last_seq + 1)
    bytes_expected = sum(map(len, records))
    journal.make_room(bytes_expected if bytes_expected < SMALL["map_bytes_first"] else 0)
    return records


def say(word: str, seq: int) -> None:
    """Tell the recorder, in one call, so that nothing waits in a buffer."""
    os.write(1, f"{word} {seq}\n".encode())


def live(directory: Path) -> None:
    """Append to a new journal to its end. In the middle it is opened again, with an unfinished segment lying there.

    The time of a batch is the seq of its first record.
    """
    journal = LmdbJournal(directory, **SMALL)
    say("ready", 0)
    while journal.last_seq < LAST_SEQ:
        records = next_batch(journal)
        say("begin", journal.last_seq + len(records))
        journal.append(journal.last_seq + 1, records)
        say("done", journal.last_seq)
        if journal.last_seq - len(records) < REOPENED_AFTER <= journal.last_seq:
            journal.close()
            say("closed", journal.last_seq)
            unfinished = directory / f"{journal.last_seq + 1:020d}.new"
            unfinished.mkdir()
            (unfinished / "data.mdb").write_bytes(b"half")
            journal = LmdbJournal(directory, **SMALL)
            say("opened", journal.last_seq)
    journal.close()
    say("ended", journal.last_seq)
