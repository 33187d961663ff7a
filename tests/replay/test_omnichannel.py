"""The second scenario: real orders, and a trade in which things go wrong. Seeded."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.main import main
from api.rehearsal.omnichannel import Shares
from api.rehearsal.progress import ReplayFailed
from api.rehearsal.run import Options, Report, replay

DECEMBER = Path(__file__).parents[2] / "examples" / "online_retail_2010-12.csv.gz"
BUSY = Shares(pickup=0.5, reject=0.2, short=0.2, late=0.2, hold=0.1, change=0.2, lapse=0.3)


def played(seed: int = 1, **more: Any) -> Report:
    return replay(DECEMBER, Options(days_max=2, seed=seed, omnichannel=BUSY, **more))


@pytest.fixture(scope="module")
def two_days() -> Report:
    """Played once, with all invariants after every step of the plan."""
    return played(check=True)


def test_everything_happens_the_books_balance_and_every_row_is_accounted_for(two_days: Report) -> None:
    assert two_days.good
    happened = two_days.findings["happened"]
    for kind in (
        "fulfilment_collected", "fulfilment_delivered", "fulfilment_rejected", "fulfilment_shorted", "order_held",
        "hold_lifted", "order_changed", "parcels_packed", "transfer_shipped",
    ):  # fmt: skip
        assert happened.get(kind), (kind, happened)
    assert two_days.findings["checks"] > 10
    assert not [name for name in happened if "Advance" in name], "a node was refused a step"


def test_the_same_seed_gives_the_same_digest_and_another_another(two_days: Report) -> None:
    again, other = (played(seed).findings["digest"] for seed in (1, 2))
    assert two_days.findings["digest"] == again
    assert again != other


def test_it_begins_in_an_empty_directory(tmp_path: Path) -> None:
    played(data=tmp_path / "data")
    with pytest.raises(ReplayFailed, match="empty directory"):
        played(data=tmp_path / "data")


def test_it_plays_in_process_only() -> None:
    done = CliRunner().invoke(main, ["replay", str(DECEMBER), "--omnichannel", "--url", "http://127.0.0.1:1"])
    assert done.exit_code == 2
    assert "leave --url out" in done.output
