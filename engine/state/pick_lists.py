"""Pick lists, as they are kept: those under way, and the last that ended."""

import msgspec

from engine import limits
from engine.state.kept import Kept
from engine.state.parts import part_of


class PickList(msgspec.Struct, array_like=True, gc=False):
    """One walk. `fulfilments` are in the order of the boxes on the cart."""

    number: int
    node: str
    state: str
    fulfilments: tuple[int, ...]
    created_at_ns: int


class PickLists(Kept[PickList]):
    """Open ones, and the last that ended; `of_fulfilment` says on which open list one is."""

    ENDED_MAX = limits.PICK_LISTS_ENDED_KEPT
    PARTS = part_of("pick_lists", PickList, "open", "add"), part_of("ended_pick_lists", PickList, "ended")

    def __init__(self) -> None:
        super().__init__()
        self.of_fulfilment: dict[int, int] = {}

    def add(self, thing: PickList) -> None:
        """Take in an open one."""
        super().add(thing)
        for fulfilment in thing.fulfilments:
            self.of_fulfilment[fulfilment] = thing.number

    def end(self, thing: PickList) -> None:
        """An open one has ended; its fulfilments are on no list any more."""
        super().end(thing)
        for fulfilment in thing.fulfilments:
            del self.of_fulfilment[fulfilment]
