"""On which days people rest: the dates of the calendars that nodes, carriers and countries have."""

from engine.calendars import day_of_date
from engine.state.configuration import Configuration

Days = frozenset[int]
NONE: Days = frozenset()


class Holidays:
    """The calendars as they are now, as days (ordinals). Each set is made once: it is part of keys."""

    def __init__(self, configuration: Configuration) -> None:
        self._days: dict[str, Days] = {}
        self._in_country: dict[str, tuple[str, ...]] = {}
        self._together: dict[tuple[str, ...], Days] = {(): NONE}
        for name, body in configuration.calendars.items():
            self._days[name] = frozenset(day for day in map(day_of_date, body.dates) if day is not None)
            for country in dict.fromkeys(body.countries):
                self._in_country[country] = (*self._in_country.get(country, ()), name)

    def of(self, calendars: tuple[str, ...], country: str | None = None) -> Days:
        """The days on which some calendars rest, and those that hold in a country."""
        if country is not None:
            calendars += self._in_country.get(country, ())
        found = self._together.get(calendars)
        if found is None:
            found = self._together[calendars] = NONE.union(*(self._days.get(name, NONE) for name in calendars))
        return found
