"""The one place where a request gets its actor and its rights."""

import hashlib
from collections.abc import Mapping
from typing import Any

from api.http.dev_mode import is_loopback, refusal_of
from engine.results import Rejection, ResultCode
from engine.state.api_keys import Access

DEV_ACTOR = "dev"


def why_not_here(headers: Mapping[bytes, bytes], client: tuple[str, Any] | None, method: str) -> Rejection | None:
    """Why a node with --dev refuses a call whatever it asks for: without a key it may come from a foreign page."""
    if b"authorization" not in headers and client is not None and is_loopback(client[0]):
        return refusal_of(headers, method)
    return None


def actor_of(
    headers: Mapping[bytes, bytes], client: tuple[str, Any] | None, access: Access, dev: bool
) -> str | Rejection:
    """Who asks. `key:<id>` for a live API key; `dev` for a loopback caller without a key on a node started with --dev.

    The secret is looked up by its SHA-256, so no comparison takes time that depends on how much of it is right.
    """
    credentials = headers.get(b"authorization")
    if credentials is None:
        if dev and client is not None and is_loopback(client[0]):
            return DEV_ACTOR
        return Rejection(ResultCode.UNAUTHENTICATED, "send `Authorization: Bearer <api key>`")
    scheme, _, secret = credentials.partition(b" ")
    if scheme.lower() == b"bearer":
        key = access.by_secret.get(hashlib.sha256(secret.strip()).digest())
        if key is not None:
            return f"key:{key.key_id}"
    return Rejection(ResultCode.UNAUTHENTICATED, "this API key is unknown or revoked")
