"""What can happen to a directory. Paths are relative to it; "" is the directory itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Made:
    """A new name: an empty file, or a folder."""

    path: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file or folder got another name that was free."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A name is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes written; `durable` if the call returned only when they were, as on a descriptor with O_DSYNC."""

    path: str
    offset: int
    data: bytes
    durable: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """The file was given this size."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Blocks were allocated; the file is at least this long now."""

    path: str
    through: int


@dataclass(frozen=True, slots=True)
class Synced:
    """fsync of a file or folder; fdatasync if `data_only`."""

    path: str
    data_only: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A line on the standard output: how the process tells what it began and what it acknowledged."""

    line: str


Operation = Made | Renamed | Removed | Written | Sized | Reserved | Synced | Said
