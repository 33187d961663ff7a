"""Branch and bound over which locations are open: the exact way for everything that subsets of whole lines can't do.

Every node of the tree forces some locations open and shuts others. It is bounded by Lagrangian relaxation, locations whose
reduced cost says that no better plan uses them are shut for good, and what is left is branched on. Work is counted, not timed,
so that the same problem always ends with the same plan.
"""

from typing import NamedTuple

import numpy as np

from engine.solver.assignment import Assigned, Steps, Takes, TooMany, assign, assign_roughly
from engine.solver.bounds import SLACK, Bound, Relaxation
from engine.solver.covers import least_cover
from engine.solver.loads import Grid, grid_of
from engine.solver.numbers import Floats, Numbers
from engine.solver.problem import BIG, Ints, cost_of, violations

ROOT_STEPS = 60
NODE_STEPS = 8
FIRST_STEPS = 12
NODE_WORK = 4
STEPS_PER_WORK = 8
CELLS_PER_WORK = 4_000
STEPS_PER_TRY_SHARE = 4


class Found(NamedTuple):
    """The best plan, if any: `cost` with the first split penalty off, takes by position in the problem; `bound` holds for every plan."""

    cost: int | None
    takes: Takes
    bound: int
    proven: bool


class _Node(NamedTuple):
    """Positions (in the numbers at hand) that are open and that may be; `bound` from its parent."""

    forced: tuple[int, ...]
    free: Ints
    prices: Floats
    bound: float


