"""What every number travels with."""

import os
import platform
import re
import statistics
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any


def conditions(directory: Path) -> dict[str, Any]:
    """Machine, versions, and the median fdatasync of 4 KiB on the file system of this run."""
    packages = ("lmdb", "msgspec", "numpy", "starlette", "uvicorn", "uvloop")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "cpus": os.cpu_count(),
        "cpu_model": cpu_model(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "machine": platform.machine(),
        "file_system": file_system(directory),
        **fdatasync_ms(directory),
    }


def cpu_model() -> str:
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def host_class() -> str:
    """The kind of machine, never its name: cores and processor, such as `2-amd-epyc`."""
    words = re.sub(r"\(.*?\)|@.*| CPU| Processor", "", cpu_model())
    return f"{os.cpu_count()}-{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}"


def file_system(directory: Path) -> str:
    """The type of the file system a directory is on."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if str(directory.resolve()).startswith(where) and len(where) > len(best[0]):
            best = (where, kind)
    return best[1]


def fdatasync_ms(directory: Path, times: int = 2_000) -> dict[str, float]:
    """How long a small durable write takes here, mostly and at worst: no commit is quicker, no stall shorter."""
    file = os.open(directory / "fdatasync-probe", os.O_RDWR | os.O_CREAT)
    try:
        taken = []
        for _ in range(times):
            os.pwrite(file, os.urandom(4096), 0)
            started = time.perf_counter()
            os.fdatasync(file)
            taken.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(file)
        (directory / "fdatasync-probe").unlink()
    return {
        "fdatasync_median_ms": round(statistics.median(taken), 3),
        "fdatasync_p999_ms": round(statistics.quantiles(taken, n=1_000)[-1], 3),
        "fdatasync_longest_ms": round(max(taken), 3),
    }
