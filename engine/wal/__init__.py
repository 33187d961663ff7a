"""The journal: durable batches of opaque records, and the derived table of closed things. Bytes only."""

from engine.wal.closed import ClosedEntry, ClosedTable, MemoryClosedTable
from engine.wal.errors import DirectoryInUse, JournalCorrupt, JournalFailed, StorageFull
from engine.wal.framing import Batch
from engine.wal.journal import LmdbJournal
from engine.wal.lock import DirectoryLock
from engine.wal.memory import Journal, MemoryJournal

__all__ = [
    "Batch",
    "ClosedEntry",
    "ClosedTable",
    "DirectoryInUse",
    "DirectoryLock",
    "Journal",
    "JournalCorrupt",
    "JournalFailed",
    "LmdbJournal",
    "MemoryClosedTable",
    "MemoryJournal",
    "StorageFull",
]
