"""A journal whose newest part is gone is refused: the closed table knows what had been durable."""

import shutil
from pathlib import Path

import pytest

from api.server.server import Server
from engine.commands.access import CreateApiKey
from engine.wal import JournalCorrupt
from engine.writer import Change
from tests.simulation.random_life import shop


def test_a_node_whose_journal_was_lost_refuses_to_start_empty(tmp_path: Path) -> None:
    node = Server.open(tmp_path)
    for command in (shop(), CreateApiKey("k-1", "till", bytes(32))):
        node.writer.submit(Change(command, "test", lambda state, seq, facts: (200, b""), lambda outcome: None))
    node.writer.settle()
    node.close()
    shutil.rmtree(tmp_path / "journal")
    with pytest.raises(JournalCorrupt, match="the journal ends at record 0, but record 2 was durable"):
        Server.open(tmp_path)
    shutil.rmtree(tmp_path / "closed")
    reopened = Server.open(tmp_path)
    assert reopened.state.seq == 0
    reopened.close()
