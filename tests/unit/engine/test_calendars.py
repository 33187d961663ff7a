"""When a node works: cut-offs, holidays, lead times, clocks that change, and bodies that make no calendar."""

from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from engine.calendars import (
    DAYS,
    Calendar,
    calendar_of,
    date_of_day,
    day_at,
    day_of_date,
    delivery,
    dispatch,
    only_time_zone_of_country,
    open_days,
    problems_of,
    ready_at_ns,
    time_zone_of_country,
)
from engine.calendars.countries import SEVERAL, ZONE_BY_COUNTRY
from engine.calendars.local_time import has_day, is_zone, zone_of
from engine.commands.configuration import Node
from engine.limits import CALENDAR_DAYS_MAX, NS_PER_SECOND

OFFICE = dict.fromkeys(DAYS[:5], (("09:00", "18:00"),))


def node(**fields: Any) -> Node:
    berlin = Node(name="Berlin", kind="warehouse", country="DE", latitude=52.5, longitude=13.4)
    return msgspec.structs.replace(berlin, **fields)


def berlin(**fields: Any) -> Calendar:
    """Open on weekdays from 9 to 18, orders until 16:00 leave the same day."""
    body = {"time_zone": "Europe/Berlin", "opening_hours": OFFICE, "cut_off": "16:00"} | fields
    return calendar_of(node(**body))


