"""The server as the work beside its writer sees it: what a snapshot, a courier or a question about the past may use."""

from pathlib import Path
from typing import Protocol

from api.parties.keystore import PartyKeys
from api.server.books import Paths
from engine.results import Rejection
from engine.state.state import State
from engine.wal.journal import LmdbJournal
from engine.writer import Change, Query


class Host(Protocol):
    """`Server` is one. It is used from its own thread only."""

    directory: Path
    paths: Paths
    allow_private_outbound: bool
    started_at: float
    parties: PartyKeys
    state: State

    @property
    def journal(self) -> LmdbJournal: ...
    def submit(self, item: Change | Query) -> Rejection | None: ...
    def report(self, error: Exception) -> None: ...
    def flush_closed(self) -> None: ...
