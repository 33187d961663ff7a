"""Whole lives of shops, pinned: what every record of them says, and the state they end in.

`python -m tests.golden.lives` writes `lives.txt` anew from the build at hand. That file is replaced by a commit of its own whenever
a change of behaviour is meant, and never beside other work: `test_lives.py` compares every life with it.

A line is a life: its kind, its seed, the digest of its last state, and BYTES_PER_RECORD of a hash of every record, in base64.
The facts of a record are sorted before they are hashed: their order within a record may change.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from engine.replay import dumping
from engine.state.state import State
from engine.wal import Journal
from tests.contract.test_looking_ahead import random_batch, random_shop
from tests.simulation.random_life import Life

LIVES = Path(__file__).parent / "lives.txt"
BYTES_PER_RECORD = 6
STEPS, BATCHES = 600, 4
SEEDS = {"random": range(50), "looking_ahead": range(20)}

_raw = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.msgpack.Encoder().encode


class Trace(NamedTuple):
    """What is kept of a life."""

    digest: str
    hashes: tuple[bytes, ...]  # one per record, oldest first


class Ended(NamedTuple):
    """A life at its end."""

    journal: Journal
    state: State


class UncheckedLife(Life):
    """A random life without a look at the invariants after every step: other tests look at them."""

    def settle(self) -> None:
        """Work off the queue."""
        while self.writer.settle():
            pass


def random_life(seed: int) -> Ended:
    """Every kind of command, with crashes."""
    life = UncheckedLife(seed)
    for step in range(STEPS):
        life.step()
        if step % 40 == 39:
            life.crash(keep_closed_table=bool(seed % 2))
        if step % 100 == 99:
            life.writer.flush_closed()
    return Ended(life.journal, life.state)


def looking_ahead_life(seed: int) -> Ended:
    """Large batches of checkouts at up to a hundred stores, under a policy with rules of every kind."""
    chance = Random(seed)
    shop = random_shop(chance)
    for number in range(BATCHES):
        random_batch(chance, shop, number * 100)
        shop.settle()
    assert shop.errors == []
    return Ended(shop.journal, shop.state)


KINDS: dict[str, Callable[[int], Ended]] = {"random": random_life, "looking_ahead": looking_ahead_life}


def hash_of(time_ns: int, record: bytes) -> bytes:
    """A record whatever the order of its facts: the start of a SHA-256."""
    actor, facts, *answer = _raw(record)
    ordered = sorted(bytes(fact) for fact in _raw(facts))
    content = _encode([time_ns, bytes(actor), ordered, [bytes(field) for field in answer]])
    return hashlib.sha256(content).digest()[:BYTES_PER_RECORD]


def trace_of(ended: Ended) -> Trace:
    """What is kept of this life."""
    journal = ended.journal
    hashes = tuple(hash_of(batch.time_ns, record) for batch in journal.read() for record in batch.records)
    return Trace(dumping.digest(ended.state), hashes)


def stored() -> dict[tuple[str, int], Trace]:
    """What is kept, by kind and seed."""
    kept = {}
    for line in LIVES.read_text().splitlines():
        kind, seed, digest, packed = line.split(" ")
        whole = b64decode(packed)
        hashes = tuple(whole[at : at + BYTES_PER_RECORD] for at in range(0, len(whole), BYTES_PER_RECORD))
        kept[kind, int(seed)] = Trace(digest, hashes)
    return kept


def line_of(kind: str, seed: int) -> str:
    """Live it, and write it down."""
    trace = trace_of(KINDS[kind](seed))
    return f"{kind} {seed} {trace.digest} {b64encode(b''.join(trace.hashes)).decode()}\n"


if __name__ == "__main__":
    LIVES.write_text("".join(line_of(kind, seed) for kind, seeds in SEEDS.items() for seed in seeds))
