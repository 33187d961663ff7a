"""The journal: durable batches of opaque records, snapshots, and the derived table of closed things. Bytes only.

access     what this process may not read or write, told for what it is
archive    archived segments: one compressed, checksummed file per sealed segment, readable at any seq
batches    reading batches over parts in a row: archived segments first, then live ones
closed     closed things on disk: a derived LMDB table of final states, keyed by table and key
errors     what can go wrong with files, told apart by what the node must do about it
files      files that appear whole or not at all: made durable under a temporary name, then named
framing    the batch frame: one LMDB value, the records of one commit, bound to everything before it
journal    the journal on LMDB: segments in a row, one value per batch, one durable commit per append
lock       one process per data directory
memory     a journal in memory, for tests and simulations: the same contract, nothing durable
meta       LMDB's two meta pages, looked at before LMDB maps a file and trusts them
packing    how a batch frame lies in a segment: as it is, or packed
reader     reading a journal that another process may be writing
rebuild    a segment made again from frames
recovery   what opening a journal does with what it finds: a table
segments   one segment: an LMDB environment in a folder named after its first seq
snapshots  snapshot files: parts of a dump, each compressed and checksummed
"""

from engine.wal.access import NotPermitted
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
    "NotPermitted",
    "PendingSnapshot",
    "Snapshot",
    "SnapshotDamaged",
    "Stamp",
    "StorageFull",
    "snapshots_in",
]
