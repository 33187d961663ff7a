"""The record: what is journalled of one command. Its seq and time stand in the batch around it."""

import msgspec

from engine.facts import Fact


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The facts of one command, who asked for it, and, under an idempotency key, the answer that was given.

    `key` and `payload` are 16-byte digests; `status` and `body` are the answer, to be given again for the same key.
    """

    actor: str
    facts: tuple[Fact, ...]
    key: bytes | None = None
    payload: bytes | None = None
    status: int = 0
    body: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
encode = _encoder.encode
decode = _decoder.decode


def kind_of(fact: Fact) -> str:
    """The fact's name as clients see it."""
    tag = type(fact).__struct_config__.tag
    assert isinstance(tag, str)
    return tag
