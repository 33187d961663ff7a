"""The composition root: a data directory, a server, HTTP, one loop."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog
import uvicorn
import uvloop

from api import app
from api.geography.postcodes import Postcodes
from api.http import dev_mode
from api.http.frontends.running import STOP_SECONDS_MAX, Frontends
from api.http.lane_protocol import LaneProtocol
from api.http.protocol import close_overdue
from api.http.scraping import Scraping
from api.http.starting import Starting
from api.server import last_snapshot
from api.server.clock import AHEAD_SECONDS_MAX
from api.server.directory import look
from api.server.disk import WARN_MIB
from api.server.server import Server, log
from api.server.snapshots import Schedule
from engine import limits

WATCH_SECONDS = 0.5
PROGRESS_SECONDS = 2.0


def configure_logging() -> None:
    """One JSON line per event on stderr. Never a line per request."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(
                serializer=lambda event, **_: msgspec.json.encode(event, enc_hook=repr).decode()
            ),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).handlers = [logging.NullHandler()]
        logging.getLogger(name).propagate = False


class Settings(NamedTuple):
    """How a node is served."""

    directory: Path
    host: str
    port: int
    dev: bool
    archive: Path | None
    schedule: Schedule
    segment_bytes_max: int
    postcodes: Postcodes | None = None
    fast_lane: bool = True
    frontends: int = 0
    allow_private_outbound: bool = False
    new_keys: bool = False
    clock_ahead_seconds_max: float = AHEAD_SECONDS_MAX
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    disk_free_warn_mib: int = WARN_MIB


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises what Server.recover raises; SystemExit(1) if the port is not free."""
    configure_logging()
    if settings.postcodes is not None:
        log.info("postal codes", codes=len(settings.postcodes))
    look(settings.directory, log.warning)
    server = Server(
        settings.directory,
        dev=settings.dev,
        archive=settings.archive,
        schedule=settings.schedule,
        segment_bytes_max=settings.segment_bytes_max,
        postcodes=settings.postcodes,
        allow_private_outbound=settings.allow_private_outbound,
        new_keys=settings.new_keys,
        clock_ahead_seconds_max=settings.clock_ahead_seconds_max,
        disk_free_warn_mib=settings.disk_free_warn_mib,
    )
    listening = _listen(settings.host, settings.port)
    scraped = None if settings.metrics_port is None else _listen(settings.metrics_host, settings.metrics_port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(server, listening, scraped, settings))


def _listen(host: str, port: int) -> socket.socket:
    """A socket on an address. SystemExit(1) if it is not free."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        log.error("the address could not be had", host=host, port=port, reason=error.strerror)
        raise SystemExit(1) from error


def calm_collector() -> None:
    """What recovery built lives long and what requests make dies by reference count: have the collector look at little
    at a time.

    All that lives on is new to it once: 50,000 objects in one go are 7 ms in which nobody is answered, 5,000 are 0.3.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 4, 12_500)  # everything, as seldom as before: after 250 million


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM and then returns; uvicorn's own would end the process before the node is closed."""

    frontends: Frontends | None = None
    stop_by = 0.0

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.beside: list[asyncio.Server] = []

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Frontends first: what they hand over while they stop is finished with the rest. What is `beside` ends too."""
        self.stop_by = time.monotonic() + limits.STOP_SECONDS_MAX - 1
        if self.frontends is not None:
            await self.frontends.stop()
            self.config.timeout_graceful_shutdown = limits.STOP_SECONDS_MAX - round(STOP_SECONDS_MAX)
        self.servers.extend(self.beside)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def server_of(application: Any, host: str, port: int) -> "_Server":
    """The HTTP server around an ASGI application, with the limits of a node."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        http=LaneProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=2048,
        timeout_keep_alive=limits.KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=limits.STOP_SECONDS_MAX,
    )
    return _Server(config)


async def _run(server: Server, listening: socket.socket, scraped: socket.socket | None, settings: Settings) -> None:
    host, port = listening.getsockname()[:2]
    http = server_of(Starting(server), host, port)
    scraping = server_of(Starting(server), settings.metrics_host, 0).config
    scraping.load()
    watch = asyncio.get_running_loop().create_task(_watch(http, server))
    serving = asyncio.get_running_loop().create_task(http.serve([] if settings.frontends else [listening]))
    await asyncio.sleep(0)  # it is ready for connections that are handed over
    if scraped is not None:
        await _listen_for_scrapes(scraped, scraping, http)
    if settings.frontends:
        http.frontends = Frontends(settings.frontends, listening, http)
    try:
        await _recover(server, serving)
        server.attach(asyncio.get_running_loop())
        application = app.build(server, fast_lane=settings.fast_lane)
        http.config.loaded_app = application
        scraping.loaded_app = Scraping(server)
        if http.frontends is not None:
            http.frontends.open(application.lane)
        if settings.dev:
            log.warning("dev mode", meaning=dev_mode.WARNING)
        address = _url(host, port)
        log.info("serving", url=address, docs=f"{address}/docs", metrics=f"{_url_of(scraped) or address}/metrics")
        await serving
    finally:
        watch.cancel()
        if not serving.done():
            http.should_exit = True
            await serving
    server.stop()
    left = http.stop_by - time.monotonic()
    server.close(snapshot_seconds_max=min(last_snapshot.SECONDS_MAX, left))
    log.info("stopped", seq=server.state.seq)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _url_of(listening: socket.socket | None) -> str | None:
    return None if listening is None else _url(*listening.getsockname()[:2])


async def _listen_for_scrapes(scraped: socket.socket, config: uvicorn.Config, http: _Server) -> None:
    """Connections of this address are counted, hurried and ended with all others."""

    def connect() -> LaneProtocol:
        return LaneProtocol(config, http.server_state, {}, asyncio.get_running_loop())

    http.beside.append(await asyncio.get_running_loop().create_server(connect, sock=scraped))


async def _recover(server: Server, serving: asyncio.Task[None]) -> None:
    """Recover in a thread, so that it can be asked how far it is. A stop ends the process: nothing is unfinished."""
    started = time.perf_counter()
    outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def work() -> None:
        try:
            server.recover()
        except BaseException as error:
            loop.call_soon_threadsafe(outcome.set_exception, error)
        else:
            loop.call_soon_threadsafe(outcome.set_result, None)

    loop = asyncio.get_running_loop()
    threading.Thread(target=work, daemon=True).start()
    while not outcome.done():
        await asyncio.wait([outcome, serving], timeout=PROGRESS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and not outcome.done():
            log.info("stopped while it was recovering")
            os._exit(0)
        if not outcome.done():
            doing, done, total = server.progress
            log.info("recovering", doing=doing, done=done, total=total)
    await outcome
    seconds = round(time.perf_counter() - started, 3)
    log.info(
        "recovered",
        seq=server.state.seq,
        seconds=seconds,
        segment=server.journal.segment,
        snapshot=server.snapshots.newest_seq,
    )
    calm_collector()


async def _watch(http: uvicorn.Server, server: Server) -> None:
    """Reclaim connections whose requests do not arrive; when it is told to stop, let streams end."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        server.draining = http.should_exit
        close_overdue(http.server_state.connections, time.monotonic())
