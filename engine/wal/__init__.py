"""The journal: durable batches of opaque records, snapshots, and the derived table of closed things. Bytes only."""

from engine.wal.archive import ArchivedSegment
from engine.wal.batches import Batches
from engine.wal.closed import ClosedDamaged, ClosedEntry, ClosedTable, MemoryClosedTable
from engine.wal.errors import DirectoryInUse, JournalCorrupt, JournalFailed, StorageFull
from engine.wal.framing import Batch
from engine.wal.journal import SEGMENT_BYTES_MAX, LmdbJournal
from engine.wal.lock import DirectoryLock
from engine.wal.memory import Journal, MemoryJournal
from engine.wal.reader import JournalReader
from engine.wal.snapshots import PendingSnapshot, Snapshot, SnapshotDamaged, Stamp, snapshots_in

__all__ = [
    "SEGMENT_BYTES_MAX",
    "ArchivedSegment",
    "Batch",
    "Batches",
    "ClosedDamaged",
    "ClosedEntry",
    "ClosedTable",
    "DirectoryInUse",
    "DirectoryLock",
    "Journal",
    "JournalCorrupt",
    "JournalFailed",
    "JournalReader",
    "LmdbJournal",
    "MemoryClosedTable",
    "MemoryJournal",
    "PendingSnapshot",
    "Snapshot",
    "SnapshotDamaged",
    "Stamp",
    "StorageFull",
    "snapshots_in",
]
