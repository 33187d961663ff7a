"""`kontor restore`: to any record and any moment, proven, all or nothing, and never over something that is there."""

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.answers.timestamps import iso
from api.backups import manifest as manifests
from api.backups import restoring
from engine.replay import invariants
from tests.recovery.lives import (
    LifeOnDisk,
    Lived,
    digest_of,
    flip,
    kontor,
    lived,
    manifest_of,
    named_in,
    restored,
    tree,
)


def refused(backup: Path, data: Path, *more: object) -> str:
    """What a restore that must be refused says; nothing has been made."""
    there = sorted(data.parent.iterdir())
    said = kontor("restore", "--from", backup, "--data", data, *more)
    assert said.code == 1, said
    assert sorted(data.parent.iterdir()) == there
    return said.complaint


def any_seqs(life: Lived, count: int, seed: int) -> list[int]:
    """Records all over a life, half of them inside batches, the first and the last."""
    chance = random.Random(seed)
    return [1, life.last_seq, *chance.sample(life.inside_batches(), count // 2), *chance.sample(range(2, life.last_seq), count // 2)]  # fmt: skip


def test_any_record_gives_the_state_that_was(lived_once: Lived, backup: Path, tmp_path: Path) -> None:
    for seq in any_seqs(lived_once, 10, seed=1):
        assert restored(backup, tmp_path / str(seq), "--to-seq", seq) == lived_once.digests[seq], seq
        shutil.rmtree(tmp_path / str(seq))


@pytest.mark.slow
def test_every_fourth_record_gives_the_state_that_was(lived_once: Lived, backup: Path, tmp_path: Path) -> None:
    for seq in list(lived_once.digests)[::4]:
        assert restored(backup, tmp_path / "data", "--to-seq", seq) == lived_once.digests[seq], seq
        shutil.rmtree(tmp_path / "data")


@pytest.mark.parametrize("seed", range(3))
def test_life_goes_on_from_any_record(lived_once: Lived, backup: Path, tmp_path: Path, seed: int) -> None:
    seq = any_seqs(lived_once, 6, seed=10 + seed)[2 + seed]
    assert restored(backup, tmp_path / "data", "--to-seq", seq) == lived_once.digests[seq]
    digests = {at: digest for at, digest in lived_once.digests.items() if at <= seq}
    on = LifeOnDisk(20 + seed, tmp_path / "data", Lived(tmp_path / "data", digests, dict(lived_once.times_ns)))
    on.steps(80)
    on.keep_house()
    on.steps(20)
    end = on.end()
    assert end.last_seq > seq
    assert digest_of(tmp_path / "data") == end.digests[end.last_seq]


def test_any_moment_gives_the_last_record_that_is_shown_with_it_or_before(
    lived_once: Lived, backup: Path, tmp_path: Path
) -> None:
    chance = random.Random(2)
    for seq in [*chance.sample(lived_once.inside_batches(), 1), 1, lived_once.last_seq]:
        time_ns = lived_once.times_ns[seq]
        for moment, expected in (
            (iso(time_ns), lived_once.last_before(time_ns // 1000 * 1000 + 999)),
            (iso(time_ns - 1_000_000), lived_once.last_before(time_ns - 1_000_000)),
            (iso(time_ns + 400_000_000).replace("Z", "+00:00"), lived_once.last_before(time_ns + 400_000_000)),
        ):
            if expected == 0:
                assert "record 0 is not among them" in refused(backup, tmp_path / "data", "--to-time", moment)
                continue
            assert restored(backup, tmp_path / "data", "--to-time", moment) == lived_once.digests[expected]
            shutil.rmtree(tmp_path / "data")


def test_a_moment_may_be_given_in_any_zone_and_one_to_come_is_the_end(
    lived_once: Lived, backup: Path, tmp_path: Path
) -> None:
    moment = datetime.fromtimestamp(lived_once.times_ns[100] // 10**9 + 1, UTC)
    expected = lived_once.last_before(int(moment.timestamp()) * 10**9 + 999)  # all that is shown with that microsecond
    for at, shown in ((moment, "+00:00"), (moment + timedelta(hours=2), "+02:00")):
        text = at.strftime("%Y-%m-%dT%H:%M:%S") + shown
        assert restored(backup, tmp_path / shown, "--to-time", text) == lived_once.digests[expected]
    last = lived_once.digests[lived_once.last_seq]
    assert restored(backup, tmp_path / "end", "--to-time", "2199-01-01T00:00:00Z") == last


@pytest.mark.parametrize(
    "more",
    [
        ("--to-seq", "0"),
        ("--to-seq", "x"),
        ("--to-seq", "1", "--to-time", "2026-01-01T00:00:00Z"),
        ("--to-time", "yesterday"),
        ("--to-time", "2026-01-01T00:00:00"),
        ("--keys", "there/is/none"),
    ],
)
def test_what_can_not_be_meant_is_a_usage_error(backup: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    assert kontor("restore", "--from", backup, "--data", tmp_path / "data", *more).code == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_the_ends_of_the_calendar_are_moments_too(backup: Path, tmp_path: Path, moment: str) -> None:
    assert kontor("restore", "--from", backup, "--data", tmp_path / "data", "--to-time", moment, "--dry-run").code < 3


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(lived_once: Lived, backup: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    seq = lived_once.inside_batches()[40]
    arguments = ("restore", "--from", backup, "--data", tmp_path / "data", "--to-seq", seq, "--dry-run")
    said = kontor(*arguments)
    assert said.code == 0, said.complaint
    assert f"as it was after record {seq}, of {iso(lived_once.times_ns[seq])}" in said.output
    assert f"left out  {lived_once.last_seq - seq:,} later records" in said.output
    assert "names and addresses stay sealed" in said.output
    found = json.loads(kontor(*arguments, "--json").output)
    assert found == {"seq": seq, "time": iso(lived_once.times_ns[seq]), "dry_run": True}
    assert tree(tmp_path) == before
    assert not (tmp_path / "data").exists()


def test_a_restore_says_what_was_restored_and_by_what_it_is_proven(
    lived_once: Lived, backup: Path, tmp_path: Path
) -> None:
    said = kontor("restore", "--from", backup, "--data", tmp_path / "data")
    assert said.code == 0
    assert lived_once.digests[lived_once.last_seq] in said.output
    for snapshot in (lived_once.directory / "snapshots").glob("*.kjs"):
        assert snapshot.name in said.output
    before_the_first = lived_once.batch_ends()[3]
    said = kontor("restore", "--from", backup, "--data", tmp_path / "early", "--to-seq", before_the_first)
    assert "by replay; no snapshot to compare with" in said.output


def test_a_directory_that_holds_anything_is_refused(lived_once: Lived, backup: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    assert restored(backup, used) == lived_once.digests[lived_once.last_seq], "an empty one is taken"
    before = tree(used)
    assert "is not empty: restore into a new directory" in refused(backup, used)
    assert tree(used) == before
    assert "is not empty" in refused(backup, used, "--dry-run")


def test_a_flipped_byte_in_any_file_is_refused_by_the_name_of_the_file(backup: Path, tmp_path: Path) -> None:
    chance = random.Random(3)
    for name in sorted(named_in(backup)):
        whole = (backup / name).read_bytes()
        for at in (len(whole) - 1, chance.randrange(len(whole))):
            flip(backup / name, at)
            assert f"{name} is damaged" in refused(backup, tmp_path / "data")
            (backup / name).write_bytes(whole)
        (backup / name).write_bytes(whole[:-1])
        assert f"{name} is damaged" in refused(backup, tmp_path / "data")
        (backup / name).unlink()
        assert f"{name} is missing" in refused(backup, tmp_path / "data", "--dry-run")
        (backup / name).write_bytes(whole)
    assert kontor("restore", "--from", backup, "--data", tmp_path / "data", "--dry-run").code == 0


def test_a_damaged_or_missing_manifest_is_refused(backup: Path, tmp_path: Path) -> None:
    manifest = (backup / "manifest.json").read_bytes()
    for content in (b"", b"{}", manifest[:-20], manifest.replace(b'"format": 1', b'"format": 2'), b"\xff"):
        (backup / "manifest.json").write_bytes(content)
        complaint = refused(backup, tmp_path / "data")
        assert "manifest.json can't be read" in complaint or "is not known to this release" in complaint
    (backup / "manifest.json").unlink()
    assert "is no backup: it has no manifest.json" in refused(backup, tmp_path / "data")


def test_files_of_another_backup_are_refused(backup: Path, tmp_path: Path) -> None:
    other = lived(tmp_path / "other", seed=4)
    assert kontor("backup", tmp_path / "foreign", "--data", other.directory).code == 0
    (backup / "manifest.json").write_bytes((tmp_path / "foreign" / "manifest.json").read_bytes())
    complaint = refused(backup, tmp_path / "data")
    assert "is missing" in complaint or "is damaged" in complaint


@pytest.mark.parametrize("seq", [434, 10**15])
def test_a_record_the_backup_does_not_hold_is_refused(backup: Path, tmp_path: Path, seq: int) -> None:
    last = manifest_of(backup)["seq"]
    seq = max(seq, last + 1)
    assert f"holds records 1 to {last}" in refused(backup, tmp_path / "data", "--to-seq", seq)


def test_a_crash_in_the_middle_leaves_no_directory_and_the_next_restore_works(
    lived_once: Lived, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    for step in ("copy", "rebuild", "check", "rename"):
        with monkeypatch.context() as patched:

            def cut(*_: object, **__: object) -> None:
                raise PowerCut

            place = {
                "copy": (manifests, "copy"),
                "rebuild": (restoring, "rebuild"),
                "check": (invariants, "check"),
                "rename": (Path, "rename"),
            }[step]
            patched.setattr(*place, cut)
            with pytest.raises(PowerCut):
                kontor("restore", "--from", backup, "--data", tmp_path / "data")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["backup"], step
    half = tmp_path / "data.restoring"
    (half / "journal").mkdir(parents=True)  # as a process that was killed leaves it
    assert restored(backup, tmp_path / "data") == lived_once.digests[lived_once.last_seq]
    assert not half.exists()


def test_books_that_do_not_hold_are_not_restored(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "check", lambda state: ["a kettle is missing"])
    assert "the books do not hold: a kettle is missing" in refused(backup, tmp_path / "data")


def test_the_present_directory_is_restored_into_when_it_is_empty(
    lived_once: Lived, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert kontor("restore", "--from", backup, "--data", ".").code in (0, 1)
