"""Calendars against clocks that are watched minute by minute, and rules that hold for every calendar and every now."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.calendars import (
    DAYS,
    calendar_of,
    date_of_day,
    day_at,
    delivery,
    dispatch,
    in_hours_ns,
    open_days,
    ready,
    ready_at_ns,
)
from engine.calendars.local_time import instant_ns, zone_of
from engine.commands.configuration import Node
from engine.limits import NS_PER_SECOND
from tests.examples import examples
from tests.unit.engine.naive_calendar import (
    NS_PER_MINUTE,
    Watch,
    delivery_naively,
    dispatch_naively,
    ready_naively,
    watch,
)

# A zone, and a date shortly before something happens to its clocks.
ODD_TIMES = [
    ("UTC", date(2028, 2, 22)),
    ("Asia/Kolkata", date(2026, 12, 25)),
    ("Europe/Berlin", date(2026, 3, 23)),
    ("Europe/Berlin", date(2026, 10, 19)),
    ("Europe/London", date(2199, 10, 21)),  # by the rule for all years to come
    ("America/New_York", date(2026, 10, 26)),
    ("Australia/Lord_Howe", date(2026, 3, 30)),  # half an hour back
    ("Australia/Lord_Howe", date(2026, 9, 28)),  # half an hour on
    ("Pacific/Apia", date(2011, 12, 24)),  # no 30 December 2011
    ("Pacific/Kwajalein", date(1993, 8, 15)),  # no 21 August 1993
    ("America/St_Johns", date(1987, 10, 19)),  # from 00:01 back to 23:01 of the day before
    ("America/St_Johns", date(1988, 3, 28)),  # two hours on, at 00:01
    ("America/Sao_Paulo", date(2018, 10, 29)),  # there is no midnight
    ("America/Sao_Paulo", date(2019, 2, 11)),  # from midnight back to 23:00
    ("Africa/Cairo", date(2026, 4, 18)),
    ("Pacific/Chatham", date(2026, 9, 21)),
    ("Antarctica/Troll", date(2026, 3, 23)),
    ("Africa/Casablanca", date(2026, 2, 9)),
]
ODD_MINUTES = [0, 1, 30, 59, 60, 61, 90, 119, 120, 150, 165, 180, 240, 540, 720, 960, 1_080, 1_380, 1_381, 1_439]


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


minutes = st.sampled_from(ODD_MINUTES) | st.integers(0, 1_439)


@st.composite
def days_of_spans(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """Up to three spans, in any order; some touch, some end at midnight."""
    edges = sorted(draw(st.sets(minutes | st.just(1_440), min_size=0, max_size=6)))
    spans = [(clock(start), clock(end)) for start, end in zip(edges[0::2], edges[1::2], strict=False)]
    return tuple(draw(st.permutations(spans)))


@st.composite
def nodes(draw: st.DrawFn) -> tuple[Node, Watch, int]:
    """A node in an odd zone at an odd time, its clocks, and an instant within the ten days after the first three."""
    zone, first = draw(st.sampled_from(ODD_TIMES))
    hours = draw(st.none() | st.dictionaries(st.sampled_from(DAYS), days_of_spans(), min_size=1))
    closed = draw(st.sets(st.integers(0, 20), max_size=8))
    cut_off = draw(st.none() | minutes.map(clock))
    cut_offs = draw(st.none() | st.dictionaries(st.sampled_from(DAYS), st.none() | minutes.map(clock), max_size=4))
    node = Node(
        name="Node",
        kind="warehouse",
        country="DE",
        latitude=0,
        longitude=0,
        time_zone=zone,
        cut_off=cut_off,
        cut_offs=cut_offs,
        opening_hours=hours,
        closed_dates=tuple((first + timedelta(days=offset)).isoformat() for offset in sorted(closed)),
    )
    clocks = watch(zone, first)
    return node, clocks, draw(nows(clocks))


@st.composite
def nows(draw: st.DrawFn, clocks: Watch) -> int:
    """Instants, many of them at or around full and half hours."""
    minute = draw(st.integers(3 * 1_440, 13 * 1_440) | st.integers(3 * 48, 13 * 48).map(lambda half: half * 30))
    shift_ns = draw(st.sampled_from([-1, 0, 1]) | st.integers(0, NS_PER_MINUTE - 1))
    return clocks.ns_of(minute) + shift_ns


lead_times = st.integers(0, 4)


@settings(max_examples=examples(600))
@given(nodes(), lead_times, st.integers(-3, 20), st.sets(st.integers(0, 12), max_size=6))
def test_a_parcel_leaves_when_the_watched_clocks_say(
    found: tuple[Node, Watch, int], lead_days: int, days_on: int, resting: set[int]
) -> None:
    node, clocks, now_ns = found
    today = clocks.shown[clocks.minute_at(now_ns)][0]
    not_before, uncollected = today + days_on, frozenset(today + days for days in resting)
    expected = dispatch_naively(node, clocks, now_ns, lead_days, not_before, uncollected)
    assume(expected is not None)
    given_back = dispatch(calendar_of(node), now_ns, lead_days, not_before, uncollected)
    assert given_back is not None
    assert (given_back.ships_at_ns, given_back.day) == expected
    assert dispatch(calendar_of(node, lead_days), now_ns, 0, not_before, uncollected) == given_back


preparations = st.sampled_from([0, 0, 1, 30, 90, 600, 1_440])


@settings(max_examples=examples(300))
@given(nodes(), lead_times, preparations, st.integers(-3, 12))
def test_a_pickup_is_ready_when_the_watched_clocks_say(
    found: tuple[Node, Watch, int], lead_days: int, minutes: int, days_on: int
) -> None:
    node, clocks, now_ns = found
    not_before = clocks.shown[clocks.minute_at(now_ns)][0] + days_on
    expected = ready_naively(node, clocks, now_ns, lead_days, minutes, not_before)
    assume(expected is not None)
    answer = ready(calendar_of(node), now_ns, lead_days, minutes, not_before)
    assert answer is not None
    assert answer.at_ns == expected
    assert ready(calendar_of(node, lead_days), now_ns, 0, minutes, not_before) == answer
    if days_on <= 0:
        assert ready_at_ns(calendar_of(node), now_ns, lead_days, minutes) == expected


@settings(max_examples=examples(300))
@given(nodes(), lead_times, preparations, st.integers(-3, 12), st.data())
def test_a_time_of_a_pickup_holds_until_it_says_or_is_as_much_later_as_now_is(
    found: tuple[Node, Watch, int], lead_days: int, minutes: int, days_on: int, data: Any
) -> None:
    node, clocks, now_ns = found
    calendar = calendar_of(node)
    not_before = clocks.shown[clocks.minute_at(now_ns)][0] + days_on
    answer = ready(calendar, now_ns, lead_days, minutes, not_before)
    assume(answer is not None)
    assert answer is not None
    assert now_ns < answer.valid_until_ns
    later_ns = data.draw(st.integers(now_ns, answer.valid_until_ns - 1))
    later = ready(calendar, later_ns, lead_days, minutes, not_before)
    assert later is not None
    assert later.at_ns == answer.at_ns + (later_ns - now_ns if answer.slides else 0)
    assert later.day == answer.day


@settings(max_examples=examples(300))
@given(nodes())
def test_an_end_of_waiting_is_while_the_node_is_open_and_never_sooner(found: tuple[Node, Watch, int]) -> None:
    node, clocks, at_ns = found
    until_ns = in_hours_ns(calendar_of(node), at_ns)
    assert until_ns >= at_ns
    open_spans = [span for entry in open_days(calendar_of(node), clocks.days[0], 40) for span in entry.spans_ns]
    assume(any(end >= at_ns for _, end in open_spans))
    assert any(start <= until_ns <= end for start, end in open_spans)
    assert not any(at_ns <= end < until_ns for _, end in open_spans)


@settings(max_examples=examples(400))
@given(st.data(), st.sampled_from(ODD_TIMES), st.integers(0, 8), st.sets(st.sampled_from(DAYS), min_size=1))
def test_a_delivery_arrives_when_the_watched_clocks_say(
    data: Any, odd_time: tuple[str, date], transit_days: int, weekdays: set[str]
) -> None:
    zone, first = odd_time
    clocks = watch(zone, first)
    ships_at_ns = data.draw(nows(clocks))
    closed = frozenset(data.draw(st.sets(st.integers(first.toordinal(), first.toordinal() + 25), max_size=6)))
    keys = tuple(sorted(weekdays))
    expected = delivery_naively(clocks, ships_at_ns, transit_days, keys, closed)
    assume(expected is not None)
    assert delivery(ships_at_ns, transit_days, zone, keys, closed) == expected
    assert expected is not None
    assert expected > ships_at_ns


@settings(max_examples=examples(400))
@given(nodes(), lead_times, st.integers(-3, 20), st.data())
def test_an_answer_holds_until_it_says_and_no_longer(
    found: tuple[Node, Watch, int], lead_days: int, days_on: int, data: Any
) -> None:
    node, _, now_ns = found
    calendar = calendar_of(node)
    not_before = day_at(calendar.zone, now_ns) + days_on
    answer = dispatch(calendar, now_ns, lead_days, not_before)
    assume(answer is not None)
    assert answer is not None
    assert now_ns < answer.valid_until_ns <= answer.ships_at_ns
    between_ns = data.draw(st.integers(now_ns, answer.valid_until_ns - 1))
    assert dispatch(calendar, between_ns, lead_days, not_before) == answer
    assert dispatch(calendar, answer.valid_until_ns - 1, lead_days, not_before) == answer
    after = dispatch(calendar, answer.valid_until_ns, lead_days, not_before)
    assert after is None or (after.day > answer.day and after.ships_at_ns > answer.ships_at_ns)


@settings(max_examples=examples(400))
@given(nodes(), lead_times, st.integers(0, 20 * 86_400 * NS_PER_SECOND))
def test_who_comes_later_is_never_served_earlier(found: tuple[Node, Watch, int], lead_days: int, later_ns: int) -> None:
    node, _, now_ns = found
    calendar = calendar_of(node)
    first, second = (dispatch(calendar, at_ns, lead_days) for at_ns in (now_ns, now_ns + later_ns))
    assert first is None or second is None or first.ships_at_ns <= second.ships_at_ns
    ready, later = (ready_at_ns(calendar, at_ns, lead_days) for at_ns in (now_ns, now_ns + later_ns))
    assert ready is None or later is None or now_ns <= ready <= later


@settings(max_examples=examples(400))
@given(nodes(), lead_times, st.integers(0, 20))
def test_lead_times_and_full_days_are_counted_in_open_days(
    found: tuple[Node, Watch, int], lead_days: int, days_on: int
) -> None:
    node, _, now_ns = found
    every_day = {key: cut_off for key, cut_off in (node.cut_offs or {}).items() if cut_off is not None}
    calendar = calendar_of(replace(node, cut_offs=every_day))  # on open days somebody comes for parcels
    soonest = dispatch(calendar, now_ns)
    assume(soonest is not None)
    assert soonest is not None
    ahead = open_days(calendar, soonest.day, 120)
    assert ahead[0].day == soonest.day
    assert ahead[0].ships_at_ns == soonest.ships_at_ns
    assume(len(ahead) > lead_days)
    led = dispatch(calendar, now_ns, lead_days)
    assert led is not None
    assert led.day == ahead[lead_days].day
    not_before = soonest.day + days_on
    waited = dispatch(calendar, now_ns, lead_days, not_before)
    expected = next((entry for entry in ahead[lead_days:] if entry.day >= not_before), None)
    assume(expected is not None)
    assert waited is not None
    assert expected is not None
    assert (waited.day, waited.ships_at_ns) == (expected.day, expected.ships_at_ns)


@settings(max_examples=examples(200))
@given(nodes())
def test_a_calendar_that_is_shown_has_the_open_days_and_no_others(found: tuple[Node, Watch, int]) -> None:
    node, clocks, _ = found
    shown = {entry.day: entry for entry in open_days(calendar_of(node), clocks.days[0], 30)}
    for day in range(clocks.days[0], clocks.days[0] + 30):
        hours = node.opening_hours
        is_open = hours is None or bool(hours.get(date.fromordinal(day).strftime("%a").lower()))
        is_open = is_open and day in clocks.days and date_of_day(day) not in node.closed_dates
        assert (day in shown) == is_open
    for entry in shown.values():
        assert all(start < end for start, end in entry.spans_ns)
        assert list(entry.spans_ns) == sorted(entry.spans_ns)


EVERY_ZONE = sorted(available_timezones() - {"localtime", "Factory"})
FIRST_DAY, LAST_DAY = date(1970, 1, 3).toordinal(), date(2200, 12, 31).toordinal()


def changes_of(zone: str, year: int) -> list[int]:
    """The days (ordinals, UTC) of a year within which the clocks of a zone change."""
    starts = [datetime(year, 1, 2, tzinfo=UTC) + timedelta(days=offset) for offset in range(365)]
    offsets = [start.astimezone(ZoneInfo(zone)).utcoffset() for start in starts]
    return [starts[i].toordinal() for i in range(364) if offsets[i] != offsets[i + 1]]


def assert_first(zone: str, day: int, minute: int) -> None:
    """The instant is the first at which the clocks show this or later, for all that can be seen around it."""
    at_ns = instant_ns(zone_of(zone), day, minute)
    assert at_ns % NS_PER_SECOND == 0
    at = datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC)
    wall = datetime.fromordinal(day) + timedelta(minutes=minute)
    assert at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= wall
    for seconds in (1, 60, 900, 1_800, 3_000, 3_600, 5_400, 7_200, 10_800, 43_200, 86_400, 172_800):
        before = (at - timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
        assert before.replace(tzinfo=None) < wall, (zone, before, wall)


@settings(max_examples=examples(1_500))
@given(st.sampled_from(EVERY_ZONE), st.integers(FIRST_DAY, LAST_DAY), st.integers(0, 1_440))
def test_a_local_time_is_its_first_instant_in_every_zone(zone: str, day: int, minute: int) -> None:
    assert_first(zone, day, minute)


@settings(max_examples=examples(500))
@given(st.sampled_from(EVERY_ZONE), st.integers(1970, 2199), st.integers(-1, 1), st.integers(0, 1_440), st.data())
def test_also_on_days_when_clocks_change(zone: str, year: int, shift: int, minute: int, data: Any) -> None:
    changes = changes_of(zone, year)
    assume(changes)
    assert_first(zone, data.draw(st.sampled_from(changes)) + shift, minute)


SLOW_ZONES = [pytest.param(zone, marks=pytest.mark.slow) for zone in ("Asia/Kolkata", "America/St_Johns")]


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Pacific/Apia", *SLOW_ZONES])
def test_every_day_of_230_years_leaves_after_the_one_before(zone: str) -> None:
    node = Node(name="Node", kind="store", country="DE", latitude=0, longitude=0, time_zone=zone, cut_off="00:30")
    days = open_days(calendar_of(node), FIRST_DAY, LAST_DAY - FIRST_DAY)
    assert len(days) == LAST_DAY - FIRST_DAY - (zone == "Pacific/Apia")
    assert all(one.ships_at_ns < next_one.ships_at_ns for one, next_one in pairwise(days))
