"""Party keys: made durable in groups, kept through crashes, destroyed for good."""

import hashlib
import hmac
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb
import pytest

from api.parties.keystore import BILLING, CONTACT, PURPOSES, Erased, PartyKeys, PartyKeysDamaged
from api.parties.pads import BLOCK_SLOTS, PAD_BYTES, Pads

NOON_NS = 1_900_000_000_000_000_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "parties"


@pytest.fixture
def keys(directory: Path) -> Iterator[PartyKeys]:
    store = PartyKeys(directory)
    yield store
    store.close()


def key_of(store: PartyKeys, party: str, purpose: str = CONTACT) -> bytes:
    key = store.key(party, purpose)
    assert isinstance(key, bytes)
    assert len(key) == 32
    return key


def stored(directory: Path, entry: bytes) -> bytes:
    """The bytes LMDB holds under an entry."""
    with copied(directory) as env, env.begin() as transaction:
        found = transaction.get(entry)
    assert found is not None
    return found


def last_transaction(directory: Path) -> int:
    with copied(directory) as env:
        return env.info()["last_txnid"]


@contextmanager
def copied(directory: Path) -> Iterator[lmdb.Environment]:
    """A second look at an environment: LMDB opens each only once in a process."""
    with TemporaryDirectory() as other:
        shutil.copy(directory / "data.mdb", other)
        with lmdb.open(other, readonly=True, lock=False) as env:
            yield env


def record_of(directory: Path, party: str) -> tuple[bytes, int, bytes]:
    """Share, slot of the contact key, and reference digest of a party, as they lie on disk."""
    record = stored(directory, b"p" + bytes.fromhex(party[2:]))
    return record[:32], int.from_bytes(record[33:41], "big"), record[66:]


def attack(directory: Path, party: str, purpose: str, share: bytes) -> set[bytes]:
    """Every key that somebody who remembers the share can derive from any 32 bytes of any file."""
    label = b"kontor/party-key/1|" + bytes.fromhex(party[2:]) + purpose.encode() + share
    found = set()
    for path in directory.iterdir():
        content = path.read_bytes()
        for offset in range(len(content) - PAD_BYTES + 1):
            window = content[offset : offset + PAD_BYTES]
            if any(window):
                found.add(hmac.digest(window, label, "sha512")[:32])
    return found


def test_a_customer_number_leads_to_the_same_party_also_after_a_restart(directory: Path) -> None:
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    assert keys.party_for("c-17") == ada
    assert keys.party_for("c-18") != ada
    contact = key_of(keys, ada)
    keys.flush()
    keys.close()

    reopened = PartyKeys(directory)
    assert reopened.party_for("c-17") == ada
    assert key_of(reopened, ada) == contact
    assert reopened.parties_count == 2
    reopened.close()


def test_guests_without_a_customer_number_are_different_parties(keys: PartyKeys) -> None:
    guests = {keys.party_for(None) for _ in range(100)}
    assert len(guests) == 100
    assert all(guest.startswith("p-") and len(guest) == 34 for guest in guests)


def test_every_party_and_purpose_has_its_own_key(keys: PartyKeys) -> None:
    parties = [keys.party_for(f"c-{number}") for number in range(50)]
    assert len({key_of(keys, party, purpose) for party in parties for purpose in PURPOSES}) == 100


def test_a_party_nobody_created_has_no_key(keys: PartyKeys) -> None:
    assert keys.key("p-" + "0" * 32, CONTACT) is None


@pytest.mark.parametrize("wrong", ["", "p-", "p-12", "x-" + "0" * 32, "0" * 32, "p-" + "0" * 31 + "g", "p-" + "0" * 34])
def test_what_is_no_party_id_is_refused(keys: PartyKeys, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"party id|hexadecimal"):
        keys.key(wrong, CONTACT)


def test_pending_keys_are_seen_before_the_flush_and_forgotten_without_it(directory: Path) -> None:
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    assert key_of(keys, ada)
    keys.close()

    reopened = PartyKeys(directory)
    assert reopened.key(ada, CONTACT) is None
    assert reopened.party_for("c-17") != ada
    assert reopened.parties_count == 1
    reopened.close()


def test_one_flush_is_one_commit_for_everything_pending(keys: PartyKeys, directory: Path) -> None:
    keys.party_for("c-1")
    keys.flush()
    before = last_transaction(directory)
    for number in range(300):
        keys.party_for(f"c-{number}")
    assert last_transaction(directory) == before
    keys.flush()
    assert keys.pending_count == 0
    assert last_transaction(directory) == before + 1
    keys.flush()
    assert last_transaction(directory) == before + 1


