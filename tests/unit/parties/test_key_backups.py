"""Backups of the key store: whole, also from a store in use, and without anybody who was erased."""

import hashlib
import hmac
import os
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from api.backups import keys as backups
from api.backups.keys import KeysBackupFailed, back_up, check, prune, restore
from api.backups.keys_manifest import decoded, encoded
from api.parties.key_files import sum_of
from api.parties.keystore import BILLING, CONTACT, PURPOSES, Erased, PartyKeys
from api.parties.pads import PAD_BYTES

NOON_NS = 1_795_694_700_000_000_000  # 2026-11-26T12:05:00Z
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
NAME = "20261126T120500Z"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "parties"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "keys"


def filled(directory: Path, parties: int = 50) -> dict[str, list[bytes | Erased | None]]:
    """A closed key store; the keys of its parties."""
    keys = PartyKeys(directory)
    made = [keys.party_for(f"c-{number}") for number in range(parties)]
    keys.flush()
    held = {party: [keys.key(party, purpose) for purpose in PURPOSES] for party in made}
    keys.close()
    return held


def keys_in(backup: Path, place: Path, parties: list[str]) -> dict[str, list[bytes | Erased | None]]:
    """What a node would find after a restore into `place`."""
    restore(backup, place)
    keys = PartyKeys(place)
    held = {party: [keys.key(party, purpose) for purpose in PURPOSES] for party in parties}
    keys.close()
    return held


def derivable(backup: Path, party: str, purpose: str, share: bytes) -> set[bytes]:
    """Every key that somebody who remembers the share can derive from any 32 bytes of the backup."""
    label = b"kontor/party-key/1|" + bytes.fromhex(party[2:]) + purpose.encode() + share
    found = set()
    for path in backup.iterdir():
        content = path.read_bytes()
        windows = (content[at : at + PAD_BYTES] for at in range(len(content) - PAD_BYTES + 1))
        found |= {hmac.digest(window, label, "sha512")[:32] for window in windows if any(window)}
    return found


def record_of(directory: Path, party: str) -> tuple[bytes, bytes]:
    """Share and customer number digest of a party, as they lie on disk; no other process is at work."""
    with lmdb.open(str(directory), readonly=True, lock=False) as env, env.begin() as transaction:
        record = transaction.get(b"p" + bytes.fromhex(party[2:]))
    assert record is not None
    return record[:32], record[66:]


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)


def test_a_restored_key_store_has_every_key_and_knows_every_customer(
    directory: Path, target: Path, tmp_path: Path
) -> None:
    held = filled(directory)
    keys = PartyKeys(directory)
    secret = keys.node_secret("idempotency")
    keys.close()
    made = back_up(directory, target, NOON_NS)
    assert (made.path, made.made_at, made.parties_alive) == (target / NAME, "2026-11-26T12:05:00.000000Z", 50)
    assert made.size_bytes == sum(path.stat().st_size for path in made.path.iterdir() if path.suffix != ".json")

    place = tmp_path / "elsewhere" / "parties"
    assert keys_in(made.path, place, list(held)) == held
    again = PartyKeys(place)
    assert [again.party_for(f"c-{number}") for number in range(50)] == list(held)
    assert again.node_secret("idempotency") == secret
    new = again.party_for("c-50")
    again.flush()
    assert again.key(new, CONTACT) not in [key for pair in held.values() for key in pair]
    again.close()


def test_an_empty_key_store_can_be_backed_up_and_restored(directory: Path, target: Path, tmp_path: Path) -> None:
    PartyKeys(directory).close()
    made = back_up(directory, target, NOON_NS)
    assert made.parties_alive == 0
    assert keys_in(made.path, tmp_path / "elsewhere", []) == {}


def test_a_backup_changes_nothing_in_the_key_store(directory: Path, target: Path) -> None:
    filled(directory)
    names = ("data.mdb", "master", "pads")
    before = {name: (directory / name).read_bytes() for name in names}
    back_up(directory, target, NOON_NS)
    assert {name: (directory / name).read_bytes() for name in names} == before


WRITER = """
import sys
from pathlib import Path
from api.parties.keystore import PURPOSES, PartyKeys
keys = PartyKeys(Path(sys.argv[1]))
made = []
print("ready", flush=True)
for number in range(10_000_000):
    made.append(keys.party_for(f"new-{number}"))
    if number % 5 == 0:
        keys.flush()
    if number % 7 == 0:
        keys.destroy(made.pop(number * 7919 % len(made)), PURPOSES[number % 2 :], 1 + number)
"""


