"""Redis with `appendfsync always`: a Lua script that does the same reservation, driven by redis-benchmark. No HTTP."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers.common import AREAS_COUNT, STOCKED, NotInstalled, Unsound, node_orders
from bench.workloads import SIZES

# ARGV: units, then SKUs. The key of idempotency is drawn by redis-benchmark like the SKUs.
SCRIPT = """
local key, area, units = 'key:' .. ARGV[1], ARGV[2] % {areas}, tonumber(ARGV[3])
local known = redis.call('GET', key)
if known then return known end
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


@contextmanager
def server(folder: Path) -> Iterator[list[str]]:
    """A server of its own; gives the start of a redis-cli command. Raises NotInstalled."""
    if not (shutil.which("redis-server") and shutil.which("redis-benchmark")):
        raise NotInstalled("Redis is not installed: apt-get install redis-server (make bench-peers)")
    folder.mkdir(parents=True)
    socket = str(folder / "redis.sock")
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", str(folder), "--save", "",
         "--appendonly", "yes", "--appendfsync", "always"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            if (
                subprocess.run(["redis-cli", "-s", socket, "ping"], capture_output=True, check=False).stdout
                == b"PONG\n"
            ):
                break
            time.sleep(0.05)  # it is starting
        yield ["redis-cli", "-s", socket]
    finally:
        process.terminate()
        process.wait(30)


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


def audit(command: list[str], size: str) -> int:
    """Reservations made. Raises Unsound."""
    script = AUDIT.format(last_node=SIZES[size].nodes - 1, stocked=STOCKED)
    reserved, journalled, off = (int(number) for number in _cli(command, "EVAL", script, "0").split())
    if reserved != journalled or off:
        raise Unsound("Redis: the journal and the stock differ")
    return int(_cli(command, "GET", "reservations") or 0)


def measure(directory: Path, size: str, clients: tuple[int, ...], seconds: float) -> Iterator[dict[str, Any]]:
    """Reservations a second by clients, spread and on one SKU."""
    with server(directory / "redis") as command:
        _fill(command, size)
        script = SCRIPT.format(areas=AREAS_COUNT, skus=SIZES[size].skus)
        loaded = _cli(command, "SCRIPT", "LOAD", script)
        version = re.search(r"redis_version:(\S+)", _cli(command, "INFO", "server"))
        made = 0
        for hot in (False, True):
            drawn = ["1", "0"] if hot else ["1", "__rand_int__", "__rand_int__"]
            for count in clients:
                requests = max(500, round(seconds * (2_000 if count == 1 else 12_000)))
                said = _cli(
                    ["redis-benchmark", "-s", command[2]], "-c", str(count), "-n", str(requests), "-r", "1000000000",
                    "--csv", "EVALSHA", loaded, "0", "__rand_int__", "__rand_int__", *drawn,
                )  # fmt: skip
                rate, mean_ms = (float(cell.strip('"')) for cell in said.splitlines()[-1].rsplit(",", 7)[1:3])
                yield {
                    "what": "peer: Redis, appendfsync always, Lua, by redis-benchmark",
                    "per_second": round(rate),
                    "clients": count,
                    "hot": hot,
                    "durable": True,
                    "mean_ms": mean_ms,
                    "redis": "" if version is None else version.group(1),
                    "differs": "no HTTP, no JSON; redis-benchmark is C; SKUs evenly spread",
                }
            made = audit(command, size)
        assert made
