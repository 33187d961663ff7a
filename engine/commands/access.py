"""Commands about API keys. The secret itself never comes here, only its SHA-256."""

import msgspec


class CreateApiKey(msgspec.Struct, frozen=True):
    """Let the bearer of a secret in. `secret_sha256` is 32 bytes."""

    key_id: str
    name: str
    secret_sha256: bytes


class RevokeApiKey(msgspec.Struct, frozen=True):
    """Shut a key out from now on."""

    key_id: str


Command = CreateApiKey | RevokeApiKey
