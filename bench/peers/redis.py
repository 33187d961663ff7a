"""Redis with `appendfsync always`: a Lua script that does the same reservation, driven by redis-benchmark. No HTTP."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers.common import AREAS_COUNT, STOCKED, NotInstalled, Unsound, node_orders
from bench.workloads import SIZES

DIFFERS = "no HTTP, no JSON; redis-benchmark is C; SKUs evenly spread, one unit a line"
DRAWN_BELOW = 2_000_000_000
# ARGV: key of idempotency, area, units, then SKUs: whatever redis-benchmark draws, reduced to what there is.
SCRIPT = """
local key, area, units = 'key:' .. ARGV[1], ARGV[2] % {areas}, tonumber(ARGV[3])
local known = redis.call('GET', key)
if known then
    redis.call('INCR', 'repeated')
    return known
end
for node in string.gmatch(redis.call('HGET', 'areas', area), '%d+') do
    local enough = true
    for i = 4, #ARGV do
        if tonumber(redis.call('HGET', 'available:' .. node, ARGV[i] % {skus})) < units then enough = false end
    end
    if enough then
        local number = redis.call('INCR', 'reservations')
        for i = 4, #ARGV do
            local sku = ARGV[i] % {skus}
            redis.call('HINCRBY', 'available:' .. node, sku, -units)
            redis.call('HINCRBY', 'reserved:' .. node, sku, units)
            redis.call('RPUSH', 'journal', number .. ' ' .. sku .. ' ' .. node .. ' ' .. units)
        end
        redis.call('SET', key, number)
        return number
    end
end
return false
"""


AUDIT = """
local reserved, off, journalled = 0, 0, 0
for node = 0, {last_node} do
    local cells = redis.call('HGETALL', 'reserved:' .. node)
    for i = 1, #cells, 2 do
        reserved = reserved + cells[i + 1]
        if redis.call('HGET', 'available:' .. node, cells[i]) + cells[i + 1] ~= {stocked} then off = off + 1 end
    end
end
for _, row in ipairs(redis.call('LRANGE', 'journal', 0, -1)) do journalled = journalled + row:match('%d+$') end
return {{reserved, journalled, off}}
"""


def check() -> None:
    """Raises NotInstalled."""
    if not (shutil.which("redis-server") and shutil.which("redis-benchmark")):
        raise NotInstalled("Redis is not installed: apt-get install redis-server (make bench-peers)")


@contextmanager
def server(folder: Path, size: str) -> Iterator[list[str]]:
    """A stocked server of its own; gives the start of a redis-cli command. Raises NotInstalled."""
    check()
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="kontor-redis-") as short:  # the address of a socket has 107 bytes at most
        command = ["redis-cli", "-s", f"{short}/redis.sock"]
        process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", command[2], "--dir", str(folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _await(command)
            _fill(command, size)
            yield command
        finally:
            process.terminate()
            process.wait(30)


def _await(command: list[str]) -> None:
    for _ in range(200):
        if subprocess.run([*command, "ping"], capture_output=True, check=False).stdout == b"PONG\n":
            return
        time.sleep(0.05)  # it is starting
    raise NotInstalled("Redis is installed, but does not start")


def _cli(command: list[str], *arguments: str, text: str | None = None) -> str:
    return subprocess.run([*command, *arguments], input=text, capture_output=True, text=True, check=True).stdout.strip()


def _fill(command: list[str], size: str) -> None:
    lines = []
    for node in range(SIZES[size].nodes):
        for start in range(0, SIZES[size].skus, 500):
            cells = " ".join(f"{sku} {STOCKED}" for sku in range(start, min(start + 500, SIZES[size].skus)))
            lines.append(f"HSET available:{node} {cells}")
    for area, order in enumerate(node_orders(SIZES[size])):
        lines.append(f'HSET areas {area} "{" ".join(map(str, order))}"')
    _cli(command, text="\n".join(lines) + "\n")


def script(size: str) -> str:
    """The reservation in Lua, for a shop of this size."""
    return SCRIPT.format(areas=AREAS_COUNT, skus=SIZES[size].skus)


def audit(command: list[str], size: str) -> int:
    """Reservations made, and those asked for again because a key was drawn twice. Raises Unsound."""
    summed = AUDIT.format(last_node=SIZES[size].nodes - 1, stocked=STOCKED)
    reserved, journalled, off = (int(number) for number in _cli(command, "EVAL", summed, "0").split())
    if reserved != journalled or off:
        raise Unsound("Redis: the journal and the stock differ")
    return sum(int(_cli(command, "GET", name) or 0) for name in ("reservations", "repeated"))


def version(command: list[str]) -> str:
    """Of the server, such as 7.0.15."""
    found = re.search(r"redis_version:(\S+)", _cli(command, "INFO", "server"))
    return "" if found is None else found.group(1)


def by_clients(command: list[str], size: str, clients: int, hot: bool, seconds: float) -> dict[str, Any]:
    """Every client one call after another, about so long: redis-benchmark counts calls, not seconds."""
    loaded = _cli(command, "SCRIPT", "LOAD", script(size))
    drawn = ["1", "0"] if hot else ["1", "__rand_int__", "__rand_int__"]
    count = max(500, round(seconds * (2_000 if clients == 1 else 12_000)))
    said = _cli(
        ["redis-benchmark", "-s", command[2]], "-c", str(clients), "-n", str(count), "-r", str(DRAWN_BELOW),
        "--csv", "EVALSHA", loaded, "0", "__rand_int__", "__rand_int__", *drawn,
    )  # fmt: skip
    names, cells = (line.split(",") for line in said.splitlines()[-2:])
    found = {name.strip('"'): cell.strip('"') for name, cell in zip(names, cells, strict=True)}
    return {
        "per_second": round(float(found["rps"])),
        "mean_ms": float(found["avg_latency_ms"]),
        "p99_ms": float(found["p99_latency_ms"]),
        "accepted": count,
    }
