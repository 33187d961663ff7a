"""Checkpoints of the chain: what was signed stays true, and what no longer agrees with it shows."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.backups.checkpoints import (
    Checkpoint,
    CheckpointRefused,
    append,
    compare,
    new_key,
    read,
    read_key,
    sign,
    signed_bytes,
)
from engine.wal import MemoryJournal, framing

NOON_NS = 1_795_694_700_123_456_789  # 2026-11-26T12:05:00.123456Z
HOUR_NS = 3_600_000_000_000
JOURNAL = bytes(range(16))
OTHER_JOURNAL = bytes(16)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "checkpoints.md"

GOLDEN_BYTES = (
    b"kontor/checkpoint/1\n"
    b"000102030405060708090a0b0c0d0e0f\n"
    b"00000000000000000042\n"
    b"2026-11-26T12:05:00.123456Z\n"
    b"abababababababababababababababababababababababababababababababab\n"
    b"2026-11-26T13:05:00.123456Z\n"
)
GOLDEN_LINE = (
    b'{"format_version":1,"journal_id":"000102030405060708090a0b0c0d0e0f","seq":42,"time":"2026-11-26T12:05:00.123456Z",'
    b'"chain":"abababababababababababababababababababababababababababababababab",'
    b'"signed_at":"2026-11-26T13:05:00.123456Z",'
    b'"public_key":"03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",'
    b'"signature":"ae3713f085275d8f7e4856f3fa93cc104c0b2b21c4bcf46860c3f9731c87efda1b38946ca74e5c5503e8aa8978e8c48cf27fa878ecb80bf8ff2b365c638c7b0c"}\n'
)


def signed(
    seq: int, chain: bytes = b"\xab" * 32, *, key: Ed25519PrivateKey = KEY, journal: bytes = JOURNAL
) -> Checkpoint:
    return sign(key, journal, seq, NOON_NS, chain, NOON_NS + HOUR_NS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.jsonl"


def journal_of(batches: Sequence[Sequence[bytes]]) -> MemoryJournal:
    journal = MemoryJournal()
    for number, records in enumerate(batches):
        journal.append(NOON_NS + number, records)
    return journal


def chains_of(journal: MemoryJournal) -> dict[int, bytes]:
    """The chain digest after every batch."""
    found, chain = {}, framing.GENESIS
    for batch in journal.batches:
        _, chain = framing.encode(batch.first_seq, batch.time_ns, chain, batch.records)
        found[batch.last_seq] = chain
    return found


BATCHES = [[b"a", b"b"], [b"c"], [b"d", b"e", b"f"], [b"g"]]


@pytest.fixture
def kept() -> list[Checkpoint]:
    """Checkpoints after the first and the third batch."""
    chains = chains_of(journal_of(BATCHES))
    return [signed(2, chains[2]), signed(6, chains[6])]


def findings(kept: list[Checkpoint], journal: MemoryJournal) -> list[str]:
    return compare(kept, JOURNAL, journal.last_seq, chains_of(journal).get)


def test_the_bytes_that_are_signed_stay_as_they_are() -> None:
    time, signed_at = "2026-11-26T12:05:00.123456Z", "2026-11-26T13:05:00.123456Z"
    assert signed_bytes(JOURNAL.hex(), 42, time, "ab" * 32, signed_at) == GOLDEN_BYTES
    assert len(GOLDEN_BYTES) == 195


def test_a_line_of_the_file_stays_as_it_is(file: Path) -> None:
    append(file, signed(42))
    assert file.read_bytes() == GOLDEN_LINE
    assert read(file, PUBLIC_KEY) == [signed(42)]


def test_what_was_appended_is_read_back_in_order(file: Path) -> None:
    made = [signed(seq, bytes((seq % 256,)) * 32) for seq in (1, 2, 2, 9, 10_000_000_000)]
    for checkpoint in made:
        append(file, checkpoint)
    assert read(file, PUBLIC_KEY) == made
    assert read(file, None) == made
    file.write_bytes(b"")
    assert read(file, PUBLIC_KEY) == []


def test_a_key_is_made_once_for_its_owner_only_and_signs_after_it_was_read(tmp_path: Path, file: Path) -> None:
    public_key = new_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    before = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(CheckpointRefused, match="never overwritten"):
        new_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == before
    append(file, signed(1, key=read_key(tmp_path / "key.pem")))
    assert [checkpoint.public_key for checkpoint in read(file, bytes.fromhex(public_key))] == [public_key]


def test_a_key_of_another_kind_or_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    for content, reason in [
        (generate_private_key(SECP256R1()).private_bytes(*pem, serialization.NoEncryption()), "another kind"),
        (KEY.private_bytes(*pem, serialization.BestAvailableEncryption(b"secret")), "without a password"),
        (b"not a key", "holds no private key"),
    ]:
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(CheckpointRefused, match=reason):
            read_key(path)
    path.chmod(0o640)
    with pytest.raises(CheckpointRefused, match="may be used by others: chmod 600"):
        read_key(path)


def test_a_flipped_bit_anywhere_in_a_line_is_noticed(file: Path) -> None:
    for position in range(len(GOLDEN_LINE) * 8):
        changed = bytearray(GOLDEN_LINE)
        changed[position // 8] ^= 1 << position % 8
        file.write_bytes(changed + GOLDEN_LINE)
        for trusted in (PUBLIC_KEY, None):
            with pytest.raises(CheckpointRefused, match="line 1"):
                read(file, trusted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_id", OTHER_JOURNAL.hex()),
        ("seq", 43),
        ("time", "2026-11-26T12:05:00.123457Z"),
        ("chain", "cd" * 32),
        ("signed_at", "2026-11-25T13:05:00.123456Z"),
        ("signature", "00" * 64),
    ],
)
def test_no_field_can_be_replaced_under_its_signature(file: Path, name: str, value: object) -> None:
    changed = msgspec.structs.replace(signed(42), **{name: value})
    file.write_bytes(msgspec.json.encode(changed) + b"\n")
    with pytest.raises(CheckpointRefused, match=r"line 1 has a bad signature: it was changed"):
        read(file, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"no json\n", "is no checkpoint"),
        (b"\n", "is no checkpoint"),
        (b"\xff\n", "is no checkpoint"),
        (b'{"format_version":1}\n', "is no checkpoint"),
        (GOLDEN_LINE.replace(b'"seq":42', b'"seq":0'), "is no checkpoint"),
        (GOLDEN_LINE.replace(b'"seq":42', b'"seq":true'), "is no checkpoint"),
        (GOLDEN_LINE.replace(b'"seq"', b'"more":1,"seq"'), "is no checkpoint"),
        (GOLDEN_LINE.replace(b"abab", b"ABAB"), "is no checkpoint"),
        (GOLDEN_LINE.replace(b'_version":1', b'_version":2'), "format version 2: read it with a release that knows it"),
        (GOLDEN_LINE.replace(b":42,", b": 42,"), "was changed, though not in what it says"),
        (GOLDEN_LINE[:-1], "is not whole"),
        (GOLDEN_LINE[:100], "is not whole"),
    ],
)
def test_a_line_that_is_no_checkpoint_is_named(file: Path, line: bytes, reason: str) -> None:
    append(file, signed(41))
    with file.open("ab") as opened:
        opened.write(line)
    with pytest.raises(CheckpointRefused, match=rf"checkpoints\.jsonl, line 2 .*{re.escape(reason)}"):
        read(file, PUBLIC_KEY)
    with pytest.raises(CheckpointRefused, match="last line"):
        append(file, signed(43))


def test_a_foreign_key_is_refused(file: Path) -> None:
    append(file, signed(1, key=OTHER_KEY))
    with pytest.raises(CheckpointRefused, match="line 1 is signed with the unknown key"):
        read(file, PUBLIC_KEY)
    with pytest.raises(CheckpointRefused, match="last line is signed with another key: keep a file for each key"):
        append(file, signed(2))
    assert len(read(file, None)) == 1
    with file.open("ab") as opened:
        opened.write(msgspec.json.encode(signed(2)) + b"\n")
    with pytest.raises(CheckpointRefused, match="line 2: the line before it is signed with another key"):
        read(file, None)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (signed(41), "of record 42, after 41: the journal was cut off"),
        (signed(42, bytes(32)), "of the same record 42 with another chain: history was rewritten"),
        (signed(43, journal=OTHER_JOURNAL), "of another journal"),
    ],
)
def test_a_checkpoint_that_does_not_follow_is_neither_appended_nor_read(
    file: Path, later: Checkpoint, reason: str
) -> None:
    append(file, signed(42))
    with pytest.raises(CheckpointRefused, match=f"the last line is {reason}"):
        append(file, later)
    assert file.read_bytes() == GOLDEN_LINE
    file.write_bytes(GOLDEN_LINE + msgspec.json.encode(later) + b"\n")
    with pytest.raises(CheckpointRefused, match=f"line 2: the line before it is {reason}"):
        read(file, PUBLIC_KEY)


def test_a_full_disk_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(file, signed(42))
    write = os.write

    def write_some_then_fail(descriptor: int, content: bytes) -> int:
        if len(content) < 400:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:100])

    monkeypatch.setattr(os, "write", write_some_then_fail)
    with pytest.raises(OSError, match="No space left"):
        append(file, signed(43))
    assert file.read_bytes() == GOLDEN_LINE


def test_a_journal_that_only_grew_bears_out_every_checkpoint(kept: list[Checkpoint]) -> None:
    assert findings(kept, journal_of(BATCHES)) == []
    assert findings(kept, journal_of([*BATCHES, [b"h"], [b"i", b"j"]])) == []
    assert compare([], JOURNAL, 0, lambda seq: None) == []


@pytest.mark.parametrize("rewritten", range(6))
def test_one_rewritten_record_shows_in_every_checkpoint_from_it_on(kept: list[Checkpoint], rewritten: int) -> None:
    batches = [list(batch) for batch in BATCHES]
    at = [(batch, place) for batch in range(4) for place in range(len(batches[batch]))][rewritten]
    batches[at[0]][at[1]] = b"x"
    found = findings(kept, journal_of(batches))
    wrong = [2, 6] if rewritten < 2 else [6]
    assert found == [
        f"checkpoint of 2026-11-26T13:05:00.123456Z: the chain after record {seq} differs: "
        "history was rewritten at or before it"
        for seq in wrong
    ]


def test_a_rewritten_record_after_the_last_checkpoint_is_what_it_cannot_show(kept: list[Checkpoint]) -> None:
    assert findings(kept, journal_of([*BATCHES[:3], [b"x"]])) == []


def test_an_end_that_was_cut_off_shows(kept: list[Checkpoint]) -> None:
    (sentence,) = findings(kept, journal_of(BATCHES[:2]))
    assert sentence.endswith("record 6 was there, and the journal ends at 3: its end was cut off")
    assert len(findings(kept, journal_of([]))) == 2


def test_batches_that_were_cut_otherwise_show(kept: list[Checkpoint]) -> None:
    (sentence,) = findings(kept, journal_of([[b"a", b"b"], [b"c"], [b"d", b"e"], [b"f", b"g"]]))
    assert sentence.endswith("a batch ended with record 6, and none does: history was rewritten up to there")


def test_another_journal_shows(kept: list[Checkpoint]) -> None:
    journal = journal_of(BATCHES)
    found = compare(kept, OTHER_JOURNAL, journal.last_seq, chains_of(journal).get)
    assert len(found) == 2
    assert all(f"it is of journal {JOURNAL.hex()}, and this is {OTHER_JOURNAL.hex()}" in sentence for sentence in found)


@pytest.mark.skipif(not all(map(shutil.which, ("openssl", "jq", "xxd"))), reason="openssl, jq and xxd are needed")
def test_the_script_on_the_page_verifies_a_line_without_kontor(file: Path) -> None:
    script = PAGE.read_text(encoding="utf-8").split("```sh\n")[1].split("```")[0]
    append(file, signed(42))
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "FILE": file.name, "KEY": PUBLIC_KEY.hex()}
    for expected in (0, 1):
        result = subprocess.run(
            ["sh", "-euc", script], cwd=file.parent, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == expected, result.stderr
        assert ("Signature Verified Successfully" in result.stdout) == (expected == 0)
        file.write_bytes(GOLDEN_LINE.replace(b":42,", b":43,"))
