"""What a process does to a directory, recorded by strace call by call: writes with their bytes, syncs, names, and what it said.

Whatever the recorder does not understand it refuses. It must not pass over a call that changes the directory: crash images
are made from its list, and a power cut would then be tested on a disk that never was.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.simulation.disk_operations import Made, Operation, Removed, Renamed, Reserved, Said, Sized, Synced, Written
from tests.simulation.strace_lines import Call, NotUnderstood, call_of, encoded

ROOT = Path(__file__).resolve().parents[2]
# LMDB's table of readers, mapped writable: it holds no data, and LMDB makes it anew after a crash.
LOCK_FILE = "lock.mdb"
# They change nothing, or promise nothing about what survives: sync_file_range does not write metadata.
HARMLESS = {
    *("access", "execve", "faccessat", "faccessat2", "fadvise64", "flock", "fstat", "fstatfs", "getcwd", "getdents64"),
    *("lstat", "msync", "newfstatat", "pread64", "preadv", "readahead", "readlink", "readlinkat", "stat", "statfs"),
    *("statx", "sync_file_range"),
}
# After these the recorder would no longer know what a call means, whatever it names.
NEVER = {"chdir", "chroot", "clone", "clone3", "fchdir", "fork", "io_uring_setup", "mount", "umount2", "vfork"}


def why_not() -> str | None:
    """Why nothing can be recorded here, if so."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt-get install strace"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace is not permitted here: {tried.stderr.strip()}" if tried.returncode else None


def record(script: str, root: Path, *arguments: str) -> list[Operation]:
    """Run a Python script and give what it did to the empty directory `root`. Needs strace."""
    root = root.resolve()
    assert not list(root.iterdir()), "what is there already would not be in the recording"
    assert not root.is_relative_to(ROOT), "relative paths would lead into it"
    trace = root.parent / f"{root.name}.strace"
    command = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-o", str(trace), sys.executable, "-B", "-c", script]
    ran = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with trace.open(encoding="ascii") as lines:
        operations = parse(lines, root)
    trace.unlink()
    return operations


def parse(lines: Iterable[str], root: Path) -> list[Operation]:
    """What the lines of `strace -f -y -xx` say of `root`, which was empty. Raises NotUnderstood."""
    recorder = _Recorder(root)
    for line in lines:
        recorder.take(line.rstrip("\n"))
    if not recorder.ended:
        raise NotUnderstood("the process did not come to its end")
    return recorder.operations


class _Descriptor:
    """An open file of the directory. The offset is None when a read has moved it."""

    def __init__(self, path: str, flags: set[str]) -> None:
        self.path = path
        self.durable = bool(flags & {"O_DSYNC", "O_SYNC"})
        self.offset: int | None = 0


