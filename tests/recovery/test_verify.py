"""`kontor verify`: content with what is whole, and every kind of damage has its name and exit code 1."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.replay import dumping, follower, invariants
from engine.replay.dumping import DUMP_VERSION
from engine.wal import ClosedTable, JournalReader, PendingSnapshot, Stamp
from tests.recovery.lives import Lived, flip, flip_in_batch, kontor, lived, manifest_of


def wrong(*arguments: object) -> str:
    """What `kontor verify` finds wrong, told to people and to machines alike."""
    said, as_json = kontor("verify", *arguments), kontor("verify", *arguments, "--json")
    assert (said.code, as_json.code) == (1, 1), said
    found = json.loads(as_json.output)
    assert found["wrong"]
    assert found["violations"] == found["wrong"]
    for reason in found["wrong"]:
        assert f"wrong     {reason}" in said.output
    return "\n".join(found["wrong"])


def newest_snapshot(data: Path) -> Path:
    return max((data / "snapshots").glob("*.kjs"))


def archived(data: Path) -> list[Path]:
    return sorted((data / "archive").glob("*.kja"))


def live(data: Path) -> list[Path]:
    return sorted(path for path in (data / "journal").iterdir())


def flip_live(life: Lived) -> str:
    return flip_in_batch(life.directory, int(live(life.directory)[1].name) + 3)


def flip_archived(life: Lived) -> str:
    segment = archived(life.directory)[1]
    flip(segment, segment.stat().st_size // 2)
    return segment.name


def flip_last_byte_of_an_archived(life: Lived) -> str:
    segment = archived(life.directory)[0]
    flip(segment, segment.stat().st_size - 1)
    return segment.name


def flip_footer_of_an_archived(life: Lived) -> str:
    segment = archived(life.directory)[0]
    flip(segment, segment.stat().st_size - 60)
    return segment.name


def flip_snapshot(life: Lived) -> str:
    snapshot = newest_snapshot(life.directory)
    flip(snapshot, snapshot.stat().st_size // 2)
    return snapshot.name


def flip_header_of_a_snapshot(life: Lived) -> str:
    flip(newest_snapshot(life.directory), 20)
    return newest_snapshot(life.directory).name


def flip_closed(life: Lived) -> str:
    table = ClosedTable(life.directory / "closed")
    value = next(table.newest("orders"))[1]
    table.close()
    file = life.directory / "closed" / "data.mdb"
    content = file.read_bytes()
    assert value in content
    file.write_bytes(content.replace(value, value[:-1] + bytes((value[-1] ^ 1,))))
    return "delete the folder `closed`, and the next start makes it anew"


def closed_ahead(life: Lived) -> str:
    table = ClosedTable(life.directory / "closed")
    table.store([], life.last_seq + 5)
    table.close()
    return f"record {life.last_seq + 5} was durable, and the journal ends at {life.last_seq}"


def lose_a_live_segment(life: Lived) -> str:
    shutil.rmtree(live(life.directory)[1])
    return live(life.directory)[1].name


def lose_the_newest_segment(life: Lived) -> str:
    shutil.rmtree(live(life.directory)[-1])
    return live(life.directory)[-1].name


def cut_a_live_segment(life: Lived) -> str:
    file = live(life.directory)[0] / "data.mdb"
    file.write_bytes(file.read_bytes()[:20_000])
    return live(life.directory)[0].name


def take_a_snapshot_of_another_node(life: Lived) -> str:
    other = lived(life.directory.with_name("other"), seed=4)
    snapshot = newest_snapshot(other.directory)
    shutil.copy(snapshot, life.directory / "snapshots" / snapshot.name)
    return f"snapshot {snapshot.name} is of another journal"


def write_a_wrong_snapshot(life: Lived) -> str:
    """The state of a follower whose memory is broken, with every checksum right."""
    journal = JournalReader(life.directory / "journal", life.directory / "archive")
    state = follower.state_at(journal, life.directory / "snapshots", journal.last_seq).state
    state.orders.next_return += 1
    chain = journal.chain_after(state.seq)
    assert chain is not None
    stamp = Stamp(DUMP_VERSION, journal.journal_id, state.seq, state.time_ns, chain)
    path = PendingSnapshot(life.directory / "snapshots", stamp, dumping.dump(state)).publish()
    journal.close()
    return f"replay does not give the state of snapshot {path.name}"


DAMAGES: list[Callable[[Lived], str]] = [
    flip_live,
    flip_archived,
    flip_last_byte_of_an_archived,
    flip_footer_of_an_archived,
    flip_snapshot,
    flip_header_of_a_snapshot,
    flip_closed,
    closed_ahead,
    lose_a_live_segment,
    lose_the_newest_segment,
    cut_a_live_segment,
    take_a_snapshot_of_another_node,
    write_a_wrong_snapshot,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_every_damage_has_its_name(life: Lived, damage: Callable[[Lived], str]) -> None:
    named = damage(life)
    assert named in wrong("--data", life.directory)


def test_a_clean_directory_is_told_with_what_was_looked_at(life: Lived) -> None:
    said = kontor("verify", "--data", life.directory)
    assert said.code == 0, said
    assert f"journal   records 1 to {life.last_seq}, every frame, checksum and link in order" in said.output
    assert life.digests[life.last_seq] in said.output
    assert f"archive   {len(archived(life.directory))} segments read whole" in said.output
    assert newest_snapshot(life.directory).name in said.output
    assert "books     balanced" in said.output
    found = json.loads(kontor("verify", "--data", life.directory, "--json").output)
    assert (found["first_seq"], found["seq"], found["wrong"]) == (1, life.last_seq, [])
    assert found["archived"] == [path.name for path in archived(life.directory)]
    assert sum(found["accounts"].values()) == 0


def test_a_clean_backup_is_told_with_what_was_looked_at(lived_once: Lived, backup: Path) -> None:
    said = kontor("verify", "--backup", backup)
    assert said.code == 0, said
    assert lived_once.digests[lived_once.last_seq] in said.output
    found = json.loads(kontor("verify", "--backup", backup, "--json").output)
    assert (found["seq"], found["chain"]) == (manifest_of(backup)["seq"], manifest_of(backup)["chain"])


def test_every_flipped_byte_of_a_backup_has_the_name_of_its_file(backup: Path) -> None:
    chance = random.Random(5)
    for file in manifest_of(backup)["files"]:
        path = backup / file["path"]
        whole = path.read_bytes()
        flip(path, chance.randrange(len(whole)))
        assert f"{file['path']} is damaged" in wrong("--backup", backup)
        path.unlink()
        assert f"{file['path']} is missing" in wrong("--backup", backup)
        path.write_bytes(whole)
    assert kontor("verify", "--backup", backup).code == 0


def test_a_manifest_that_says_another_end_is_named(lived_once: Lived, backup: Path) -> None:
    manifest = (backup / "manifest.json").read_text()
    last = lived_once.last_seq
    (backup / "manifest.json").write_text(manifest.replace(f'"seq": {last}', f'"seq": {last + 1}'))
    assert f"the manifest says record {last + 1}" in wrong("--backup", backup)


def test_books_that_do_not_balance_are_named(life: Lived, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "check", lambda state: ["a kettle is missing"])
    assert wrong("--data", life.directory) == "a kettle is missing"
    assert wrong("--backup", backup) == "a kettle is missing"


def test_a_missing_archived_segment_in_the_middle_is_named(life: Lived) -> None:
    before, middle, *_ = archived(life.directory)
    middle.unlink()
    assert str(int(before.name[21:41]) + 1) in wrong("--data", life.directory)


def test_an_archive_whose_beginning_lies_elsewhere_is_no_damage(life: Lived) -> None:
    first, second, *others = archived(life.directory)
    first.unlink()
    said = kontor("verify", "--data", life.directory)
    assert (said.code, f"records {int(second.name[:20])} to" in said.output) == (0, True), said
    for path in (second, *others):
        path.unlink()
    for snapshot in (life.directory / "snapshots").glob("*.kjs"):
        snapshot.unlink()
    assert live(life.directory)[0].name in wrong("--data", life.directory), "nothing makes up for what is missing"


def test_two_mistakes_are_both_named(life: Lived) -> None:
    first, second = flip_archived(life), flip_snapshot(life)
    found = wrong("--data", life.directory)
    assert first in found
    assert second in found


@pytest.mark.parametrize(
    "arguments",
    [(), ("--data", "x", "--backup", "y"), ("--data",), ("--data", "x", "--trust", "no hex"), ("--checkpoints", "x")],
)
def test_what_can_not_be_meant_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert kontor("verify", *arguments).code == 2


def test_what_is_neither_directory_nor_backup_is_said_so(tmp_path: Path) -> None:
    said = kontor("verify", "--data", tmp_path)
    assert (said.code, "is no data directory" in said.complaint) == (1, True)
    said = kontor("verify", "--backup", tmp_path)
    assert (said.code, "is no backup" in said.complaint) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_the_backup_of_a_node_without_a_record_is_whole(tmp_path: Path) -> None:
    from engine.wal import LmdbJournal

    LmdbJournal(tmp_path / "data" / "journal").close()
    assert kontor("backup", tmp_path / "backup", "--data", tmp_path / "data").code == 0
    said = kontor("verify", "--backup", tmp_path / "backup")
    assert said.code == 0, said
