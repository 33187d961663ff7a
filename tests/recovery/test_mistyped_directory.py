"""A path with a slip in it: no empty node is served in silence, and nothing is written into somebody else's folder."""

from pathlib import Path

import pytest

from api.server.server import Server
from tests.recovery.lives import kontor_process
from tests.recovery.running import RunningNode


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Server.open(tmp_path / "data").close()
    return tmp_path / "data"


@pytest.mark.parametrize(
    "command", [("serve", "--dev", "--port", "0"), ("serve", "--port", "0"), ("key", "create", "t")]
)
def test_a_folder_that_is_not_there_beside_a_node_is_taken_for_a_slip(shop: Path, command: tuple[str, ...]) -> None:
    said = kontor_process(*command, "--data", shop.with_name("dta"))
    assert said.code == 1
    assert f"beside it a node in {shop}" in said.complaint
    assert "mkdir -p" in said.complaint
    assert not shop.with_name("dta").exists()


def test_a_folder_in_a_folder_that_is_not_there_is_taken_for_a_slip(tmp_path: Path) -> None:
    said = kontor_process("serve", "--dev", "--port", "0", "--data", tmp_path / "srv" / "kontr" / "data")
    assert said.code == 1
    assert f"there is no {tmp_path / 'srv' / 'kontr'}" in said.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("made", [True, False], ids=["in a folder that was made for it", "in a new folder"])
def test_a_new_node_says_loudly_that_it_is_new_and_empty(tmp_path: Path, made: bool) -> None:
    if made:
        Server.open(tmp_path / "other").close()
        (tmp_path / "data").mkdir()
    node = RunningNode(tmp_path / "data")
    node.process.terminate()
    assert "NEW AND EMPTY" in node.process.communicate()[1].decode()
    node.start()
    node.process.terminate()
    assert "NEW AND EMPTY" not in node.process.communicate()[1].decode(), "now it is an old one"


@pytest.mark.parametrize("held", ["taxes.ods", "journal/wired-tiger.wt", "journal", "config.toml"])
def test_a_folder_of_something_else_is_refused_untouched(tmp_path: Path, held: str) -> None:
    foreign = tmp_path / "documents"
    (foreign / held).parent.mkdir(parents=True)
    (foreign / held).write_bytes(b"1")
    for command in (("serve", "--dev", "--port", "0"), ("key", "create", "till")):
        said = kontor_process(*command, "--data", foreign)
        assert said.code == 1
        assert "is not the data directory of a node" in said.complaint
        assert "Traceback" not in said.complaint
        assert [str(path.relative_to(foreign)) for path in foreign.rglob("*") if path.is_file()] == [held]


def test_a_backup_is_not_served_from(shop: Path, tmp_path: Path) -> None:
    assert kontor_process("key", "create", "till", "--data", shop).code == 0
    assert kontor_process("backup", tmp_path / "books", "--data", shop).code == 0
    before = sorted(tmp_path.joinpath("books").rglob("*"))
    said = kontor_process("serve", "--dev", "--port", "0", "--data", tmp_path / "books")
    assert (said.code, "kontor restore --from" in said.complaint) == (1, True)
    assert sorted(tmp_path.joinpath("books").rglob("*")) == before
