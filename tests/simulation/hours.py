"""Hours of the nodes in a random life, whose clocks cross midnight and the nights in which they are changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.calendars import Calendar, calendar_of, day_at, in_hours_ns, open_days
from engine.commands.configuration import Configure, HolidayCalendar
from engine.limits import NS_PER_SECOND

if TYPE_CHECKING:
    from tests.simulation.random_life import Life

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Open over midnight and closed when clocks are changed, or just then; with a pause.
NIGHTS = dict.fromkeys(DAYS, (("00:00", "02:30"), ("06:00", "13:00"), ("14:00", "00:00")))
CHANGES = dict.fromkeys(DAYS, (("01:30", "03:30"), ("08:00", "20:00")))
BEGINNINGS = (
    datetime(2027, 1, 15, 8, tzinfo=UTC),
    datetime(2027, 1, 15, 20, tzinfo=UTC),
    datetime(2027, 3, 27, 20, tzinfo=UTC),  # clocks go on in this night
    datetime(2027, 10, 30, 20, tzinfo=UTC),  # and back in this one
)
REST = HolidayCalendar("Rest", ("2027-01-16", "2027-03-29"), ("DE",))


def begin_ns(chance: random.Random) -> int:
    """When a life begins: some hours before midnight, or in the morning."""
    return int(chance.choice(BEGINNINGS).timestamp()) * NS_PER_SECOND


def with_hours(document: Configure) -> Configure:
    """The shop, with hours, cut-offs, minutes of preparation and holidays."""
    nodes = dict(document.nodes)
    cut_offs = {"sat": "12:00", "sun": None}
    nodes["leipzig"] = replace(nodes["leipzig"], opening_hours=NIGHTS, cut_off="23:30", preparation_minutes=4)
    nodes["munich"] = replace(nodes["munich"], opening_hours=CHANGES, cut_off="13:30", cut_offs=cut_offs)
    nodes["hamburg"] = replace(nodes["hamburg"], calendars=("rest",))
    return replace(document, nodes=nodes, calendars={"rest": REST})


class Doors:
    """Looks at every pickup that a node is given: the door is open when it is ready, and when its time ends."""

    def __init__(self, seen: int = 0) -> None:
        self._seen = seen  # fulfilments up to this number are from before

    def wrong(self, life: Life) -> list[str]:
        """What customers would find shut."""
        found, state = [], life.state
        for number in range(self._seen + 1, state.orders.next_fulfilment):
            order = state.orders.open.get(state.orders.order_of_fulfilment.get(number, ""))
            if order is None or order.pickup_node is None:
                continue
            work = order.fulfilment(number)
            calendar = calendar_of(state.configuration.nodes[work.node])
            if work.ships_at_ns is not None and not is_open(calendar, work.ships_at_ns):
                found.append(f"fulfilment {number} is ready at {work.ships_at_ns}, when {work.node} is closed")
            if work.collect_by_ns is not None and in_hours_ns(calendar, work.collect_by_ns) != work.collect_by_ns:
                found.append(f"fulfilment {number} waits until {work.collect_by_ns}, when {work.node} is closed")
        self._seen = state.orders.next_fulfilment - 1
        return found


def is_open(calendar: Calendar, at_ns: int) -> bool:
    """Whether somebody who comes at an instant finds the door open."""
    first_day = day_at(calendar.zone, at_ns) - 1
    return any(start <= at_ns < end for day in open_days(calendar, first_day, 3) for start, end in day.spans_ns)
