"""Signed checkpoints against a journal whose past was changed by somebody who knows how to compute every checksum."""

import json
from pathlib import Path

import msgspec
import pytest

from api.answers.timestamps import iso
from engine.facts import records
from engine.wal import JournalReader, framing
from engine.wal.rebuild import rebuild
from tests.recovery.lives import Lived, kontor, lived_on, restored


class Notary:
    """A signing key and a file of checkpoints that are kept off the host."""

    def __init__(self, folder: Path) -> None:
        self.key, self.file = folder / "key.pem", folder / "checkpoints.jsonl"
        said = kontor("checkpoint", "--signing-key", self.key, "--new-key", "--json")
        assert said.code == 0, said.complaint
        self.public_key = json.loads(said.output)["public_key"]

    def sign(self, data: Path) -> int:
        """A checkpoint of the present end; gives its record."""
        said = kontor("checkpoint", self.file, "--data", data, "--signing-key", self.key, "--json")
        assert said.code == 0, said.complaint
        seq: int = json.loads(said.output)["seq"]
        return seq

    def compares(self, place: str, directory: Path, trust: str | None = None) -> tuple[int, str]:
        """Exit code and output of `kontor verify` with the file."""
        trusted = ("--trust", trust or self.public_key)
        said = kontor("verify", place, directory, "--checkpoints", self.file, *trusted)
        as_json = kontor("verify", place, directory, "--checkpoints", self.file, *trusted, "--json")
        assert as_json.code == said.code
        if as_json.output:
            assert json.loads(as_json.output)["wrong"] or said.code == 0
        return said.code, said.output + said.complaint


@pytest.fixture
def notary(tmp_path: Path) -> Notary:
    return Notary(tmp_path)


def rewritten(life: Lived, data: Path, seq: int) -> None:
    """The same books, but record `seq` was asked for by somebody else; every checksum and link is made anew."""
    journal = JournalReader(life.directory / "journal", life.directory / "archive")
    frames, previous = [], framing.GENESIS
    for batch, _ in journal.frames():
        encoded = list(batch.records)
        if batch.first_seq <= seq <= batch.last_seq:
            record = records.decode(encoded[seq - batch.first_seq])
            encoded[seq - batch.first_seq] = records.encode(msgspec.structs.replace(record, actor="nobody"))
        frame, previous = framing.encode(batch.first_seq, batch.time_ns, previous, encoded)
        frames.append((framing.Batch(batch.first_seq, batch.time_ns, tuple(encoded)), frame))
    (data / "journal").mkdir(parents=True)
    rebuild(data / "journal", journal.journal_id, framing.GENESIS, 0, iter(frames), journal.last_seq)
    journal.close()


def test_a_journal_that_only_grew_bears_out_its_checkpoints(life: Lived, notary: Notary, tmp_path: Path) -> None:
    first = notary.sign(life.directory)
    later = lived_on(life, 60)
    second = notary.sign(life.directory)
    assert (first, second) == (life.last_seq, later.last_seq)
    assert notary.sign(life.directory) == second, "the same end may be signed again"
    assert kontor("backup", tmp_path / "backup", "--data", life.directory).code == 0
    for place, directory in (("--data", life.directory), ("--backup", tmp_path / "backup")):
        code, output = notary.compares(place, directory)
        assert code == 0, output
        assert "checkpoints 3 compared" in output


@pytest.mark.parametrize("where", ["in the archive", "before the first checkpoint", "between the two"])
def test_one_rewritten_record_shows_though_every_checksum_is_right(
    life: Lived, notary: Notary, tmp_path: Path, where: str
) -> None:
    first = notary.sign(life.directory)
    later = lived_on(life, 60)
    second = notary.sign(life.directory)
    seq = {"in the archive": 20, "before the first checkpoint": first, "between the two": first + 5}[where]
    rewritten(later, tmp_path / "forged", seq)
    assert kontor("verify", "--data", tmp_path / "forged").code == 0, "the forgery is perfect in itself"
    code, output = notary.compares("--data", tmp_path / "forged")
    assert code == 1
    assert (f"the chain after record {first} differs: history was rewritten" in output) == (seq <= first)
    assert f"the chain after record {second} differs: history was rewritten" in output
    assert kontor("backup", tmp_path / "backup", "--data", tmp_path / "forged").code == 0
    assert notary.compares("--backup", tmp_path / "backup")[0] == 1


