"""Commands a node gives itself: memory stays flat, and what it held can be proven later."""

from engine.commands.command import Command


class ForgetKeys(Command, frozen=True):
    """Forget idempotency keys older than limits.IDEMPOTENCY_KEPT_NS, a bounded number at a time."""


class MeetDeadlines(Command, frozen=True):
    """Do what the first deadline that has come brings about."""


class ServeWaiting(Command, frozen=True):
    """Look at whoever waits and is next, as units may be free for him."""


class ImproveOrders(Command, frozen=True):
    """Source the first of these orders again that can be sent for less, as far as no node has begun with it."""

    orders: tuple[str, ...]


class RecordDigest(Command, frozen=True):
    """Write into the journal what the digest of the state was; see DigestRecorded."""

    parts: tuple[tuple[int, int], ...]
    digest: str
