"""Flips bits of a kept journal, archive or snapshot, one at a time, and tells what reading everything found each time.

Run as a module with the kind, a folder, how many bits of every class of bytes, and where to begin. Each attempt is a
child process, for LMDB dies by a signal on some damaged pages unless they are checked first.
"""

import json
import os
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from engine.wal import JournalCorrupt, Snapshot, SnapshotDamaged, archive
from tests.unit.wal.keeping import keep, keep_archived_only, live_folders, reopen, verify_archive
from tests.unit.wal.shop_life import live, start, take_snapshots

SAME, NOTICED, BELIEVED, NAMELESS = 0, 1, 2, 3
WORDS = {SAME: "harmless", NOTICED: "detected", BELIEVED: "another state", NAMELESS: "the wrong name"}
PAGE = 4096
META_BYTES = 16 + 24 + 2 * 48 + 16
OVERFLOW, META = 4, 8
PAGE_KINDS = {1: "branch page", 2: "leaf page", 4: "overflow page", 8: "meta page"}

SEPARATORS = "branch page's entries"


class Stretch(NamedTuple):
    """Bytes of one class in one file."""

    kind: str
    file: Path
    start: int
    end: int


class Kept(NamedTuple):
    """What is flipped, and how it is read: `attempt` is told the file with the flipped bit."""

    stretches: list[Stretch]
    attempt: Callable[[Path], int]


def live_segments(directory: Path) -> Kept:
    """The used pages of every segment of a journal without an archive."""
    places = keep(directory, 30)

    def all_of_it() -> tuple[object, ...]:
        journal = reopen(places)
        return journal.journal_id, journal.last_seq, journal.last_time_ns, journal.chain_digest, list(journal.read())

    before = in_a_child_value(all_of_it)

    def attempt(flipped: Path) -> int:
        try:
            return SAME if repr(all_of_it()).encode() == before else BELIEVED
        except JournalCorrupt as refusal:  # what a segment says of itself may be told of the one that follows it
            return NOTICED if refusal.segment in {folder.name for folder in live_folders(places)} else NAMELESS

    files = [folder / "data.mdb" for folder in live_folders(places)]
    return Kept([stretch for file in files for stretch in pages_of(file)], attempt)


def without_separators(kept: Kept) -> Kept:
    """All but the keys by which LMDB finds its way to a leaf."""
    return kept._replace(stretches=[stretch for stretch in kept.stretches if stretch.kind != SEPARATORS])


def only_separators(kept: Kept) -> Kept:
    """Those keys."""
    return kept._replace(stretches=[stretch for stretch in kept.stretches if stretch.kind == SEPARATORS])


def in_a_child_value(of: Callable[[], object]) -> bytes:
    """What it gives, seen by a child: this process opens no environment, so that its children can."""
    source, sink = os.pipe()
    if os.fork() == 0:
        os.close(source)
        with os.fdopen(sink, "wb") as file:
            file.write(repr(of()).encode())
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        value = file.read()
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    return value


def pages_of(file: Path) -> Iterator[Stretch]:
    """The pages in use by what they say they are, what is used of them and what is not."""
    content = file.read_bytes()
    used = 1 + max(struct.unpack_from("=Q", content, at + 16 + 24 + 2 * 48)[0] for at in (0, PAGE))
    number = 0
    while number < used:
        at = number * PAGE
        flags, lower, upper = struct.unpack_from("=HHH", content, at + 10)
        (pages,) = struct.unpack_from("=I", content, at + 12) if flags & OVERFLOW else (1,)
        end = at + pages * PAGE
        kind = PAGE_KINDS[flags & 15]
        if flags & OVERFLOW:
            lower = upper = 16
        elif flags & META:
            lower, upper = META_BYTES, PAGE
        yield Stretch(kind, file, at, at + lower)
        yield Stretch("free space", file, at + lower, at + upper)
        yield Stretch(f"{kind}'s entries", file, at + upper, end)
        number += pages


def archived_segments(directory: Path) -> Kept:
    """Archived segments of several blocks, whose live ones are gone."""
    archive.BLOCK_BYTES = 9_000
    places = keep_archived_only(directory, 30)
    before = in_a_child_value(lambda: list(reopen(places).read()))

    def attempt(flipped: Path) -> int:
        try:
            verify_archive(flipped)
        except JournalCorrupt as refusal:
            if refusal.segment != flipped.name:
                return NAMELESS
        else:
            return BELIEVED  # every byte of it counts
        try:
            return NOTICED if repr(list(reopen(places).read())).encode() == before else BELIEVED
        except JournalCorrupt:
            return NOTICED

    return Kept([s for file in sorted(places.archive.iterdir()) for s in archive_stretches(file)], attempt)


