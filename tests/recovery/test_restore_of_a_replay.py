"""Real orders, restored to moments drawn at random: the state is the one that was, found out while it was."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from api.backups import making, restoring
from api.rehearsal.run import Options, replay
from api.server.books import Paths
from engine import machine
from engine.facts import Fact
from engine.replay import dumping
from engine.replay.recovery import tell_nobody
from engine.state.state import State
from tests.recovery.running import ROOT

DECEMBER = ROOT / "examples" / "online_retail_2010-12.csv.gz"
# The whole year is not part of the repository: name its file here to restore that.
DATASET = Path(os.environ.get("KONTOR_ONLINE_RETAIL", str(DECEMBER)))


def digests_while_replaying(
    dataset: Path, options: Options, seqs: set[int], monkeypatch: pytest.MonkeyPatch
) -> dict[int, str]:
    """Replay once more; the digest right after each of these records."""
    found: dict[int, str] = {}
    evolve = machine.evolve

    def watched(state: State, seq: int, time_ns: int, facts: tuple[Fact, ...], key: bytes | None) -> None:
        evolve(state, seq, time_ns, facts, key)
        if seq in seqs:
            found[seq] = dumping.digest(state)

    monkeypatch.setattr(machine, "evolve", watched)
    replay(dataset, options)
    monkeypatch.undo()
    return found


def restore_to_random_records(
    dataset: Path, days: int | None, folder: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_seq: Any = replay(dataset, Options(data=folder / "first", days_max=days)).findings["seq"]
    seqs = set(random.Random(count).sample(range(1, last_seq + 1), count - 1)) | {last_seq}
    live = digests_while_replaying(dataset, Options(data=folder / "data", days_max=days), seqs, monkeypatch)
    assert set(live) == seqs
    making.back_up(Paths.of(folder / "data"), folder / "backup", "a test")
    for seq in sorted(seqs):
        chosen = restoring.plan(folder / "backup", seq, None)
        restored = restoring.carry_out(chosen, folder / f"restored-{seq}", None, tell_nobody)
        assert (restored.seq, restored.digest) == (seq, live[seq])


def test_days_of_december_are_restored_to_any_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore_to_random_records(DECEMBER, 4, tmp_path, 3, monkeypatch)


@pytest.mark.slow
def test_real_orders_are_restored_to_fifty_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore_to_random_records(DATASET, None, tmp_path, 50, monkeypatch)
