"""The composition root: a data directory, a node, a server, one loop."""

import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
import uvloop

from api import app
from api.node import Node, log
from api.protocol import KontorProtocol, close_overdue
from engine import limits

WATCH_SECONDS = 0.5


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


def serve(directory: Path, host: str, port: int, dev: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises what Node.open raises; SystemExit(1) if the port can't be had."""
    configure_logging()
    started = time.perf_counter()
    node = Node.open(directory, dev=dev, on_progress=_progress())
    seconds = round(time.perf_counter() - started, 3)
    log.info("recovered", seq=node.state.seq, seconds=seconds, segment=node.journal.segment)
    calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(node, host, port))


def calm_collector() -> None:
    """What recovery built lives long and what requests make dies by reference count: have the collector look seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _progress() -> Callable[[int], None]:
    shown_at = time.monotonic()

    def show(seq: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= 2:
            shown_at = time.monotonic()
            log.info("recovering", seq=seq)

    return show


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM and then returns; uvicorn's own would end the process before the node is closed."""

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


def server_of(application: Any, host: str, port: int) -> uvicorn.Server:
    """The HTTP server around an ASGI application, with the limits of a node."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        http=KontorProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=limits.CONNECTIONS_MAX,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=limits.STOP_SECONDS_MAX,
    )
    return _Server(config)


async def _run(node: Node, host: str, port: int) -> None:
    node.attach(asyncio.get_running_loop())
    server = server_of(app.build(node), host, port)
    watch = asyncio.get_running_loop().create_task(_watch(server, node))
    log.info("serving", url=f"http://{host}:{port}", docs=f"http://{host}:{port}/docs")
    try:
        await server.serve()
    finally:
        watch.cancel()
        node.stop()
        node.close()
        log.info("stopped", seq=node.state.seq)
    if not server.started:
        log.error("the address could not be had", host=host, port=port)
        raise SystemExit(1)


async def _watch(server: uvicorn.Server, node: Node) -> None:
    """Reclaim connections whose requests do not arrive; when the server is told to stop, let streams end."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        node.draining = server.should_exit
        close_overdue(server.server_state.connections, time.monotonic())
