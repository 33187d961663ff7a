"""What this process may not read or write, told for what it is: not as damage, not as a lack of space."""

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.wal.errors import StorageFull

NOT_PERMITTED_ERRNOS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class NotPermitted(StorageFull):
    """A file or folder can't be used by this process. The message says which, whose it is, and what to do.

    Like a full disk: nothing was written, and it may be tried again when somebody has seen to it.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        super().__init__(_explained(path, write))
        self.path = path


def need(path: Path, *, write: bool = False) -> None:
    """See that a file or folder, if it is there, can be read, and written too. Raises NotPermitted."""
    for folder in reversed(path.absolute().parents):
        if not os.access(folder, os.X_OK):
            if not folder.exists():
                return
            raise NotPermitted(folder, write=False)
    if not os.path.lexists(path):
        if write:
            _need_a_place(path.absolute().parent)
        return
    wanted = os.R_OK | (os.W_OK if write else 0) | (os.X_OK if path.is_dir() else 0)
    if not os.access(path, wanted):
        raise NotPermitted(path, write=write and os.access(path, wanted & ~os.W_OK))


def need_all(folder: Path, *, write: bool = False) -> None:
    """The same for a folder and the files in it."""
    need(folder, write=write)
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_file():
                need(path, write=write)


def may_write(path: Path) -> bool:
    """Whether a file could be written, or made where it is not there."""
    return os.access(path if path.exists() else path.parent, os.W_OK)


def _need_a_place(parent: Path) -> None:
    """See that something can be made below a folder, or below the first of its parents that is there."""
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        raise NotPermitted(parent, write=True)


def of_error(error: OSError) -> NotPermitted | None:
    """What an error of the operating system says about permissions, where it does."""
    if error.errno not in NOT_PERMITTED_ERRNOS or error.filename is None:
        return None
    return NotPermitted(Path(os.fsdecode(error.filename)), write=True)


def _explained(path: Path, write: bool) -> str:
    what = f"{path} can't be {'written' if write else 'read'}"
    there = path.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if write and os.statvfs(there).f_flag & os.ST_RDONLY:
        return (
            f"{what}: it lies on a file system that is mounted read-only ({_mount_of(there)}). Remount it for writing "
            "(mount -o remount,rw), and look why it is so: a disk with errors is mounted like that"
        )
    status = there.stat()
    owner, group = _named(pwd.getpwuid, status.st_uid), _named(grp.getgrgid, status.st_gid)
    user = _named(pwd.getpwuid, os.geteuid())
    whose = f"{'' if there == path.absolute() else f'{there} '}it belongs to {owner}, group {group}"
    mode = stat.filemode(status.st_mode)
    if os.geteuid() in (0, status.st_uid) and (os.geteuid() == 0 or status.st_mode & (0o200 if write else 0o400)):
        return f"{what}: {whose}, {mode}, and {user} may not; is it immutable (lsattr), or kept by a security module?"
    return (
        f"{what}: {whose}, {mode}, and this runs as {user}. Run it as {owner}, or give the data directory to {user} "
        f"(chown -R {user})"
    )


def _mount_of(path: Path) -> Path:
    while not path.is_mount() and path != path.parent:
        path = path.parent
    return path


def _named(look_up: Callable[[int], pwd.struct_passwd] | Callable[[int], grp.struct_group], number: int) -> str:
    """The name of a user or group; the number where it has none."""
    try:
        return look_up(number)[0]
    except KeyError:
        return str(number)