def test_a_rewritten_journal_under_the_old_snapshots_is_refused_without_any_checkpoint(
    life: Lived, tmp_path: Path
) -> None:
    rewritten(life, tmp_path / "forged", 20)
    (life.directory / "snapshots").rename(tmp_path / "forged" / "snapshots")
    said = kontor("verify", "--data", tmp_path / "forged")
    assert (said.code, "history was rewritten" in said.output) == (1, True), said


def test_an_end_that_was_cut_off_shows(life: Lived, backup: Path, notary: Notary, tmp_path: Path) -> None:
    seq = notary.sign(life.directory)
    restored(backup, tmp_path / "cut", "--to-seq", seq - 3)
    code, output = notary.compares("--data", tmp_path / "cut")
    assert code == 1
    assert f"record {seq} was there, and the journal ends at {seq - 3}: its end was cut off" in output
    said = kontor("checkpoint", notary.file, "--data", tmp_path / "cut", "--signing-key", notary.key)
    assert (said.code, f"of record {seq}, after {seq - 3}: the journal was cut off" in said.complaint) == (1, True)


def test_checkpoints_of_somebody_else_or_changed_ones_are_refused(life: Lived, notary: Notary, tmp_path: Path) -> None:
    notary.sign(life.directory)
    (tmp_path / "elsewhere").mkdir()
    stranger = Notary(tmp_path / "elsewhere")
    code, output = notary.compares("--data", life.directory, stranger.public_key)
    assert (code, "is signed with the unknown key" in output) == (1, True)
    code, output = notary.compares("--data", life.directory, "00" * 31)
    assert code == 1
    line = notary.file.read_bytes()
    notary.file.write_bytes(line.replace(iso(life.times_ns[life.last_seq]).encode(), iso(life.times_ns[3]).encode()))
    code, output = notary.compares("--data", life.directory)
    assert (code, "line 1 has a bad signature" in output) == (1, True)
    notary.file.write_bytes(b"not json\n")
    assert notary.compares("--data", life.directory)[0] == 1


def test_checkpoints_of_what_is_archived_elsewhere_accuse_nobody(
    backup: Path, notary: Notary, life: Lived, tmp_path: Path
) -> None:
    early = next(seq for seq in life.batch_ends() if seq > 20)
    restored(backup, tmp_path / "early", "--to-seq", early)
    notary.sign(tmp_path / "early")
    notary.sign(life.directory)
    assert notary.compares("--data", life.directory)[0] == 0
    for segment in (life.directory / "archive").glob("*.kja"):
        segment.unlink()
    assert kontor("verify", "--data", life.directory).code == 0
    code, output = notary.compares("--data", life.directory)
    assert code == 0, output


@pytest.mark.parametrize("arguments", [(), ("file",), ("--data", "x"), ("--new-key",)])
def test_what_can_not_be_meant_is_a_usage_error(notary: Notary, arguments: tuple[str, ...]) -> None:
    more = () if arguments == ("--new-key",) else ("--signing-key", notary.key)
    assert kontor("checkpoint", *arguments, *more).code == 2


def test_a_checkpoint_of_nothing_is_refused(notary: Notary, tmp_path: Path) -> None:
    said = kontor("checkpoint", notary.file, "--data", tmp_path / "no", "--signing-key", notary.key)
    assert (said.code, "is no data directory" in said.complaint) == (1, True)
    said = kontor("checkpoint", notary.file, "--data", tmp_path, "--signing-key", tmp_path / "other.pem")
    assert said.code == 1
    assert not notary.file.exists()
