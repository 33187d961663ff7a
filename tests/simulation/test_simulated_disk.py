"""The simulated disk can lose what it may lose, and nothing else."""

import random
from collections.abc import Iterator

from tests.simulation.disk_operations import Made, Operation, Removed, Renamed, Reserved, Sized, Synced, Written
from tests.simulation.simulated_disk import SECTOR_BYTES, Image, SimulatedDisk, run_all

FILE = "file"
NEW: list[Operation] = [Made(FILE, is_folder=False), Synced(FILE, data_only=False)]


def write(offset: int, data: bytes, durable: bool = False) -> Written:
    return Written(FILE, offset, data, durable)


def sectors(letters: bytes) -> bytes:
    """A sector full of each letter."""
    return b"".join(bytes([letter]) * SECTOR_BYTES for letter in letters)


def images(disk: SimulatedDisk, count: int = 300) -> Iterator[Image]:
    chance = random.Random(1)
    return (disk.after_power_cut(chance) for _ in range(count))


def contents(operations: list[Operation]) -> set[bytes | None]:
    """What the file may hold after a power cut; None if it may be gone."""
    return {None if (content := image.get(FILE)) is None else bytes(content) for image in images(run_all(operations))}


def names(operations: list[Operation]) -> set[frozenset[str]]:
    """Which names there may be after a power cut."""
    return {frozenset(image) - {""} for image in images(run_all(operations))}


def test_an_unsynced_write_is_torn_between_sectors_and_never_inside_one() -> None:
    old, new = sectors(b"abc"), sectors(b"xyz")
    found = contents([*NEW, write(0, old), Synced(FILE, data_only=True), write(0, new)])
    assert found == {sectors(bytes(choice)) for choice in [(p, q, r) for p in b"ax" for q in b"by" for r in b"cz"]}


def test_unsynced_writes_survive_independently_of_their_order() -> None:
    synced: list[Operation] = [*NEW, write(0, sectors(b"ab")), Synced(FILE, data_only=True)]
    found = contents([*synced, write(0, sectors(b"x")), write(SECTOR_BYTES, sectors(b"y"))])
    assert found == {sectors(b"ab"), sectors(b"xb"), sectors(b"ay"), sectors(b"xy")}


def test_a_synced_write_stays() -> None:
    assert contents([*NEW, write(0, b"all"), Synced(FILE, data_only=True)]) == {b"all"}


def test_a_sector_written_twice_holds_what_it_held_at_one_time() -> None:
    synced: list[Operation] = [*NEW, write(0, b"......"), Synced(FILE, data_only=True)]
    assert contents([*synced, write(0, b"ab"), write(4, b"ef")]) == {b"......", b"ab....", b"ab..ef"}


def test_a_durable_write_stays_and_promises_nothing_of_others() -> None:
    synced: list[Operation] = [*NEW, write(0, sectors(b"ab")), Synced(FILE, data_only=True)]
    found = contents([*synced, write(0, sectors(b"x")), write(SECTOR_BYTES, sectors(b"y"), durable=True)])
    assert found == {sectors(b"ay"), sectors(b"xy")}


def test_a_durable_write_that_has_not_returned_may_be_missing() -> None:
    disk = run_all([*NEW, write(0, b"old"), Synced(FILE, data_only=True)])
    disk.begin(write(0, b"new", durable=True))
    assert {bytes(image[FILE] or b"") for image in images(disk)} == {b"old", b"new"}
    disk.finish(write(0, b"new", durable=True))
    assert {bytes(image[FILE] or b"") for image in images(disk)} == {b"new"}


def test_a_write_beyond_the_end_leaves_zeros_before_it() -> None:
    found = contents([*NEW, write(2 * SECTOR_BYTES, b"end")])
    hole = bytes(2 * SECTOR_BYTES)
    assert found == {b"", hole + b"end", hole + bytes(3)}, "nothing, all, or the size without the data"


def test_sizes_that_no_sync_covers_may_not_have_happened() -> None:
    written: list[Operation] = [*NEW, write(0, b"data"), Synced(FILE, data_only=True)]
    assert contents([*written, Reserved(FILE, 6)]) == {b"data", b"data\0\0"}
    assert contents([*written, Sized(FILE, 1)]) == {b"data", b"d"}
    assert contents([*written, Sized(FILE, 1), Sized(FILE, 2)]) == {b"data", b"d", b"d\0"}
    assert contents([*written, Sized(FILE, 1), Synced(FILE, data_only=True)]) == {b"d"}


def test_names_survive_in_the_order_in_which_they_were_made() -> None:
    made: list[Operation] = [Made("a.new", is_folder=True), Made("a.new/x", is_folder=False), Renamed("a.new", "a")]
    steps: list[set[str]] = [set(), {"a.new"}, {"a.new", "a.new/x"}, {"a", "a/x"}]
    assert names([*made]) == {frozenset(step) for step in steps}
    assert names([*made, Synced("", data_only=False), Removed("a/x"), Removed("a")]) == {
        frozenset(("a", "a/x")),
        frozenset("a"),
        frozenset(),
    }


def test_syncing_a_folder_makes_its_names_durable() -> None:
    made: list[Operation] = [Made("a.new", is_folder=True), Made("a.new/x", is_folder=False)]
    assert names([*made, Synced("a.new", data_only=False)]) == {frozenset({"a.new", "a.new/x"})}
    assert frozenset({"a.new", "a.new/x"}) in names(
        [*made, Synced("a.new", data_only=False), Renamed("a.new", "a"), Synced("a", data_only=False)]
    ), "the new name is in the folder above"
    assert names([*made, Renamed("a.new", "a"), Synced("", data_only=False)]) == {frozenset({"a", "a/x"})}


def test_fsync_of_a_file_makes_its_creation_durable_and_fdatasync_is_not_trusted_to() -> None:
    made: list[Operation] = [Made(FILE, is_folder=False), write(0, b"data")]
    assert contents([*made, Synced(FILE, data_only=False)]) == {b"data"}
    assert contents([*made, Synced(FILE, data_only=True)]) == {b"data", None}


def test_a_power_cut_changes_nothing_for_a_disk_that_keeps_its_power() -> None:
    operations: list[Operation] = [*NEW, write(0, sectors(b"abc")), Renamed(FILE, "other")]
    disk = run_all(operations)
    before = disk.now()
    list(images(disk))
    assert disk.now() == before == {"": None, "other": bytearray(sectors(b"abc"))}
