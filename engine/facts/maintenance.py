"""What the writer did to keep memory flat."""

import msgspec

from engine.facts.postings import Posting


class KeysForgotten(msgspec.Struct, array_like=True, frozen=True, tag="keys_forgotten"):
    """Idempotency keys of records up to and including `through_seq` are free again."""

    through_seq: int
    postings: tuple[Posting, ...] = ()
