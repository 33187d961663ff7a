"""A data directory as it is found: a node's, new, or somebody else's, which is not touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from api.server.refused import StartRefused
from engine.wal.access import need
from engine.wal.errors import JournalCorrupt
from engine.wal.journal import segment_names

DEMO_LOG: Final = "node.log"
"""What the node of `kontor demo` says goes there, from before the node is."""
OURS: Final = frozenset(
    {"journal", "archive", "snapshots", "parties", "closed", "outbox", "lock", "history", "lost+found", DEMO_LOG}
)
BESIDE_MAX: Final = 3

UNTOUCHED: Final = "Nothing was written there; choose another --data"


class NoNode(StartRefused):
    """There is no node in that directory, and none is begun there."""


def look(directory: Path, warn: Callable[[str], object]) -> None:
    """See that a directory is a node's, or that one may begin there; nothing is written.

    A path with a slip in it looks like a new node. So one begins in a folder that was made for it, or in a new one
    where no other node lies beside it; and `warn` is told. Raises NoNode for a path that is none of these and for the
    directory of something else, NotPermitted.
    """
    need(directory)
    if directory.exists() and not directory.is_dir():
        raise NoNode(f"{directory} is no folder")
    entries = sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []
    if "journal" in entries:
        _refuse_foreign_journal(directory)
        return
    foreign = [name for name in entries if name not in OURS]
    if foreign:
        raise NoNode(
            f"{directory} is not the data directory of a node: it holds {foreign[0]}, and no journal. {UNTOUCHED}"
        )
    if {"archive", "snapshots"} & set(entries):
        return  # the journal is missing, which is told in its own place
    if not directory.exists():
        _refuse_slip(directory.absolute())
    warn(f"NEW AND EMPTY: no node was in {directory.absolute()}, and one begins there")


def _refuse_slip(directory: Path) -> None:
    make_it = f"If a new node is to begin there, make the folder first: mkdir -p {directory}"
    if not directory.parent.is_dir():
        raise NoNode(f"there is no {directory.parent}: was --data mistyped? {make_it}")
    beside = _nodes_beside(directory)
    if beside:
        nodes = ", ".join(beside)
        raise NoNode(f"there is no {directory}, and beside it a node in {nodes}: was --data mistyped? {make_it}")


def _refuse_foreign_journal(directory: Path) -> None:
    journal = directory / "journal"
    need(journal)
    if not journal.is_dir():
        raise NoNode(f"{directory} is not the data directory of a node: its journal is a file. {UNTOUCHED}")
    if (directory / "manifest.json").exists():
        raise NoNode(
            f"{directory} is a backup: make a data directory of it with kontor restore --from {directory} --data DIR"
        )
    try:
        segment_names(journal)
    except JournalCorrupt as error:
        raise NoNode(
            f"{directory} is not the data directory of a node: its journal holds {error.segment}. {UNTOUCHED}"
        ) from error


def _nodes_beside(directory: Path) -> list[str]:
    """Other data directories in the same folder: one of them may have been meant."""
    try:
        beside = [path for path in sorted(directory.parent.iterdir()) if (path / "lock").exists()]
        return [str(path) for path in beside if (path / "journal").is_dir()][:BESIDE_MAX]
    except PermissionError:
        return []
