"""What may happen next: for every kind of thing one table of steps between its states. The rooms decide the rest."""

from typing import NamedTuple

from engine.results import Rejection, ResultCode

Traits = tuple[str, ...]


class Step(NamedTuple):
    """`action` takes a thing from any of `sources` to `target` (None: to where its parts then are).

    It is possible only for a thing with one of the traits `needs` (none named: for any) and with none of `unless`.
    `by_itself` steps are taken by Kontor itself when something else happens or a time has come; nobody can ask for
    them.
    """

    action: str
    sources: tuple[str, ...]
    target: str | None = None
    needs: Traits = ()
    unless: Traits = ()
    by_itself: bool = False


class Lifecycle:
    """The steps of one kind of thing. What it may do follows from its state and its traits alone."""

    def __init__(self, thing: str, steps: tuple[Step, ...]) -> None:
        self.thing = thing
        self.steps = {step.action: step for step in steps}
        assert len(self.steps) == len(steps), f"two steps of a {thing} share a name"
        self.states = tuple(dict.fromkeys(state for step in steps for state in (*step.sources, step.target) if state))
        self._allowed: dict[tuple[str, Traits], tuple[str, ...]] = {}

    def allows(self, state: str, action: str, traits: Traits = ()) -> bool:
        """Whether a thing in this state, with these traits, may take a step."""
        step = self.steps[action]
        return (
            state in step.sources
            and (not step.needs or any(trait in traits for trait in step.needs))
            and not any(trait in traits for trait in step.unless)
        )

    def allowed(self, state: str, traits: Traits = ()) -> tuple[str, ...]:
        """The steps that somebody may ask for now, in the order of the table."""
        found = self._allowed.get((state, traits))
        if found is None:
            actions = [step.action for step in self.steps.values() if not step.by_itself]
            found = tuple(action for action in actions if self.allows(state, action, traits))
            self._allowed[state, traits] = found
        return found

    def target(self, action: str) -> str:
        """The state that a step leads to, for one that leads to a state of its own."""
        target = self.steps[action].target
        assert target is not None, f"{action} of a {self.thing} leads to no one state"
        return target

    def refusal(self, state: str, action: str, traits: Traits = ()) -> Rejection | None:
        """Why a step is not possible; None if it is."""
        if self.allows(state, action, traits):
            return None
        possible = ", ".join(self.allowed(state, traits)) or "nothing"
        detail = f"the {self.thing} is {state}, so that {action} is not possible; what is: {possible}"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)


# Fulfilments: one node's work for one order. Their traits: how the goods reach the customer (`ship`, `pickup`,
# `reserve_in_store`), `supplier` where a supplier does the work, `ship_held` while a hold stops the order from leaving.
HELD, RELEASED, ACCEPTED, PICKED, PACKED, READY = "held", "released", "accepted", "picked", "packed", "ready"
SHIPPED, DELIVERED, COLLECTED = "shipped", "delivered", "collected"
REJECTED, CANCELLED, LAPSED = "rejected", "cancelled", "lapsed"
AT_NODE = (RELEASED, ACCEPTED, PICKED, PACKED)
OPEN = (HELD, *AT_NODE, READY)
LEFT = (SHIPPED, DELIVERED, COLLECTED)
IN_STORE = ("pickup", "reserve_in_store")

FULFILMENT = Lifecycle(
    "fulfilment",
    (
        Step("release", (HELD,), RELEASED, by_itself=True),
        Step("hold", (RELEASED,), HELD, by_itself=True),
        Step("accept", (RELEASED,), ACCEPTED),
        Step("confirm", (RELEASED, ACCEPTED), ACCEPTED, needs=("supplier",)),
        Step("pick", (RELEASED, ACCEPTED), PICKED),
        Step("pack", (RELEASED, ACCEPTED, PICKED), PACKED),
        Step("unpack", (PACKED,), PICKED),
        Step("ready", AT_NODE, READY, needs=IN_STORE),
        Step("ship", AT_NODE, SHIPPED, needs=("ship",), unless=("ship_held",)),
        Step("deliver", (*AT_NODE, SHIPPED), DELIVERED, needs=("ship",), unless=("ship_held",)),
        Step("collect", (*AT_NODE, READY), COLLECTED, needs=IN_STORE, unless=("ship_held",)),
        Step("short", (*AT_NODE, READY)),
        Step("split", (*AT_NODE, READY)),
        Step("merge", (*AT_NODE, READY)),
        Step("parcels", AT_NODE, needs=("ship",)),
        Step("reject", (*AT_NODE, READY), REJECTED),
        Step("move", (HELD, *AT_NODE), needs=("ship",)),
        Step("cancel", OPEN, CANCELLED),
        Step("withdraw", (HELD, RELEASED), CANCELLED, by_itself=True),
        Step("take_back", (RELEASED,), REJECTED, by_itself=True),
        Step("lapse", OPEN, LAPSED, needs=IN_STORE, by_itself=True),
    ),
)

