"""Things with a number that counts up: those under way, and the last that ended."""

from typing import Generic, Protocol, TypeVar

from engine.state.parts import Listed


class Numbered(Protocol):
    """Something with a number."""

    @property
    def number(self) -> int: ...


Thing = TypeVar("Thing", bound=Numbered)


class Ended(Listed, Generic[Thing]):
    """The last ENDED_MAX that ended, in that order."""

    ENDED_MAX: int

    def __init__(self) -> None:
        self.ended: dict[int, Thing] = {}

    def find(self, number: int) -> Thing | None:
        """One that ended not too long ago."""
        return self.ended.get(number)

    def end(self, thing: Thing) -> None:
        """Take in one that has ended; the oldest one makes room."""
        self.ended[thing.number] = thing
        if len(self.ended) > self.ENDED_MAX:
            del self.ended[next(iter(self.ended))]


class Kept(Ended[Thing]):
    """Open ones by number as well, and the number that the next one gets."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[int, Thing] = {}
        self.next_number = 1

    def find(self, number: int) -> Thing | None:
        """An open one, or one that ended not too long ago."""
        return self.open.get(number) or self.ended.get(number)

    def add(self, thing: Thing) -> None:
        """Take in an open one."""
        self.open[thing.number] = thing
        self.next_number = max(self.next_number, thing.number + 1)

    def end(self, thing: Thing) -> None:
        """An open one has ended; the oldest ended one makes room."""
        del self.open[thing.number]
        super().end(thing)
