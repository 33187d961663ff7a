"""API keys, as they are kept."""

import msgspec

from engine.state.parts import Dumped, Listed, part_of


class ApiKey(msgspec.Struct, array_like=True, frozen=True):
    """A key that was given out; the secret is known to its holder only."""

    key_id: str
    name: str
    secret_sha256: bytes
    created_at_ns: int
    revoked_at_ns: int | None = None


class Access(Listed):
    """Every key ever given, by id, and the live ones by the SHA-256 of their secret."""

    PARTS = (part_of("api_keys", ApiKey, "keys", "put"),)

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.by_secret: dict[bytes, ApiKey] = {}

    def dump(self) -> Dumped:
        """All of them, in one part."""
        yield self.PARTS[0](list(self.keys.values()))

    def put(self, key: ApiKey) -> None:
        """Enter a key in its present state."""
        self.keys[key.key_id] = key
        if key.revoked_at_ns is None:
            self.by_secret[key.secret_sha256] = key
        else:
            self.by_secret.pop(key.secret_sha256, None)
