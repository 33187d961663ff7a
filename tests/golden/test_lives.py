"""Seventy lives go, record for record, as they went when `lives.txt` was written; see lives.py for when it is replaced."""

from itertools import zip_longest

import pytest

from engine.facts.records import Record, decode, encode, kind_of
from engine.replay import dumping
from tests.golden import lives
from tests.golden.samples import SAMPLES, TIME_NS

STORED = lives.stored()


def first_difference(ended: lives.Ended, before: lives.Trace) -> str:
    """Which record is not as it was, in words; empty when all are."""
    now = lives.trace_of(ended).hashes
    for seq, (ours, theirs) in enumerate(zip_longest(now, before.hashes), 1):
        if ours is None:
            return f"record {seq} is missing: there were {len(before.hashes)}, there are {len(now)}"
        if ours != theirs:
            record = decode(ended.journal.record(seq)[1])
            kinds = ", ".join(kind_of(fact) for fact in record.facts)
            return f"record {seq} of {record.actor} is {'new' if theirs is None else 'another'}: it has {kinds}"
    return ""


def test_every_life_is_stored_once() -> None:
    assert list(STORED) == [(kind, seed) for kind, seeds in lives.SEEDS.items() for seed in seeds]


@pytest.mark.parametrize(("kind", "seed"), STORED, ids=str)
def test_a_life_goes_as_it_went_before(kind: str, seed: int) -> None:
    before = STORED[kind, seed]
    ended = lives.KINDS[kind](seed)
    difference = first_difference(ended, before)
    assert not difference, f"{kind} life, seed {seed}: {difference}"
    assert dumping.digest(ended.state) == before.digest, f"{kind} life, seed {seed}: same records, another state"


def test_the_order_of_facts_in_a_record_does_not_count_and_everything_else_does() -> None:
    kettles, trays = SAMPLES["reservation_released/1"], SAMPLES["keys_forgotten/1"]
    record = Record("till-1", (kettles, trays), b"k" * 16, b"p" * 16, 201, b"41")
    others = [
        Record("till-2", record.facts, record.key, record.payload, 201, b"41"),
        Record("till-1", (kettles,), record.key, record.payload, 201, b"41"),
        Record("till-1", (kettles, trays, trays), record.key, record.payload, 201, b"41"),
        Record("till-1", record.facts, record.key, record.payload, 201, b"42"),
    ]
    kept = lives.hash_of(TIME_NS, encode(record))
    turned = Record("till-1", (trays, kettles), record.key, record.payload, 201, b"41")
    assert lives.hash_of(TIME_NS, encode(turned)) == kept
    assert kept not in [lives.hash_of(TIME_NS, encode(other)) for other in others]
    assert kept != lives.hash_of(TIME_NS + 1, encode(record))


def test_a_life_that_goes_another_way_is_named_by_seed_record_and_facts() -> None:
    ended = lives.looking_ahead_life(3)
    before = STORED["looking_ahead", 3]
    assert first_difference(ended, before) == ""
    third_is_another = before._replace(hashes=(*before.hashes[:2], b"other!", *before.hashes[3:]))
    assert first_difference(ended, third_is_another) == "record 3 of till-1 is another: it has stock_moved"
    one_more = before._replace(hashes=(*before.hashes, b"later!"))
    count = len(before.hashes)
    missing = f"record {count + 1} is missing: there were {count + 1}, there are {count}"
    assert first_difference(ended, one_more) == missing
    one_fewer = before._replace(hashes=before.hashes[:-1])
    assert first_difference(ended, one_fewer).startswith(f"record {count} of till-1 is new: it has ")
