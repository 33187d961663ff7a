"""How much a search may do: steps are counted, never time, so that the same problem always gets the same answer."""


class Effort:
    """A budget in steps; one is about two microseconds of a current processor."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take some steps; False once the budget is used up."""
        self.left -= steps
        return self.left > 0
