"""Returns without an order: they have ended once they are taken in."""

from engine import limits
from engine.state.kept import Ended
from engine.state.orders import LooseReturn
from engine.state.parts import part_of


class LooseReturns(Ended[LooseReturn]):
    """The last ones. They share their numbers with returns of orders."""

    ENDED_MAX = limits.LOOSE_RETURNS_KEPT
    PARTS = (part_of("loose_returns", LooseReturn),)
