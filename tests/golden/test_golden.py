"""Bytes that lie in journals: they decode for ever, to the same thing."""

from typing import get_args

import msgspec
import pytest

from engine.facts import Fact
from engine.facts.postings import Posting
from engine.facts.records import Record, decode, encode, kind_of
from engine.wal import framing
from tests.golden.samples import FACTS, FRAMES, OLDER, SAMPLES, TIME_NS, record_of

STORED: dict[str, bytes] = msgspec.msgpack.decode(FACTS.read_bytes())


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_stored_record_decodes_to_what_was_meant(name: str) -> None:
    assert decode(STORED[name]) == record_of({**SAMPLES, **OLDER}[name])


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_todays_bytes_are_the_stored_bytes(name: str) -> None:
    assert encode(record_of(SAMPLES[name])) == STORED[name]


def test_every_fact_is_stored() -> None:
    tags = [kind_of(fact) for fact in SAMPLES.values()]
    assert [name.split("/")[0] for name in SAMPLES] == tags
    missing = {str(fact.__struct_config__.tag) for fact in get_args(Fact)} - {name.split("/")[0] for name in STORED}
    assert not missing, "run python -m tests.golden.samples"
    assert set(STORED) == set(SAMPLES) | set(OLDER)


def test_no_two_facts_share_a_tag() -> None:
    tags = [fact.__struct_config__.tag for fact in get_args(Fact)]
    assert len(tags) == len(set(tags))


def test_every_fact_says_what_it_moved() -> None:
    for fact in SAMPLES.values():
        assert all(isinstance(posting, Posting) for posting in fact.postings)


def test_a_sample_leaves_no_field_at_its_default() -> None:
    for name, fact in SAMPLES.items():
        for field in msgspec.structs.fields(type(fact)):
            if field.name != "postings" and field.default is not msgspec.NODEFAULT:
                assert getattr(fact, field.name) != field.default, (name, field.name)


def test_an_old_record_without_a_key_still_decodes() -> None:
    fact = SAMPLES["keys_forgotten/1"]
    short = msgspec.msgpack.encode(["system", [fact]])
    assert decode(short) == Record("system", (fact,))


def test_a_field_that_a_later_release_appended_does_not_stop_this_one() -> None:
    decoded = msgspec.msgpack.decode(STORED["reservation_released/1"])
    decoded[1][0].append("something new")
    assert decode(msgspec.msgpack.encode(decoded)) == record_of(SAMPLES["reservation_released/1"])


def test_stored_frames_decode_and_chain_for_ever() -> None:
    frames: list[bytes] = msgspec.msgpack.decode(FRAMES.read_bytes())
    previous, seq = framing.GENESIS, 1
    for number, frame in enumerate(frames):
        batch, names = framing.decode(frame, "golden", seq)
        assert names == previous
        assert batch.time_ns == TIME_NS + number
        again, previous = framing.encode(seq, batch.time_ns, names, batch.records)
        assert again == frame
        assert framing.digest_of(frame) == previous
        seq = batch.last_seq + 1
    assert seq - 1 == 6
    assert previous.hex() == "32c51e35da6b9645b338d85268d6b5535ce7da58ffb9f00cb8dd6c10777a4858"
