"""What a life does with shelves: counts, feeds and sales at tills, also of units that were promised."""

from typing import TYPE_CHECKING

from engine import commands as c
from engine.facts.postings import ALLOCATED, RESERVED
from engine.writer import Done

if TYPE_CHECKING:
    from tests.simulation.random_life import Life

REASONS: tuple[c.stock.Reason, ...] = (
    "count", "feed", "damage", "quarantine", "restore", "write_off", "adjustment", "sale", "sale_return",
)  # fmt: skip


def look(life: "Life", skus: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """Somebody counts, breaks or finds something, or sells it at a till."""
    chance = life.chance
    reason = chance.choice(REASONS)
    quantity = chance.randint(0 if reason in ("count", "feed") else 1, 8)
    if reason == "adjustment" and chance.random() < 0.5:
        quantity = -quantity
    expected = None if chance.random() < 0.8 else chance.randint(0, 8)
    line = c.stock.MovementLine(chance.choice(skus), chance.choice(nodes), reason, quantity, "looked", expected)
    _move(life, line)


def lack(life: "Life", skus: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """A count, a feed or a till says that promised units are not there; goods may come in the same movement."""
    chance, ledger = life.chance, life.state.ledger
    promised = [
        (sku, node, units)
        for sku in skus
        for node in nodes
        if (units := ledger.balance(RESERVED, sku, node) + ledger.balance(ALLOCATED, sku, node))
    ]
    if not promised:
        return
    sku, node, units = chance.choice(promised)
    reason: c.stock.Reason = chance.choice(("count", "feed", "sale"))
    quantity = chance.randint(1, units) if reason == "sale" else chance.randint(0, units - 1)
    lines = [c.stock.MovementLine(sku, node, reason, quantity)]
    if chance.random() < 0.5:
        lines.insert(chance.randint(0, 1), c.stock.MovementLine(sku, node, "receipt", chance.randint(1, 9)))
    _move(life, *lines)


def _move(life: "Life", *lines: c.stock.MovementLine) -> None:
    """On hand is what was counted, and a sale is refused for nothing but what it expected."""
    outcome, last = life.do(c.stock.MoveStock(lines)), lines[-1]
    if isinstance(outcome, Done) and last.reason in ("count", "feed"):
        assert life.state.stock.balances_at(last.sku, last.node).on_hand == last.quantity
    if last.reason in ("sale", "sale_return") and last.expected_on_hand is None:
        assert isinstance(outcome, Done)
