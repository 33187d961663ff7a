"""Journals, archives and snapshots of every dump version open for ever, and give the state they gave then."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import zstandard

from api.server.books import Books, Paths
from engine.replay import dumping
from engine.replay.dumping import DUMP_VERSION
from engine.replay.recovery import load
from engine.state.state import State
from engine.wal import MemoryClosedTable, Snapshot, SnapshotDamaged

HERE = Path(__file__).parent
RELEASES = sorted(path for path in HERE.iterdir() if path.name.startswith("journal-"))


def unpack(release: Path, directory: Path) -> dict[str, Any]:
    """A data directory as that release left it; gives what was true then."""
    expected: dict[str, Any] = json.loads((release / "expected.json").read_text())
    segment = directory / "journal" / expected["segment"]
    segment.mkdir(parents=True)
    content = zstandard.ZstdDecompressor().decompress((release / "segment.mdb.zst").read_bytes())
    (segment / "data.mdb").write_bytes(content)
    (directory / "archive").mkdir()
    (directory / "snapshots").mkdir()
    for path in release.glob("*.kja"):
        shutil.copy(path, directory / "archive")
    for path in release.glob("*.kjs"):
        shutil.copy(path, directory / "snapshots")
    return expected


def test_some_golden_journal_is_of_the_present_dump_version_so_that_its_digest_is_compared() -> None:
    versions = [json.loads((release / "expected.json").read_text())["dump_version"] for release in RELEASES]
    assert DUMP_VERSION in versions, "run python -m tests.golden.journals"


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_data_directory_of_an_old_release_opens_and_gives_its_state(release: Path, tmp_path: Path) -> None:
    expected = unpack(release, tmp_path)
    warnings: list[str] = []
    books = Books(Paths.of(tmp_path), warn=warnings.append)
    assert books.journal.first_seq == 1
    accounts = books.state.ledger.totals()
    assert books.state.seq == expected["seq"]
    assert accounts == dict.fromkeys(accounts, 0) | expected["accounts"], "accounts of later releases are empty"
    if expected["dump_version"] == DUMP_VERSION:
        assert dumping.digest(books.state) == expected["digest"]
    assert books.journal.chain_digest.hex() == expected["chain"]
    books.close()
    assert len(warnings) == 1, "no table of closed things was kept: all of it was replayed"


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_snapshot_of_an_old_release_is_loaded_or_known_to_be_of_another_version(release: Path) -> None:
    (path,) = release.glob("*.kjs")
    snapshot = Snapshot(path)
    state = State(MemoryClosedTable())
    if snapshot.stamp.dump_version != DUMP_VERSION:
        with pytest.raises(SnapshotDamaged, match="dump version"):
            load(state, snapshot)
        return
    load(state, snapshot)
    assert (state.seq, dumping.digest(state)) == (snapshot.seq, snapshot.digest)
