"""Who takes part. Each opens with a stocked shop of its own, and when it closes its books are held against what it answered."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from bench import http
from bench.peers import pgbench, postgresql, redis, starlette_postgresql
from bench.peers.common import NotInstalled, Unsound
from bench.peers.sqlite import Store


class Load(NamedTuple):
    """What everyone gets. `size` names the shop; `connections` are clients where there is no HTTP."""

    size: str
    connections: int
    hot: bool
    seconds: float


class Contestant:
    """One of those that are compared, and its runs so far. `notes` are its versions and what differs."""

    def __init__(self, name: str, run: Callable[[int], dict[str, Any]], **notes: Any) -> None:
        self.name, self._run, self.notes = name, run, notes
        self.runs: list[dict[str, Any]] = []

    def go(self, seed: int) -> None:
        """One more run."""
        self.runs.append(self._run(seed))

    def accepted(self) -> int:
        """Reservations that were answered as made, warm-ups too."""
        return sum(run["accepted"] for run in self.runs)


Opened = Iterator[list[Contestant]]


def _by_http(name: str, port: int, load: Load, **notes: Any) -> Contestant:
    """Everything that is asked over HTTP is asked here, each request with a key of its own."""

    def run(seed: int) -> dict[str, Any]:
        return http.load(port, load.connections, load.seconds, load.size, seed, keyed=True, hot=load.hot)

    return Contestant(name, run, **notes)


def _agree(name: str, made: int, answered: int) -> None:
    if made != answered:
        raise Unsound(f"{name}: {answered} reservations were answered, {made} are in the books")


@contextmanager
def kontor(directory: Path, load: Load) -> Opened:
    """As it is shipped."""
    http.prepare(directory, load.size)
    with http.serving(directory) as port:
        one = _by_http("kontor", port, load)
        yield [one]
    http.audit(directory, one.accepted())


@contextmanager
def over_sqlite(directory: Path, load: Load) -> Opened:
    """Starlette over SQLite with group commit."""
    Store(directory, load.size).connection.close()
    with http.running("-m", "bench.peers.starlette_sqlite", str(directory), load.size, "PORT") as port:
        one = _by_http(
            "starlette over sqlite", port, load, sqlite=sqlite3.sqlite_version, commit="one for all that wait"
        )
        yield [one]
    _agree("Starlette over SQLite", Store(directory, load.size).audit(), one.accepted())


@contextmanager
def over_postgresql(directory: Path, load: Load) -> Opened:
    """PostgreSQL: by its own clients, by one that puts 50 into a transaction, and behind Starlette if asyncpg is there."""
    with postgresql.cluster(directory, load.size) as found:
        release = found.version()
        many = Contestant(
            "postgresql by pgbench",
            lambda seed: pgbench.by_clients(found, load.size, load.connections, load.hot, load.seconds),
            postgresql=release,
            differs=pgbench.DIFFERS,
        )
        writer = Contestant(
            "postgresql, one writer",
            lambda seed: pgbench.one_writer(found, load.size, load.hot, load.seconds),
            postgresql=release,
            clients=1,
            batch=pgbench.BATCH,
            differs=pgbench.DIFFERS,
        )
        everyone = [many, writer]
        try:
            starlette_postgresql.check()
        except NotInstalled:
            yield everyone
        else:
            words = (str(found.folder), str(starlette_postgresql.CLIENTS), "PORT")
            with http.running("-m", "bench.peers.starlette_postgresql", *words) as port:
                notes = {"asyncpg": version("asyncpg"), "database_clients": starlette_postgresql.CLIENTS}
                everyone.append(_by_http("starlette over postgresql", port, load, postgresql=release, **notes))
                yield everyone
        _agree("PostgreSQL", postgresql.audit(found), sum(one.accepted() for one in everyone))


@contextmanager
def over_redis(directory: Path, load: Load) -> Opened:
    """Redis by its own benchmark."""
    with redis.server(directory, load.size) as command:
        one = Contestant(
            "redis by redis-benchmark",
            lambda seed: redis.by_clients(command, load.size, load.connections, load.hot, load.seconds),
            redis=redis.version(command),
            appendfsync="always",
            differs=redis.DIFFERS,
        )
        yield [one]
        _agree("Redis", redis.audit(command, load.size), one.accepted())


@contextmanager
def floors(directory: Path, load: Load) -> Opened:
    """The same body decoded and the same answer encoded, nothing in between: on Starlette, and on a bare protocol."""
    with http.running("-m", "bench.floor", "PORT") as floor, http.running("-m", "bench.bare", "PORT") as bare:
        nothing = {"durable": False, "differs": "reserves nothing"}
        yield [
            _by_http("empty starlette", floor, load, **nothing),
            _by_http("bare protocol", bare, load, **nothing),
        ]


Opens = Callable[[Path, Load], AbstractContextManager[list[Contestant]]]
ALL: dict[str, Opens] = {
    "kontor": kontor,
    "sqlite": over_sqlite,
    "postgresql": over_postgresql,
    "redis": over_redis,
    "floors": floors,
}
"""Kontor comes first: the others are divided by it."""
