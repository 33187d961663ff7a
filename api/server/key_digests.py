"""Digests of idempotency keys and of what was asked under them: what the journal remembers of both."""

from hashlib import blake2b
from typing import NamedTuple

from engine.writer import PAYLOAD_DIGEST_BYTES, SECRET_MARK_BYTES

KEY_DIGEST_BYTES = 15
EARLIER_BYTES = 16  # in journals of earlier releases, both digests were made under the secret of the key store


class KeyDigests(NamedTuple):
    """Digests of one idempotency key and its payload. `earlier`: as earlier releases made them, if one may be met."""

    key: bytes
    payload: bytes
    earlier: tuple[bytes, bytes] | None


class Digester:
    """Makes the digests of one node.

    A key is digested under the id of the journal, so that it is known wherever the journal is: a key store that was
    lost makes nothing happen twice. A payload is digested under a secret outside of the journal, so that what somebody
    typed can't be guessed from it; three bytes say which secret, since a new one can't be compared with.
    """

    def __init__(self, journal_id: bytes, secret: bytes, *, meets_earlier: bool) -> None:
        self._journal_id = journal_id
        self._secret = secret
        self._mark = blake2b(b"mark", digest_size=SECRET_MARK_BYTES, key=secret).digest()
        self._meets_earlier = meets_earlier

    def digests(self, actor: str, key: str, method: str, path: str, body: bytes) -> KeyDigests:
        """For a key of an actor, and what was asked under it."""
        named = f"{actor}\0{key}".encode()
        asked = b"%b\0%b\0%b" % (method.encode(), path.encode(), body)
        key_digest = blake2b(named, digest_size=KEY_DIGEST_BYTES, key=self._journal_id).digest()
        under_secret = blake2b(asked, digest_size=EARLIER_BYTES, key=self._secret).digest()
        payload = self._mark + under_secret[: PAYLOAD_DIGEST_BYTES - SECRET_MARK_BYTES]
        if not self._meets_earlier:
            return KeyDigests(key_digest, payload, None)
        earlier = blake2b(named, digest_size=EARLIER_BYTES, key=self._secret).digest()
        return KeyDigests(key_digest, payload, (earlier, under_secret))
