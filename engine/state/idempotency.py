"""Idempotency keys: which record answered which key. The answer itself is in that record, so memory holds two numbers a key."""

from typing import Any

from engine import limits
from engine.state.parts import Dumped, cut, part_of


class Idempotency:
    """`seq_of` maps a 16-byte key digest to the seq of its record, oldest first.

    `marks` are (time_ns, seq) about a minute apart, so that age can be told without keeping a time for every key.
    """

    PARTS = Keys, Marks = part_of("keys", tuple[bytes, int]), part_of("marks", tuple[int, int])

    def __init__(self) -> None:
        self.seq_of: dict[bytes, int] = {}
        self.marks: list[tuple[int, int]] = []

    def dump(self) -> Dumped:
        """Keys, the oldest first, then all marks."""
        for some in cut(self.seq_of):
            yield self.Keys(list(some.items()))
        yield self.Marks(list(self.marks))

    def load(self, part: Any) -> None:
        """Take back a part."""
        if isinstance(part, self.Keys):
            self.seq_of.update(part.items)
        else:
            self.marks.extend(part.items)

    def remember(self, key: bytes, seq: int, time_ns: int) -> None:
        """Note that `key` was answered by record `seq`."""
        self.seq_of[key] = seq
        if not self.marks or time_ns - self.marks[-1][0] >= limits.IDEMPOTENCY_MARK_NS:
            self.marks.append((time_ns, seq))

    def old_seq(self, now_ns: int) -> int:
        """Keys up to this seq were all given longer ago than they must be kept; 0 for none."""
        oldest_kept_ns = now_ns - limits.IDEMPOTENCY_KEPT_NS
        old = 0
        for mark, following in zip(self.marks, self.marks[1:], strict=False):
            if following[0] > oldest_kept_ns:
                break
            old = following[1] - 1
            assert mark[1] <= old
        return old