def test_a_backup_taken_while_another_process_creates_and_erases_is_whole(
    directory: Path, target: Path, tmp_path: Path
) -> None:
    filled(directory, 2_000)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        try:
            made = [back_up(directory, target, NOON_NS)]
            while len(made) < 8 or made[-1].parties_alive == made[0].parties_alive:
                made.append(back_up(directory, target, NOON_NS + len(made) * SECOND_NS))
            assert writer.poll() is None
        finally:
            writer.kill()
    for backup in made:
        assert check(backup.path) == []
        place = tmp_path / backup.path.name
        restore(backup.path, place)
        keys = PartyKeys(place)
        assert keys.parties_count == backup.parties_alive
        keys.close()


def test_a_backup_made_after_the_erasure_holds_neither_half_of_the_key(directory: Path, target: Path) -> None:
    parties = list(filled(directory, 20))
    ada, bob, eve = parties[3], parties[4], parties[5]
    shares = {party: record_of(directory, party) for party in (ada, bob, eve)}
    pads = (directory / "pads").read_bytes()
    keys = PartyKeys(directory)
    held = {party: [keys.key(party, purpose) for purpose in PURPOSES] for party in (ada, bob, eve)}
    keys.destroy(ada, PURPOSES, NOON_NS)
    keys.destroy(eve, [CONTACT], NOON_NS)
    keys.close()  # and not opened again, so data.mdb still has ada's share in a page it no longer uses
    assert shares[ada][0] in (directory / "data.mdb").read_bytes()

    backup = back_up(directory, target, NOON_NS).path

    content = b"".join(path.read_bytes() for path in backup.iterdir())
    assert shares[ada][0] not in content
    assert shares[ada][1] not in content
    assert shares[eve][1] not in content
    for slot in (6, 7, 10):  # ada's two, and eve's contact
        assert pads[slot * PAD_BYTES : (slot + 1) * PAD_BYTES] not in content
    assert held[ada][0] not in derivable(backup, ada, CONTACT, shares[ada][0])
    assert held[ada][1] not in derivable(backup, ada, BILLING, shares[ada][0])
    assert held[eve][0] not in derivable(backup, eve, CONTACT, shares[eve][0])
    assert held[eve][1] in derivable(backup, eve, BILLING, shares[eve][0])
    assert held[bob][0] in derivable(backup, bob, CONTACT, shares[bob][0])  # the attack works on the living


