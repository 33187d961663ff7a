"""Which nodes serve which lines, at what cost. Pure numpy: a problem in, a plan out, no state."""

from engine.sourcing.cover import Ints, Locations, Plan, Rules, plan_cost, source

__all__ = ["Ints", "Locations", "Plan", "Rules", "plan_cost", "source"]
