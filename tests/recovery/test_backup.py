"""`kontor backup` of a node that is stopped: whole, brought up to date cheaply, and never mixed with anything else."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.recovery.lives import (
    Lived,
    flip,
    flip_in_batch,
    kontor,
    lived,
    lived_on,
    manifest_of,
    named_in,
    restored,
    tree,
)
from tests.recovery.running import ROOT


def test_a_backup_holds_every_record_and_restores_to_the_same_state(life: Lived, tmp_path: Path) -> None:
    before = tree(life.directory / "journal") | tree(life.directory / "archive")
    said = kontor("backup", tmp_path / "backup", "--data", life.directory, "--json")
    assert said.code == 0, said.complaint
    manifest = json.loads(said.output)
    assert (manifest["first_seq"], manifest["seq"]) == (1, life.last_seq)
    after = tree(life.directory / "journal") | tree(life.directory / "archive")
    assert {name: after[name] for name in before if not name.endswith("lock.mdb")} == {
        name: content for name, content in before.items() if not name.endswith("lock.mdb")
    }, "a backup only reads"
    assert restored(tmp_path / "backup", tmp_path / "again") == life.digests[life.last_seq]
    assert kontor("verify", "--backup", tmp_path / "backup").code == 0


def test_a_backup_for_people_says_what_is_in_it_and_what_is_not(life: Lived, tmp_path: Path) -> None:
    said = kontor("backup", tmp_path / "backup", "--data", life.directory)
    assert said.code == 0
    assert f"backed up records 1 to {life.last_seq}" in said.output
    assert "names and addresses stay sealed without `kontor backup-keys`" in said.output


def test_a_second_backup_copies_no_sealed_segment_again_and_leaves_nothing_unnamed(life: Lived, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    assert kontor("backup", target, "--data", life.directory).code == 0
    before = {path.name: path.stat() for path in (target / "journal").iterdir()}
    later = lived_on(life, 120)
    assert kontor("backup", target, "--data", life.directory).code == 0
    kept = [path for path in (target / "journal").iterdir() if path.name in before]
    assert len(kept) >= len(before) - 1, "only the end, which was not sealed then, is another one now"
    for path in kept:
        now = path.stat()
        assert (now.st_ino, now.st_mtime_ns) == (before[path.name].st_ino, before[path.name].st_mtime_ns)
    assert tree(target).keys() == named_in(target) | {"manifest.json", "lock"}
    assert manifest_of(target)["seq"] == later.last_seq > life.last_seq
    assert restored(target, tmp_path / "again") == later.digests[later.last_seq]


def test_a_snapshot_that_is_gone_from_the_node_leaves_the_backup_too(life: Lived, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    assert kontor("backup", target, "--data", life.directory).code == 0
    oldest = min((life.directory / "snapshots").glob("*.kjs"))
    oldest.unlink()
    assert kontor("backup", target, "--data", life.directory).code == 0
    assert f"snapshots/{oldest.name}" not in tree(target)
    assert tree(target).keys() == named_in(target) | {"manifest.json", "lock"}


def test_a_damaged_snapshot_is_not_carried_along(life: Lived, tmp_path: Path) -> None:
    newest = max((life.directory / "snapshots").glob("*.kjs"))
    flip(newest, newest.stat().st_size // 2)
    assert kontor("backup", tmp_path / "backup", "--data", life.directory).code == 0
    assert f"snapshots/{newest.name}" not in tree(tmp_path / "backup")
    assert restored(tmp_path / "backup", tmp_path / "again") == life.digests[life.last_seq]


def test_where_a_backup_must_not_be_made_it_is_refused_and_nothing_is_touched(life: Lived, tmp_path: Path) -> None:
    full = tmp_path / "photos"
    full.mkdir()
    (full / "cat.jpg").write_bytes(b"meow")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(life.directory / "inside")
    before = tree(life.directory)
    for target, reason in (
        (life.directory, "lies in the data directory"),
        (life.directory / "inside", "lies in the data directory"),
        (tmp_path / "link" / "deeper", "lies in the data directory"),
        (full, "holds something else (cat.jpg)"),
    ):
        said = kontor("backup", target, "--data", life.directory)
        assert (said.code, reason in said.complaint) == (1, True), said
    assert kontor("backup", tmp_path / "file", "--data", life.directory).code == 2
    assert tree(life.directory) == before
    assert tree(full) == {"cat.jpg": b"meow"}
    said = kontor("backup", tmp_path / "backup", "--data", tmp_path / "nothing")
    assert (said.code, "is no data directory" in said.complaint) == (1, True)
    assert not (tmp_path / "backup").exists()


def test_a_backup_of_another_node_is_not_overwritten(life: Lived, backup: Path, tmp_path: Path) -> None:
    other = lived(tmp_path / "other", seed=3)
    before = tree(backup)
    said = kontor("backup", backup, "--data", other.directory)
    assert (said.code, "is a backup of another node: choose another folder" in said.complaint) == (1, True)
    assert tree(backup) == before


def test_a_damaged_archive_stops_the_backup_by_name(life: Lived, tmp_path: Path) -> None:
    segment = min((life.directory / "archive").glob("*.kja"))
    flip(segment, segment.stat().st_size // 2)
    said = kontor("backup", tmp_path / "backup", "--data", life.directory)
    assert (said.code, segment.name in said.complaint) == (1, True), said
    assert not (tmp_path / "backup" / "manifest.json").exists()


def test_a_damaged_live_segment_stops_the_backup_by_name_and_the_old_backup_stays(life: Lived, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    assert kontor("backup", target, "--data", life.directory).code == 0
    name = flip_in_batch(life.directory, int(min(path.name for path in (life.directory / "journal").iterdir())) + 5)
    shutil.rmtree(target / "journal")  # so that all of it has to be read again
    (target / "journal").mkdir()
    said = kontor("backup", target, "--data", life.directory)
    assert (said.code, name in said.complaint) == (1, True), said
    assert manifest_of(target)["seq"] == life.last_seq


KILLED_BEFORE = """
import os, signal, sys
from pathlib import Path
from api.cli.main import main

