"""Room on the disks of a node: warned of before it is gone, told while it is, and looked for until it is back."""

import os
from typing import Final

import structlog

from api.server.books import Paths

MIB: Final = 1024 * 1024
WARN_MIB: Final = 1024
ENOUGH_AGAIN: Final = 1.1  # of what was warned of, so that it is not said over and over

log = structlog.get_logger("kontor")


class Disk:
    """What is free below the data directory and the archive, in bytes; whether changes are refused for want of room."""

    def __init__(self, paths: Paths, warn_mib: int) -> None:
        self._folders = {"data": paths.journal, "archive": paths.archive}
        self._warn_bytes = warn_mib * MIB
        self._warned: set[str] = set()
        self.full: str | None = None

    def free_bytes(self, name: str) -> int:
        """What is free for `data` or `archive`, for who is not root."""
        folder = self._folders[name]
        while not folder.exists():
            folder = folder.parent
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize

    def room_is(self, problem: str | None) -> None:
        """Changes are refused from now on, and why; or not any more (None)."""
        if problem is not None and self.full is None:
            log.error(
                "the disk is full: changes are refused with 507, reads go on, and it goes on by itself with room again",
                reason=problem,
                free_bytes=self.free_bytes("data"),
            )
        elif problem is None and self.full is not None:
            log.warning("there is room on the disk again", free_bytes=self.free_bytes("data"))
        self.full = problem

    def look(self) -> None:
        """Warn when there is little room."""
        for name, folder in self._folders.items():
            free = self.free_bytes(name)
            if free < self._warn_bytes and name not in self._warned:
                self._warned.add(name)
                log.warning("there is little room on the disk", path=str(folder.absolute()), free_mib=free // MIB)
            elif free > self._warn_bytes * ENOUGH_AGAIN:
                self._warned.discard(name)