def test_a_destroyed_key_leaves_a_tombstone_with_its_time(directory: Path) -> None:
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    billing = key_of(keys, ada, BILLING)
    assert keys.destroy(ada, [CONTACT], NOON_NS) == 1
    assert keys.key(ada, CONTACT) == Erased(NOON_NS)
    assert key_of(keys, ada, BILLING) == billing
    assert keys.parties_count == 1
    keys.close()

    reopened = PartyKeys(directory)
    assert reopened.key(ada, CONTACT) == Erased(NOON_NS)
    assert key_of(reopened, ada, BILLING) == billing
    reopened.close()


def test_a_destroyed_key_is_never_created_again(directory: Path) -> None:
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    keys.flush()
    assert keys.destroy(ada, PURPOSES, NOON_NS) == 2
    assert keys.parties_count == 0
    again = keys.party_for("c-17")
    assert again != ada
    keys.flush()
    assert keys.destroy(ada, PURPOSES, NOON_NS + 5) == 0
    keys.close()

    reopened = PartyKeys(directory)
    assert [reopened.key(ada, purpose) for purpose in PURPOSES] == [Erased(NOON_NS), Erased(NOON_NS)]
    assert reopened.party_for("c-17") == again
    assert reopened.parties_count == 1
    reopened.close()


def test_a_half_erased_party_takes_nothing_new(keys: PartyKeys) -> None:
    ada = keys.party_for("c-17")
    keys.destroy(ada, [BILLING], NOON_NS)
    again = keys.party_for("c-17")
    assert again != ada
    assert key_of(keys, again, BILLING)
    assert key_of(keys, ada, CONTACT)
    assert keys.parties_count == 2


def test_erasing_what_an_older_key_store_never_knew_is_remembered(keys: PartyKeys) -> None:
    stranger = "p-" + "ab" * 16
    assert keys.destroy(stranger, PURPOSES, NOON_NS) == 0
    assert keys.key(stranger, CONTACT) == Erased(NOON_NS)
    assert keys.parties_count == 0


def test_no_file_yields_a_destroyed_key(directory: Path) -> None:
    keys = PartyKeys(directory)
    parties = [keys.party_for(f"c-{number}") for number in range(20)]
    keys.flush()
    ada, bob = parties[7], parties[8]
    secrets = {}
    for party in (ada, bob):
        share, slot, _ = record_of(directory, party)
        pad = (directory / "pads").read_bytes()[slot * PAD_BYTES : (slot + 1) * PAD_BYTES]
        secrets[party] = (key_of(keys, party), pad, share)
    key, pad, share = secrets[ada]
    assert key in attack(directory, ada, CONTACT, share)  # the attack works while the key lives

    keys.destroy(ada, [CONTACT], NOON_NS)

    assert key not in attack(directory, ada, CONTACT, share)
    for path in directory.iterdir():
        assert key not in path.read_bytes()
        assert pad not in path.read_bytes()
    assert secrets[bob][0] in attack(directory, bob, CONTACT, secrets[bob][2])
    keys.close()


def test_a_wipe_that_a_crash_prevented_is_done_at_the_next_opening(directory: Path, tmp_path: Path) -> None:
    keys = PartyKeys(directory)
    ada, bob = keys.party_for("c-17"), keys.party_for("c-18")
    keys.flush()
    bobs_key = key_of(keys, bob)
    pads_before = (directory / "pads").read_bytes()
    keys.destroy(ada, PURPOSES, NOON_NS)
    keys.close()
    # as if the tombstone had been the last thing to reach the disk
    (directory / "pads").write_bytes(pads_before)

    reopened = PartyKeys(directory)
    assert (directory / "pads").read_bytes()[: 2 * PAD_BYTES] == bytes(2 * PAD_BYTES)
    assert pads_before[:PAD_BYTES] not in (directory / "pads").read_bytes()
    assert reopened.key(ada, CONTACT) == Erased(NOON_NS)
    assert key_of(reopened, bob) == bobs_key
    reopened.close()


