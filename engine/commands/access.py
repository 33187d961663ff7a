"""Commands about API keys. The secret itself never comes here, only its SHA-256."""

from engine.commands.command import Command


class CreateApiKey(Command, frozen=True):
    """Let the bearer of a secret in. `secret_sha256` is 32 bytes."""

    key_id: str
    name: str
    secret_sha256: bytes


class RevokeApiKey(Command, frozen=True):
    """Shut a key out from now on."""

    key_id: str
