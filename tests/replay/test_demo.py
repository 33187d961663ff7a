"""The demo: what it prints is true, and its curl lines work."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.running import free_port

ROOT = Path(__file__).resolve().parents[2]
CTRL_C_COUNTS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's background work ignores it
)
COMMAND = [
    sys.executable,
    "-c",
    f"{CTRL_C_COUNTS}; from api.cli.demo import demo_command; demo_command()",
    "--days",
    "2",
]
WIDE = {**os.environ, "COLUMNS": "160"}


class Demo:
    """A demo that serves on, with what it printed until then."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [*COMMAND, "--port", str(self.port)], cwd=ROOT, env=WIDE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.printed: list[str] = []
        for line in self.process.stdout:
            self.printed.append(line.rstrip())
            if line.startswith("Serving at"):
                return
        self.process.stdout.close()
        self.process.wait(60)
        raise AssertionError("\n".join(self.printed))

    def end(self) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@pytest.fixture(name="demo", scope="module")
def _demo() -> Iterator[Demo]:
    demo = Demo()
    yield demo
    if demo.process.poll() is None:
        demo.end()


def curl(line: str) -> tuple[int, object]:
    """Does what curl would do with this line: (status, decoded body)."""
    words = shlex.split(line)
    assert words[:4] == ["curl", "-s", "-w", r"\n"]
    headers = dict(word.split(": ", 1) for at, word in enumerate(words) if words[at - 1] == "-H")
    data = next((word.encode() for at, word in enumerate(words) if words[at - 1] == "-d"), None)
    with urllib.request.urlopen(urllib.request.Request(words[4], data, headers), timeout=60) as answer:
        return answer.status, json.load(answer)


def test_it_says_what_happened(demo: Demo) -> None:
    text = "\n".join(demo.printed)
    for words in (
        "67 nodes",
        "nodes used",
        "orders refused",
        "orders an hour",
        "p99",
        "balanced",
        "digest",
        "CC BY 4.0",
    ):
        assert words in text
    assert "every row accounted for" in text
    assert "booked to the penny" in text


def test_its_curl_lines_work_on_what_is_there(demo: Demo) -> None:
    lines = [line.strip() for line in demo.printed if line.strip().startswith("curl")]
    answers = [curl(line) for line in lines]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 200, 200, 201]
    order, history, stock, journal, books, money, reservation = (body for _, body in answers)
    assert isinstance(order, dict)
    assert order["state"] == "shipped"
    for page in (history, journal):
        assert isinstance(page, dict)
        assert page["items"]
    assert isinstance(stock, dict)
    assert stock["on_hand"] > 0
    for balance in (books, money):
        assert isinstance(balance, dict)
        assert balance["balanced"] is True
    assert isinstance(reservation, dict)
    assert reservation["state"] == "active"


def test_ctrl_c_ends_it_and_its_node_and_its_folder(demo: Demo) -> None:
    served_from = next(line for line in demo.printed if line.startswith("Serving at")).split(" from ")[1].split(". ")[0]
    assert Path(served_from).is_dir()
    assert demo.end() == 0
    assert not Path(served_from).exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{demo.port}/health/live", timeout=60)


def test_with_exit_it_ends_by_itself_and_keeps_the_folder_it_was_given(tmp_path: Path) -> None:
    command = [*COMMAND, "--exit", "--port", str(free_port()), "--data", str(tmp_path / "shop")]
    ended = subprocess.run(command, cwd=ROOT, env=WIDE, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Serving at" not in ended.stdout
    assert (tmp_path / "shop" / "journal").is_dir()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary")
    command = [*COMMAND, "--exit", "--data", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1
    assert "is not empty" in ended.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["diary.txt"]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [*COMMAND, "--exit", "--port", str(port), "--data", str(tmp_path / "shop")]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr
