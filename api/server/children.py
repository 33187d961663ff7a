"""Work in processes of their own, so that the writer goes on. Started by vfork: a large node's pages are not copied."""

import asyncio
import subprocess
import sys
import tempfile
from typing import NamedTuple

POLL_SECONDS = 0.02


class Ended(NamedTuple):
    """How a child ended, and what it said."""

    code: int
    output: bytes
    complaint: str


class Child:
    """`kontor ARGUMENTS` as a child process. One that gives way runs, from its first import on, when nobody else wants the processor."""

    def __init__(self, arguments: list[str], gives_way: bool = False) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "api.server.giving_way" if gives_way else "api.cli.main", *arguments],
            stdout=self._output,
            stderr=self._complaint,
        )

    async def ended(self) -> Ended:
        """Wait for its end. When the waiting is cancelled, so is the child."""
        try:
            while self._process.poll() is None:  # noqa: ASYNC110 - a process has no event to wait for
                await asyncio.sleep(POLL_SECONDS)
            self._output.seek(0)
            self._complaint.seek(0)
            complaint = self._complaint.read()[-2_000:].decode("utf-8", "replace").strip()
            return Ended(self._process.returncode, self._output.read(), complaint)
        finally:
            self.stop()

    def stop(self) -> None:
        """End it, if it has not ended by itself."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._output.close()
        self._complaint.close()
