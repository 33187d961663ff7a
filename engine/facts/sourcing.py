"""What a sourcing decision leaves in the fact it led to: by which rules, at what cost, which places at nodes."""

import msgspec


class Decision(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`policy` (None: the built-in default) as record `version` set it, with the overrides at these positions.

    `cost_minor` is what the plan costs by those rules; it is the least possible if `bound_minor` is None, else no plan
    costs less than `bound_minor`.
    """

    policy: str | None
    version: int
    overrides: tuple[int, ...]
    cost_minor: int
    bound_minor: int | None


class Slot(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One order's place at a node on a day (proleptic Gregorian ordinal of the node's own date)."""

    node: str
    day: int
