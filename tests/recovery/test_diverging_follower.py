"""A follower whose state is not what the writer said: no snapshot is made, the old one is kept, and it is told."""

import hashlib
import types
from typing import Any

import pytest

from api.server import snapshots
from engine.commands.maintenance import RecordDigest
from engine.replay import dumping
from tests.api.conftest import Api
from tests.recovery.conftest import finished
from tests.recovery.lives import LifeOnDisk, Lived, kontor, tree


def with_proof(life: Lived, digest: str | None) -> tuple[Lived, int, int]:
    """The writer says what its digest is, truly when `digest` is None; gives record and proof."""
    on = LifeOnDisk(11, life.directory, life)
    on.steps(5)
    seq, parts = on.state.seq, list(dumping.dump(on.state))
    whole = hashlib.blake2b(b"".join(parts), digest_size=32).hexdigest()
    on.do(RecordDigest(((seq, len(parts)),), digest or whole))
    proof = on.state.seq
    on.steps(5)
    return on.end(), seq, proof


def test_a_follower_that_agrees_makes_the_snapshot(life: Lived) -> None:
    now, seq, proof = with_proof(life, None)
    said = kontor("snapshot", "--data", life.directory, "--at", seq, "--proof", proof)
    assert said.code == 0, said.complaint
    assert f"digest    {now.digests[seq]}" in said.output


def test_a_follower_that_diverges_ends_with_3_makes_nothing_and_keeps_the_old_ones(life: Lived) -> None:
    now, seq, proof = with_proof(life, "00" * 32)
    before = tree(life.directory / "snapshots")
    said = kontor("snapshot", "--data", life.directory, "--at", seq, "--proof", proof, "--kept", 1)
    assert said.code == 3
    assert (
        f"at record {seq} the writer's state had the digest {'00' * 32}, replay gives {now.digests[seq]}"
        in said.complaint
    )
    after = tree(life.directory / "snapshots")
    assert {name: after[name] for name in before if name != "lock"} == {
        name: content for name, content in before.items() if name != "lock"
    }
    assert after.keys() == before.keys()


def metric(api: Api, name: str) -> float:
    lines = api.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def broken_dumping() -> Any:
    """A dumping whose dump of the writer's state is not what replay gives."""
    return types.SimpleNamespace(dump=lambda state: iter([*dumping.dump(state), b"a bit that has tipped over"]))


def test_a_node_that_diverges_says_so_and_makes_no_more_by_its_schedule(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.post("/v1/snapshots").status_code == 202
    finished(api)
    (old,) = api.read("/v1/snapshots")["items"]
    assert (metric(api, "kontor_replay_diverged"), metric(api, "kontor_snapshot_failures")) == (0, 0)
    api.receive("CUSHION", "leipzig", 1)
    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "dumping", broken_dumping())
        assert api.post("/v1/snapshots").status_code == 202
        finished(api)
    assert api.node.snapshots.diverged is True
    assert (metric(api, "kontor_replay_diverged"), metric(api, "kontor_snapshot_failures")) == (1, 1)
    assert api.read("/v1/snapshots")["items"] == [old], "the old one is kept"
    assert api.get("/health/ready").status_code == 200
    api.receive("CUSHION", "leipzig", 1)
    assert api.stock("CUSHION", "leipzig")["on_hand"] == 12, "the node goes on"
    api.restart()
    assert metric(api, "kontor_replay_diverged") == 0
    assert api.stock("CUSHION", "leipzig")["on_hand"] == 12
