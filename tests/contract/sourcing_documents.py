"""What an answer of `kontor sourcing solve` is worth, from the text of the order alone: nothing of the engine is asked."""

from collections import Counter
from typing import Any

Document = dict[str, Any]
Pairs = Counter[tuple[int, int]]


def wrong_with_answer(order: Document, answer: Document) -> list[str]:
    """What the answer says that is not so: names, rules that the plan breaks, costs that it does not have."""
    wrong = [] if answer["id"] == order["id"] else ["it is the answer to another order"]
    if answer["status"] == "infeasible" or answer["cost"] is None:
        return wrong + (["a plan without a cost"] if answer["plan"] or answer["cost"] is not None else [])
    taken: Pairs = Counter()
    for line, at, units in answer["plan"]:
        taken[line, at] += units
    cost = _cost(order, taken)
    if cost != answer["cost"]:
        wrong.append(f"says it costs {answer['cost']}, and costs {cost}")
    if answer["unsourced"] != _unsourced(order, taken):
        wrong.append(f"says {answer['unsourced']} are unsourced, and {_unsourced(order, taken)} are")
    proven = answer["status"] == "optimal"
    if answer["bound"] > answer["cost"] or (proven and answer["bound"] != answer["cost"]):
        wrong.append(f"{answer['status']} at {answer['cost']}, and at least {answer['bound']}")
    return wrong + _broken_rules(order, taken)


def _unsourced(order: Document, taken: Pairs) -> list[int]:
    sent = _sums(taken, 0)
    return [line["qty"] - sent[number] for number, line in enumerate(order["lines"])]


def _sums(taken: Pairs, part: int) -> Counter[int]:
    """Units by line (0) or by location (1)."""
    sums: Counter[int] = Counter()
    for pair, units in taken.items():
        sums[pair[part]] += units
    return sums


def _broken_rules(order: Document, taken: Pairs) -> list[str]:
    policy, caps = order["policy"], order["locations"]["cap"]
    broken = [f"{units} of line {line} from {at}" for (line, at), units in taken.items() if units < 1]
    broken += [f"line {i}: {at} has less" for (i, at), units in taken.items() if units > order["stock"][i][at]]
    broken += [f"more of line {line} than is wanted" for line, left in enumerate(_unsourced(order, taken)) if left < 0]
    if policy["ship_complete"] and any(_unsourced(order, taken)):
        broken.append("something is missing")
    if not policy["line_split"]:
        broken += [
            f"a part of line {i} from {at}" for (i, at), units in taken.items() if units != order["lines"][i]["qty"]
        ]
    used = _sums(taken, 1)
    if policy["max_locations"] is not None and len(used) > policy["max_locations"]:
        broken.append(f"{len(used)} locations")
    if caps is not None:
        broken += [f"{at} sends {units} units" for at, units in used.items() if caps[at] != -1 and units > caps[at]]
    return broken


def _cost(order: Document, taken: Pairs) -> int:
    """All of it: locations, parcels, splits, units, what is lost."""
    where, policy, lines = order["locations"], order["policy"], order["lines"]
    used = sorted({at for _, at in taken})
    cost: int = policy["split_penalty"] * max(0, len(used) - 1)
    for at in used:
        weight = sum(units * lines[line]["hg"] for (line, place), units in taken.items() if place == at)
        parcels = 1 if policy["parcel_hg"] is None else max(1, -(-weight // policy["parcel_hg"]))
        cost += where["fixed"][at] + where["parcel"][at] * parcels
    for (line, at), units in taken.items():
        cost += units * (where["unit"][at] + where["rate"][at] * lines[line]["hg"])
    for line, at, each in order.get("adj", ()):
        cost += each * taken.get((line, at), 0)
    for line, left in zip(lines, _unsourced(order, taken), strict=True):
        cost += left * line.get("lost", 0)
    return cost
