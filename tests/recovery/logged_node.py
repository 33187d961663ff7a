"""A running node with options of its own, whose log can be read, and which takes its children with it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.wal import DirectoryInUse, DirectoryLock
from tests.recovery.running import ROOT, RunningNode


def until(what: Callable[[], Any], why: str, seconds: float = 600.0) -> Any:
    """Look again and again until there is something; gives it. A snapshot comes late where nobody leaves it a processor."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)  # others are at work
    raise AssertionError(f"it did not come true: {why}")


class LoggedNode(RunningNode):
    """`kontor serve` with more options; its log goes to a file beside its directory."""

    def __init__(self, directory: Path, *options: str, ready: bool = True) -> None:
        self.wait = ready
        self.log_file = directory.with_name(directory.name + ".log")
        super().__init__(directory, options=options)

    def start(self) -> None:
        """Start it (again), and wait until it is ready unless it shall not be."""
        self.log_file.write_bytes(b"")
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, stderr=log, start_new_session=True)
        until(self._ready if self.wait else self._alive, "the node answers")

    def _answers(self, path: str) -> bool:
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            return bool(self.call("GET", path)[0] == 200)
        except OSError:
            return False

    def _ready(self) -> bool:
        return self._answers("/health/ready")

    def _alive(self) -> bool:
        return self._answers("/health/live")

    def log(self, event: str) -> list[dict[str, Any]]:
        """What it has logged under a name since it was started."""
        lines = [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def metric(self, name: str) -> float:
        """A gauge of `/metrics`."""
        return next(value for line, value in self.metrics().items() if line == name)

    def metrics(self) -> dict[str, float]:
        """Every gauge and counter without labels."""
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split()[0]: float(line.split()[1]) for line in lines if line and line[0] != "#"}

    def snapshots(self) -> Any:
        """The page of snapshots."""
        status, page, _ = self.call("GET", "/v1/snapshots")
        assert status == 200
        return page

    def snapshot(self) -> Any:
        """Ask for a snapshot and wait until it is there."""
        status, wanted, _ = self.call("POST", "/v1/snapshots")
        assert status == 202
        until(lambda: self.snapshots()["making"] is None, "the snapshot is made")
        made = [found for found in self.snapshots()["items"] if found["name"] == wanted["name"]]
        assert made, self.log_file.read_text()
        return made[0]

    def digest(self) -> tuple[int, str]:
        """(seq, digest of the state there)."""
        node = self.call("GET", "/v1/node?digest=fresh")[1]
        return node["digest_seq"], node["digest"]

    def kill_all(self) -> None:
        """SIGKILL to the node and to whomever it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self._ended()

    def leave_nobody(self) -> None:
        """For the end of a test: nobody is left, whatever happened."""
        with contextlib.suppress(ProcessLookupError):  # all have ended
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def wait_for_follower(self) -> None:
        """Until a follower that has outlived its node has ended as well."""
        if (self.directory / "snapshots").is_dir():
            until(lambda: nobody_holds(self.directory / "snapshots"), "the follower ends")


def nobody_holds(directory: Path) -> bool:
    """Whether nobody has locked a directory."""
    try:
        DirectoryLock(directory).close()
    except DirectoryInUse:
        return False
    return True
