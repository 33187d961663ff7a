"""How a node and a payment provider know each other's messages: HMAC-SHA256 over `<timestamp>.<body>` with a secret that both have."""

import hmac
import time
from typing import Final

from api.parties.keystore import PartyKeys

TOLERANCE_SECONDS: Final = 300
TIMESTAMP, SIGNATURE = "Kontor-Timestamp", "Kontor-Signature"


def secret_of(parties: PartyKeys, provider: str, version: int) -> str:
    """The secret of a provider, hexadecimal. It is derived from the node's own and stored nowhere."""
    return parties.node_secret(f"payment-provider|{provider}|{version}").hex()


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a message, hexadecimal."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def signed(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a message that is sent now."""
    timestamp = str(int(time.time()))
    return {TIMESTAMP: timestamp, SIGNATURE: signature_of(secret, timestamp, body)}


def why_not_genuine(secret: str, timestamp: str | None, signature: str | None, body: bytes) -> str | None:
    """What is wrong with a message; None if it is theirs and fresh. The comparison takes the same time whatever is right."""
    if timestamp is None or signature is None:
        return f"`{TIMESTAMP}` and `{SIGNATURE}` are needed"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return f"`{TIMESTAMP}` is seconds since 1970"
    expected = signature_of(secret, timestamp, body)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return "the signature does not match"
    if abs(int(timestamp) - time.time()) > TOLERANCE_SECONDS:
        return f"the message is more than {TOLERANCE_SECONDS} seconds old, or of the future"
    return None
