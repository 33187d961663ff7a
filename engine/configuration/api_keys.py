"""API keys: who may come in. Rights per key follow later; the one place that asks is api/http/auth.py."""

import msgspec

from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.facts.access import ApiKeyCreated, ApiKeyRevoked
from engine.results import Rejection, ResultCode
from engine.state.api_keys import ApiKey
from engine.state.state import State


def decide_create_key(state: State, command: CreateApiKey, now_ns: int) -> ApiKeyCreated | Rejection:
    """Enter a new key. Ids and secrets are drawn by the caller and never come twice."""
    if command.key_id in state.access.keys:
        return Rejection(ResultCode.IN_USE, "there is a key with this id")
    return ApiKeyCreated(command.key_id, command.name, command.secret_sha256)


def decide_revoke_key(state: State, command: RevokeApiKey, now_ns: int) -> ApiKeyRevoked | tuple[()] | Rejection:
    """Shut a key out; doing so twice changes nothing."""
    key = state.access.keys.get(command.key_id)
    if key is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such key")
    return () if key.revoked_at_ns is not None else ApiKeyRevoked(command.key_id)


def evolve_key_created(state: State, fact: ApiKeyCreated) -> None:
    """Write down the key."""
    state.access.put(ApiKey(fact.key_id, fact.name, fact.secret_sha256, state.time_ns))


def evolve_key_revoked(state: State, fact: ApiKeyRevoked) -> None:
    """Write down that it opens nothing any more."""
    key = state.access.keys[fact.key_id]
    state.access.put(msgspec.structs.replace(key, revoked_at_ns=state.time_ns))
