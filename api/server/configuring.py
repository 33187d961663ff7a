"""Large configurations: checked whole in turns, kept in the data directory, applied some entries a record.

Until all of it is applied nothing else is configured. A node that ends half way goes on with it when it starts again.
"""

import asyncio
import hashlib
from collections import ChainMap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from api.answers.documents import Document, slices
from api.server.host import Host
from engine import limits
from engine.commands import Command
from engine.commands.configuration import ApplyPart, BeginConfiguration, Configure, EndConfiguration
from engine.configuration import master_data
from engine.facts import Fact
from engine.facts.configuration import ConfigurationEnded
from engine.results import FieldError, Rejection, ResultCode
from engine.state.configuration import DOCUMENT_PARTS, Configuration
from engine.state.state import State
from engine.wal import StorageFull
from engine.wal.files import Pending, remove_unfinished, sync_directory
from engine.writer import Change, Done, Query

AGAIN_SECONDS = 0.5
CHECKED = ("price_lists",)  # while they were read
BUSY = Rejection(ResultCode.IN_USE, "a large configuration is being checked; try again shortly")
FULL = Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")

log = structlog.get_logger("kontor")


class Configuring:
    """The one large configuration of a node that is checked or applied, if there is one."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder = host.directory / "configuration"
        self._task: asyncio.Task[Done | Rejection] | None = None
        self.checking = False

    def resume(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on with what a node that ended had begun."""
        if self._host.state.configuration.announced is not None:
            self._task = loop.create_task(self._resumed())

    def stop(self) -> None:
        """Give up for now. What was announced is gone on with by the next start."""
        if self._task is not None:
            self._task.cancel()

    async def apply(
        self,
        document: Configure,
        entries: int,
        content: bytes,
        asked_by: str,
        key: bytes | None,
        payload: bytes | None,
    ) -> Done | Rejection | None:
        """Check the document and set all of it, or say why not. None if everything is as asked already."""
        if key in self._host.state.idempotency.seq_of:
            return await self._change(EndConfiguration(""), asked_by, key, payload)  # answered again, or not this one's
        if self.checking:
            return BUSY
        self.checking = True
        try:
            refusal, is_new = await self._checked(document)
            if refusal is not None or not is_new:
                return refusal
            try:
                sha256 = await asyncio.to_thread(_keep, self._folder, content)
            except StorageFull:
                return FULL
            begun = await self._change(BeginConfiguration(sha256, entries, asked_by, key, payload), asked_by)
            if isinstance(begun, Rejection):
                return begun
            self._task = asyncio.get_running_loop().create_task(self._set(document))
        finally:
            self.checking = False
        return await asyncio.shield(self._task)  # whoever asked may go away

    async def _checked(self, document: Configure) -> tuple[Rejection | None, bool]:
        """Why it can't be set, if so, with every fault; and whether anything is not as asked yet."""
        refusals: list[Rejection] = []
        is_new = False
        for some in slices(document):
            refusal, differs = await self._read(partial(_looked_at, document, some))
            is_new |= differs
            if refusal is not None:
                refusals.append(refusal)
                if refusal.code is ResultCode.IN_USE and not refusal.errors:
                    break
        if not refusals:
            return None, is_new
        errors: list[FieldError] = [error for refusal in refusals for error in refusal.errors]
        first = refusals[0]
        return Rejection(first.code, first.detail, tuple(errors[: limits.CONFIGURATION_FAULTS_MAX])), is_new

    async def _set(self, document: Configure, whole: bool = True) -> Done | Rejection:
        """Set all of what was announced, some entries a record, and say so."""
        announced = self._host.state.configuration.announced
        assert announced is not None
        sha256, asked_by = announced.sha256, announced.asked_by
        for some in slices(document):
            done = await self._insist(ApplyPart(sha256, some), asked_by)
            if isinstance(done, Rejection):
                return done
        key, payload = (announced.key, announced.payload) if whole else (None, None)
        done = await self._insist(EndConfiguration(sha256, whole), asked_by, key, payload)
        if isinstance(done, Done):
            await asyncio.to_thread(_remove_all_in, self._folder)
        return done

    async def _resumed(self) -> Done | Rejection:
        announced = self._host.state.configuration.announced
        assert announced is not None
        document = Document()
        content = await asyncio.to_thread(_kept, self._folder, announced.sha256)
        if content is not None:
            for _ in document.read(content):
                await asyncio.sleep(0)
            log.info("going on with a configuration", entries=announced.entries, sha256=announced.sha256)
            return await self._set(Configure(**document.parts))
        log.critical(
            "the document of a configuration that was being applied is lost: it is set in part; apply it again",
            file=str(self._folder / f"{announced.sha256}.json"),
        )
        return await self._set(Configure(), whole=False)

    async def _insist(
        self, command: Command, actor: str, key: bytes | None = None, payload: bytes | None = None
    ) -> Done | Rejection:
        """Nothing is wrong with it: when the disk is full, or too much is asked at once, it is asked again."""
        while isinstance(done := await self._change(command, actor, key, payload), Rejection):
            if done.code is ResultCode.STOPPING:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        return done

    async def _change(
        self, command: Command, actor: str, key: bytes | None = None, payload: bytes | None = None
    ) -> Done | Rejection:
        outcome: asyncio.Future[Done | Rejection] = asyncio.get_running_loop().create_future()
        size = limits.BATCH_BYTES_MAX  # the same for all of them, and enough
        refusal = self._host.submit(Change(command, actor, _render, outcome.set_result, key, payload, size))
        return refusal or await outcome

    async def _read(self, read: Callable[[State, int], Any]) -> Any:
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        refusal = self._host.submit(Query(read, outcome.set_result))
        return (refusal, False) if refusal is not None else await outcome


def _looked_at(document: Configure, some: Configure, state: State, now_ns: int) -> tuple[Rejection | None, bool]:
    """Why some entries of a document can't be set, if so; what they name may stand anywhere in it."""
    known = state.configuration
    refusal = master_data.refuse_meanwhile(known) or master_data.refusal_of(_both(known, document), some, CHECKED)
    return refusal, bool(master_data.what_is_new(known, some))


def _both(known: Configuration, document: Configure) -> Configuration:
    """What will be known: what is set already, and all of the document."""
    both = Configuration()
    for part in DOCUMENT_PARTS:
        setattr(both, part, ChainMap(getattr(document, part), getattr(known, part)))
    return both


def _render(state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
    """The answer: how many entries of each part were changed, as for a small document."""
    changed = dict(facts[0].changed) if isinstance(facts[0], ConfigurationEnded) else {}
    return 200, msgspec.json.encode({"seq": seq, **{part: changed.get(part, 0) for part in DOCUMENT_PARTS}})


def _keep(folder: Path, content: bytes) -> str:
    """Put a document on stable storage under its hash. Raises StorageFull."""
    sha256 = hashlib.sha256(content).hexdigest()
    pending = Pending(folder, sha256)
    try:
        pending.write(content)
        pending.publish(f"{sha256}.json")
        sync_directory(folder.parent)
    except BaseException:
        pending.discard()
        raise
    return sha256


def _kept(folder: Path, sha256: str) -> bytes | None:
    """The document with that hash, if it lies there as it was."""
    try:
        content = (folder / f"{sha256}.json").read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def _remove_all_in(folder: Path) -> None:
    remove_unfinished(folder)
    for file in folder.glob("*.json"):
        file.unlink()
