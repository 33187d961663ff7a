"""`kontor state`: what was at any moment, of a directory that a node may be running on."""

import json
import random
from pathlib import Path

import pytest

from api.answers.timestamps import iso
from tests.recovery.lives import Lived, kontor, kontor_process, restored, tree
from tests.recovery.logged_node import LoggedNode
from tests.recovery.test_kill_node import open_shop, reservation


def test_any_record_and_any_moment_gives_the_state_that_was(life: Lived) -> None:
    chance = random.Random(6)
    for seq in [
        1,
        life.last_seq,
        *chance.sample(range(2, life.last_seq), 5),
        *chance.sample(life.inside_batches(), 3),
    ]:
        found = json.loads(kontor("state", "--data", life.directory, "--at", seq, "--json").output)
        assert (found["seq"], found["digest"]) == (seq, life.digests[seq])
        moment = iso(life.times_ns[seq])
        found = json.loads(kontor("state", "--data", life.directory, "--at", moment, "--json").output)
        expected = life.last_before(life.times_ns[seq] // 1000 * 1000 + 999)
        assert (found["seq"], found["digest"]) == (expected, life.digests[expected])


def test_without_a_moment_it_is_the_last_record_and_before_the_first_it_is_nothing(life: Lived) -> None:
    found = json.loads(kontor("state", "--data", life.directory, "--json").output)
    assert (found["seq"], found["digest"]) == (life.last_seq, life.digests[life.last_seq])
    assert found["time"] == iso(life.times_ns[life.last_seq])
    for moment in ("0", "1969-01-01T00:00:00Z"):
        nothing = json.loads(kontor("state", "--data", life.directory, "--at", moment, "--json").output)
        assert (nothing["seq"], nothing["time"], nothing["open_orders"]) == (0, None, 0)
    assert json.loads(kontor("state", "--data", life.directory, "--at", "9" * 18, "--json").output) == found


def test_looking_changes_nothing_of_the_books(life: Lived) -> None:
    before = {name: content for name, content in tree(life.directory).items() if not name.endswith("lock.mdb")}
    said = kontor("state", "--data", life.directory, "--at", 100)
    assert said.code == 0
    assert life.digests[100] in said.output
    after = {name: content for name, content in tree(life.directory).items() if not name.endswith("lock.mdb")}
    assert after == before


def test_one_sku_and_one_order_are_shown_to_people_and_machines(life: Lived) -> None:
    numbers = [f"W-{i}" for i in range(1, 8)]
    seq, number = next((s, n) for s in life.batch_ends() if s > 20 for n in numbers if is_open_at(life, s, n))
    stock = json.loads(kontor("state", "--data", life.directory, "--at", seq, "--sku", "TIN-MUG", "--json").output)
    assert stock["sku"] == "TIN-MUG"
    assert stock["on_hand"] == sum(node["on_hand"] for node in stock["nodes"])
    said = kontor("state", "--data", life.directory, "--at", seq, "--sku", "TIN-MUG")
    assert said.output.splitlines()[0].split() == ["sku", "TIN-MUG"]
    order = json.loads(kontor("state", "--data", life.directory, "--at", seq, "--order", number, "--json").output)
    assert order["number"] == number
    told = kontor("state", "--data", life.directory, "--at", seq, "--order", number).output
    assert number in told
    assert f"{order['money']['total_minor']:,} total_minor" in told


def is_open_at(life: Lived, seq: int, order: str) -> bool:
    return kontor("state", "--data", life.directory, "--at", seq, "--order", order, "--json").code == 0


def test_what_was_not_there_is_said_so(life: Lived, tmp_path: Path) -> None:
    for arguments, reason in (
        (("--at", 0, "--sku", "TIN-MUG"), "there was no SKU 'TIN-MUG' after record 0"),
        (("--sku", "GHOST"), "there was no SKU 'GHOST'"),
        (("--at", 1, "--order", "W-1"), "order 'W-1' was not open after record 1"),
    ):
        said = kontor("state", "--data", life.directory, *arguments)
        assert (said.code, reason in said.complaint) == (1, True), said
    said = kontor("state", "--data", tmp_path / "nothing")
    assert (said.code, "is no data directory" in said.complaint) == (1, True)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("moment", ["", "x", "-1", "1.5", "2026-01-01", "2026-01-01T00:00:00", "9" * 19])
def test_a_malformed_moment_is_a_usage_error_that_names_the_option(life: Lived, moment: str) -> None:
    said = kontor("state", "--data", life.directory, f"--at={moment}")
    assert (said.code, "--at" in said.complaint, "as_of" in said.complaint) == (2, True, False)


def test_records_that_are_not_here_any_more_are_named(life: Lived) -> None:
    for segment in sorted((life.directory / "archive").glob("*.kja"))[:2]:
        segment.unlink()
    said = kontor("state", "--data", life.directory, "--at", 5)
    assert (said.code, "are neither in the journal nor in the archive" in said.complaint) == (1, True)
    found = json.loads(kontor("state", "--data", life.directory, "--json").output)
    assert found["digest"] == life.digests[life.last_seq]


def test_a_restored_directory_has_the_same_past(lived_once: Lived, backup: Path, tmp_path: Path) -> None:
    seq = lived_once.inside_batches()[60]
    restored(backup, tmp_path / "data", "--to-seq", seq)
    for at in (seq, seq - 1, 3):
        found = json.loads(kontor("state", "--data", tmp_path / "data", "--at", at, "--json").output)
        assert found["digest"] == lived_once.digests[at]


def test_a_running_node_is_looked_at_while_it_works(tmp_path: Path) -> None:
    node = LoggedNode(tmp_path / "data", "--snapshot-seconds", "0")
    try:
        open_shop(node)
        seen = dict([node.digest()])
        for number in range(3):
            node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")
            seen.update([node.digest()])
        for seq, digest in seen.items():
            said = kontor_process("state", "--data", node.directory, "--at", seq, "--json")
            assert said.code == 0, said.complaint
            assert json.loads(said.output)["digest"] == digest
        assert node.digest()[0] == max(seen)
    finally:
        node.leave_nobody()
