"""`kontor backup-keys` and `restore-keys`: what they make, what they say, and what they refuse."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.backups.keys import back_up, check
from api.cli.key_backups import backup_keys, restore_keys
from api.parties.keystore import PartyKeys
from engine.wal import DirectoryInUse, DirectoryLock


@pytest.fixture
def data(tmp_path: Path) -> Path:
    keys = PartyKeys(tmp_path / "data" / "parties")
    for number in range(3):
        keys.party_for(f"c-{number}")
    keys.flush()
    keys.close()
    return tmp_path / "data"


def run_backup(target: Path, data: Path, *more: str) -> Result:
    return CliRunner().invoke(backup_keys, [str(target), "--data", str(data), *more])


def run_restore(backup: Path, data: Path, *more: str) -> Result:
    return CliRunner().invoke(restore_keys, [str(backup), "--data", str(data), *more])


def test_it_says_what_it_made_and_pruned_and_why_it_is_kept_apart(data: Path, tmp_path: Path) -> None:
    back_up(data / "parties", tmp_path / "keys", 1_700_000_000_000_000_000)
    result = run_backup(tmp_path / "keys", data)
    assert result.exit_code == 0, result.output
    made, pruned, why = result.output.splitlines()
    (backup,) = (tmp_path / "keys").iterdir()
    assert made.startswith(f"made    {backup}: keys of 3 parties, ")
    assert pruned == "pruned  20231114T221320Z"
    assert "apart from the backups of the journal" in why
    assert check(backup) == []


def test_machines_get_json(data: Path, tmp_path: Path) -> None:
    answer = json.loads(run_backup(tmp_path / "keys", data, "--json").output)
    assert (answer["pruned"], answer["kept_days"], answer["backup"]["parties_alive"]) == ([], 14, 3)
    shutil.rmtree(data / "parties")
    restored = json.loads(run_restore(Path(answer["backup"]["path"]), data, "--json").output)
    assert restored == {"made_at": answer["backup"]["made_at"], "parties_alive": 3}


def test_without_a_new_backup_none_is_deleted_unless_that_alone_was_asked(data: Path, tmp_path: Path) -> None:
    old = back_up(data / "parties", tmp_path / "keys", 1_700_000_000_000_000_000).path
    (data / "parties" / "pads").unlink()
    result = run_backup(tmp_path / "keys", data)
    assert result.exit_code == 1
    assert "pads" in result.output
    assert check(old) == []
    result = run_backup(tmp_path / "keys", data, "--prune-only", "--kept-days", "3")
    assert (result.exit_code, result.output) == (0, "pruned  20231114T221320Z\n")
    assert not old.exists()


def test_a_target_inside_the_data_directory_is_refused(data: Path) -> None:
    result = run_backup(data / "backups", data)
    assert result.exit_code == 2
    assert "choose a place that is lost on another day" in result.output
    assert not (data / "backups").exists()


def test_a_restore_says_what_stays_sealed_and_overwrites_nothing(data: Path, tmp_path: Path) -> None:
    backup = back_up(data / "parties", tmp_path / "keys", 1_700_000_000_000_000_000).path
    result = run_restore(backup, data)
    assert result.exit_code == 1
    assert "move it away first" in result.output
    shutil.rmtree(data / "parties")
    result = run_restore(backup, data)
    assert result.exit_code == 0
    assert result.output.startswith("restored  keys of 3 parties, as of 2023-11-14T22:13:20.000000Z\n")
    assert "stay sealed; erase again whoever was erased after it" in result.output
    keys = PartyKeys(data / "parties")
    assert keys.parties_count == 3
    keys.close()


def test_nothing_is_restored_under_a_running_node(data: Path, tmp_path: Path) -> None:
    backup = back_up(data / "parties", tmp_path / "keys", 1_700_000_000_000_000_000).path
    shutil.rmtree(data / "parties")
    node = DirectoryLock(data)
    assert isinstance(run_restore(backup, data).exception, DirectoryInUse)
    node.close()
    assert not (data / "parties").exists()
