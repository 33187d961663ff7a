"""What was measured: one tally for each kind of request, and the longest silence over all of them."""

from typing import Any

from bench.load.histogram import Histogram


class Tally:
    """Answers to one kind of request. `accepted` counts from the start, everything else after the warm-up."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.accepted = 0
        self.refused = 0
        self.failed = 0

    def note(self, status: bytes) -> None:
        """An answer that is not 2xx. 409 is a refusal: an ordinary no."""
        if status == b"409":
            self.refused += 1
        else:
            self.failed += 1


def summary(tallies: dict[str, Tally], seconds: float) -> dict[str, Any]:
    """Rate, refusals and percentiles over all kinds, and by kind where there are several."""
    together = Histogram()
    for tally in tallies.values():
        together.merge(tally.latencies)
    found: dict[str, Any] = {
        "per_second": round(together.count() / seconds),
        **together.milliseconds(),
        "failed": sum(tally.failed for tally in tallies.values()),
        "refused": sum(tally.refused for tally in tallies.values()),
        "accepted": sum(tally.accepted for tally in tallies.values()),
    }
    if len(tallies) > 1:
        found["kinds"] = {
            kind: {
                "per_second": round(tally.latencies.count() / seconds),
                **tally.latencies.milliseconds(),
                "failed": tally.failed,
                "refused": tally.refused,
                "accepted": tally.accepted,
            }
            for kind, tally in tallies.items()
        }
    return found
