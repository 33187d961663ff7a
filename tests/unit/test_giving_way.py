"""What runs beside a node gives way to it from its first moment on."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TELLS_ITS_PRIORITY = """
import os
print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) == os.SCHED_IDLE)
raise SystemExit
"""


def test_a_child_gives_way_before_it_imports_anything_that_takes_time(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(TELLS_ITS_PRIORITY)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "api.server.giving_way", "snapshot", "--data", str(tmp_path)]
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["19", "True"]


def test_it_is_the_command_line_otherwise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.server.giving_way", "--version"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("kontor, version ")
