"""A real node in its own process, for tests that kill it."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS_MAX = 120
WAIT_SECONDS_MAX = 60


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningNode:
    """`kontor serve` on `directory`; started by the constructor, ready when it returns."""

    def __init__(self, directory: Path, port: int | None = None, options: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.options = options
        self.port = port or free_port()
        self.start()

    def command(self) -> list[str]:
        """What is started."""
        serve = [sys.executable, "-m", "api.cli.main", "serve", "--data", str(self.directory), "--dev"]
        return [*serve, *self.options, "--port", str(self.port)]

    def start(self) -> None:
        """Start it (again) and wait until it is ready."""
        self.process = subprocess.Popen(self.command(), cwd=ROOT, stderr=subprocess.PIPE)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                if self.call("GET", "/health/ready")[0] == 200:
                    return
            except OSError:
                assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.05)  # it is starting
        self.kill()
        raise AssertionError("the node did not become ready")

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any, dict[str, str]]:
        """(status, decoded body, headers)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS_MAX)
        headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            return (
                answer.status,
                json.loads(content) if content else None,
                {k.lower(): v for k, v in answer.getheaders()},
            )
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> None:
        """SIGTERM."""
        if self.process.poll() is None:
            self.process.terminate()
            self._ended()

    def _ended(self) -> None:
        self.process.wait(WAIT_SECONDS_MAX)
        if self.process.stderr is not None:
            self.process.stderr.close()