def archive_stretches(file: Path) -> Iterator[Stretch]:
    """Header, heads and bodies of the blocks, index, footer."""
    content = file.read_bytes()
    footer = len(content) - 160
    index, blocks = struct.unpack_from(">QI", content, footer + 112)
    offsets = [struct.unpack_from(">QQ", content, index + 16 * i)[1] for i in range(blocks)]
    yield Stretch("header", file, 0, 8)
    for at, end in zip(offsets, [*offsets[1:], index], strict=True):
        yield Stretch("block head", file, at, at + 20)
        yield Stretch("block body", file, at + 20, end)
    yield Stretch("index", file, index, footer)
    yield Stretch("footer", file, footer, len(content))


def snapshots(directory: Path) -> Kept:
    """The newest of two snapshots of a shop."""
    lived = live(directory, steps=20)
    before, newest = take_snapshots(lived.directory, [lived.ends[-4], lived.ends[-2]])

    def attempt(flipped: Path) -> int:
        try:
            list(Snapshot(flipped).parts())
        except SnapshotDamaged as damage:
            if damage.name != flipped.name:
                return NAMELESS
        else:
            return BELIEVED  # every byte of it counts
        found = start(lived.directory)
        is_told = [newest.name in warning for warning in found.warnings] == [True]
        is_right = (found.digest, found.replayed_after) == (lived.digest, int(before.stem))
        return NOTICED if is_told and is_right else BELIEVED

    return Kept(list(snapshot_stretches(newest)), attempt)


def snapshot_stretches(file: Path) -> Iterator[Stretch]:
    """Header, heads and bodies of the parts, footer."""
    content, at = file.read_bytes(), 76
    yield Stretch("header", file, 0, at)
    while at < len(content) - 76:
        end = at + 12 + struct.unpack_from(">I", content, at + 4)[0]
        yield Stretch("part head", file, at, at + 12)
        yield Stretch("part body", file, at + 12, end)
        at = end
    yield Stretch("footer", file, at, len(content))


def spread(stretches: list[Stretch], kind: str, count: int, begin: int) -> Iterator[tuple[Path, int]]:
    """(file, bit), evenly over all bits of a class."""
    mine = [stretch for stretch in stretches if stretch.kind == kind]
    bits = 8 * sum(stretch.end - stretch.start for stretch in mine)
    count = min(count, bits)
    for number in range(count):
        bit = (begin + bits * number // count) % bits
        for stretch in mine:
            length = 8 * (stretch.end - stretch.start)
            if bit < length:
                yield stretch.file, 8 * stretch.start + bit
                break
            bit -= length


def outcome_of(attempt: Callable[[Path], int], file: Path) -> str:
    """What became of reading, in a child."""
    content = file.read_bytes()
    child = os.fork()
    if child == 0:
        status = 9
        try:
            status = attempt(file)
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return WORDS.get(status, f"status {status}") if file.read_bytes() == content else "it was written to"


KINDS: dict[str, Callable[[Path], Kept]] = {
    "live": lambda directory: without_separators(live_segments(directory)),
    "separators": lambda directory: only_separators(live_segments(directory)),
    "archived": archived_segments,
    "snapshots": snapshots,
}


def main() -> None:
    """Flip, and tell."""
    kind, directory, count, begin = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    stretches, attempt = KINDS[kind](directory)
    found: Counter[tuple[str, str]] = Counter()
    for of in sorted({stretch.kind for stretch in stretches if stretch.end > stretch.start}):
        for file, bit in spread(stretches, of, count, begin):
            with file.open("r+b", buffering=0) as handle:
                whole = os.pread(handle.fileno(), 1, bit // 8)[0]
                os.pwrite(handle.fileno(), bytes([whole ^ 1 << bit % 8]), bit // 8)
                outcome = outcome_of(attempt, file)
                os.pwrite(handle.fileno(), bytes([whole]), bit // 8)
            expected = outcome in ("detected", "harmless")
            found[of, outcome if expected else f"{outcome}: bit {bit} of {file.parent.name}/{file.name}"] += 1
    print(json.dumps([[*what, count] for what, count in found.items()]))


if __name__ == "__main__":
    main()
