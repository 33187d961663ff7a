"""The frame of a batch: nothing in it can change unnoticed."""

import zlib

import pytest

from engine.wal import Batch, JournalCorrupt
from engine.wal.framing import GENESIS, decode, digest_of, encode

RECORDS = [b"kettle", b"", b"two towels"]


def frame_of(records: list[bytes], first_seq: int = 7, time_ns: int = 1_800_000_000_000_000_000) -> bytes:
    return encode(first_seq, time_ns, GENESIS, records)[0]


def test_what_goes_in_comes_out() -> None:
    frame, digest = encode(7, 99, b"p" * 32, RECORDS)
    assert decode(frame, "s", 7) == (Batch(7, 99, tuple(RECORDS)), b"p" * 32)
    assert digest == digest_of(frame)


def test_every_single_bit_of_a_frame_counts() -> None:
    frame = frame_of(RECORDS)
    for at in range(len(frame)):
        for bit in range(8):
            flipped = bytearray(frame)
            flipped[at] ^= 1 << bit
            with pytest.raises(JournalCorrupt) as refusal:
                decode(bytes(flipped), "00000000000000000007", 7)
            assert refusal.value.seq == 7
            assert "segment 00000000000000000007, batch at record 7" in str(refusal.value)


def test_every_single_byte_value_in_the_header_counts() -> None:
    frame = frame_of(RECORDS)
    for at in range(80):
        for value in range(256):
            if value != frame[at]:
                with pytest.raises(JournalCorrupt):
                    decode(frame[:at] + bytes([value]) + frame[at + 1 :], "s", 7)


def test_a_frame_cut_short_anywhere_is_refused() -> None:
    frame = frame_of(RECORDS)
    for length in range(len(frame)):
        with pytest.raises(JournalCorrupt):
            decode(frame[:length], "s", 7)


def test_a_frame_with_more_behind_it_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="it says"):
        decode(frame_of(RECORDS) + b"\0", "s", 7)


def test_two_swapped_records_are_noticed() -> None:
    frame = frame_of([b"aa", b"bb"])
    at = frame.index(b"aa")
    swapped = frame[:at] + b"bb" + frame[at + 2 : at + 6] + b"aa"
    assert len(swapped) == len(frame)
    with pytest.raises(JournalCorrupt, match="checksum"):
        decode(swapped, "s", 7)


def made_sound(frame: bytes) -> bytes:
    """With the checksum that fits, as if another program had written it."""
    crc = zlib.crc32(frame[:12] + bytes(4) + frame[16:])
    return frame[:12] + crc.to_bytes(4) + frame[16:]


def test_the_checksum_is_made_here_as_it_is_there() -> None:
    assert made_sound(frame_of(RECORDS)) == frame_of(RECORDS)


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"KJBX", "does not start as a batch does"),
        (4, b"\0\0", "version 0 is not known"),
        (6, b"\0\1", "version 1 is not known"),
        (8, b"\0\0\0\0", "its records do not fill the frame"),
        (8, b"\0\0\0\1", "its records do not fill the frame"),
        (8, b"\0\0\0\2", "its records do not fill the frame"),
        (8, b"\0\0\0\4", "a record's length lies outside the frame"),
        (72, b"\0\0\0\7", "a record lies outside the frame"),
        (72, b"\0\0\1\0", "a record lies outside the frame"),
    ],
)
def test_a_frame_that_makes_no_sense_is_refused_though_its_checksum_is_right(
    at: int, value: bytes, reason: str
) -> None:
    frame = frame_of(RECORDS)
    with pytest.raises(JournalCorrupt, match=reason):
        decode(made_sound(frame[:at] + value + frame[at + len(value) :]), "s", 7)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_frame_is_never_bound_to_a_digest_of_another_length(length: int) -> None:
    with pytest.raises(AssertionError):
        encode(7, 99, b"p" * length, RECORDS)


def test_a_sound_frame_in_the_wrong_place_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="it holds records from 7 on"):
        decode(frame_of(RECORDS), "s", 8)


def test_the_same_records_after_another_past_have_another_digest() -> None:
    assert encode(7, 99, GENESIS, RECORDS)[1] != encode(7, 99, b"p" * 32, RECORDS)[1]
    assert encode(7, 99, GENESIS, RECORDS)[1] != encode(7, 98, GENESIS, RECORDS)[1]
    assert encode(7, 99, GENESIS, [b"ab", b"c"])[1] != encode(7, 99, GENESIS, [b"a", b"bc"])[1]


def test_a_frame_of_a_later_release_is_refused_by_its_version() -> None:
    frame = frame_of(RECORDS)
    with pytest.raises(JournalCorrupt, match="version 2 is not known"):
        decode(frame[:4] + b"\0\2" + frame[6:], "s", 7)
