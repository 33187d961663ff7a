"""Opening hours as OpenStreetMap writes them: what is the same every week is understood, everything else refused."""

import pytest

from api.geography.opening_hours import DAYS, NotUnderstood, parse_opening_hours

WEEKDAYS, WORKDAYS = DAYS[:5], DAYS[:6]


def on(days: tuple[str, ...], *spans: tuple[str, str]) -> dict[str, list[tuple[str, str]]]:
    return {day: list(spans) for day in days}


@pytest.mark.parametrize(
    ("text", "week", "holidays_off"),
    [
        ("Mo-Sa 07:00-21:00", on(WORKDAYS, ("07:00", "21:00")), False),
        ("Mo-Sa 07:00-21:00; PH off; Su off", on(WORKDAYS, ("07:00", "21:00")), True),
        ("Mo-Sa 07:00-21:00; Su,PH off", on(WORKDAYS, ("07:00", "21:00")), True),
        ("Mo-Sa 07:00-21:00, Su, PH Off", on(WORKDAYS, ("07:00", "21:00")), True),
        ("PH,Su closed;Mo-Sa 7:00 - 21:00;", on(WORKDAYS, ("07:00", "21:00")), True),
        ("Mo-Fr 08:00-20:00; Sa 09:00-14:00", on(WEEKDAYS, ("08:00", "20:00")) | on(("sat",), ("09:00", "14:00")), False),
        ("Mo-Fr 08:00-20:00, Sa 09:00-14:00", on(WEEKDAYS, ("08:00", "20:00")) | on(("sat",), ("09:00", "14:00")), False),
        ("Mo,We 14:00-18:00,08:00-12:00", on(("mon", "wed"), ("08:00", "12:00"), ("14:00", "18:00")), False),
        ("Mo 08:00-12:00, Mo 14:00-18:00", on(("mon",), ("08:00", "12:00"), ("14:00", "18:00")), False),
        ("Mo-Tu 08:00-20:00; Tu 08:00-12:00", on(("mon",), ("08:00", "20:00")) | on(("tue",), ("08:00", "12:00")), False),
        ("Mo-Su 08:00-20:00; We off", on(("mon", "tue", "thu", "fri", "sat", "sun"), ("08:00", "20:00")), False),
        ("Sa-Mo 10:00-12:00", on(("mon", "sat", "sun"), ("10:00", "12:00")), False),
        ("07:00-21:00; Su,PH off", on(WORKDAYS, ("07:00", "21:00")), True),
        ("mo-sa 07:00-21:00; ph OFF", on(WORKDAYS, ("07:00", "21:00")), True),
    ],
)  # fmt: skip
def test_a_week_is_understood(text: str, week: dict[str, list[tuple[str, str]]], holidays_off: bool) -> None:
    found = parse_opening_hours(text)
    assert found.week == week
    assert found.public_holidays_off is holidays_off


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it ends early"),
        ("Occasional", "not understood from 'Occasional' on"),
        ("24/7", "not understood from '24/7' on"),
        ("Mo-Sa 08:00-20:00; Dec 24 07:00-14:00", "not understood from 'Dec 24 07:00-14:00' on"),
        ("Mo-Sa 08:00-20:00; Su, PH, SH closed", "not understood from 'SH closed' on"),
        ('Mo-Sa 07:00-21:00 || "on request"', "not understood from '|| \"on request\"' on"),
        ("Mo-Sa 07:00-21:00; Su,PH 08:00-20:00", "public holidays have hours of their own"),
        ("Mo-Sa 07:00-21:00; PH Su off", "'su' is no time of day"),
        ("Mo-Sa 21:00", "it ends early"),
        ("Mo-Sa", "it ends early"),
        ("Mo-Sa 07:00-21:00,", "it ends early"),
        ("Mo- 07:00-21:00", "'07:00' where mo or tu"),
        ("Mo-Sa 07:00-21:00 Su off", "'su' where , or ; should be"),
        ("Mo-Sa 07:00-24:00", "'24:00' is no time of day"),
        ("Mo-Sa 07:75-21:00", "'07:75' is no time of day"),
        ("Mo-Sa 18:00-02:00", "18:00-02:00 passes midnight"),
        ("Mo-Sa 08:00-20:00,07:00-20:00", "hours overlap at 08:00"),
        ("Mo 08:00-12:00, Mo 11:00-13:00", "hours overlap at 11:00"),
        ("Mo-Su off", "it is never open"),
        ("PH off", "it is never open"),
        ("Mo 08:00-120:00", "not understood from '120:00' on"),
    ],
)
def test_what_is_not_the_same_every_week_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotUnderstood) as raised:
        parse_opening_hours(text)
    assert str(raised.value).startswith(reason)