def ns(text: str) -> int:
    """An instant of UTC, such as 2026-11-23 14:59."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_SECOND


def utc(at_ns: int | None) -> str | None:
    """The other way round."""
    if at_ns is None:
        return None
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M")


def leaves(calendar: Calendar, now: str, **options: Any) -> str | None:
    found = dispatch(calendar, ns(now), **options)
    return None if found is None else utc(found.ships_at_ns)


# 2026-11-23 is a Monday; Berlin is at UTC+1 in winter.


def test_before_the_cut_off_it_leaves_the_same_day() -> None:
    found = dispatch(berlin(), ns("2026-11-23 14:59"))
    assert found is not None
    assert utc(found.ships_at_ns) == utc(found.valid_until_ns) == "2026-11-23 15:00"
    assert date_of_day(found.day) == "2026-11-23"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23 15:00", "2026-11-24 15:00"),  # at the cut-off it is too late
        ("2026-11-23 02:00", "2026-11-23 15:00"),  # before opening is early enough
        ("2026-11-27 15:01", "2026-11-30 15:00"),  # Friday evening
        ("2026-11-28 10:00", "2026-11-30 15:00"),  # Saturday
    ],
)
def test_otherwise_the_next_working_day(now: str, expected: str) -> None:
    assert leaves(berlin(), now) == expected


def test_nothing_leaves_on_a_holiday() -> None:
    calendar = berlin(closed_dates=("2026-12-24", "2026-12-25"))
    assert leaves(calendar, "2026-12-23 16:00") == "2026-12-28 15:00"


def test_without_a_cut_off_it_is_closing_time() -> None:
    hours = {"mon": (("14:00", "18:00"), ("09:00", "12:00")), "tue": (("09:00", "00:00"),)}
    calendar = berlin(cut_off=None, opening_hours=hours)
    assert leaves(calendar, "2026-11-23 16:59") == "2026-11-23 17:00"
    assert leaves(calendar, "2026-11-23 17:00") == "2026-11-24 23:00"


def test_a_node_without_hours_works_day_and_night_in_utc() -> None:
    found = dispatch(calendar_of(node()), ns("2026-11-22 23:59"))
    assert found is not None
    assert (utc(found.ships_at_ns), date_of_day(found.day)) == ("2026-11-23 00:00", "2026-11-22")
    assert ready_at_ns(calendar_of(node()), ns("2026-11-22 23:59")) == ns("2026-11-22 23:59")


def test_lead_days_are_working_days_and_hold_until_the_cut_off_of_the_first() -> None:
    supplier = calendar_of(node(opening_hours=OFFICE, cut_off="16:00"), lead_days=2)
    found = dispatch(supplier, ns("2026-11-26 12:00"))
    assert found is not None
    assert utc(found.ships_at_ns) == "2026-11-30 16:00"
    assert utc(found.valid_until_ns) == "2026-11-26 16:00"
    assert leaves(supplier, "2026-11-26 12:00", lead_days=1) == "2026-12-01 16:00"


def test_days_that_are_full_are_passed_over() -> None:
    saturday = day_of_date("2026-11-28")
    found = dispatch(berlin(), ns("2026-11-23 10:00"), not_before_day=saturday)
    assert found is not None
    assert utc(found.ships_at_ns) == utc(found.valid_until_ns) == "2026-11-30 15:00"
    assert leaves(berlin(), "2026-11-23 10:00", lead_days=7, not_before_day=saturday) == "2026-12-02 15:00"


def test_a_node_that_never_works_sends_nothing() -> None:
    closed = berlin(opening_hours={"mon": ()})
    now_ns = ns("2026-11-23 10:00")
    assert dispatch(closed, now_ns) is None
    assert ready_at_ns(closed, now_ns) is None
    assert open_days(closed, day_at(closed.zone, now_ns), 30) == ()


@pytest.mark.parametrize(("closed_count", "works"), [(CALENDAR_DAYS_MAX - 1, True), (CALENDAR_DAYS_MAX, False)])
def test_never_means_not_within_the_limit(closed_count: int, works: bool) -> None:
    today = day_at(zone_of("UTC"), ns("2026-11-23 10:00"))
    closed_dates = tuple(date_of_day(today + offset) for offset in range(closed_count))
    found = dispatch(calendar_of(node(closed_dates=closed_dates)), ns("2026-11-23 10:00"))
    assert (found is not None and found.day == today + closed_count) == works


def test_a_lead_time_may_be_longer_than_the_limit() -> None:
    """The limit is on days without work, not on the way to an answer."""
    found = dispatch(berlin(), ns("2026-11-23 10:00"), lead_days=500)
    assert found is not None
    assert found.day == day_at(zone_of("UTC"), ns("2026-11-23 10:00")) + 700


# Clocks that change


@pytest.mark.parametrize(
    ("zone", "cut_off", "now", "expected"),
    [
        ("Europe/Berlin", "02:30", "2026-03-28 12:00", "2026-03-29 01:00"),  # skipped: the first instant after
        ("Europe/Berlin", "02:30", "2026-10-24 12:00", "2026-10-25 00:30"),  # shown twice: the first
        ("Europe/Berlin", "16:00", "2026-03-28 16:00", "2026-03-29 14:00"),
        ("Australia/Lord_Howe", "02:15", "2026-10-03 02:00", "2026-10-03 15:30"),  # half an hour on
        ("Australia/Lord_Howe", "01:45", "2026-04-04 02:00", "2026-04-04 14:45"),  # half an hour back
        ("America/Sao_Paulo", "00:00", "2018-11-03 12:00", "2018-11-04 03:00"),  # the day starts at 01:00
        ("Asia/Kolkata", "16:00", "2026-11-23 10:30", "2026-11-24 10:30"),
        ("Africa/Monrovia", "12:00", "1971-06-01 00:00", "1971-06-01 12:44"),  # 44 minutes and 30 seconds behind
    ],
)
def test_a_cut_off_is_the_first_instant_at_which_clocks_show_it_or_more(
    zone: str, cut_off: str, now: str, expected: str
) -> None:
    assert leaves(calendar_of(node(time_zone=zone, cut_off=cut_off)), now) == expected


def test_a_day_that_a_zone_never_had_is_no_working_day() -> None:
    """Samoa crossed the date line: after 2011-12-29 came 2011-12-31."""
    samoa = calendar_of(node(time_zone="Pacific/Apia", cut_off="12:00"))
    skipped = day_of_date("2011-12-30")
    assert skipped is not None
    assert not has_day(samoa.zone, skipped)
    assert leaves(samoa, "2011-12-29 22:00") == "2011-12-30 22:00"
    shown = open_days(samoa, skipped - 1, 3)
    assert [date_of_day(entry.day) for entry in shown] == ["2011-12-29", "2011-12-31"]
    # The night in which the date line was crossed has no gap.
    assert shown[0].spans_ns[-1][1] == shown[1].spans_ns[0][0]


def test_hours_that_clocks_skip_are_no_hours() -> None:
    night = calendar_of(
        node(time_zone="Europe/Berlin", opening_hours={"sun": (("02:15", "02:45"), ("05:00", "06:00"))})
    )
    sunday = day_of_date("2026-03-29")
    assert sunday is not None
    assert ready_at_ns(night, ns("2026-03-28 12:00")) == ns("2026-03-29 03:00")
    assert len(open_days(night, sunday, 1)[0].spans_ns) == 1


# Pickup


@pytest.mark.parametrize(
    ("now", "lead_days", "expected"),
    [
        ("2026-11-23 10:00", 0, "2026-11-23 10:00"),  # open: now
        ("2026-11-23 05:00", 0, "2026-11-23 08:00"),
        ("2026-11-23 11:00", 0, "2026-11-23 12:00"),  # lunch
        ("2026-11-27 17:00", 0, "2026-11-30 08:00"),
        ("2026-11-23 10:00", 1, "2026-11-24 08:00"),
        ("2026-11-27 17:00", 1, "2026-12-01 08:00"),  # closed: counted from the next opening
    ],
)
def test_a_pickup_is_ready_now_or_at_the_next_opening(now: str, lead_days: int, expected: str) -> None:
    store = berlin(opening_hours=dict.fromkeys(DAYS[:5], (("09:00", "12:00"), ("13:00", "18:00"))))
    assert utc(ready_at_ns(store, ns(now), lead_days)) == expected


# Delivery


@pytest.mark.parametrize(
    ("ships_at", "transit_days", "expected"),
    [
        ("2026-11-23 15:00", 1, "2026-11-24 19:00"),
        ("2026-11-23 15:00", 0, "2026-11-23 19:00"),
        ("2026-11-23 19:00", 0, "2026-11-24 19:00"),  # 20:00 in Berlin: today is over
        ("2026-11-27 15:00", 2, "2026-11-30 19:00"),  # Saturday counts, Sunday does not
        ("2026-11-29 15:00", 0, "2026-11-30 19:00"),  # Sunday
        ("2026-11-29 15:00", 1, "2026-11-30 19:00"),
        ("2026-11-23 23:00", 1, "2026-11-24 19:00"),  # midnight in Berlin belongs to the day it ends
        ("2026-11-23 23:01", 1, "2026-11-25 19:00"),
        ("2026-03-27 15:00", 2, "2026-03-30 18:00"),  # summer time
    ],
)
def test_a_delivery_arrives_at_eight_in_the_evening(ships_at: str, transit_days: int, expected: str) -> None:
    assert utc(delivery(ns(ships_at), transit_days, time_zone_of_country("DE"))) == expected


def test_a_carrier_has_days_and_holidays_of_its_own() -> None:
    friday = ns("2026-12-18 15:00")
    weekdays = DAYS[:5]
    assert utc(delivery(friday, 1, "Europe/Berlin", weekdays)) == "2026-12-21 19:00"
    christmas = frozenset(day for day in (day_of_date("2026-12-25"), day_of_date("2026-12-26")) if day is not None)
    assert utc(delivery(ns("2026-12-24 12:00"), 1, "Europe/Berlin", closed_days=christmas)) == "2026-12-28 19:00"
    assert delivery(friday, 1, "Europe/Berlin", weekdays=()) is None


def test_a_delivery_is_counted_in_the_zone_it_goes_to() -> None:
    # Friday afternoon in Berlin is Saturday in Auckland, so the first delivery day after it is Monday.
    assert utc(delivery(ns("2026-11-27 15:00"), 1, time_zone_of_country("NZ"))) == "2026-11-30 07:00"


# Countries


def tables() -> tuple[set[str], dict[str, set[str]]]:
    """The countries, and the zones of each, as the IANA database lists them."""
    folder = resources.files("tzdata").joinpath("zoneinfo")

    def rows(name: str) -> list[list[str]]:
        lines = folder.joinpath(name).read_text(encoding="utf-8").splitlines()
        return [line.split("\t") for line in lines if line and not line.startswith("#")]

    zones: dict[str, set[str]] = {}
    for country, _, zone, *_ in rows("zone.tab"):
        zones.setdefault(country, set()).add(zone)
    return {country for country, _ in rows("iso3166.tab")}, zones


def test_every_country_has_one_of_its_own_zones() -> None:
    countries, zones = tables()
    assert countries - set(ZONE_BY_COUNTRY) == {"BV", "HM"}  # islands where nobody lives
    assert [pair for pair in ZONE_BY_COUNTRY.items() if pair[1] not in zones[pair[0]]] == []
    assert [zone for zone in ZONE_BY_COUNTRY.values() if not is_zone(zone)] == []


def test_a_node_gets_the_zone_of_a_country_whose_clocks_all_show_the_same() -> None:
    _, zones = tables()
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days) for days in range(0, 365, 5)]
    different = set()
    for country, names in zones.items():
        if len({tuple(at.astimezone(ZoneInfo(name)).utcoffset() for at in moments) for name in names}) > 1:
            different.add(country)
    assert different - {"CN", "UA"} == SEVERAL, "these two have one legal time each"
    assert [only_time_zone_of_country(country) for country in ("DE", "AR", "US", "ZZ")] == [
        "Europe/Berlin",
        "America/Argentina/Buenos_Aires",
        None,
        None,
    ]


def test_a_country_nobody_knows_is_in_utc() -> None:
    assert [time_zone_of_country(country) for country in ("DE", "US", "ZZ")] == [
        "Europe/Berlin",
        "America/New_York",
        "UTC",
    ]


# Bodies


def test_a_body_without_problems() -> None:
    assert problems_of(node()) == []
    good = {"mon": (("13:00", "18:00"), ("09:00", "13:00")), "sat": (), "sun": (("00:00", "00:00"),)}
    assert problems_of(node(time_zone="Asia/Kolkata", opening_hours=good, closed_dates=("2028-02-29",))) == []


@pytest.mark.parametrize(
    "name", ["Mars", "europe/berlin", "", "localtime", "Europe", "../UTC", "/UTC", "zone.tab", "\0"]
)
def test_a_zone_that_is_unknown_is_pointed_at(name: str) -> None:
    problems = problems_of(node(time_zone=name))
    assert [pointer for pointer, _ in problems] == ["/time_zone"]
    assert repr(name) in problems[0][1]


@pytest.mark.parametrize(
    ("hours", "problem"),
    [
        (
            {"monday": ()},
            ("/opening_hours/monday", "there is no day 'monday'; the days are mon tue wed thu fri sat sun"),
        ),
        (
            {"a/b~c": ()},
            ("/opening_hours/a~1b~0c", "there is no day 'a/b~c'; the days are mon tue wed thu fri sat sun"),
        ),
        (
            {"tue": (("09:00", "12:00"), ("18:00", "13:00"))},
            ("/opening_hours/tue/1", "18:00 is not before 13:00; hours over midnight are two spans"),
        ),
        (
            {"tue": (("09:00", "09:00"),)},
            ("/opening_hours/tue/0", "09:00 is not before 09:00; hours over midnight are two spans"),
        ),
        (
            {"wed": (("12:00", "18:00"), ("09:00", "12:01"))},
            ("/opening_hours/wed/0", "12:00 to 18:00 overlaps 09:00 to 12:01"),
        ),
        (
            {"wed": (("09:00", "18:00"), ("10:00", "11:00"), ("19:00", "20:00"))},
            ("/opening_hours/wed/1", "10:00 to 11:00 overlaps 09:00 to 18:00"),
        ),
    ],
)
def test_hours_that_are_none_are_pointed_at(hours: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problems_of(node(opening_hours=hours)) == [problem]


def test_an_overlap_with_a_span_that_is_not_the_last_is_seen_too() -> None:
    hours = {"mon": (("09:00", "18:00"), ("10:00", "11:00"), ("12:00", "13:00"))}
    assert [pointer for pointer, _ in problems_of(node(opening_hours=hours))] == [
        "/opening_hours/mon/1",
        "/opening_hours/mon/2",
    ]


def test_dates_that_do_not_exist_are_pointed_at() -> None:
    dates = ("2026-12-25", "2026-02-30", "2027-02-29", "0000-01-01")
    assert problems_of(node(closed_dates=dates)) == [
        (f"/closed_dates/{position}", f"there is no date {dates[position]}") for position in (1, 2, 3)
    ]


def test_a_body_from_before_there_were_checks_makes_a_calendar_all_the_same() -> None:
    body = node(time_zone="Mars", opening_hours={"monday": ()}, closed_dates=("2026-02-30", "2026-12-25"))
    assert len(problems_of(body)) == 3
    assert calendar_of(body) == calendar_of(node(closed_dates=("2026-12-25",)))


def test_calendars_of_equal_bodies_are_one_key() -> None:
    assert len({berlin(), berlin(), berlin(cut_off="15:00")}) == 2


def test_days_and_dates() -> None:
    assert day_of_date("1970-01-01") == date(1970, 1, 1).toordinal()
    assert day_of_date("2026-02-30") is None
    assert day_at(zone_of("Asia/Kolkata"), ns("2026-11-23 18:30")) == day_of_date("2026-11-24")
