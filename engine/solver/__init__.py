"""Which nodes serve which lines, at what cost. Pure numpy: a problem in, a plan out, no state."""
