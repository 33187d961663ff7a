"""What a node did of its own accord."""

import msgspec

from engine.facts.postings import Posting


class KeysForgotten(msgspec.Struct, array_like=True, frozen=True, tag="keys_forgotten"):
    """Idempotency keys of records up to and including `through_seq` are free again."""

    through_seq: int
    postings: tuple[Posting, ...] = ()


class DigestRecorded(msgspec.Struct, array_like=True, frozen=True, tag="digest_recorded"):
    """The state after record `seq` had this digest (hex), said by the process that was the writer then."""

    seq: int
    digest: str
    postings: tuple[Posting, ...] = ()
