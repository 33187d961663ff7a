"""What a node did of its own accord."""

import msgspec

from engine.facts.postings import Posting


class KeysForgotten(msgspec.Struct, array_like=True, frozen=True, tag="keys_forgotten"):
    """Idempotency keys of records up to and including `through_seq` are free again."""

    through_seq: int
    postings: tuple[Posting, ...] = ()


class DigestRecorded(msgspec.Struct, array_like=True, frozen=True, tag="digest_recorded"):
    """What the writer's state was, said by its own memory: the hash of its dump, in hex.

    `parts` are (seq, count): after record `seq`, that many parts of the dump were taken, in the dump's order. A small
    state is taken at once; a large one part by part between batches, so that nobody waits.
    """

    parts: tuple[tuple[int, int], ...]
    digest: str
    postings: tuple[Posting, ...] = ()


Fact = KeysForgotten | DigestRecorded
