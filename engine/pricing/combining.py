"""Which of the promotions that could apply do: stacked, the best of a group, or one alone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.commands.pricing import PromotionLimits
from engine.pricing.catalogue import Ready
from engine.pricing.effects import Basket, Candidate, Off, at_most, effect, why_not_here

Limit = Callable[[str, PromotionLimits, int], str | None]
"""Which limit stands against a promotion that takes so much off."""
NO_EFFECT = "nothing_to_take_off"
BETTER_IN_GROUP, BETTER_TOGETHER, BETTER_ALONE = "another_of_its_group_is_better", "others_give_more", "exclusive"


class Applied(NamedTuple):
    """A promotion that applies, what it takes off, and the positions of the lines that count for it."""

    promotion: Ready
    off: Off
    found: Sequence[int]


class Verdict(NamedTuple):
    """Whether a promotion applies: what it takes off, or (`reason`) why it does not."""

    promotion: str
    minor: int
    reason: str | None


class Combined(NamedTuple):
    """The promotions that apply in turn, what they leave, and a verdict on each that was looked at."""

    applied: list[Applied]
    left: Basket
    verdicts: list[Verdict]


def combine(candidates: Sequence[Candidate], basket: Basket, limit: Limit) -> Combined:
    """The best outcome for the customer that the promotions allow."""
    verdicts: dict[str, Verdict] = {}
    together: list[Candidate] = []
    alone: list[Candidate] = []
    for each in candidates:
        reason = why_not_here(each, basket)
        if reason is not None:
            verdicts[each.promotion.id] = Verdict(each.promotion.id, 0, reason)
        else:
            (alone if each.promotion.exclusive else together).append(each)
    applied, left = _in_turn(together, basket, verdicts, limit)
    together_minor = sum([used.off.minor for used in applied])
    best = _best(alone, basket, verdicts, limit, BETTER_TOGETHER, together_minor)
    if best is not None:
        for used in applied:
            verdicts[used.promotion.id] = Verdict(used.promotion.id, 0, BETTER_ALONE)
        applied, left = [best], basket.less(best.off)
    for used in applied:
        verdicts[used.promotion.id] = Verdict(used.promotion.id, used.off.minor, None)
    return Combined(applied, left, list(verdicts.values()))


def _in_turn(
    together: list[Candidate], basket: Basket, verdicts: dict[str, Verdict], limit: Limit
) -> tuple[list[Applied], Basket]:
    """Stack them, the highest priority first. A group stands where its highest priority stands."""
    groups: dict[str, list[Candidate]] = {}
    turns: list[list[Candidate]] = []
    for each in together:
        best_of = each.promotion.group
        if best_of is None:
            turns.append([each])
        elif best_of in groups:
            groups[best_of].append(each)
        else:
            groups[best_of] = [each]
            turns.append(groups[best_of])
    in_order = sorted(turns, key=lambda group: -max([each.promotion.body.priority for each in group]))
    applied = []
    for group in in_order:
        best = _best(group, basket, verdicts, limit, BETTER_IN_GROUP, 0)
        if best is not None:
            applied.append(best)
            basket = basket.less(best.off)
    return applied, basket


def _alone(each: Candidate, basket: Basket, verdicts: dict[str, Verdict], limit: Limit) -> Applied | None:
    """One that no other competes with, if it takes anything off."""
    off = effect(each, basket)
    reason = limit(each.promotion.id, each.promotion.body.limits, off.minor) if off.minor else NO_EFFECT
    if reason is None:
        return Applied(each.promotion, off, each.found)
    verdicts[each.promotion.id] = Verdict(each.promotion.id, 0, reason)
    return None


def _best(
    group: list[Candidate],
    basket: Basket,
    verdicts: dict[str, Verdict],
    limit: Limit,
    otherwise: str,
    more_than: int,
) -> Applied | None:
    """The one that takes most off, and more than `more_than`; ties to the higher priority, then to the older one.

    The verdict on the others is `otherwise`.
    """
    if len(group) == 1 and not more_than:
        return _alone(group[0], basket, verdicts, limit)
    bounds = [(-at_most(each, basket), -each.promotion.body.priority, at) for at, each in enumerate(group)]
    best: tuple[int, int, int] | None = None
    found: Applied | None = None
    for bound, priority, at in sorted(bounds):
        each = group[at]
        verdicts[each.promotion.id] = Verdict(each.promotion.id, 0, otherwise)
        if -bound <= more_than or (best is not None and bound > best[0]):
            if not bound:
                verdicts[each.promotion.id] = Verdict(each.promotion.id, 0, NO_EFFECT)
            continue
        off = effect(each, basket)
        place = (-off.minor, priority, at)
        reason = limit(each.promotion.id, each.promotion.body.limits, off.minor) if off.minor else NO_EFFECT
        if reason is not None:
            verdicts[each.promotion.id] = Verdict(each.promotion.id, 0, reason)
        elif off.minor > more_than and (best is None or place < best):
            best, found = place, Applied(each.promotion, off, each.found)
    return found
