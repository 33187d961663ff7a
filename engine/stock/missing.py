"""Units that are missing: promised ones that a node says are not there. Whatever comes or is freed is for them first.

On hand is what was counted: available + reserved + allocated + unsellable - missing. Nothing is available while
something is missing, and no more is missing than was promised.
"""

from engine.facts import Fact
from engine.facts.missing import MissingPaid
from engine.facts.postings import ADJUSTMENT, ALLOCATED, AVAILABLE, MISSING, RESERVED, Posting
from engine.facts.reservations import StockReserved
from engine.state.state import State

_LOOKED_AT = (AVAILABLE, RESERVED, ALLOCATED)


def paid(state: State, facts: tuple[Fact, ...]) -> tuple[MissingPaid, ...]:
    """What must follow `facts` in the same record, before who waits is served. `state` is from before them."""
    ledger = state.ledger
    moved: dict[tuple[str, str], dict[int, int]] = {}
    for fact in facts:
        if type(fact) is StockReserved:
            continue  # it takes only what is free, and nothing is where something is missing
        for posting in fact.postings:
            at = moved.setdefault((posting.sku, posting.node), {})
            at[posting.source] = at.get(posting.source, 0) - posting.quantity
            at[posting.target] = at.get(posting.target, 0) + posting.quantity
    postings = []
    for (sku, node), at in moved.items():
        owed = ledger.missing_at(sku, node) - at.get(MISSING, 0)
        if not owed:
            continue
        free, *promised = [ledger.balance(account, sku, node) + at.get(account, 0) for account in _LOOKED_AT]
        units = min(owed, free)
        beyond = max(0, owed - units - sum(promised))
        for source, quantity in ((AVAILABLE, units), (ADJUSTMENT, beyond)):
            if quantity:
                postings.append(Posting(sku, node, source, MISSING, quantity))
    return (MissingPaid(tuple(postings)),) if postings else ()


def evolve_paid(state: State, fact: MissingPaid) -> None:
    """Nothing but its postings."""
    state.ledger.post(fact.postings)
