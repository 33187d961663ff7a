"""A disk that loses its power: from recorded operations, the directory as it might look afterwards.

The model is an ordered journalling file system, as ext4 (data=ordered) and xfs are, on a disk that writes sectors whole:

* Data. A write that no sync covers is there, absent or there in any subset of its sectors, whatever became of the writes
  before and after it. A sector that was written several times holds what it held after any one of them: in the page cache
  each version contains those before it.
* Sizes. Changes of a file's size survive in order, up to any one of them. Data that survived beyond it makes the file longer;
  what lies between is zeros.
* Names. Making, renaming and removing are entries of the file system's own log: those that no sync covers survive in order,
  up to any one of them. Syncing a folder makes the names in it durable, and by the order of the log everything before them.
  fsync of a file makes its own creation durable too: POSIX does not promise that, ext4 and xfs do, for the new inode is in
  the log that they write out. fdatasync is not relied on for that.
* What a call that had not returned would have made durable is not durable yet, and may be on the disk all the same.
"""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.simulation.disk_operations import Made, Operation, Removed, Renamed, Reserved, Said, Sized, Synced, Written

SECTOR_BYTES = 512

DataChange = Written | Sized | Reserved
NameChange = Made | Renamed | Removed
Image = dict[str, bytearray | None]
"""Content by path; None for a folder."""


class Node:
    """A file or folder, whatever its name: what is durable of its content, and what happened since."""

    def __init__(self, is_folder: bool) -> None:
        self.is_folder = is_folder
        self.content = bytearray()
        self.pending: list[DataChange] = []

    def settle(self) -> None:
        """Everything so far is durable."""
        for change in self.pending:
            perform(self.content, change)
        self.pending.clear()

    def now(self) -> bytearray:
        """What a reader sees."""
        content = bytearray(self.content)
        for change in self.pending:
            perform(content, change)
        return content

    def after_power_cut(self, chance: random.Random) -> bytearray:
        """What may be there when the power comes back."""
        if not self.pending:
            return self.content
        odds = chance.choice(((1, 1, 1), (1, 1, 1), (8, 1, 1), (1, 8, 1), (0, 0, 1)))
        sized_through = chance.randint(0, len(self.pending))
        seen, left = bytearray(self.content), bytearray(self.content)
        size = len(left)
        for number, change in enumerate(self.pending):
            perform(seen, change)
            if isinstance(change, Written):
                end = change.offset + len(change.data)
                for first, last in _survives(change, odds, chance):
                    extend(left, min(last, end))
                    left[first:last] = seen[first:last].ljust(last - first, b"\0")[: len(left) - first]
                    size = max(size, min(last, end))
                if number < sized_through:
                    size = max(size, end)
            elif number < sized_through:
                perform(left, change)
                size = change.size if isinstance(change, Sized) else max(size, change.through)
        extend(left, size)
        return left[:size]


