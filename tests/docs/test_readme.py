"""The README's first reservation works as it is printed."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = re.compile(r"<!-- executed by tests/docs/test_readme.py -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A node on a fresh data directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "serve", "--data", str(tmp_path / "data"), "--dev", "--port", str(port)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=60).close()
                break
            except OSError:
                time.sleep(0.05)  # the node is starting
        yield port
    finally:
        node.terminate()
        node.wait(60)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands need curl, which is not installed here")
def test_the_readme_makes_a_first_reservation(port: int) -> None:
    (script,) = EXECUTED.findall((ROOT / "README.md").read_text())
    script = script.replace("localhost:8080", f"127.0.0.1:{port}").replace("\n\ncurl", "\necho\ncurl")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert answers[2]["id"] == "r-3"
    (source,) = answers[2]["lines"][0]["sources"]
    assert (source["node"], source["quantity"]) == ("leipzig", 2)
    assert source["ships_at"] < source["delivers_at"]
    assert (answers[3]["available"], answers[3]["reserved"], answers[3]["on_hand"]) == (8, 2, 10)


def test_every_file_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
