"""Backups of the key store, apart from those of the books and kept for a short time only.

A person is erased by destroying keys. A backup of the key store still holds the keys of everybody who was
erased after it was made, so it has to go soon; a backup of the journal may stay for ever.

    TARGET/20261123T140500Z/   when it was made, UTC
        master, data.mdb, pads     a key store as PartyKeys opens it
        manifest.json              what the three hold: sizes, digests, parties alive

A backup is made as `<name>.new`, checked, synced and then renamed. data.mdb is compacted, and of the pads only
those of keys that are alive are taken: nothing of an erased person is left in it.
"""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import lmdb

from api.answers.timestamps import iso
from api.backups.keys_manifest import FILES, FORMAT_VERSION, Manifest, decoded, encoded
from api.parties.contents import Contents, LiveKey, NotWhole
from api.parties.key_files import chunks_of, make_directory, sum_of, wipe_directory, write_new
from api.parties.keystore import LMDB_FORMAT
from api.parties.pads import PAD_BYTES
from engine.wal.access import need_all
from engine.wal.errors import FULL_ERRNOS
from engine.wal.files import sync_directory

ATTEMPTS_MAX: Final = 5
NS_PER_SECOND: Final = 1_000_000_000

_NAME = re.compile(r"\d{8}T\d{6}Z")
_NAME_FORMAT = "%Y%m%dT%H%M%SZ"
_NEW = ".new"
_MAP_BYTES_SPARE = 1024 * 1024 * 1024  # addresses, not memory: the store may grow while it is copied


class KeysBackupFailed(Exception):
    """A backup of the key store cannot be made, deleted or restored. The message says the way out."""


class KeysBackup(NamedTuple):
    """A finished backup."""

    path: Path
    made_at: str
    parties_alive: int
    size_bytes: int


class _Changed(Exception):
    """Somebody was created and erased while the store was copied, or a pad is damaged."""