def test_the_next_opening_drops_every_trace_of_an_erased_customer_number(directory: Path) -> None:
    keys = PartyKeys(directory)
    parties = [keys.party_for(f"c-{number}") for number in range(200)]
    keys.flush()
    share, _, digest = record_of(directory, parties[17])
    assert len(digest) == 32
    keys.destroy(parties[17], PURPOSES, NOON_NS)
    keys.close()
    assert share in (directory / "data.mdb").read_bytes()  # LMDB keeps it in a page it no longer uses

    PartyKeys(directory).close()
    assert share not in (directory / "data.mdb").read_bytes()
    assert digest not in (directory / "data.mdb").read_bytes()
    assert {path.name for path in directory.iterdir()} == {"data.mdb", "lock.mdb", "master", "pads"}

    reopened = PartyKeys(directory)
    assert reopened.parties_count == 199
    assert reopened.party_for("c-18") == parties[18]
    assert reopened.key(parties[17], BILLING) == Erased(NOON_NS)
    reopened.close()


CHILD = """
import sys
from pathlib import Path
from api.parties.keystore import PartyKeys, PURPOSES
keys = PartyKeys(Path(sys.argv[1]))
for number in range(1_000_000):
    party = keys.party_for(f"c-{number}")
    if number % 7 == 0:
        keys.flush()
        print(number, party, *(keys.key(party, purpose).hex() for purpose in PURPOSES), flush=True)
    if number % 50 == 21:
        keys.destroy(party, PURPOSES, 1 + number)
        print(number, party, "erased", 1 + number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 40, 333])
def test_what_was_flushed_survives_kill_9(directory: Path, lines: int) -> None:
    command = [sys.executable, "-c", CHILD, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().split() for _ in range(lines)]
        child.kill()
        rest = child.stdout.read()
    assert child.returncode == -signal.SIGKILL
    acknowledged += [line.split() for line in rest.split("\n")[:-1]]

    keys = PartyKeys(directory)
    erased = {party: int(time_ns) for _, party, first, time_ns in acknowledged if first == "erased"}
    for number, party, *secrets in acknowledged:
        if party in erased:
            assert keys.key(party, CONTACT) == Erased(erased[party])
        elif keys.key(party, CONTACT) != Erased(1 + int(number)):  # erased, but killed before it could say so
            assert [key_of(keys, party, purpose).hex() for purpose in PURPOSES] == secrets
            assert keys.party_for(f"c-{number}") == party
    keys.close()


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from api.parties.keystore import PartyKeys, PURPOSES
from engine.wal.errors import StorageFull
keys = PartyKeys(Path(sys.argv[1]))
first = keys.party_for("first")
keys.flush()
held = {}
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
refusals = 0
for batch in range(60):
    for number in range(200):
        party = keys.party_for(f"c-{batch}-{number}")
        held[party] = keys.key(party, "contact")
    try:
        keys.flush()
    except StorageFull:
        refusals += 1
assert refusals and keys.pending_count == 200 * 2 * refusals, (refusals, keys.pending_count)
try:
    keys.destroy(first, PURPOSES, 1)
except StorageFull:
    assert isinstance(keys.key(first, "contact"), bytes)
else:
    raise SystemExit("destroyed on a full disk, with keys pending")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
keys.flush()
keys.close()
keys = PartyKeys(Path(sys.argv[1]))
assert all(keys.key(party, "contact") == key for party, key in held.items())
print(refusals)
"""


