"""Makes the golden journal of a release: what lies in a data directory, kept so that later releases still read it.

`python -m tests.golden.journals` writes the files of this release, once; they are never changed afterwards.
"""

import json
import tempfile
from pathlib import Path

import zstandard

from engine import follower, machine
from engine.machine import DUMP_VERSION
from engine.wal import JournalReader
from tests.simulation.crashing import Simulation

HERE = Path(__file__).parent
RELEASE = "0.1.0"
STEPS, SEED = 180, 2026


def make(target: Path) -> None:
    """A life with all kinds of facts: its last segment as LMDB wrote it, the ones before as archived, a snapshot in between."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        simulation = Simulation(SEED, directory)
        digest = simulation.run(STEPS)
        seq = simulation.state.seq
        assert machine.digest(simulation.state) == digest
        simulation.journal.inner.close()
        simulation.kept_table.close()
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
            "accounts": simulation.state.ledger.totals(),
            "dump_version": DUMP_VERSION,
            "digest": digest,
        }
        journal.close()
        content = (directory / "journal" / segment / "data.mdb").read_bytes()
        (target / "segment.mdb.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(content))
        (target / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    make(HERE / f"journal-{RELEASE}")
