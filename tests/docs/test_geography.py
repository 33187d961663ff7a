"""The page about places works as it is printed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recovery.running import ROOT, RunningNode

PAGE = ROOT / "docs" / "operations" / "geography.md"
EXECUTED = re.compile(r"<!-- executed by tests/docs/test_geography.py -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl, which is not installed here")
def test_the_page_about_places_works_as_printed(tmp_path: Path) -> None:
    scripts = EXECUTED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(scripts) == 3
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    node = RunningNode(tmp_path / "data", options=("--postcodes", str(ROOT / "examples" / "postcodes-de.csv")))
    try:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(scripts).replace("localhost:8080", f"127.0.0.1:{node.port}")],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"sources":[{"node":"warehouse-neu-ulm","quantity":1,' in done.stdout
        assert "stores.csv: 3 nodes, 0 rows left out" in done.stderr
        ulm = node.call("GET", "/v1/nodes/store-neu-ulm")[1]
        assert (ulm["latitude"], ulm["longitude"]) == (48.4, 10.0167)
        konstanz = node.call("GET", "/v1/nodes/store-18")[1]
        assert konstanz["opening_hours"]["mon"] == [["08:00", "12:30"], ["14:00", "19:00"]]
        assert konstanz["closed_dates"] == ["2026-12-25", "2026-12-26"]
    finally:
        node.stop()
