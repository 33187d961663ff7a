"""What a node may not read or write is told for what it is: which file, whose it is, who runs, and what to do."""

import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import api.serve
from api.cli.main import COMMANDS, main
from tests.api.conftest import SHOP, Api
from tests.recovery.lives import Said, kontor, kontor_process

NOBODY = 65534
IMPORTED = (api.serve,)  # while it may be

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="another user is only to be had as root")


@pytest.fixture
def shop() -> Iterator[Path]:
    """A node's directory with an archive and a snapshot, in a place that everybody may enter; it belongs to nobody."""
    folder = Path(tempfile.mkdtemp(prefix="kontor-"))
    folder.chmod(0o755)
    data = folder / "data"
    api = Api(data)
    api.done("/v1/configuration", SHOP)
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.node.stop()
    api.close_node()
    api.runner.close()
    assert kontor("snapshot", "--data", data).code == 0
    (data / "archive").mkdir(exist_ok=True)
    for path in (data, *data.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    yield data
    shutil.rmtree(folder)


def as_nobody(*arguments: object) -> Said:
    """`kontor ARGUMENTS` under another user: in a fork, since that user may not enter where the interpreter lies."""
    for name in COMMANDS.data:
        COMMANDS[name]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaint:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.dup2(output.fileno(), 1)
                os.dup2(complaint.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                main([str(argument) for argument in arguments])
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:  # noqa: BLE001 -- a fork must end here
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        complaint.seek(0)
        return Said(code, output.read(), complaint.read())


def content(data: Path) -> dict[str, bytes]:
    """Everything but who holds which lock."""
    files = [path for path in data.rglob("*") if path.is_file() and path.name not in ("lock", "lock.mdb")]
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


def segment(data: Path) -> str:
    return f"journal/{next((data / 'journal').iterdir()).name}"


@pytest.mark.parametrize(
    ("what", "mode", "word"),
    [
        ("SEGMENT/data.mdb", 0o400, "written"),
        ("SEGMENT/data.mdb", 0o000, "read"),
        ("SEGMENT/lock.mdb", 0o400, "written"),
        ("SEGMENT", 0o000, "read"),
        ("journal", 0o000, "read"),
        ("journal", 0o500, "written"),
        ("lock", 0o400, "written"),
        ("snapshots", 0o500, "written"),
        ("snapshots", 0o000, "read"),
        ("SNAPSHOT", 0o000, "read"),
        ("archive", 0o500, "written"),
        ("closed", 0o500, "written"),
        ("closed/data.mdb", 0o400, "written"),
        ("parties", 0o000, "read"),
        ("parties", 0o500, "written"),
        ("parties/master", 0o000, "read"),
        ("parties/data.mdb", 0o400, "written"),
        ("parties/pads", 0o400, "written"),
        ("", 0o500, "written"),
        ("", 0o000, "read"),
    ],
)
def test_a_start_names_the_file_its_owner_and_the_way_out(shop: Path, what: str, mode: int, word: str) -> None:
    name = what.replace("SEGMENT", segment(shop))
    if what == "SNAPSHOT":
        name = f"snapshots/{next(path.name for path in (shop / 'snapshots').glob('*.kjs'))}"
    path = shop / name
    os.chown(path, 0, 0)
    path.chmod(mode | (0o055 if path.is_dir() and mode else 0) | (0o044 if path.is_file() and mode else 0))
    before = content(shop)
    said = as_nobody("serve", "--data", shop, "--port", "0", "--dev")
    assert said.code == 1, said
    assert f"{path} can't be {word}" in said.complaint
    for words in ("belongs to root", "runs as nobody", "chown -R nobody"):
        assert words in said.complaint
    for lie in ("Traceback", "damaged", "Free some space", "restore it from a backup"):
        assert lie not in said.complaint
    assert content(shop) == before


def test_verify_and_backups_need_only_to_read(shop: Path, tmp_path: Path) -> None:
    for path in (shop, *shop.rglob("*")):
        os.chown(path, 0, NOBODY)
        path.chmod(0o550 if path.is_dir() else 0o440)
    before = content(shop)
    said = as_nobody("verify", "--data", shop)
    assert said.code == 0, said
    assert "balanced" in said.output
    target = shop.parent / "books"
    target.mkdir()
    os.chown(target, NOBODY, NOBODY)
    said = as_nobody("backup", target, "--data", shop, "--hurry")
    assert said.code == 0, said
    assert as_nobody("verify", "--backup", target).code == 0
    assert as_nobody("journal", "--data", shop, "--json").code == 0
    assert as_nobody("state", "--data", shop, "--at", "3", "--json").code == 0
    assert content(shop) == before


def test_on_a_read_only_mount_everything_that_only_reads_works_and_a_start_says_what_is_wrong(shop: Path) -> None:
    mounted = shop.parent / "mounted"
    mounted.mkdir()
    if subprocess.run(["mount", "--bind", str(shop), str(mounted)], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(mounted)], check=True)
        said = kontor_process("serve", "--data", mounted, "--port", "0", "--dev")
        assert said.code == 1
        assert "mounted read-only" in said.complaint
        assert "remount,rw" in said.complaint
        assert "Traceback" not in said.complaint
        assert kontor_process("verify", "--data", mounted).code == 0
        assert kontor_process("backup", shop.parent / "books", "--data", mounted, "--hurry").code == 0
        assert kontor_process("backup-keys", shop.parent / "keys", "--data", mounted).code == 0
        said = kontor_process("key", "create", "till", "--data", mounted)
        assert (said.code, "mounted read-only" in said.complaint) == (1, True)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
