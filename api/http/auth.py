"""The one place where a request gets its actor and its rights."""

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Any

from engine.results import Rejection, ResultCode
from engine.state.api_keys import Access

DEV_ACTOR = "dev"


def actor_of(
    headers: Mapping[bytes, bytes], client: tuple[str, Any] | None, access: Access, dev: bool
) -> str | Rejection:
    """Who asks. `key:<id>` for a live API key; `dev` for a loopback caller without a key on a node started with --dev.

    The secret is looked up by its SHA-256, so no comparison takes time that depends on how much of it is right.
    """
    credentials = headers.get(b"authorization")
    if credentials is None:
        if dev and client is not None and _is_loopback(client[0]):
            return DEV_ACTOR
        return Rejection(ResultCode.UNAUTHENTICATED, "send `Authorization: Bearer <api key>`")
    scheme, _, secret = credentials.partition(b" ")
    if scheme.lower() == b"bearer":
        key = access.by_secret.get(hashlib.sha256(secret.strip()).digest())
        if key is not None:
            return f"key:{key.key_id}"
    return Rejection(ResultCode.UNAUTHENTICATED, "this API key is unknown or revoked")


def _is_loopback(host: str) -> bool:
    if host in ("127.0.0.1", "::1"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
