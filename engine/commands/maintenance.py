"""Commands the writer gives itself so that memory stays flat."""

import msgspec


class ForgetKeys(msgspec.Struct, frozen=True):
    """Forget idempotency keys older than limits.IDEMPOTENCY_KEPT_NS, a bounded number at a time."""