left = int(sys.argv.pop(1))

def counted(operation):
    def do(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return operation(*arguments, **more)
    return do

Path.rename, Path.unlink = counted(Path.rename), counted(Path.unlink)
main()
"""


def killed_before(life: Lived, tmp_path: Path, steps: Iterable[int]) -> set[int]:
    """Backups killed before their n-th step; the ends that they named then. Each restores, and the next one ends it."""
    old, seqs = tmp_path / "old", set()
    assert kontor("backup", old, "--data", life.directory).code == 0
    later = lived_on(life, 150)
    for step in steps:
        target = tmp_path / str(step)
        shutil.copytree(old, target)
        command = [sys.executable, "-c", KILLED_BEFORE, str(step), "backup", str(target), "--data", str(life.directory)]
        ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=300)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        seq = manifest_of(target)["seq"]
        seqs.add(seq)
        assert restored(target, tmp_path / f"{step}-found") == later.digests[seq]
        assert kontor("backup", target, "--data", life.directory).code == 0
        assert tree(target).keys() == named_in(target) | {"manifest.json", "lock"}
        assert restored(target, tmp_path / f"{step}-repaired") == later.digests[later.last_seq]
    return {seq - life.last_seq for seq in seqs}


def test_a_backup_that_is_killed_still_restores_and_the_next_one_ends_it(life: Lived, tmp_path: Path) -> None:
    assert 0 in killed_before(life, tmp_path, (0, 2))


@pytest.mark.slow
def test_so_does_one_that_is_killed_before_any_of_its_steps(life: Lived, tmp_path: Path) -> None:
    ends = killed_before(life, tmp_path, range(30))
    assert len(ends) == 2, "before the manifest was written, and after it"
