"""When a node works and what follows from it: when parcels leave, pickups are ready, deliveries arrive.

countries     the time zone most people of a country live in
local_time    local time of a zone as instants of UTC, and back
promises      when a parcel leaves, when a pickup is ready, when a delivery arrives
working_days  when a node works: its hours, its holidays, its cut-off and its lead time
"""

from engine.calendars.countries import only_time_zone_of_country, time_zone_of_country
from engine.calendars.local_time import DAYS, date_of_day, day_at, day_of_date
from engine.calendars.promises import (
    DELIVERY_WEEKDAYS,
    Dispatch,
    OpenDay,
    Ready,
    delivery,
    dispatch,
    in_hours_ns,
    open_days,
    ready,
    ready_at_ns,
)
from engine.calendars.working_days import Calendar, Problem, calendar_of, problems_of, with_time_zone

__all__ = [
    "Calendar",
    "Problem",
    "calendar_of",
    "problems_of",
    "with_time_zone",
    "Dispatch",
    "dispatch",
    "Ready",
    "ready",
    "ready_at_ns",
    "in_hours_ns",
    "delivery",
    "DELIVERY_WEEKDAYS",
    "OpenDay",
    "open_days",
    "DAYS",
    "day_at",
    "day_of_date",
    "date_of_day",
    "only_time_zone_of_country",
    "time_zone_of_country",
]
