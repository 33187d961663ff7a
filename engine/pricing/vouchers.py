"""Vouchers that are handed in: which promotions they open, what they pay, and why one is refused."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.commands.pricing import Voucher
from engine.pricing.combining import Verdict
from engine.state.promotion_usage import NEVER, Usage


class HandedIn(NamedTuple):
    """What became of one voucher: minor units that it takes off or pays (`pays`), or why it is refused."""

    code: str
    minor: int
    refused: str | None
    pays: bool = False


def opened(vouchers: Mapping[str, Voucher], codes: Sequence[str], usage: Usage) -> frozenset[str]:
    """The promotions for which a voucher was handed in that may still be used."""
    return frozenset(
        vouchers[code].promotion or ""
        for code in codes
        if code in vouchers and vouchers[code].kind == "promotion" and not _used_up(code, vouchers[code], usage)
    )


def _used_up(code: str, voucher: Voucher, usage: Usage) -> bool:
    return voucher.uses_max is not None and usage.vouchers.get(code, NEVER).orders >= voucher.uses_max


def handed_in(
    vouchers: Mapping[str, Voucher],
    codes: Sequence[str],
    usage: Usage,
    currency: str,
    total_minor: int,
    verdicts: Sequence[Verdict],
) -> list[HandedIn]:
    """What every voucher does for an order of `total_minor`; those of a value pay in turn, until nothing is left to pay."""
    if not codes:
        return []
    applied = {each.promotion: each for each in verdicts}
    found = []
    for code in dict.fromkeys(codes):
        voucher = vouchers.get(code)
        if voucher is None:
            found.append(HandedIn(code, 0, "unknown"))
        elif voucher.kind == "promotion":
            verdict = applied.get(voucher.promotion or "", Verdict("", 0, "no_items"))
            reason = "used_up" if _used_up(code, voucher, usage) else verdict.reason
            found.append(HandedIn(code, 0 if reason else verdict.minor, reason))
        elif voucher.currency != currency:
            found.append(HandedIn(code, 0, "currency"))
        else:
            left = usage.left_minor(code, voucher)
            pays = min(left, total_minor)
            total_minor -= pays
            refused = None if pays else "spent" if not left else "nothing_to_pay"
            found.append(HandedIn(code, pays, refused, pays=True))
    return found