def test_somebody_erased_while_the_copy_is_made_is_not_in_it(
    directory: Path, target: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held = filled(directory)
    ada, bob = list(held)[:2]
    copy_data = backups._copy_data

    def erase_then_copy(parties: Path, copy: Path) -> None:
        erase(ada)
        copy_data(parties, copy)
        erase(bob)

    def erase(party: str) -> None:
        keys = PartyKeys(directory)
        keys.destroy(party, PURPOSES, NOON_NS)
        keys.close()

    pads = (directory / "pads").read_bytes()
    monkeypatch.setattr(backups, "_copy_data", erase_then_copy)
    backup = back_up(directory, target, NOON_NS).path
    content = (backup / "pads").read_bytes()
    assert content[: 2 * PAD_BYTES] == bytes(2 * PAD_BYTES)
    assert content[2 * PAD_BYTES :] == pads[2 * PAD_BYTES : len(content)]
    assert keys_in(backup, tmp_path / "elsewhere", [ada, bob]) == {ada: [Erased(NOON_NS)] * 2, bob: held[bob]}


def test_somebody_made_and_erased_while_the_copy_is_made_makes_it_start_again(
    directory: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(directory)
    copies: list[Path] = []
    copy_data = backups._copy_data

    def make_copy_erase(parties: Path, copy: Path) -> None:
        keys = PartyKeys(directory)
        guest = keys.party_for(None)
        keys.flush()
        keys.close()
        copy_data(parties, copy)
        copies.append(copy)
        if len(copies) < times:
            keys = PartyKeys(directory)
            keys.destroy(guest, PURPOSES, NOON_NS)
            keys.close()

    monkeypatch.setattr(backups, "_copy_data", make_copy_erase)
    # The pads written ahead are drawn again by every opening, so what was read before is never the guest's.
    times = 3
    assert check(back_up(directory, target, NOON_NS).path) == []
    assert len(copies) == times
    times = 1_000
    with pytest.raises(KeysBackupFailed, match="also after 5 attempts; keep the backups there are"):
        back_up(directory, target, NOON_NS + DAY_NS)
    assert [path.name for path in target.iterdir()] == [NAME]


STARTING_NODE = """
import sys
from pathlib import Path
from api.parties.keystore import PURPOSES, PartyKeys
keys = PartyKeys(Path(sys.argv[1]))
print(keys.key(sys.argv[2], "contact").hex())
keys.close()
"""


def test_a_node_that_starts_while_its_keys_are_read_loses_none(directory: Path) -> None:
    for parties in (2, 3):  # LMDB chooses a meta page by the last transaction's parity
        shutil.rmtree(directory, ignore_errors=True)
        held = filled(directory, parties)
        ada, bob, *others = held
        keys = PartyKeys(directory)
        for party in others:
            keys.destroy(party, [BILLING], NOON_NS)
        keys.destroy(ada, PURPOSES, NOON_NS)
        keys.close()
        with lmdb.open(str(directory), readonly=True, lib_version=0) as reader, reader.begin():
            command = [sys.executable, "-c", STARTING_NODE, str(directory), bob]
            node = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        key = held[bob][0]
        assert isinstance(key, bytes)
        assert node.stdout.strip() == key.hex(), node.stderr


def test_only_the_owner_may_read_a_backup(directory: Path, target: Path, tmp_path: Path) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    restore(backup, tmp_path / "elsewhere")
    for place in (backup, tmp_path / "elsewhere"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    assert stat.S_IMODE(target.stat().st_mode) == 0o700


def test_a_backup_is_never_overwritten(directory: Path, target: Path) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    before = (backup / "manifest.json").read_bytes()
    with pytest.raises(KeysBackupFailed, match="is there already: wait a second"):
        back_up(directory, target, NOON_NS + SECOND_NS - 1)
    assert (backup / "manifest.json").read_bytes() == before
    assert check(backup) == []


def test_what_is_no_key_store_is_refused_by_name(tmp_path: Path, target: Path) -> None:
    with pytest.raises(KeysBackupFailed, match="holds no key store"):
        back_up(tmp_path / "nowhere", target, NOON_NS)
    assert not target.exists()


def test_a_target_inside_the_key_store_is_refused(directory: Path) -> None:
    filled(directory)
    with pytest.raises(KeysBackupFailed, match="lies inside the key store"):
        back_up(directory, directory / "backups", NOON_NS)


@pytest.mark.parametrize(("name", "position"), [("pads", 5), ("master", 5)])
def test_a_damaged_key_store_is_not_taken_for_a_good_one(
    directory: Path, target: Path, name: str, position: int
) -> None:
    filled(directory)
    back_up(directory, target, NOON_NS)
    flip(directory / name, position)
    with pytest.raises(KeysBackupFailed, match=r"the key store is damaged: .*; keep the backups there are"):
        back_up(directory, target, NOON_NS + SECOND_NS)
    assert [path.name for path in target.iterdir()] == [NAME]


def test_old_backups_are_deleted_the_newest_too_and_the_rest_stays(directory: Path, target: Path) -> None:
    filled(directory)
    for days in (0, 1, 2, 3):
        back_up(directory, target, NOON_NS + days * DAY_NS)
    (target / "notes").mkdir()
    assert prune(target, 2 * 86_400, NOON_NS + 3 * DAY_NS) == [NAME]
    assert prune(target, 2 * 86_400, NOON_NS + 3 * DAY_NS) == []
    assert sorted(path.name for path in target.iterdir()) == [
        "20261127T120500Z",
        "20261128T120500Z",
        "20261129T120500Z",
        "notes",
    ]
    assert len(prune(target, 86_400, NOON_NS + 30 * DAY_NS)) == 3
    assert [path.name for path in target.iterdir()] == ["notes"]
    assert prune(target / "nowhere", 86_400, NOON_NS) == []


def test_pads_and_master_of_a_deleted_backup_are_zeros_before_they_go(directory: Path, target: Path) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    descriptors = [os.open(backup / name, os.O_RDONLY) for name in ("master", "pads")]
    prune(target, 0, NOON_NS + DAY_NS)
    contents = [os.pread(descriptor, 1_000_000, 0) for descriptor in descriptors]
    assert [len(content) for content in contents] == [32, 100 * PAD_BYTES]
    assert not any(any(content) for content in contents)
    for descriptor in descriptors:
        os.close(descriptor)


def test_what_a_killed_backup_left_is_deleted_by_the_next_one_and_by_pruning(directory: Path, target: Path) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    leftover = target / "20261125T120500Z.new"
    shutil.copytree(backup, leftover)
    assert prune(target, 10 * 86_400, NOON_NS) == [leftover.name]
    shutil.copytree(backup, leftover)
    back_up(directory, target, NOON_NS + DAY_NS)
    assert not leftover.exists()


@pytest.mark.parametrize("name", ["master", "data.mdb", "pads", "manifest.json"])
def test_a_flipped_bit_is_noticed(directory: Path, target: Path, name: str) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    assert check(backup) == []
    bits = (backup / name).stat().st_size * 8
    positions = range(bits) if bits <= 256 else sorted(random.Random(7).sample(range(bits), 300))
    for position in positions:
        flip(backup / name, position)
        wrong = check(backup)
        assert len(wrong) == 1, position
        assert wrong[0].startswith(name), position
        flip(backup / name, position)
    assert check(backup) == []


def test_digests_that_were_made_to_fit_do_not_hide_a_missing_key(directory: Path, target: Path) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    flip(backup / "pads", 77)
    manifest = decoded((backup / "manifest.json").read_bytes())
    manifest.files["pads"] = sum_of(backup / "pads")
    (backup / "manifest.json").write_bytes(encoded(manifest))
    assert [sentence[:22] for sentence in check(backup)] == ["pad 0 is not the one o"]


@pytest.mark.parametrize("name", ["master", "data.mdb", "pads", "manifest.json"])
def test_a_missing_or_shortened_file_is_named_and_nothing_is_restored(
    directory: Path, target: Path, tmp_path: Path, name: str
) -> None:
    filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    with (backup / name).open("r+b") as file:
        file.truncate((backup / name).stat().st_size - 1)
    assert [sentence.startswith(name) for sentence in check(backup)] == [True]
    (backup / name).unlink()
    assert check(backup) == [f"{name} is missing"]
    with pytest.raises(KeysBackupFailed, match=rf"is not sound: {name} is missing. Take another backup"):
        restore(backup, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_used_directory_is_refused_and_an_empty_one_is_filled(directory: Path, target: Path, tmp_path: Path) -> None:
    held = filled(directory)
    backup = back_up(directory, target, NOON_NS).path
    digest = hashlib.sha256((directory / "master").read_bytes()).digest()
    with pytest.raises(KeysBackupFailed, match="stop the node and move it away first"):
        restore(backup, directory)
    assert hashlib.sha256((directory / "master").read_bytes()).digest() == digest
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeysBackupFailed, match="nothing is overwritten"):
        restore(backup, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.new").mkdir()  # a restore was killed
    (tmp_path / "empty.new" / "pads").write_bytes(b"half")
    assert keys_in(backup, tmp_path / "empty", list(held)) == held
    assert not (tmp_path / "empty.new").exists()


BACK_UP_WITH_A_LIMIT = """
import resource, sys
from pathlib import Path
from api.backups.keys import KeysBackupFailed, back_up, restore
parties, target, elsewhere, limit, now_ns = *map(Path, sys.argv[1:4]), *map(int, sys.argv[4:])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
refused = []
for attempt in (lambda: back_up(parties, target, now_ns), lambda: restore(next(target.iterdir()), elsewhere)):
    try:
        attempt()
    except KeysBackupFailed as problem:
        refused.append(str(problem))
print(len(refused), *refused, sep="\\n")
"""


@pytest.mark.parametrize("bytes_max", [10, 8_192, 60_000, 100_000])
def test_a_full_disk_leaves_no_half_backup_and_no_half_key_store(
    directory: Path, target: Path, tmp_path: Path, bytes_max: int
) -> None:
    filled(directory, 2_000)
    backup = back_up(directory, target, NOON_NS).path
    assert (backup / "pads").stat().st_size > 100_000
    places = [str(place) for place in (directory, target, tmp_path / "elsewhere")]
    command = [sys.executable, "-c", BACK_UP_WITH_A_LIMIT, *places, str(bytes_max), str(NOON_NS + DAY_NS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    count, *refusals = result.stdout.splitlines()
    assert count == "2"
    assert all(refusal.startswith("no room at ") for refusal in refusals), refusals
    assert [path.name for path in target.iterdir()] == [NAME]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backups", "data"]
    assert check(backup) == []


def test_two_backups_into_one_target_do_not_mix(directory: Path, target: Path) -> None:
    filled(directory)
    with (
        backups._locked(make(target)),
        pytest.raises(KeysBackupFailed, match="another backup is at work"),
    ):
        back_up(directory, target, NOON_NS)
    assert check(back_up(directory, target, NOON_NS).path) == []


def make(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory
