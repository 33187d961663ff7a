"""What can go wrong with files, told apart by what the node must do about it."""

import errno

FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class StorageFull(Exception):
    """No space, or a limit, or a read-only file system. Nothing was written; it may be tried again later."""


class JournalCorrupt(Exception):
    """A byte that can't be explained. The node refuses to start; `segment` and `seq` name the place."""

    def __init__(self, segment: str, seq: int | None, reason: str) -> None:
        where = f"segment {segment}" if seq is None else f"segment {segment}, batch at record {seq}"
        super().__init__(f"{where}: {reason}. The journal is left as it is: restore it from a backup.")
        self.segment = segment
        self.seq = seq
        self.reason = reason


class JournalFailed(Exception):
    """A commit failed, so what is durable is unknown. The process must end; the next start reads what is there."""


class DirectoryInUse(Exception):
    """Another process holds the data directory."""
