"""PostgreSQL with default durability: a cluster of its own in a temporary folder, and the same reservation as a function.

The server refuses to run as root, so as root it runs as the user `postgres` that the package makes.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.peers.common import STOCKED, NotInstalled, Unsound, node_orders
from bench.workloads import SIZES

SCHEMA = """
CREATE TABLE stock (sku int, node int, available bigint NOT NULL CHECK (available >= 0), reserved bigint NOT NULL,
                    PRIMARY KEY (sku, node)) WITH (fillfactor = 50);
CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reservation bigint, sku int, node int,
                      units int, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE keys (key text PRIMARY KEY, reservation bigint, node int);
CREATE TABLE areas (area int PRIMARY KEY, nodes int[]);
CREATE SEQUENCE reservations;
CREATE FUNCTION reserve(asked_key text, skus int[], units int[], asked_area int, OUT number bigint, OUT chosen int)
LANGUAGE plpgsql AS $$
DECLARE
    enough int;
BEGIN
    SELECT reservation, node INTO number, chosen FROM keys WHERE key = asked_key;
    IF FOUND THEN RETURN; END IF;
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
            INSERT INTO keys VALUES (asked_key, number, chosen);
            RETURN;
        END IF;
    END LOOP;
    chosen := NULL;
END $$;
"""
"""`reserve` gives the number of the reservation and its node; nulls if no node has everything."""
USER = "postgres"
CLIENTS_MAX = 500


def programs() -> Path:
    """The folder of initdb, pg_ctl and pgbench. Raises NotInstalled."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if found:
        return found[-1].parent
    if named and Path(named).with_name("pg_ctl").exists():
        return Path(named).parent
    raise NotInstalled("PostgreSQL is not installed: apt-get install postgresql (make bench-peers)")


def check() -> None:
    """Raises NotInstalled."""
    programs()
    _as_user()


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    if subprocess.run(["id", USER], capture_output=True, check=False).returncode:
        raise NotInstalled(f"PostgreSQL does not run as root, and there is no user `{USER}`")
    return ["runuser", "-u", USER, "--"]


class Cluster:
    """A running server that nobody else uses. Its socket is in `folder`."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self._bin, self._user = folder, bin_folder, _as_user()

    def run(self, program: str, *arguments: str, text: str | None = None) -> str:
        """One of its programs, to its end. Raises CalledProcessError."""
        command = [*self._user, str(self._bin / program), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=self.folder)
        return done.stdout

    def sql(self, text: str) -> str:
        """What psql answers, bare."""
        where = ("-h", str(self.folder), "-U", USER, "-d", "postgres")
        return self.run("psql", *where, "-qAtX", "-v", "ON_ERROR_STOP=1", text=text)

    def version(self) -> str:
        """Of the server, such as 15.18."""
        return self.sql("SHOW server_version").partition(" ")[0].strip()


@contextmanager
def cluster(directory: Path, size: str) -> Iterator[Cluster]:
    """A fresh, stocked cluster on the file system of `directory`, with defaults but for its port and its room for clients.

    Raises NotInstalled.
    """
    bin_folder = programs()
    with tempfile.TemporaryDirectory(prefix="kontor-pg-", dir=_home_for_it(directory)) as name:
        folder = Path(name)
        if _as_user():
            shutil.chown(folder, USER)
        found = Cluster(folder, bin_folder)
        data = folder / "data"
        found.run("initdb", "-D", str(data), "-A", "trust", "-U", USER, "--no-instructions")
        options = f"-k {folder} -c listen_addresses= -c max_connections={CLIENTS_MAX}"
        try:
            found.run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
            _fill(found, size)
            yield found
        finally:
            with suppress(subprocess.CalledProcessError):  # it never came up
                found.run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _home_for_it(directory: Path) -> Path:
    """The nearest folder above that the server's user may enter, on the same disk. Nobody's permissions are changed."""
    directory = directory.resolve()
    if not _as_user():
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    for parent in directory.parents:
        if all(above.stat().st_mode & 0o001 for above in (parent, *parent.parents) if above.exists()):
            disk = next(above for above in (directory, *directory.parents) if above.exists())
            if parent.exists() and parent != Path("/") and parent.stat().st_dev == disk.stat().st_dev:
                return parent
    raise NotInstalled(
        f"on the disk of {directory} there is no folder that the user `{USER}` may enter: choose another"
    )


def _fill(found: Cluster, size: str) -> None:
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
