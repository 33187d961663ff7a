"""The handbook's drills work as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import main
from tests.recovery.running import ROOT, RunningNode
from tests.recovery.test_kill_node import open_shop, reservation

HANDBOOK = ROOT / "docs" / "operations"
EXECUTED = re.compile(r"<!-- executed by tests/docs/test_operations.py -->\n```sh\n(.*?)```", re.DOTALL)


def test_the_drills_for_backups_and_restores_work_on_a_running_node(tmp_path: Path) -> None:
    scripts = EXECUTED.findall((HANDBOOK / "backups.md").read_text())
    assert len(scripts) == 4
    node = RunningNode(tmp_path / "data")
    try:
        open_shop(node)
        for number in range(20):
            assert node.call("POST", "/v1/reservations", reservation(number))[0] == 201
        moment = node.call("GET", "/v1/node")[1]["time"]
        assert node.call("POST", "/v1/reservations", reservation(20))[0] == 201
        digest = node.call("GET", "/v1/node?digest=fresh")[1]["digest"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        script = "set -euo pipefail\n" + "\n".join(scripts)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "MOMENT": moment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        node.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert digest in done.stdout, "the drill gave the state the node has"
    assert "left out  1 later records" in done.stdout, "the state before the last reservation"
    assert "checkpoints 1 compared" in done.stdout


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_file_a_page_links_to_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_option_the_handbook_names_exists() -> None:
    named = set(re.findall(r"--[a-z][a-z-]+", "".join(page.read_text() for page in HANDBOOK.glob("*.md"))))
    helped = ""
    for command in (
        "serve",
        "apply",
        "nodes-from-csv",
        "calendars make",
        "snapshot",
        "backup",
        "restore",
        "backup-keys",
        "restore-keys",
        "verify",
        "checkpoint",
        "state",
        "journal",
        "stock import",
        "items import",
        "prices import",
    ):
        helped += CliRunner().invoke(main, [*command.split(), "--help"], catch_exceptions=False).stdout
    assert {option for option in named if option not in helped} == set()
