"""PostgreSQL with default durability, by pgbench: a prepared plpgsql function that does the same reservation. No HTTP.

A cluster of its own in a temporary folder, thrown away afterwards. The server refuses to run as root, so as root it runs as the
user `postgres` that the package makes.
"""

import os
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

SCHEMA = """
CREATE TABLE stock (sku int, node int, available bigint NOT NULL CHECK (available >= 0), reserved bigint NOT NULL,
                    PRIMARY KEY (sku, node)) WITH (fillfactor = 50);
CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reservation bigint, sku int, node int,
                      units int, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE keys (key bigint PRIMARY KEY, reservation bigint);
CREATE TABLE areas (area int PRIMARY KEY, nodes int[]);
CREATE SEQUENCE reservations;
CREATE FUNCTION reserve(asked_key bigint, skus int[], units int[], asked_area int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    chosen int;
    number bigint;
    enough int;
BEGIN
    SELECT reservation INTO number FROM keys WHERE key = asked_key;
    IF FOUND THEN RETURN number; END IF;
    FOREACH chosen IN ARRAY (SELECT nodes FROM areas WHERE area = asked_area) LOOP
        -- Rows are locked in the order of the SKUs, so that two reservations never wait for each other in a circle.
        SELECT count(*) INTO enough FROM (
            SELECT 1 FROM unnest(skus, units) AS line(sku, wanted) JOIN stock USING (sku)
            WHERE node = chosen AND available >= wanted ORDER BY sku FOR UPDATE OF stock) locked;
        IF enough = cardinality(skus) THEN
            number := nextval('reservations');
            UPDATE stock SET available = available - wanted, reserved = reserved + wanted
                FROM unnest(skus, units) AS line(sku, wanted) WHERE stock.sku = line.sku AND node = chosen;
            INSERT INTO journal (reservation, sku, node, units)
                SELECT number, sku, chosen, wanted FROM unnest(skus, units) AS line(sku, wanted);
            INSERT INTO keys VALUES (asked_key, number);
            RETURN number;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
"""
SPREAD = r"""\set first random_zipfian(1, {skus}, 1.001)
\set second (:first * 7919 + random(0, {skus})) % {skus}
\set area random(0, {areas})
\set key random(1, 9000000000000000000)
SELECT reserve(:key, ARRAY[least(:first - 1, :second), greatest(:first - 1, :second)], ARRAY[1, 2], :area)
    WHERE :first - 1 <> :second;
"""
HOT = r"""\set area random(0, {areas})
\set key random(1, 9000000000000000000)
SELECT reserve(:key, ARRAY[0], ARRAY[1], :area);
"""
BATCH = 50


