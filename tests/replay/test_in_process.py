"""The replay in process: deterministic, durable, and after a crash the same as without one."""

import os
import random
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from api.rehearsal.progress import ReplayFailed
from api.rehearsal.run import Options, Report, Watcher, replay
from engine.replay import dumping
from engine.replay.recovery import recover
from engine.state.state import State
from engine.wal import DirectoryInUse, DirectoryLock, LmdbJournal, MemoryClosedTable
from tests import examples

ROOT = Path(__file__).resolve().parents[2]
DECEMBER = ROOT / "examples" / "online_retail_2010-12.csv.gz"
DAYS = 6 if examples.whole else 3
STEPS_A_DAY = 350
SCARCE = Options(days_max=DAYS, stock_factor=Fraction("0.97"))
YEAR = os.environ.get("KONTOR_ONLINE_RETAIL")


class Stop(Watcher):
    """Drops the replay after so many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def at(self, steps: int) -> None:
        if steps >= self.after:
            raise InterruptedError


def into(directory: Path, options: Options = SCARCE) -> Options:
    """The same replay into this data directory."""
    return msgspec.structs.replace(options, data=directory)


@pytest.fixture(name="undisturbed", scope="module")
def _undisturbed() -> Report:
    return replay(DECEMBER, SCARCE)


def same(one: Report, two: Report) -> bool:
    """Whether two replays ended alike, but for the time they took and the pages their journals fill."""
    findings = [{**report.findings, "journal_bytes": 0} for report in (one, two)]
    return findings[0] == findings[1] and one.rows.sums == two.rows.sums and one.counts == two.counts


@pytest.mark.parametrize(
    ("days", "rows", "orders", "lines"),
    [(6, 16_985, 661, 16_676), pytest.param(None, 42_481, 1_678, 41_448, marks=pytest.mark.slow)],
    ids=["the first six days", "december"],
)
def test_every_row_is_accounted_for_and_the_books_balance(days: int | None, rows: int, orders: int, lines: int) -> None:
    report = replay(DECEMBER, Options(days_max=days))
    assert report.good
    assert report.rows.total.rows == rows
    assert report.counts.orders == orders
    assert report.counts.lines == lines
    assert not report.rows.refusals()
    assert report.findings["accounts"]["reserved"] == report.findings["accounts"]["allocated"] == 0


def test_two_runs_of_one_seed_have_one_digest_and_another_seed_another(undisturbed: Report) -> None:
    assert same(replay(DECEMBER, SCARCE), undisturbed)
    other = replay(DECEMBER, msgspec.structs.replace(SCARCE, seed=2))
    assert other.findings["digest"] != undisturbed.findings["digest"]


def test_with_too_little_stock_refusals_are_accounted_for_by_reason() -> None:
    report = replay(DECEMBER, msgspec.structs.replace(SCARCE, stock_factor=Fraction("0.8")))
    assert report.good
    refused = report.rows.refusals()
    assert refused["order line, insufficient_stock"].rows > 1_000
    assert refused["return, its order was refused"].units < 0
    wanted = replay(DECEMBER, Options(days_max=DAYS)).counts.orders
    assert report.counts.orders + report.counts.refusals["reserve: insufficient_stock"] == wanted


def test_the_customers_have_what_was_sold_and_not_sent_back() -> None:
    report = replay(DECEMBER, Options(days_max=DAYS))
    sums = report.rows.sums
    kept = sum(sums[name].units for name in ("order line", "order line, free of charge"))
    kept += sums["return to stock against its order"].units + sums["cancelled on the day of its order"].units
    kept += sums["return without an earlier order, quarantined"].units
    assert report.findings["accounts"]["customer"] == kept
    assert -report.findings["accounts"]["supplier"] == report.counts.receipts_units


@pytest.mark.parametrize("after", [1, 150, STEPS_A_DAY * DAYS // 2, STEPS_A_DAY * DAYS])
def test_a_replay_that_was_dropped_goes_on_to_the_same_end(tmp_path: Path, after: int, undisturbed: Report) -> None:
    with pytest.raises(InterruptedError):
        replay(DECEMBER, into(tmp_path), Stop(after))
    resumed = replay(DECEMBER, into(tmp_path))
    assert resumed.resumed_seq > 0
    assert same(resumed, undisturbed)


def test_a_replay_killed_again_and_again_goes_on_to_the_same_end(tmp_path: Path, undisturbed: Report) -> None:
    moments = random.Random(20_101_201)
    script = "from api.cli.replay import replay_command; replay_command()"
    command = [sys.executable, "-c", script, str(DECEMBER), "--data", str(tmp_path), "--days", str(DAYS)]
    reached = []
    for _ in range(4):
        process = subprocess.Popen(
            [*command, "--stock-factor", "0.97"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        for _ in range(moments.randint(1, 8)):
            process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        process.stderr.close()
        journal = LmdbJournal(tmp_path / "journal")
        reached.append(journal.last_seq)
        journal.close()
    assert reached == sorted(reached)
    assert 0 < reached[0] < undisturbed.findings["seq"]
    assert same(replay(DECEMBER, into(tmp_path)), undisturbed)


def test_a_finished_replay_run_again_changes_nothing_and_reports_the_same(tmp_path: Path) -> None:
    first = replay(DECEMBER, into(tmp_path))
    again = replay(DECEMBER, into(tmp_path))
    assert again.resumed_seq == first.findings["seq"]
    assert same(first, again)


def test_the_data_directory_is_that_of_a_node(tmp_path: Path) -> None:
    report = replay(DECEMBER, into(tmp_path))
    journal = LmdbJournal(tmp_path / "journal")
    state = State(MemoryClosedTable())
    recover(state, journal)
    journal.close()
    assert dumping.digest(state) == report.findings["digest"]


@pytest.mark.parametrize("change", [{"seed": 2}, {"stock_factor": Fraction("0.98")}, {"days_max": 5}])
def test_another_replay_does_not_go_on_in_this_directory(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(InterruptedError):
        replay(DECEMBER, into(tmp_path), Stop(300))
    before = LmdbJournal(tmp_path / "journal")
    chain = before.chain_digest
    before.close()
    with pytest.raises(ReplayFailed, match="holds something else"):
        replay(DECEMBER, msgspec.structs.replace(into(tmp_path), **change))
    after = LmdbJournal(tmp_path / "journal")
    assert after.chain_digest == chain
    after.close()


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryInUse):
        replay(DECEMBER, into(tmp_path))
    lock.close()


@pytest.mark.slow
@pytest.mark.skipif(YEAR is None, reason="KONTOR_ONLINE_RETAIL does not name the file of the whole year")
def test_the_whole_year_adds_up_and_survives_a_crash(tmp_path: Path) -> None:
    year = Path(str(YEAR))
    undisturbed = replay(year, Options())
    assert undisturbed.good
    assert (undisturbed.rows.total.rows, undisturbed.rows.total.units) == (541_909, 5_176_450)
    assert undisturbed.rows.total.value == 9_747_747_934
    assert undisturbed.counts.orders == 20_960
    with pytest.raises(InterruptedError):
        replay(year, into(tmp_path, Options()), Stop(30_000))
    assert same(replay(year, into(tmp_path, Options())), undisturbed)
