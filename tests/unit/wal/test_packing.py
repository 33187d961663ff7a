"""Batches lie packed in a segment: nothing but their size differs, and no flipped bit goes unseen."""

import random
from pathlib import Path

import lmdb
import pytest

from engine.wal import JournalCorrupt, JournalReader, LmdbJournal, framing
from engine.wal.packing import MAGIC, PACKED_FROM_BYTES, Packer

ORDER = b'{"number":"W-%d","channel":"web-de","lines":[{"id":"1","sku":"BRASS-KETTLE","quantity":1}],"state":"open"}'


def batches(count: int) -> list[list[bytes]]:
    """Batches of one record to thirty."""
    chance = random.Random(7)
    return [[ORDER % (100 * i + n) for n in range(chance.randrange(1, 30))] for i in range(count)]


def journal_of(directory: Path, *, packs: bool, count: int = 60) -> LmdbJournal:
    journal = LmdbJournal(directory, packs=packs, segment_bytes_max=40_000, map_bytes_first=400_000)
    for number, records in enumerate(batches(count), 1):
        journal.make_room(sum(map(len, records)))
        journal.append(number, records)
    return journal


def frame_of(*records: bytes) -> bytes:
    return framing.encode(1, 1, framing.GENESIS, records)[0]


def test_packed_or_not_the_batches_and_the_chain_are_the_same(tmp_path: Path) -> None:
    packed, plain = journal_of(tmp_path / "packed", packs=True), journal_of(tmp_path / "plain", packs=False)
    assert [batch.records for batch in packed.read()] == [batch.records for batch in plain.read()]
    assert packed.bytes_used * 2 < plain.bytes_used
    assert len(list((tmp_path / "packed").iterdir())) > 1, "also over several segments"
    for journal in (packed, plain):
        journal.close()
    again = LmdbJournal(tmp_path / "packed")
    assert [batch.records for batch in again.read()] == [tuple(records) for records in batches(60)]
    again.close()
    reader = JournalReader(tmp_path / "packed")
    assert [batch.records for batch in reader.read_backwards()] == [tuple(each) for each in reversed(batches(60))]
    assert reader.record(1) == (1, ORDER % 0)
    reader.close()


def test_a_journal_of_an_earlier_release_goes_on_packed_and_is_read_whole(tmp_path: Path) -> None:
    earlier = journal_of(tmp_path / "journal", packs=False, count=5)
    first, chain = earlier.last_seq, earlier.chain_digest
    earlier.close()
    journal = LmdbJournal(tmp_path / "journal", packs=True)
    assert (journal.last_seq, journal.chain_digest) == (first, chain)
    journal.append(6, [ORDER % n for n in range(20)])
    journal.close()
    segment = tmp_path / "journal" / f"{1:020d}"
    with lmdb.open(str(segment), readonly=True, lib_version=0) as environment, environment.begin() as transaction:
        starts = [bytes(value)[:4] for _, value in transaction.cursor()][1:]
    assert starts == [framing.MAGIC] * 5 + [MAGIC]
    again = LmdbJournal(tmp_path / "journal")
    assert sum(len(batch.records) for batch in again.read()) == first + 20
    again.close()


def test_what_packing_would_not_make_smaller_is_stored_as_it_is() -> None:
    packer = Packer()
    small, noise = frame_of(b"x" * (PACKED_FROM_BYTES - 100)), frame_of(random.Random(1).randbytes(5_000))
    assert packer.packed(small) == small
    assert packer.packed(noise) == noise
    assert packer.unpacked(noise, "1", 1) == noise
    large = frame_of(*(ORDER % n for n in range(50)))
    assert len(packer.packed(large)) * 4 < len(large)
    assert packer.unpacked(packer.packed(large), "1", 1) == large


def read_again(stored: bytes) -> framing.Batch:
    return framing.decode(Packer().unpacked(stored, "1", 1), "1", 1)[0]


def test_every_flipped_bit_and_every_cut_of_a_packed_batch_is_told() -> None:
    stored = Packer().packed(frame_of(*(ORDER % n for n in range(8))))
    assert len(read_again(stored).records) == 8
    for at in range(len(stored)):
        for bit in range(8):
            flipped = bytearray(stored)
            flipped[at] ^= 1 << bit
            with pytest.raises(JournalCorrupt):
                read_again(bytes(flipped))
        with pytest.raises(JournalCorrupt):
            read_again(stored[:at])


def test_a_size_that_is_a_lie_takes_no_memory() -> None:
    stored = bytearray(Packer().packed(frame_of(*(ORDER % n for n in range(8)))))
    stored[4:8] = b"\xff\xff\xff\xff"
    with pytest.raises(JournalCorrupt, match="another size"):
        read_again(bytes(stored))
