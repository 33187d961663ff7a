"""The kept helper of a node: `python -m api.cli.asking` has everything imported, and forks for every question.

A question is a line of JSON on its standard input, the arguments of `kontor`; an answer is a line of JSON on its
standard output. What a question needs of memory is given back by the end of its process. The helper ends when nobody
has asked for IDLE_SECONDS, and at once, with the question it is at, when its input ends: that is, when its node does.
"""

import json
import os
import select
import signal
import sys
import tempfile
import traceback
from typing import IO, Any, NoReturn

IDLE_SECONDS = 60.0


def serve_questions() -> None:
    """Answer until nobody asks any more."""
    questions = sys.stdin.buffer
    while select.select([questions], [], [], IDLE_SECONDS)[0]:
        line = questions.readline()
        if not line:
            return
        answer = _answered(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _answered(arguments: list[str]) -> dict[str, Any]:
    """What `kontor ARGUMENTS` says, in a process of its own."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        child = os.fork()
        if not child:
            _run(arguments, output, complaint)
        code = _wait(child)
        output.seek(0)
        complaint.seek(0)
        return {
            "code": code,
            "output": output.read().decode("utf-8", "replace"),
            "complaint": complaint.read()[-2_000:].decode("utf-8", "replace").strip(),
        }


def _run(arguments: list[str], output: IO[bytes], complaint: IO[bytes]) -> NoReturn:
    """Do it, and end."""
    from api.cli.main import main

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(complaint.fileno(), 2)
    try:
        main(arguments)
        code: object = 0
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - whatever it is, the node is told
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _wait(child: int) -> int:
    """How a question's process ended. When the node is gone meanwhile, nobody waits for the answer: everything ends."""
    ended = os.pidfd_open(child)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(0, select.POLLHUP)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == ended:
                    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                os.kill(child, signal.SIGKILL)
                os._exit(0)
    finally:
        os.close(ended)


if __name__ == "__main__":
    import api.cli.sourcing
    import api.cli.sourcing_simulate
    import api.cli.state  # noqa: F401 - so that no question waits for it

    serve_questions()
