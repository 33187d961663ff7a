"""The key store of a node as it starts: opened, made for a new node, or missing where the one there was is needed."""

from collections.abc import Iterator
from pathlib import Path

import structlog

from api.parties.keystore import CONTACT, PartyKeys, PartyKeysMissing, is_party
from api.server.books import Paths
from engine.state.state import State
from engine.wal.access import need

log = structlog.get_logger("kontor")


def opened_if_there(paths: Paths) -> PartyKeys | None:
    """The key store that is there, or the new one of a new node; None where only the journal can tell if a new one will
    do."""
    need(paths.parties, write=True)
    is_new = not any(folder.exists() for folder in (paths.journal, paths.archive, paths.snapshots))
    return PartyKeys(paths.parties) if is_new or (paths.parties / "master").exists() else None


def checked(found: PartyKeys | None, directory: Path, state: State, *, new_keys: bool) -> PartyKeys:
    """The key store that belongs to this state; a new one where it needs none, or where that was asked for.

    Raises PartyKeysMissing where only the one that was there can open what the journal holds.
    """
    if found is not None:
        newest = next(_parties(state), None)
        if newest is not None and found.key(newest, CONTACT) is None:
            log.warning(
                "the newest people of the journal have no key in the key store: their names and addresses stay sealed. "
                "Was it restored from an older backup, or is it of another node?",
                parties=str(directory),
            )
        return found
    holds_people = next(_parties(state), None) is not None
    if holds_people and not new_keys:
        raise PartyKeysMissing(
            f"the key store {directory} is missing, and the journal holds names and addresses that only it can open. "
            "Put it back, or restore a backup of it (kontor restore-keys). If it is lost: start with --new-keys"
        )
    if holds_people:
        log.warning(
            "NEW KEYS: the old ones are given up. Names and addresses that the journal holds stay sealed",
            parties=str(directory),
        )
    if state.configuration.payment_providers:
        log.warning(
            "NEW KEYS: payment providers have new secrets. Give them to the providers",
            payment_providers=list(state.configuration.payment_providers),
        )
    return PartyKeys(directory)


def _parties(state: State) -> Iterator[str]:
    """Parties of orders, those of the newest open orders first."""
    for order in reversed(state.orders.open.values()):
        if order.party is not None and is_party(order.party):
            yield order.party
    for order in state.closed.newest_orders():
        if order.party is not None and is_party(order.party):
            yield order.party
