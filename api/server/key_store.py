"""The key store of a node as it starts: opened, made for a new node, or missing where the one there was is needed."""

from collections.abc import Iterator
from pathlib import Path

import structlog

from api.parties.keystore import CONTACT, PartyKeys, PartyKeysMissing
from engine.state.state import State

log = structlog.get_logger("kontor")


def opened_if_there(directory: Path) -> PartyKeys | None:
    """The key store that is there; None without one. Whether a new one will do, only the journal can tell."""
    return PartyKeys(directory) if (directory / "master").exists() else None


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
    needed_for = _needed_for(state)
    if needed_for and not new_keys:
        raise PartyKeysMissing(
            f"the key store {directory} is missing, and the journal holds {' and '.join(needed_for)} that need it. Put "
            "it back, or restore a backup of it (kontor restore-keys). If it is lost for good: start with --new-keys"
        )
    if needed_for:
        log.warning(
            "NEW KEYS: the old ones are given up. Names and addresses that the journal holds stay sealed, and payment "
            "providers need their new secrets (GET /v1/payment-providers/{id}/secret)",
            parties=str(directory),
            given_up=needed_for,
        )
    return PartyKeys(directory)


def _needed_for(state: State) -> list[str]:
    """What of a state only the keys that were there can open or sign."""
    needed = []
    if next(_parties(state), None) is not None:
        needed.append("names and addresses of people")
    if state.configuration.payment_providers:
        needed.append("payment providers")
    return needed


def _parties(state: State) -> Iterator[str]:
    """Parties of orders, those of the newest open orders first."""
    for order in reversed(state.orders.open.values()):
        if order.party is not None:
            yield order.party
    for order in state.closed.newest_orders():
        if order.party is not None:
            yield order.party