# Orders: their state follows from their lines and fulfilments, so that no step has a target. Their traits: `sent` when
# something left that may come back, `stopped` while a hold stands, `nothing_due` where prices leave nothing to settle.
O_OPEN, O_BACKORDERED, O_UNSOURCEABLE = "open", "backordered", "unsourceable"
O_UNFINISHED = (O_OPEN, O_BACKORDERED, O_UNSOURCEABLE)
O_ANY = (*O_UNFINISHED, SHIPPED, DELIVERED, COLLECTED, CANCELLED)

ORDER = Lifecycle(
    "order",
    (
        Step("cancel", O_UNFINISHED),
        Step("change", O_UNFINISHED),
        Step("hold", O_UNFINISHED),
        Step("lift", O_ANY, needs=("stopped",)),
        Step("source_again", (O_BACKORDERED, O_UNSOURCEABLE)),
        Step("return", O_ANY, needs=("sent",)),
        Step("claim", O_ANY, needs=("sent",)),
        Step("note", O_ANY),
        Step("appease", O_ANY, unless=("nothing_due",)),
    ),
)

# Order lines: `open` with units to send, `done` without. Traits: `sent` with units that left and may come back.
LINE = Lifecycle(
    "line",
    (
        Step("cancel", ("open",)),
        Step("change", ("open",)),
        Step("return", ("open", "done"), needs=("sent",)),
        Step("claim", ("open", "done"), needs=("sent",)),
    ),
)

# Changes of orders.
PROPOSED, CONFIRMED, DECLINED = "proposed", "confirmed", "declined"

CHANGE = Lifecycle(
    "change",
    (
        Step("confirm", (PROPOSED,), CONFIRMED),
        Step("decline", (PROPOSED,), DECLINED),
    ),
)

# Pick lists.
OPEN_LIST = "open"

PICK_LIST = Lifecycle(
    "pick list",
    (
        Step("pick", (OPEN_LIST,), PICKED),
        Step("cancel", (OPEN_LIST,), CANCELLED),
    ),
)

# Transfers between nodes. Their traits: `order_held` while a hold stops the release of the order they are for,
# `nothing_lost` once they ended with all that left, `turned_back` on the way to where they came from.
PLANNED, IN_TRANSIT, RECEIVED = "planned", "in_transit", "received"

TRANSFER = Lifecycle(
    "transfer",
    (
        Step("ship", (PLANNED,), IN_TRANSIT, unless=("order_held",)),
        Step("receive", (IN_TRANSIT, RECEIVED), RECEIVED, unless=("nothing_lost",)),
        Step("turn_back", (IN_TRANSIT,), IN_TRANSIT, unless=("turned_back",)),
        Step("cancel", (PLANNED,), CANCELLED),
    ),
)

# Inbound from suppliers: what is still expected may come, come at another time, or not come. Trait: `by_transfer` where
# another node brings it: then the transfer is received.
EXPECTED = "expected"

INBOUND = Lifecycle(
    "inbound",
    (
        Step("receive", (EXPECTED,), unless=("by_transfer",)),
        Step("delay", (EXPECTED,)),
        Step("cancel", (EXPECTED,)),
    ),
)

# Returns. What came back is settled in parts, also after the last of it. Trait: `unsettled` while some of it is not.
AUTHORISED = "authorised"

RETURN = Lifecycle(
    "return",
    (
        Step("receive", (AUTHORISED,)),
        Step("cancel", (AUTHORISED,)),
        Step("settle", (AUTHORISED, RECEIVED), needs=("unsettled",)),
    ),
)