def programs() -> Path:
    """The folder of initdb, pg_ctl and pgbench. Raises NotInstalled."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if found:
        return found[-1].parent
    if named and Path(named).with_name("pg_ctl").exists():
        return Path(named).parent
    raise NotInstalled("PostgreSQL is not installed: apt-get install postgresql (make bench-peers)")


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
        raise NotInstalled("PostgreSQL does not run as root, and there is no user `postgres`")
    return ["runuser", "-u", "postgres", "--"]


class Cluster:
    """A running server that nobody else uses."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._folder, self._bin, self._user = folder, bin_folder, _as_user()

    def run(self, program: str, *arguments: str, text: str | None = None) -> str:
        """One of its programs, to its end. Raises CalledProcessError."""
        command = [*self._user, str(self._bin / program), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=self._folder)
        return done.stdout

    def sql(self, text: str) -> str:
        """What psql answers, bare."""
        return self.run("psql", "-h", str(self._folder), "-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1", text=text)

    def pgbench(self, script: str, clients: int, seconds: float, *more: str) -> tuple[float, float]:
        """(transactions a second, mean latency in ms) of a script."""
        (self._folder / "script.sql").write_text(script)
        (self._folder / "script.sql").chmod(0o644)
        threads = str(min(clients, 2))
        seconds_whole = str(max(1, round(seconds)))
        said = self.run(
            "pgbench", "-h", str(self._folder), "-n", "-M", "prepared", "-c", str(clients), "-j", threads, "-T",
            seconds_whole, "-f", str(self._folder / "script.sql"), *more, "postgres",
        )  # fmt: skip
        rate, latency = re.search(r"tps = ([0-9.]+)", said), re.search(r"latency average = ([0-9.]+) ms", said)
        assert rate, said
        assert latency, said
        return float(rate.group(1)), float(latency.group(1))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A fresh cluster, with defaults but for its port and its room for clients. Raises NotInstalled."""
    bin_folder, user = programs(), _as_user()
    folder.mkdir(parents=True)
    if user:
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            if parent.owner() == "root" and parent != Path("/") and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o111)  # it must be able to get there
    found = Cluster(folder, bin_folder)
    data = folder / "data"
    found.run("initdb", "-D", str(data), "-A", "trust", "--no-instructions")
    options = f"-k {folder} -c listen_addresses= -c max_connections=200"
    found.run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield found
    finally:
        found.run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def fill(found: Cluster, size: str) -> None:
    """Tables, stock, and the nodes by distance."""
    skus, nodes = SIZES[size].skus, SIZES[size].nodes
    areas = ",".join(f"({area}, ARRAY{order})" for area, order in enumerate(node_orders(SIZES[size])))
    found.sql(
        SCHEMA
        + f"INSERT INTO stock SELECT sku, node, {STOCKED}, 0 FROM generate_series(0, {skus - 1}) sku, "
        + f"generate_series(0, {nodes - 1}) node; INSERT INTO areas VALUES {areas}; VACUUM ANALYZE; CHECKPOINT;"
    )


def audit(found: Cluster) -> int:
    """Reservations made. Raises Unsound."""
    journalled, reserved, off, keys, made = (
        int(number)
        for number in found.sql(
            "SELECT (SELECT coalesce(sum(units), 0) FROM journal), (SELECT sum(reserved) FROM stock), "
            f"(SELECT count(*) FROM stock WHERE available + reserved <> {STOCKED}), (SELECT count(*) FROM keys), "
            "(SELECT count(DISTINCT reservation) FROM journal)"
        ).split("|")
    )
    if journalled != reserved or off or keys != made:
        raise Unsound("PostgreSQL: journal, stock and keys differ")
    return made


def measure(directory: Path, size: str, clients: tuple[int, ...], seconds: float) -> Iterator[dict[str, Any]]:
    """Reservations a second by clients, spread and on one SKU; and by one writer that puts 50 into a transaction."""
    with cluster(directory / "postgresql") as found:
        fill(found, size)
        version = found.sql("SHOW server_version").strip()
        scripts = {
            hot: (HOT if hot else SPREAD).format(skus=SIZES[size].skus, areas=AREAS_COUNT - 1) for hot in (False, True)
        }
        for hot in (False, True):
            for count in clients:
                rate, latency = found.pgbench(scripts[hot], count, seconds)
                yield _figures("peer: PostgreSQL by pgbench", rate, count, hot, version, mean_ms=latency)
            several = "BEGIN;\n\\startpipeline\n" + scripts[hot] * BATCH + "\\endpipeline\nCOMMIT;\n"
            rate, _ = found.pgbench(several, 1, seconds)
            yield _figures(f"peer: PostgreSQL, one writer, {BATCH} a transaction", rate * BATCH, 1, hot, version)
        audit(found)


def _figures(what: str, rate: float, clients: int, hot: bool, version: str, **more: Any) -> dict[str, Any]:
    return {
        "what": what,
        "per_second": round(rate),
        "clients": clients,
        "hot": hot,
        "durable": True,
        **more,
        "postgresql": version.partition(" ")[0],
        "taken_at": time.strftime("%H:%M:%S"),
        "differs": "no HTTP, no JSON; pgbench is C; Zipf by pgbench",
    }
