"""The node's side of its kept helper: started with the first question, asked one thing at a time."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress

import msgspec

from api.server.children import Ended


class _Answer(msgspec.Struct):
    code: int
    output: str
    complaint: str


class Helper:
    """A process that has imported everything and waits for questions; see api/cli/asking.py. Ask one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    async def ask(self, arguments: list[str]) -> Ended:
        """What `kontor ARGUMENTS` says. When the waiting is cancelled, so is the question."""
        question = msgspec.json.encode(arguments) + b"\n"
        answer = None
        try:
            answer = await asyncio.to_thread(self._exchange, question)
            if answer is None:  # it had nothing to do for long, and has ended
                self.stop()
                answer = await asyncio.to_thread(self._exchange, question)
        finally:
            if answer is None:
                self.stop()
        if answer is None:
            return Ended(1, b"", "the helper ended without an answer")
        found = msgspec.json.decode(answer, type=_Answer)
        return Ended(found.code, found.output.encode(), found.complaint)

    def _exchange(self, question: bytes) -> bytes | None:
        """The answer as a line; None if the helper is not there any more."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli.asking"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=0,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError, ValueError):  # it has ended, or was stopped
            process.stdin.write(question)
            process.stdin.flush()
            return process.stdout.readline() or None
        return None

    def stop(self) -> None:
        """End it, with the question it is at."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(BrokenPipeError):
                    pipe.close()
