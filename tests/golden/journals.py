"""Makes the golden journal of a dump version: what lies in a data directory, kept so that later releases still read it.

`python -m tests.golden.journals` writes the files of today's dump version, once; they are never changed afterwards.
(`journal-0.1.0` is of dump version 1, and was named after the release.)
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import zstandard

from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.commands.configuration import Configure
from engine.commands.maintenance import RecordDigest
from engine.commands.pricing import ShippingPrices, ShippingStep
from engine.limits import NS_PER_SECOND
from engine.replay import dumping, follower
from engine.replay.dumping import DUMP_VERSION
from engine.wal import ClosedTable, JournalReader, LmdbJournal
from tests.golden.lives import UncheckedLife

HERE = Path(__file__).parent
DAY_NS = 86_400 * NS_PER_SECOND
STEPS, SEED = 600, 2031  # a life with every kind of fact


class KeptLife(UncheckedLife):
    """A random life whose journal lies in a directory, in several segments."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.directory = directory
        self.kept_table: Any = None
        super().__init__(seed)

    def _open(self, table: Any) -> None:
        if self.kept_table is not None:
            self.close()
        directory = self.directory / "journal"
        self.journal: Any = LmdbJournal(directory, segment_bytes_max=70_000, map_bytes_first=600_000)
        self.kept_table = ClosedTable(self.directory / "closed")
        super()._open(self.kept_table)

    def crash(self, keep_closed_table: bool) -> None:
        """Lose all memory; what is on disk must give the same state."""
        before = dumping.digest(self.state)
        self._open(None)
        assert dumping.digest(self.state) == before

    def close(self) -> None:
        """Let go of the files."""
        self.journal.close()
        self.kept_table.close()


def live(directory: Path) -> KeptLife:
    """What an administrator does first, all that a shop does, and what a snapshot leaves in the journal."""
    life = KeptLife(SEED, directory)
    life.do(Configure(shipping_prices={"post": ShippingPrices("EUR", (ShippingStep(490), ShippingStep(0, 5_000)))}))
    for command in (CreateApiKey("k-9", "till in Berlin", bytes(32)), RevokeApiKey("k-9")):
        life.do(command, life.state.seq.to_bytes(16, "big"))  # an idempotency key that is old enough to be forgotten
        life.now_ns += 2 * DAY_NS
    for step in range(STEPS):
        life.step()
        if step % 40 == 39:
            life.crash(keep_closed_table=True)
        if step % 100 == 99:
            life.writer.flush_closed()
    parts = sum(1 for part in dumping.dump(life.state))
    life.do(RecordDigest(((life.state.seq, parts),), dumping.digest(life.state)))
    return life


def make(target: Path) -> None:
    """A life with all kinds of facts: its last segment as LMDB wrote it, the ones before as archived, a snapshot in between."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        life = live(directory)
        seq, digest = life.state.seq, dumping.digest(life.state)
        life.close()
        target.mkdir()
        journal = JournalReader(directory / "journal")
        archived = follower.archive_sealed(journal, target)
        assert len(archived) >= 2, "several segments"
        middle = archived[-1].extent.last_seq
        follower.take(journal, target, middle, None)
        segment = journal.parts[-1].name
        expected = {
            "seq": seq,
            "chain": journal.chain_digest.hex(),
            "segment": segment,
            "accounts": life.state.ledger.totals(),
            "dump_version": DUMP_VERSION,
            "digest": digest,
        }
        journal.close()
        content = (directory / "journal" / segment / "data.mdb").read_bytes()
        (target / "segment.mdb.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(content))
        (target / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    make(HERE / f"journal-dump-{DUMP_VERSION}")
