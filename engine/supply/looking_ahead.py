"""A batch looked at ahead: many orders sourced in one pass, before they are decided one by one.

What is foreseen is the proven cheapest plan of one node, as if nothing else of the batch came before. Stock that others
take makes no plan cheaper, so at its turn the plan still is the cheapest, if only its node still has everything. What
makes more available, or changes rules, ends what was foreseen; then, and where nothing was, the command is sourced
alone. Answers are the same with and without it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engine.commands import Command
from engine.facts import Fact
from engine.facts.postings import AVAILABLE
from engine.solver.together import NOWHERE, Orders, first_looks
from engine.state.state import State
from engine.supply.plan import Foreseen, is_quick, terms_of
from engine.supply.problem import Row, problem_of, promisable, weight_hg_of
from engine.supply.request import Request
from engine.supply.terms import Terms, terms_cache

REQUESTS_MIN = 8  # fewer are sourced alone as fast
SAMPLE = 4
TABLE_CELLS_MAX = 1 << 20  # lines times nodes looked at in one go
KEPT, GAINED, ENDED = range(3)  # what a fact leaves of what is foreseen: all, all but what it makes available, nothing
RequestOf = Callable[["State", Command], Request | None]


class _Asked(NamedTuple):
    """The request at a position of the batch, with units by SKU."""

    position: int
    request: Request
    wanted: dict[str, int]


class Ahead:
    """What was foreseen for the commands of a batch, by their position.

    `request_of(state, command)` is what a command wants from stock, or None if it wants nothing. Nothing is looked at
    where a sample shows that the commands are sourced quickly anyway. `left_by` says of every kind of fact what it
    leaves of it.
    """

    def __init__(
        self,
        state: State,
        commands: Sequence[Command | None],
        request_of: RequestOf,
        left_by: Mapping[type, int],
        now_ns: int,
    ) -> None:
        self._state = state
        self._left_by = left_by
        self._foreseen: dict[int, tuple[Foreseen, dict[str, int]]] = {}
        self._gained: dict[str, None] = {}
        if len(commands) < REQUESTS_MIN:
            return
        sample = [
            _asked(state, at, commands[at], request_of) for at in range(0, len(commands), -(-len(commands) // SAMPLE))
        ]
        if all(one is None or is_quick(state, one.request, now_ns) for one in sample):
            return
        alike: dict[tuple[Terms, tuple[int, ...]], list[_Asked]] = {}
        for at, command in enumerate(commands):
            one = _asked(state, at, command, request_of)
            if one is None:
                continue
            terms, variant = terms_of(state, one.request, now_ns)
            if _fits_a_parcel(state, terms, one.wanted):
                alike.setdefault((terms, variant), []).append(one)
        for (terms, _), asked in alike.items():
            if terms.foreseeable:
                for some in _pieces(asked, len(state.ledger.nodes)):
                    self._look(terms, some, now_ns)

    def _look(self, terms: Terms, asked: list[_Asked], now_ns: int) -> None:
        """Look at requests under the same terms in one pass."""
        ledger = self._state.ledger
        row_of: dict[str, int] = {}
        goods = np.array([row_of.setdefault(sku, len(row_of)) for one in asked for sku in one.wanted])
        quantity = np.array([units for one in asked for units in one.wanted.values()])
        lines = np.array([len(one.wanted) for one in asked])
        stock = promisable(self._state, terms, list(row_of), (), now_ns) * terms.sends
        table = problem_of(self._state, terms, [Row(sku, 1, 0) for sku in row_of], stock, now_ns, whole_order=False)
        orders = Orders(goods, quantity, np.cumsum(lines) - lines)
        found = first_looks(table, orders)
        skus_at = np.array([ledger.sku_index[sku] for sku in row_of])[goods]
        nodes_at = np.repeat(found.at, lines)
        # What must be available at its node at its turn: the quantity, and what is withheld there.
        least = quantity + ledger.inside[AVAILABLE][skus_at, nodes_at] - stock[goods, nodes_at]
        needed = list(zip((skus_at * ledger.node_capacity + nodes_at).tolist(), least.tolist(), strict=True))
        starts, ats, costs = orders.start.tolist(), found.at.tolist(), found.cost.tolist()
        for one, start, at, cost in zip(asked, starts, ats, costs, strict=True):
            if at != NOWHERE:
                foreseen = Foreseen(at, cost, needed[start : start + len(one.wanted)])
                self._foreseen[one.position] = foreseen, one.wanted

    def __len__(self) -> int:
        """How many commands have something foreseen."""
        return len(self._foreseen)

    def of(self, position: int) -> Foreseen | None:
        """What was foreseen for the command at a position and still holds, if its node still has everything."""
        foreseen, wanted = self._foreseen.get(position, (None, {}))
        return None if self._gained and any(sku in self._gained for sku in wanted) else foreseen

    def after(self, facts: tuple[Fact, ...]) -> None:
        """Take note of what was written down meanwhile."""
        if not self._foreseen:
            return
        for fact in facts:
            left = self._left_by[type(fact)]
            if left == KEPT:
                continue
            if left == ENDED or terms_cache(self._state).table(self._state).any_limit:
                self._foreseen.clear()  # a place at a node with a limit may be free again
                return
            self._gained.update({posting.sku: None for posting in fact.postings if posting.target == AVAILABLE})


def _asked(state: State, position: int, command: Command | None, request_of: RequestOf) -> _Asked | None:
    """What the command at a position asks of all nodes; None if it does not ask all of them alike."""
    request = None if command is None else request_of(state, command)
    if request is None or request.excluded or request.own:
        return None
    wanted: dict[str, int] = {}
    for line in request.lines:
        if line.node is not None:
            return None
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return _Asked(position, request, wanted)


def _fits_a_parcel(state: State, terms: Terms, wanted: dict[str, int]) -> bool:
    """Whether an order is one parcel at most: the parcels of others must be packed, each order by itself."""
    steps = terms.rules.parcel_up_to_hg
    return not steps or sum([weight_hg_of(state, sku) * units for sku, units in wanted.items()]) <= steps[-1]


def _pieces(asked: list[_Asked], nodes_count: int) -> Iterator[list[_Asked]]:
    """Requests with so few lines together that their table stays small."""
    some: list[_Asked] = []
    lines_count = 0
    for one in asked:
        if some and (lines_count + len(one.wanted)) * nodes_count > TABLE_CELLS_MAX:
            yield some
            some, lines_count = [], 0
        some.append(one)
        lines_count += len(one.wanted)
    yield some
