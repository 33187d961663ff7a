"""Which nodes serve which lines, at what cost. Pure numpy: a problem in, a plan out, no state."""

from engine.sourcing.problem import (
    INFEASIBLE,
    OPTIMAL,
    UNPROVEN,
    Ints,
    Locations,
    Plan,
    Problem,
    Rules,
    cost_of,
    parcels_cost,
    violations,
)
from engine.sourcing.solver import EFFORT_DEFAULT, solve, solve_most

__all__ = [
    "EFFORT_DEFAULT",
    "INFEASIBLE",
    "OPTIMAL",
    "UNPROVEN",
    "Ints",
    "Locations",
    "Plan",
    "Problem",
    "Rules",
    "cost_of",
    "parcels_cost",
    "solve",
    "solve_most",
    "violations",
]