class _Recorder:
    """Reads a trace. `_on_NAME` is what a call of that name means when it names the directory or something in it."""

    def __init__(self, root: Path) -> None:
        self.operations: list[Operation] = []
        self.ended = False
        self._root = root
        self._mark = encoded(str(root))
        self._names = {""}
        self._descriptors: dict[str, _Descriptor] = {}

    def take(self, line: str) -> None:
        """One line of the trace."""
        if "+++ exited with 0 +++" in line:
            self.ended = True
            return
        call = call_of(line)
        if call is None:
            return
        if call.name in NEVER:
            raise call.refusal()
        if self._mark in line:
            handler = getattr(self, f"_on_{call.name}", None)
            if handler is not None:
                handler(call)
            elif call.name not in HARMLESS:
                raise call.refusal()
        elif call.name == "write" and call.listed.startswith("1<"):
            self.operations += [Said(said) for said in call.data(1).decode().splitlines()]

    # What arguments mean

    def _inside(self, path: Path, call: Call) -> str:
        if ".." in path.parts or not path.is_relative_to(self._root):
            raise call.refusal("it leads out of the directory")
        return "" if path == self._root else path.relative_to(self._root).as_posix()

    def _path(self, call: Call, number: int = 0) -> str:
        """A path among the arguments. In calls that end in `at`, each has the descriptor of a folder before it."""
        if not call.name.rstrip("2").endswith("at"):
            return self._inside(ROOT / call.text(number), call)
        path = Path(call.text(2 * number + 1))
        return self._inside(path if path.is_absolute() else Path(call.descriptor(2 * number)[1]) / path, call)

    def _descriptor(self, call: Call) -> _Descriptor:
        """The open file that the first argument names, under the name that it has now."""
        number, path = call.descriptor(0)
        if number not in self._descriptors:
            raise call.refusal("nobody saw it being opened")
        descriptor = self._descriptors[number]
        descriptor.path = self._inside(Path(path), call)
        return descriptor

    def _add(self, path: str, operation: Operation) -> None:
        if Path(path).name != LOCK_FILE:
            self.operations.append(operation)

    # Names

    def _make(self, path: str, is_folder: bool) -> None:
        self._names.add(path)
        self._add(path, Made(path, is_folder))

    def _on_mkdir(self, call: Call) -> None:
        self._make(self._path(call), is_folder=True)

    _on_mkdirat = _on_mkdir

    def _on_openat(self, call: Call) -> None:
        path, flags = self._path(call), set(call.arguments()[2].split("|"))
        if flags & {"O_APPEND", "O_TMPFILE", "O_PATH"}:
            raise call.refusal()
        if path not in self._names:
            if "O_CREAT" not in flags:
                raise call.refusal("nobody saw it being made")
            self._make(path, is_folder=False)
        elif "O_TRUNC" in flags:
            self._add(path, Sized(path, 0))
        self._descriptors[call.new_descriptor()[0]] = _Descriptor(path, flags)

    def _on_close(self, call: Call) -> None:
        self._descriptors.pop(call.listed.partition("<")[0], None)

    def _on_rename(self, call: Call) -> None:
        old, new = self._path(call, 0), self._path(call, 1)
        if new in self._names or LOCK_FILE in (Path(old).name, Path(new).name):
            raise call.refusal("it replaces a file")
        moved = {name for name in self._names if name == old or name.startswith(f"{old}/")}
        self._names = (self._names - moved) | {new + name[len(old) :] for name in moved}
        self.operations.append(Renamed(old, new))

    _on_renameat = _on_rename

    def _on_renameat2(self, call: Call) -> None:
        if call.arguments()[4] not in ("0", "RENAME_NOREPLACE"):
            raise call.refusal()
        self._on_rename(call)

    def _on_unlink(self, call: Call) -> None:
        path = self._path(call)
        self._names.remove(path)
        self._add(path, Removed(path))

    _on_rmdir = _on_unlinkat = _on_unlink

    # Content

    def _write(self, call: Call, offset: int | None) -> int:
        descriptor, data = self._descriptor(call), call.data(1)
        if offset is None:
            raise call.refusal("where it wrote is not known")
        self._add(descriptor.path, Written(descriptor.path, offset, data, descriptor.durable))
        return offset + len(data)

    def _on_pwrite64(self, call: Call) -> None:
        self._write(call, int(call.arguments()[3]))

    _on_pwritev = _on_pwrite64

    def _on_pwritev2(self, call: Call) -> None:
        if call.arguments()[4] != "0":
            raise call.refusal()
        self._on_pwrite64(call)

    def _on_write(self, call: Call) -> None:
        descriptor = self._descriptor(call)
        descriptor.offset = self._write(call, descriptor.offset)

    _on_writev = _on_write

    def _on_lseek(self, call: Call) -> None:
        self._descriptor(call).offset = int(call.result)

    def _on_read(self, call: Call) -> None:
        self._descriptor(call).offset = None

    _on_readv = _on_read

    def _on_ftruncate(self, call: Call) -> None:
        path = self._descriptor(call).path
        self._add(path, Sized(path, int(call.arguments()[1])))

    def _on_truncate(self, call: Call) -> None:
        path = self._path(call)
        self._add(path, Sized(path, int(call.arguments()[1])))

    def _on_fallocate(self, call: Call) -> None:
        path, (_, mode, offset, length) = self._descriptor(call).path, call.arguments()
        if mode != "0":
            raise call.refusal()
        self._add(path, Reserved(path, int(offset) + int(length)))

    def _on_fsync(self, call: Call) -> None:
        path = self._descriptor(call).path
        self._add(path, Synced(path, call.name == "fdatasync"))

    _on_fdatasync = _on_fsync

    # Ways around all this

    def _on_mmap(self, call: Call) -> None:
        _, _, protection, flags, _, _ = call.arguments()
        writable = "PROT_WRITE" in protection and "MAP_SHARED" in flags
        if writable and Path(call.descriptor(4)[1]).name != LOCK_FILE:
            raise call.refusal("a file is mapped writable")

    def _on_fcntl(self, call: Call) -> None:
        command = call.arguments()[1]
        if command in ("F_DUPFD", "F_DUPFD_CLOEXEC"):  # another number for the same open file
            self._descriptors[call.new_descriptor()[0]] = self._descriptor(call)
        elif command not in ("F_GETFD", "F_SETFD", "F_GETFL", "F_SETLK", "F_SETLKW", "F_GETLK"):
            raise call.refusal()

    def _on_ioctl(self, call: Call) -> None:
        if call.arguments()[1] not in ("TCGETS", "FIOCLEX", "FIONCLEX"):
            raise call.refusal()