@pytest.mark.parametrize("bytes_max", [65_536, 300_000, 1_300_000])
def test_a_full_disk_refuses_the_flush_and_loses_nothing(directory: Path, bytes_max: int) -> None:
    command = [sys.executable, "-c", DISK_FULL, str(directory), str(bytes_max)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 0


def test_the_map_grows_by_itself(directory: Path) -> None:
    keys = PartyKeys(directory, map_bytes_initial=64 * 1024)
    held: dict[str, bytes] = {}
    for _ in range(5):
        for _ in range(400):
            party = keys.party_for(f"c-{len(held)}")
            held[party] = key_of(keys, party)
        keys.flush()
    assert (directory / "data.mdb").stat().st_size > 64 * 1024
    keys.close()

    reopened = PartyKeys(directory, map_bytes_initial=64 * 1024)
    assert all(key_of(reopened, party) == key for party, key in held.items())
    reopened.close()


def test_node_secrets_differ_by_name_and_node_and_stay_the_same(directory: Path, tmp_path: Path) -> None:
    keys = PartyKeys(directory)
    cursors = keys.node_secret("cursors")
    assert len(cursors) == 32
    assert cursors != keys.node_secret("events")
    keys.close()
    reopened, other = PartyKeys(directory), PartyKeys(tmp_path / "elsewhere")
    assert reopened.node_secret("cursors") == cursors
    assert other.node_secret("cursors") != cursors
    reopened.close()
    other.close()


def test_only_the_owner_may_read_the_files(keys: PartyKeys, directory: Path) -> None:
    keys.party_for("c-17")
    keys.flush()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_no_file_contains_a_key_or_a_customer_number(keys: PartyKeys, directory: Path) -> None:
    ada = keys.party_for("customer-0017")
    keys.flush()
    traces = [b"customer-0017", hashlib.sha256(b"customer-0017").digest(), key_of(keys, ada)]
    for path in directory.iterdir():
        assert not [trace for trace in traces if trace in path.read_bytes()]


@pytest.mark.parametrize("name", ["master", "data.mdb", "pads"])
def test_a_missing_file_is_refused_by_name(directory: Path, name: str) -> None:
    keys = PartyKeys(directory)
    keys.party_for("c-17")
    keys.flush()
    keys.close()
    (directory / name).unlink()
    with pytest.raises(PartyKeysDamaged, match=rf"{name} is missing; restore"):
        PartyKeys(directory)


@pytest.mark.parametrize(
    ("name", "bytes_left"),
    [
        ("master", 0),
        ("master", 31),
        ("data.mdb", 0),
        ("data.mdb", 20),
        ("data.mdb", 12_000),
        ("pads", 0),
        ("pads", 12_000),
    ],
)
def test_a_file_cut_short_is_refused(directory: Path, name: str, bytes_left: int) -> None:
    keys = PartyKeys(directory)
    for number in range(1_000):
        keys.party_for(f"c-{number}")
    keys.flush()
    keys.close()
    with (directory / name).open("r+b") as file:
        file.truncate(bytes_left)
    with pytest.raises((PartyKeysDamaged, lmdb.Error)):
        PartyKeys(directory)


@pytest.mark.parametrize("name", ["master", "data.mdb"])
def test_a_file_of_another_node_is_refused(directory: Path, tmp_path: Path, name: str) -> None:
    for place in (directory, tmp_path / "elsewhere"):
        keys = PartyKeys(place)
        keys.party_for("c-17")
        keys.flush()
        keys.close()
    shutil.copy(tmp_path / "elsewhere" / name, directory / name)
    with pytest.raises(PartyKeysDamaged, match="does not belong to this master"):
        PartyKeys(directory)


def test_a_changed_pad_never_becomes_a_wrong_key(directory: Path) -> None:
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    keys.flush()
    with (directory / "pads").open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes((first[0] ^ 1,)))
    with pytest.raises(PartyKeysDamaged, match=rf"pad 0 is not the one of {ada} contact"):
        keys.key(ada, CONTACT)
    assert key_of(keys, ada, BILLING)
    keys.close()


def test_a_crash_while_the_store_is_created_leaves_a_store_that_opens(directory: Path) -> None:
    PartyKeys(directory).close()
    (directory / "master").rename(directory / "master.new")  # killed before the last step
    keys = PartyKeys(directory)
    ada = keys.party_for("c-17")
    keys.flush()
    keys.close()
    reopened = PartyKeys(directory)
    assert reopened.party_for("c-17") == ada
    reopened.close()


def test_pads_beyond_the_used_ones_are_drawn_again_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "pads"
    path.write_bytes(b"\x11" * PAD_BYTES * 2 + bytes(PAD_BYTES * BLOCK_SLOTS))  # zeros that were never synced
    pads = Pads(path, used=2)
    slot, pad = pads.assign()
    pads.make_durable()
    assert slot == 2
    assert any(pad)
    content = path.read_bytes()
    assert content[: 2 * PAD_BYTES] == b"\x11" * PAD_BYTES * 2
    assert content[2 * PAD_BYTES : 3 * PAD_BYTES] == pad
    assert bytes(PAD_BYTES) not in content
    pads.close()


def test_pads_are_written_ahead_a_block_at_a_time(tmp_path: Path) -> None:
    pads = Pads(tmp_path / "pads", used=0)
    drawn = [pads.assign()[1] for _ in range(BLOCK_SLOTS + 1)]
    pads.make_durable()
    assert (tmp_path / "pads").stat().st_size == 2 * BLOCK_SLOTS * PAD_BYTES
    drawn += [pads.assign()[1] for _ in range(BLOCK_SLOTS - 1)]
    pads.make_durable()
    assert (tmp_path / "pads").read_bytes() == b"".join(drawn)
    pads.close()