class Search:
    """One search. `best_cost` and `takes` are the best plan so far, with the first split penalty off."""

    def __init__(self, numbers: Numbers, effort: int) -> None:
        self.numbers = numbers
        self.penalty = numbers.problem.rules.split_penalty
        self.work_left = effort
        self.best_cost = BIG
        self.takes: Takes = ()
        self.unproven_bound: float | None = None
        self.share_parcels = False
        self.grid: Grid | None = None
        self._seen: set[tuple[int, ...]] = set()
        if numbers.lost is not None:
            self.best_cost = int(numbers.lost @ numbers.problem.quantity)

    def offer(self, cost: int, takes: Takes) -> None:
        """Take over a plan from elsewhere if it is better; takes by position in the problem."""
        if cost < self.best_cost:
            self.best_cost, self.takes = cost, takes

    def narrow(self) -> None:
        """Leave out the locations that no better plan uses, after a few steps of the bound at the root."""
        bound = self._first_bound(self.numbers)
        self._guess(self.numbers, bound)
        self.numbers = self.numbers.only(self._keep(bound))

    def run(self) -> Found:
        """Search until the plan is proven or the work is used up."""
        numbers = self.numbers
        if not numbers.at.size or numbers.most == 0:
            return self.found()
        none = np.zeros(0, np.int64)
        if numbers.lost is None:
            self._gather()
        steps, bound = 0, self._first_bound(numbers)
        self.grid = grid_of(numbers) if numbers.stepped else None
        while True:
            self._guess(numbers, bound)
            keep = self._keep(bound)
            if not keep.size:
                return self.found()
            if keep.size < numbers.at.size:
                numbers = numbers.only(keep)
                bound = bound._replace(reduced=bound.reduced[keep])
            if steps >= ROOT_STEPS:
                break
            again = self._bound(numbers, bound.prices, none, FIRST_STEPS)
            steps += FIRST_STEPS
            bound = again if again.least >= bound.least else bound
        self._branch(numbers, bound)
        return self.found()

    def _gather(self) -> None:
        """A first plan, so that there always is one: the location that has most of what is missing for its opening, and so on;
        then without each that turns out not to be needed."""
        numbers = self.numbers
        missing, units = numbers.problem.quantity.copy(), numbers.units.copy()
        chosen: list[int] = []
        price = np.maximum(numbers.opening, 1)
        while missing.any() and len(chosen) < numbers.most:
            given = np.minimum(np.minimum(units, missing[:, None]).sum(axis=0), numbers.cap)
            at = int((given / price).argmax())
            if not given[at]:
                return
            chosen.append(at)
            missing -= np.minimum(units[:, at], missing)
            units[:, at] = 0
        self._try(numbers, tuple(sorted(chosen)))
        for at in reversed(list(chosen)):
            fewer = tuple(sorted(other for other in chosen if other != at))
            before = self.best_cost
            if fewer:
                self._try(numbers, fewer)
            if self.best_cost < before:
                chosen.remove(at)

    def _keep(self, bound: Bound) -> Ints:
        """Positions that a better plan may use."""
        enough = self.best_cost - 1 + SLACK
        if bound.least > enough:
            return np.zeros(0, np.int64)
        return np.flatnonzero(bound.base + np.maximum(bound.reduced, 0) <= enough)

    def _first_bound(self, numbers: Numbers) -> Bound:
        """The better of paying parcels where they are sent and paying some in advance decides how to go on."""
        none = np.zeros(0, np.int64)
        bounds = []
        for share in (False, True) if numbers.stepped and numbers.parcels_least[1] else (False,):
            relaxation = Relaxation(numbers, share)
            prices = relaxation.first_prices()
            bounds.append(relaxation.improve(prices, none, numbers.most, self._aim(), FIRST_STEPS))
        self.share_parcels = len(bounds) > 1 and bounds[1].least > bounds[0].least
        return bounds[int(self.share_parcels)]

    def _bound(self, numbers: Numbers, prices: Floats, forced: Ints, steps: int) -> Bound:
        relaxation = Relaxation(numbers, self.share_parcels, self.grid)
        bound = relaxation.improve(prices, forced, self.numbers.most, self._aim(), steps)
        self.work_left -= (relaxation.cells + steps * numbers.units.size) // CELLS_PER_WORK
        return bound

    def _aim(self) -> float:
        return float(self.best_cost) if self.best_cost < BIG else 1e12

    def found(self) -> Found:
        """The best plan so far, proven unless work was left undone."""
        if self.best_cost >= BIG:
            bound = 0 if self.unproven_bound is None else _up(self.unproven_bound)
            return Found(None, (), bound, self.unproven_bound is None)
        if self.unproven_bound is None or self.unproven_bound > self.best_cost - 1 + SLACK:
            return Found(self.best_cost, self.takes, self.best_cost, True)
        return Found(self.best_cost, self.takes, _up(self.unproven_bound), False)

    def _guess(self, numbers: Numbers, bound: Bound) -> None:
        """Plans of the locations that pay best, growing and shrinking."""
        order = np.argsort(bound.reduced, kind="stable")[: max(6, numbers.units.shape[0])].tolist()
        negative = [at for at in order if bound.reduced[at] < 0]
        for count in range(1, min(numbers.most, len(order)) + 1):
            if count <= max(3, len(negative) + 1):
                self._try(numbers, tuple(sorted(order[:count])))
        if numbers.stepped and not numbers.whole:
            self._rough(numbers, tuple(sorted(np.argsort(bound.reduced, kind="stable")[: numbers.most].tolist())))
        opened = tuple(sorted(order[: min(numbers.most, max(1, len(negative)))]))
        improved = True
        while improved and len(opened) > 1:
            improved = False
            for at in opened:
                before = self.best_cost
                fewer = tuple(other for other in opened if other != at)
                self._try(numbers, fewer)
                if self.best_cost < before:
                    opened, improved = fewer, True
                    break

    def _try(self, numbers: Numbers, opened: tuple[int, ...]) -> bool:
        """Assign to exactly these locations; whether that is settled (False: too many states)."""
        key = tuple(int(numbers.at[at]) for at in opened)
        if key in self._seen:
            return True
        if numbers.stepped or numbers.valued:
            self._rough(numbers, opened)
        steps = Steps(max(self.work_left, 1) * STEPS_PER_WORK // STEPS_PER_TRY_SHARE)
        try:
            found = assign(numbers, opened, self.best_cost + self.penalty, steps)
        except TooMany:
            return False
        finally:
            self.work_left -= 1 + steps.taken // STEPS_PER_WORK
        self._seen.add(key)
        if found is not None:
            self._take(numbers, opened, found)
        return True

    def _rough(self, numbers: Numbers, opened: tuple[int, ...]) -> None:
        """A plan of these locations that forgets about parcels while it is made, and pays for them afterwards."""
        found = assign_roughly(numbers, opened)
        if found is None:
            return
        takes = tuple(sorted((line, int(numbers.at[at]), units) for line, at, units in found.takes))
        cost = cost_of(numbers.problem, takes)
        if cost < self.best_cost and not violations(numbers.problem, takes):
            self.best_cost, self.takes = cost, takes

    def _take(self, numbers: Numbers, opened: tuple[int, ...], found: Assigned) -> None:
        self.takes = tuple(sorted((line, int(numbers.at[at]), units) for line, at, units in found.takes))
        used = len({location for _, location, _ in self.takes})
        self.best_cost = found.cost - self.penalty if used == len(opened) else cost_of(numbers.problem, self.takes)

    def _branch(self, numbers: Numbers, root: Bound) -> None:
        stack = [_Node((), np.arange(numbers.at.size), root.prices, root.least)]
        while stack:
            node = stack.pop()
            if node.bound > self.best_cost - 1 + SLACK:
                continue
            if self.work_left <= 0:
                self._give_up([node, *stack])
                return
            self.work_left -= NODE_WORK
            stack += self._children(numbers, node)

    def _give_up(self, nodes: list[_Node]) -> None:
        least = min(node.bound for node in nodes)
        self.unproven_bound = least if self.unproven_bound is None else min(least, self.unproven_bound)

    def _children(self, numbers: Numbers, node: _Node) -> list[_Node]:
        """What is still open after bounding a node, the part to look at first last."""
        if not node.forced and not node.free.size:
            return []
        at = np.concatenate([np.array(node.forced, np.int64), node.free])
        local = numbers.only(at)
        if not _enough(local, len(node.forced), numbers.most):
            return []
        forced = np.arange(len(node.forced))
        covered, hardest = least_cover(local, forced.size) if numbers.lost is None else (node.bound, -1)
        if covered > self.best_cost - 1 + SLACK:
            return []
        bound = self._bound(local, node.prices, forced, NODE_STEPS)
        least = max(bound.least, covered, node.bound)
        if least > self.best_cost - 1 + SLACK:
            return []
        if node.forced and not self._try(numbers, tuple(sorted(node.forced))) and not node.free.size:
            self._give_up([node._replace(bound=least)])
            return []
        reduced = bound.reduced[len(node.forced) :]
        self._guess_at(numbers, node, reduced)
        keep = bound.base + np.maximum(reduced, 0) <= self.best_cost - 1 + SLACK
        free, reduced = node.free[keep], reduced[keep]
        if not free.size or len(node.forced) >= numbers.most:
            settled = not node.forced or self._try(numbers, tuple(sorted(node.forced)))
            if not settled:
                self._give_up([node._replace(bound=least)])
            return []
        first = _most_useful(numbers, node.forced, free, hardest) if hardest >= 0 else int(reduced.argmin())
        others = np.delete(free, first)
        return [
            _Node(node.forced, others, bound.prices, least),
            _Node((*node.forced, int(free[first])), others, bound.prices, least),
        ]

    def _guess_at(self, numbers: Numbers, node: _Node, reduced: Floats) -> None:
        pays = node.free[reduced < 0]
        if pays.size and len(node.forced) + pays.size <= numbers.most:
            self._try(numbers, tuple(sorted((*node.forced, *pays.tolist()))))


def _most_useful(numbers: Numbers, forced: tuple[int, ...], free: Ints, line: int) -> int:
    """The position in `free` of the location that has most of what is missing of a line for its opening."""
    missing = int(numbers.problem.quantity[line] - numbers.units[line, list(forced)].sum())
    share = np.minimum(numbers.units[line, free], missing) / np.maximum(numbers.opening[free], 1)
    return int(share.argmax())


def _up(bound: float) -> int:
    """The least whole cost that a bound allows."""
    return -int((SLACK - bound) // 1)


def _enough(numbers: Numbers, forced_count: int, most: int) -> bool:
    """Whether the forced locations, which stand first, and so many more could send everything, line by line and in all."""
    if numbers.lost is not None:
        return True
    missing = np.maximum(numbers.problem.quantity - numbers.units[:, :forced_count].sum(axis=1), 0)
    more = most - forced_count
    units = np.minimum(numbers.units[:, forced_count:], missing[:, None])
    if units.shape[1] <= more:
        return bool((units.sum(axis=1) >= missing).all())
    if more <= 0:
        return not missing.any()
    together = np.minimum(units.sum(axis=0), numbers.cap[forced_count:])
    by_line = np.partition(units, units.shape[1] - more, axis=1)[:, -more:].sum(axis=1)
    in_all = np.partition(together, together.size - more)[-more:].sum()
    return bool((by_line >= missing).all()) and bool(in_all >= missing.sum())