def back_up(parties: Path, target: Path, now_ns: int) -> KeysBackup:
    """Copy the key store in `parties`, also while a node of another process uses it.

    Needs about 200 bytes of memory a party. Raises KeysBackupFailed; nothing is left behind then.
    """
    name = datetime.fromtimestamp(now_ns // NS_PER_SECOND, UTC).strftime(_NAME_FORMAT)
    need_all(parties)
    if not (parties / "master").is_file():
        raise KeysBackupFailed(f"{parties} holds no key store: name the data directory of a node that has run")
    if target.resolve().is_relative_to(parties.resolve()):
        raise KeysBackupFailed(f"{target} lies inside the key store: choose a place on another disk")
    with _explained(target):
        make_directory(target)
        with _locked(target):
            if (target / name).exists():
                raise KeysBackupFailed(f"{target / name} is there already: wait a second, or choose another target")
            _remove_leftovers(target)
            fresh = target / (name + _NEW)
            try:
                fresh.mkdir(mode=0o700)
                made = _fill(fresh, parties, now_ns)
                fresh.rename(target / name)
            except BaseException:
                with suppress(OSError):  # what happened first is what is told; the next backup removes the rest
                    wipe_directory(fresh)
                raise
            sync_directory(target)
    return made._replace(path=target / name)


def prune(target: Path, kept_seconds: int, now_ns: int) -> list[str]:
    """Delete every backup made more than `kept_seconds` ago, the newest too, and what was left half made.

    Answers the names, the oldest first. Raises KeysBackupFailed.
    """
    assert kept_seconds >= 0
    oldest = datetime.fromtimestamp(now_ns // NS_PER_SECOND - kept_seconds, UTC).strftime(_NAME_FORMAT)
    if not target.is_dir():
        return []
    with _explained(target), _locked(target):
        gone = _remove_leftovers(target)
        for path in sorted(target.iterdir()):
            if _NAME.fullmatch(path.name) and path.name < oldest and path.is_dir() and not path.is_symlink():
                wipe_directory(path)
                gone.append(path.name)
    return gone


def check(backup: Path) -> list[str]:
    """What is wrong with a backup, in sentences; nothing when PartyKeys could go on with it. Changes nothing."""
    missing = [f"{name} is missing" for name in ("manifest.json", *FILES) if not (backup / name).is_file()]
    if missing:
        return missing
    try:
        manifest = decoded((backup / "manifest.json").read_bytes())
        wrong = [
            f"{name} is not what was backed up: its size or digest differs"
            for name in FILES
            if sum_of(backup / name) != manifest.files[name]
        ]
        if not wrong:
            _check_contents(backup, manifest.parties_alive)
    except (NotWhole, OSError, lmdb.Error) as problem:
        return [str(problem)]
    return wrong


def restore(backup: Path, parties: Path) -> Manifest:
    """Put a backup where a node expects its key store: a place that does not exist or is empty.

    Answers what came back. Raises KeysBackupFailed, with nothing put there.
    """
    wrong = check(backup)
    if wrong:
        raise KeysBackupFailed(f"{backup} is not sound: {'; '.join(wrong)}. Take another backup")
    if parties.exists() and (not parties.is_dir() or any(parties.iterdir())):
        raise KeysBackupFailed(f"{parties} is in use: stop the node and move it away first, nothing is overwritten")
    fresh = parties.with_name(parties.name + _NEW)
    with _explained(parties):
        manifest = decoded((backup / "manifest.json").read_bytes())
        make_directory(parties.parent)
        if fresh.exists():
            wipe_directory(fresh)
        try:
            fresh.mkdir(mode=0o700)
            for name in FILES:
                if write_new(fresh / name, chunks_of(backup / name)) != manifest.files[name]:
                    raise KeysBackupFailed(f"{backup / name} changed while it was read: look after that disk first")
            sync_directory(fresh)
            fresh.rename(parties)
        except BaseException:
            with suppress(OSError):
                wipe_directory(fresh)
            raise
        sync_directory(parties.parent)
    return manifest


def _fill(fresh: Path, parties: Path, now_ns: int) -> KeysBackup:
    """Make the files of a backup and see that they are sound."""
    master = (parties / "master").read_bytes()
    for attempt in range(ATTEMPTS_MAX):
        try:
            parties_alive, pads = _copy(fresh, parties, master)
            break
        except _Changed as problem:
            (fresh / "data.mdb").unlink()
            if attempt == ATTEMPTS_MAX - 1:
                raise NotWhole(f"{problem}, also after {ATTEMPTS_MAX} attempts") from problem
    write_new(fresh / "master", [master])
    write_new(fresh / "pads", [pads])
    manifest = Manifest(FORMAT_VERSION, iso(now_ns), parties_alive, {name: sum_of(fresh / name) for name in FILES})
    write_new(fresh / "manifest.json", [encoded(manifest)])
    sync_directory(fresh)
    wrong = check(fresh)
    if wrong:
        raise NotWhole("; ".join(wrong))
    return KeysBackup(fresh, manifest.made_at, parties_alive, sum(file.size_bytes for file in manifest.files.values()))


def _copy(fresh: Path, parties: Path, master: bytes) -> tuple[int, bytearray]:
    """Copy data.mdb; answers the parties alive in the copy and, slot by slot, the pads of what is alive in it.

    A pad read before data.mdb was copied may belong to somebody who was erased since: only what the copy calls
    alive is taken. One that is missing then was made since and is read now. Raises _Changed when it is gone too.
    """
    with (parties / "pads").open("rb") as file:
        before = file.read()
        _copy_data(parties, fresh / "data.mdb")
        contents = Contents(fresh, master)
        try:
            kept = bytearray(contents.next_slot * PAD_BYTES)

            def take(key: LiveKey) -> None:
                place = slice(key.slot * PAD_BYTES, (key.slot + 1) * PAD_BYTES)
                pad = before[place]
                if not key.fits(pad):
                    pad = os.pread(file.fileno(), PAD_BYTES, place.start)
                    if not key.fits(pad):
                        raise _Changed(str(key))
                kept[place] = pad

            contents.walk(take)
            return contents.parties_alive, kept
        finally:
            contents.close()


def _copy_data(parties: Path, copy: Path) -> None:
    """One commit's state of data.mdb without its unused pages, whatever the node commits meanwhile. Durable."""
    environment = lmdb.open(
        str(parties),
        map_size=(parties / "data.mdb").stat().st_size + _MAP_BYTES_SPARE,
        readonly=True,
        create=False,
        lib_version=LMDB_FORMAT,
    )
    try:
        environment.reader_check()  # a backup that was killed would keep pages from being used again
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            environment.copyfd(descriptor, compact=True)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    finally:
        environment.close()


def _check_contents(backup: Path, parties_alive: int) -> None:
    """See that every live key can be derived and that nothing else is kept. Raises NotWhole."""
    pads = (backup / "pads").read_bytes()
    taken = bytearray(len(pads))
    contents = Contents(backup, (backup / "master").read_bytes())
    try:
        if len(pads) != contents.next_slot * PAD_BYTES or parties_alive != contents.parties_alive:
            raise NotWhole("the manifest, the pads and data.mdb are not of one backup")

        def take(key: LiveKey) -> None:
            place = slice(key.slot * PAD_BYTES, (key.slot + 1) * PAD_BYTES)
            if not key.fits(pads[place]):
                raise NotWhole(str(key))
            taken[place] = pads[place]

        contents.walk(take)
    finally:
        contents.close()
    if taken != pads:
        raise NotWhole("it holds pads of keys that were destroyed")


def _remove_leftovers(target: Path) -> list[str]:
    """Delete what a killed backup left half made; nobody is at work on it, for the target is locked."""
    names = [path.name for path in sorted(target.iterdir()) if _NAME.fullmatch(path.name.removesuffix(_NEW))]
    leftovers = [name for name in names if name.endswith(_NEW)]
    for name in leftovers:
        wipe_directory(target / name)
    return leftovers


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One process at a time in a target."""
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeysBackupFailed(f"another backup is at work in {target}: wait until it has ended") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    """Say in one sentence what went wrong, and the way out."""
    try:
        yield
    except NotWhole as problem:
        way_out = "keep the backups there are, and restore the newest sound one if the node does not start either"
        raise KeysBackupFailed(f"the key store is damaged: {problem}; {way_out}") from problem
    except (OSError, lmdb.Error) as problem:
        code = problem.errno if isinstance(problem, OSError) else getattr(problem, "code", None)
        if code in FULL_ERRNOS:
            raise KeysBackupFailed(f"no room at {place}: make room there and try again; nothing was kept") from problem
        if code in (errno.EACCES, errno.EPERM):
            raise KeysBackupFailed(f"{problem}: run this as the user the node runs as") from problem
        raise KeysBackupFailed(f"{place}: {problem}; nothing was kept, see to that and try again") from problem
