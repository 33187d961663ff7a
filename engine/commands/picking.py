"""Commands about pick lists."""

from engine.commands.command import Command


class MakePickList(Command, frozen=True):
    """Group work of a node into one walk: the fulfilments named, or the first `fulfilments_max` that should leave."""

    node: str
    fulfilments: tuple[int, ...] | None = None
    fulfilments_max: int = 20


class FinishPickList(Command, frozen=True):
    """Everything that is still on the list was picked. What was not found has been reported as short before."""

    pick_list: int


class CancelPickList(Command, frozen=True):
    """Dissolve a list; its fulfilments stay with the node."""

    pick_list: int
