"""Which history a node serves: an id that a restore, a copy of the data directory or an older journal in it makes anew.

Positions are numbers, and after a restore the same number stands for something else. Who reads a feed keeps the id with
the position; under another one the node says so instead of going on as if nothing had happened.
"""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
import structlog

from engine.wal import Batches, JournalCorrupt
from engine.wal.files import UNFINISHED, sync_directory

FILE_NAME: Final = "history"
ID_BYTES: Final = 8

log = structlog.get_logger("kontor")


class Note(msgspec.Struct, frozen=True):
    """What lies in the file. `inode` is the file's own: in a copy it is another, so that the copy is a history of its
    own. `seq` and `chain` are the end of the journal when the node was started or stopped last."""

    id: str
    inode: int
    journal_id: str
    seq: int
    chain: str


class HistoryId:
    """The id of the history in `directory`, read when it is opened and noted again when it is closed."""

    def __init__(self, directory: Path, journal: Batches, seq: int, chain: bytes) -> None:
        self._path = directory / FILE_NAME
        self._journal_id = journal.journal_id.hex()
        found = _read(self._path)
        changed = "there is no note of it" if found is None else _why_another(found, self._path, journal)
        if found is not None and changed is None:
            self.id = found.id
        else:
            self.id = secrets.token_hex(ID_BYTES)
            if seq and found is not None:
                log.warning("a new history begins: positions of feeds from before are refused", reason=changed)
        self.note(seq, chain)

    def note(self, seq: int, chain: bytes) -> None:
        """Write down how far the history reaches. What can't be written is told: the next start begins a new one."""
        fresh = self._path.with_name(self._path.name + UNFINISHED)
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                inode = os.fstat(descriptor).st_ino
                os.write(descriptor, msgspec.json.encode(Note(self.id, inode, self._journal_id, seq, chain.hex())))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            fresh.rename(self._path)
            sync_directory(self._path.parent)
        except OSError as error:
            log.warning("the id of the history could not be noted", reason=error.strerror)


def _read(path: Path) -> Note | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _why_another(note: Note, path: Path, journal: Batches) -> str | None:
    """Why what is noted is of another history; None if it is of this one."""
    if note.inode != path.stat().st_ino:
        return "the data directory was copied"
    if note.journal_id != journal.journal_id.hex():
        return "it is another journal"
    if note.seq > journal.last_seq:
        return f"record {note.seq} was here, and the journal ends at {journal.last_seq}"
    try:
        chain = journal.chain_after(note.seq)
    except JournalCorrupt:
        return None  # it was told in its own place
    here = journal.first_seq - 1 <= note.seq
    return f"record {note.seq} is another one" if here and (chain is None or chain.hex() != note.chain) else None
