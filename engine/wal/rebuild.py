"""Making a segment again from frames: the way back from an archive to a journal that can be written to."""

from collections.abc import Iterator
from pathlib import Path

import lmdb

from engine.wal import framing
from engine.wal.errors import JournalCorrupt, StorageFull
from engine.wal.framing import Batch
from engine.wal.segments import LMDB_FORMAT, MAP_BYTES_FIRST, Segment, SegmentHeader, seq_key

_ROOM_BYTES = 64 * 1024 * 1024


def rebuild(
    parent: Path,
    journal_id: bytes,
    chain_before: bytes,
    time_before_ns: int,
    frames: Iterator[tuple[Batch, bytes]],
    to_seq: int,
) -> None:
    """Make the segment of `frames` up to record `to_seq` in the folder `parent`, durable when this returns.

    Every batch is a commit of its own, as it was. A batch that goes on past `to_seq` is cut, and so has a digest of its
    own. Raises StorageFull, JournalCorrupt from `frames`.
    """
    batch, frame = next(frames)
    header = SegmentHeader(journal_id, batch.first_seq, time_before_ns, chain_before)
    segment = Segment.create(parent, header, MAP_BYTES_FIRST)
    folder = parent / segment.name
    segment.close()
    with lmdb.open(str(folder), map_size=_ROOM_BYTES, sync=False, lib_version=LMDB_FORMAT) as environment:
        database = environment.open_db(None)
        map_bytes, written, previous = _ROOM_BYTES, 0, chain_before
        while True:
            if batch.last_seq > to_seq:
                records = batch.records[: to_seq - batch.first_seq + 1]
                frame, _ = framing.encode(batch.first_seq, batch.time_ns, previous, records)
            previous = framing.digest_of(frame)
            written += len(frame) + 4 * 4096
            while 2 * written > map_bytes:
                map_bytes *= 2
                environment.set_mapsize(map_bytes)
            try:
                with environment.begin(write=True, db=database) as transaction:
                    assert transaction.put(seq_key(batch.first_seq), frame, append=True)
            except lmdb.Error as error:
                raise StorageFull(f"{folder} could not be written: {error}") from error
            if batch.last_seq >= to_seq:
                break
            following = next(frames, None)
            if following is None:
                raise JournalCorrupt(segment.name, batch.last_seq, f"the records end before {to_seq}")
            batch, frame = following
        environment.sync(True)
    whole = Segment(folder)
    try:
        whole.preallocate(-(-whole.bytes_used // MAP_BYTES_FIRST) * MAP_BYTES_FIRST)
    finally:
        whole.close()
