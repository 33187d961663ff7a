"""What happened to API keys."""

import msgspec

from engine.facts.postings import Posting


class ApiKeyCreated(msgspec.Struct, array_like=True, frozen=True, tag="api_key_created"):
    """The bearer of the secret with this SHA-256 may come in."""

    key_id: str
    name: str
    secret_sha256: bytes
    postings: tuple[Posting, ...] = ()


class ApiKeyRevoked(msgspec.Struct, array_like=True, frozen=True, tag="api_key_revoked"):
    """The key opens nothing any more."""

    key_id: str
    postings: tuple[Posting, ...] = ()


Fact = ApiKeyCreated | ApiKeyRevoked
