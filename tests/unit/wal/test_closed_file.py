"""The table of closed things is derived, but it must not take the node down with it."""

import os
import subprocess
import sys
from pathlib import Path

from engine.wal import ClosedEntry, ClosedTable

ROOT = Path(__file__).resolve().parents[3]
READ = """
import sys
from pathlib import Path
from engine.wal import ClosedTable
table = ClosedTable(Path(sys.argv[1]))
for i in range(50):
    table.get("orders", f"W-{i}")
"""


def test_a_table_cut_short_is_told_so_and_is_no_signal(tmp_path: Path) -> None:
    table = ClosedTable(tmp_path)
    table.store([ClosedEntry("orders", i, f"W-{i}", (), bytes(50_000)) for i in range(50)], 50)
    table.close()
    os.truncate(tmp_path / "data.mdb", 500_000)
    reader = subprocess.run([sys.executable, "-c", READ, str(tmp_path)], cwd=ROOT, capture_output=True, check=False)
    assert reader.returncode >= 0, f"ended by signal {-reader.returncode}"
