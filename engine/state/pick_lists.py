"""Pick lists, as they are kept: those under way, and the last that ended."""

import msgspec


class PickList(msgspec.Struct, array_like=True, gc=False):
    """One walk. `fulfilments` are in the order of the boxes on the cart."""

    number: int
    node: str
    state: str
    fulfilments: tuple[int, ...]
    created_at_ns: int


class PickLists:
    """Open ones by number, and the last PICK_LISTS_ENDED_KEPT that ended; `of_fulfilment` says on which open list one is."""

    def __init__(self) -> None:
        self.open: dict[int, PickList] = {}
        self.ended: dict[int, PickList] = {}
        self.of_fulfilment: dict[int, int] = {}
        self.next_number = 1

    def find(self, number: int) -> PickList | None:
        """An open one, or one that ended not too long ago."""
        return self.open.get(number) or self.ended.get(number)

    def add(self, made: PickList) -> None:
        """Take in an open one."""
        self.open[made.number] = made
        for fulfilment in made.fulfilments:
            self.of_fulfilment[fulfilment] = made.number