def _survives(change: Written, odds: tuple[int, int, int], chance: random.Random) -> Iterable[tuple[int, int]]:
    """The parts of the file, from sector to sector, that got onto the disk with this write."""
    first = change.offset // SECTOR_BYTES * SECTOR_BYTES
    last = -(-(change.offset + len(change.data)) // SECTOR_BYTES) * SECTOR_BYTES
    fate = "present" if change.durable else chance.choices(("present", "absent", "torn"), odds)[0]
    if fate == "absent":
        return []
    if fate == "present":
        return [(first, last)]
    return [(at, at + SECTOR_BYTES) for at in range(first, last, SECTOR_BYTES) if chance.random() < 0.5]


def extend(content: bytearray, size: int) -> None:
    """Zeros up to a size, if it is shorter."""
    content.extend(bytes(max(0, size - len(content))))


def perform(content: bytearray, change: DataChange) -> None:
    """A change, whole."""
    if isinstance(change, Written):
        extend(content, change.offset)
        content[change.offset : change.offset + len(change.data)] = change.data
    elif isinstance(change, Reserved):
        extend(content, change.through)
    else:
        del content[change.size :]
        extend(content, change.size)


def parent_of(path: str) -> str:
    """The folder that holds a name."""
    return path.rpartition("/")[0]


class Names:
    """A tree of names. Copies share the nodes."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes

    def apply(self, change: NameChange, node: Node) -> None:
        """Make, rename or remove a name."""
        if isinstance(change, Made):
            assert change.path not in self.nodes
            assert self.nodes[parent_of(change.path)].is_folder
            self.nodes[change.path] = node
        elif isinstance(change, Removed):
            assert not [path for path in self.nodes if path.startswith(f"{change.path}/")], "the folder is not empty"
            del self.nodes[change.path]
        else:
            assert change.new not in self.nodes
            for path in [path for path in self.nodes if path == change.old or path.startswith(f"{change.old}/")]:
                self.nodes[change.new + path[len(change.old) :]] = self.nodes.pop(path)


class LogEntry:
    """A change of names that is not durable yet: what it is about, and the folders that it changes."""

    def __init__(self, change: NameChange, node: Node, folders: tuple[Node, ...]) -> None:
        self.change = change
        self.node = node
        self.folders = folders

    def is_synced_with(self, node: Node, data_only: bool) -> bool:
        """Whether syncing that node makes this durable."""
        return node in self.folders or (node is self.node and isinstance(self.change, Made) and not data_only)


class SimulatedDisk:
    """A directory, operation by operation. `begin` an operation, cut the power or not, `finish` it."""

    def __init__(self) -> None:
        root = Node(is_folder=True)
        self._durable = Names({"": root})
        self._now = Names({"": root})
        self._log: list[LogEntry] = []

    def begin(self, operation: Operation) -> None:
        """It was called; it may have happened, nothing of it is promised."""
        if isinstance(operation, Written):
            self._now.nodes[operation.path].pending.append(replace(operation, durable=False))
        elif isinstance(operation, Sized | Reserved):
            self._now.nodes[operation.path].pending.append(operation)
        elif isinstance(operation, Made | Renamed | Removed):
            self._begin_name(operation)

    def _begin_name(self, change: NameChange) -> None:
        nodes = self._now.nodes
        paths = (change.old, change.new) if isinstance(change, Renamed) else (change.path,)
        node = Node(change.is_folder) if isinstance(change, Made) else nodes[paths[0]]
        self._log.append(LogEntry(change, node, tuple(nodes[parent_of(path)] for path in paths)))
        self._now.apply(change, node)

    def finish(self, operation: Operation) -> None:
        """It returned: what it promised holds."""
        if isinstance(operation, Written) and operation.durable:
            # Only its own range: what else was written to the file is as unsure as before.
            self._now.nodes[operation.path].pending[-1] = operation
        elif isinstance(operation, Synced):
            node = self._now.nodes[operation.path]
            node.settle()
            covered = [n for n, entry in enumerate(self._log) if entry.is_synced_with(node, operation.data_only)]
            for entry in self._log[: covered[-1] + 1 if covered else 0]:
                self._durable.apply(entry.change, entry.node)
            del self._log[: covered[-1] + 1 if covered else 0]

    def now(self) -> Image:
        """What a reader sees."""
        return {path: None if node.is_folder else node.now() for path, node in self._now.nodes.items()}

    def after_power_cut(self, chance: random.Random) -> Image:
        """What may be there when the power comes back. The disk itself goes on as if nothing had been."""
        names = Names(dict(self._durable.nodes))
        for entry in self._log[: chance.randint(0, len(self._log))]:
            names.apply(entry.change, entry.node)
        return {
            path: None if node.is_folder else node.after_power_cut(chance) for path, node in sorted(names.nodes.items())
        }


def write_image(image: Image, root: Path) -> None:
    """Put an image on a real disk."""
    for path, content in sorted(image.items()):
        if content is None:
            (root / path).mkdir(parents=True)
        else:
            with (root / path).open("wb") as file:
                file.write(content.rstrip(b"\0"))
                file.truncate(len(content))


def run_all(operations: Iterable[Operation]) -> SimulatedDisk:
    """A disk on which all of it happened."""
    disk = SimulatedDisk()
    for operation in operations:
        if not isinstance(operation, Said):
            disk.begin(operation)
            disk.finish(operation)
    return disk
