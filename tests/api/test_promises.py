"""What customers are told over HTTP: when a parcel leaves, when a pickup is ready, until when it waits.

The year is 2037, which has the days of 2026: 29 November is a Sunday. Berlin is at UTC+1 in winter.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.conftest import Api, order_lines

SHOP_HOURS = {key: [["09:00", "20:00"]] for key in ("mon", "tue", "wed", "thu", "fri", "sat")}
OFFICE_HOURS = {key: [["09:00", "18:00"]] for key in ("mon", "tue", "wed", "thu", "fri")} | {
    "sat": [["09:00", "13:00"]]
}
MITTE = {
    "name": "Berlin Mitte", "kind": "store", "country": "DE", "latitude": 52.52, "longitude": 13.4,
    "time_zone": "Europe/Berlin", "pickup": True, "opening_hours": SHOP_HOURS,
}  # fmt: skip
KETTLE = "BRASS-KETTLE"


def at(api: Api, moment: str) -> None:
    """Let the node's clock show a moment of 2037, UTC: `11-29 19:00`."""
    now_ns = int(datetime.fromisoformat(f"2037-{moment}").replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    api.node.writer._clock_ns = lambda: now_ns


@pytest.fixture
def mitte(empty: Api) -> Api:
    """One shop with five kettles, and a channel."""
    empty.put("/v1/items/BRASS-KETTLE", {"name": "Brass kettle", "backorderable": True})
    empty.put("/v1/channels/shop", {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR"})
    node(empty)
    empty.receive(KETTLE, "mitte", 5)
    return empty


def node(api: Api, **fields: Any) -> Any:
    """Set the shop anew; fields that are None are left out."""
    body = {name: value for name, value in {**MITTE, **fields}.items() if value is not None}
    answer = api.put("/v1/nodes/mitte", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def promised(api: Api, delivery: str = "pickup") -> tuple[str, str]:
    """When one kettle leaves and arrives, by availability; a reservation and an order must say the same."""
    body = {"channel": "shop", "delivery": delivery, "lines": [{"sku": KETTLE, "quantity": 1}]}
    said = api.done("/v1/availability", body)["sources"][0]
    held = api.done("/v1/reservations", body)
    assert api.done(f"/v1/reservations/{held['id']}/release", {})["state"] == "released"
    order = placed(api, **({"delivery": "pickup", "pickup_node": "mitte"} if delivery == "pickup" else {}))
    work = order["fulfilments"][0]
    assert (work["ships_at"], work["delivers_at"]) == (said["ships_at"], said["delivers_at"])
    api.done(f"/v1/orders/{order['number']}/cancel", {"reason": "only asked"})
    return said["ships_at"][5:16], said["delivers_at"][5:16]


def placed(api: Api, **fields: Any) -> Any:
    number = f"W-{api.node.state.seq}"
    return api.done("/v1/orders", {"number": number, "channel": "shop", "lines": order_lines((KETTLE, 1)), **fields})


PICKUP = {"delivery": "pickup", "pickup_node": "mitte"}


@pytest.mark.parametrize(
    ("fields", "now", "ready"),
    [
        ({}, "11-29 19:00", "11-30T08:00"),  # Sunday evening
        ({}, "11-30 07:59", "11-30T08:00"),  # a minute before it opens
        ({}, "11-30 11:30", "11-30T11:30"),  # while it is open
        ({}, "11-30 19:00", "12-01T08:00"),  # just closed
        ({}, "12-05 20:00", "12-07T08:00"),  # Saturday evening
        ({"cut_off": "16:00"}, "12-01 15:30", "12-01T15:30"),  # carriers are nothing to it
        ({"closed_dates": ["2037-11-30"]}, "11-29 19:00", "12-01T08:00"),
        ({"opening_hours": None}, "11-29 19:00", "11-29T19:00"),  # open day and night
        ({"opening_hours": {"mon": [["09:00", "12:00"], ["14:00", "18:00"]]}}, "11-30 11:30", "11-30T13:00"),
        ({"preparation_minutes": 120}, "11-29 19:00", "11-30T10:00"),
        ({"preparation_minutes": 30}, "11-30 11:30", "11-30T12:00"),
        ({"preparation_minutes": 90}, "11-30 18:00", "12-01T08:30"),  # an hour tonight, half an hour tomorrow
        ({"preparation_minutes": 60}, "11-30 18:00", "12-01T08:00"),  # ready at closing: the door is shut
        ({"preparation_minutes": 45, "opening_hours": None}, "11-29 19:00", "11-29T19:45"),
        ({"lead_time_days": 1}, "11-30 11:30", "12-01T08:00"),
        # Over midnight, and in the night in which clocks go back and on again.
        ({"opening_hours": {"fri": [["20:00", "00:00"]], "sat": [["00:00", "02:00"]]}, "preparation_minutes": 90},
         "12-04 22:00", "12-04T23:30"),
        ({"opening_hours": {"sun": [["01:00", "04:00"]]}, "preparation_minutes": 150}, "10-24 12:00", "10-25T01:30"),
        ({"opening_hours": {"sun": [["01:00", "04:00"]]}, "preparation_minutes": 90}, "03-28 12:00", "03-29T01:30"),
    ],
)  # fmt: skip
def test_a_pickup_is_ready_when_the_shop_is_open_and_has_had_time_for_it(
    mitte: Api, fields: dict[str, Any], now: str, ready: str
) -> None:
    node(mitte, **fields)
    at(mitte, now)
    assert promised(mitte) == (ready, ready)


def test_a_node_that_says_nothing_needs_the_minutes_of_the_channel(mitte: Api) -> None:
    channel = {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR", "preparation_minutes": 60}
    mitte.put("/v1/channels/shop", channel)
    at(mitte, "11-30 10:00")
    assert promised(mitte)[0] == "11-30T11:00"
    node(mitte, preparation_minutes=0)
    assert promised(mitte)[0] == "11-30T10:00"


def test_a_reservation_that_is_ordered_after_the_shop_closed_is_ready_when_it_opens(mitte: Api) -> None:
    at(mitte, "11-30 18:55")
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": KETTLE, "quantity": 1}]}
    held = mitte.done("/v1/reservations", body)
    assert held["lines"][0]["sources"][0]["ships_at"] == "2037-11-30T18:55:00.000000Z"
    at(mitte, "11-30 19:05")
    order = placed(mitte, reservation=held["id"], **PICKUP)
    assert order["fulfilments"][0]["ships_at"] == "2037-12-01T08:00:00.000000Z"


def test_a_reservation_of_a_parcel_that_becomes_a_pickup_needs_no_carrier(mitte: Api) -> None:
    node(mitte, cut_off="16:00")
    at(mitte, "12-01 15:30")
    held = mitte.done("/v1/reservations", {"channel": "shop", "lines": [{"sku": KETTLE, "quantity": 1}]})
    assert held["lines"][0]["sources"][0]["ships_at"] == "2037-12-02T15:00:00.000000Z"
    order = placed(mitte, reservation=held["id"], **PICKUP)
    assert order["fulfilments"][0]["ships_at"] == "2037-12-01T15:30:00.000000Z"


def test_a_parcel_that_becomes_a_pickup_is_ready_as_one(mitte: Api) -> None:
    node(mitte, cut_off="16:00")
    at(mitte, "12-01 15:30")
    order = placed(mitte)
    change = mitte.done(f"/v1/orders/{order['number']}/changes", {"reason": "comes himself", **PICKUP})
    mitte.done(f"/v1/changes/{change['id']}/confirm")
    work = [f for f in mitte.read(f"/v1/orders/{order['number']}")["fulfilments"] if f["state"] == "released"]
    assert [f["ships_at"] for f in work] == ["2037-12-01T15:30:00.000000Z"]


def test_a_backordered_pickup_is_ready_once_its_units_came_and_the_shop_is_open(mitte: Api) -> None:
    mitte.done("/v1/counts", {"node": "mitte", "lines": [{"sku": KETTLE, "counted": 0}]})
    order = placed(mitte, **PICKUP)
    at(mitte, "12-05 20:30")
    mitte.receive(KETTLE, "mitte", 1)
    work = mitte.read(f"/v1/orders/{order['number']}")["fulfilments"]
    assert [f["ships_at"] for f in work] == ["2037-12-07T08:00:00.000000Z"]


def test_a_pickup_of_what_is_expected_is_ready_when_the_shop_opens_after_it_came(mitte: Api) -> None:
    mitte.put("/v1/sourcing-policies/soon", {"name": "Soon", "inbound_days_max": 30})
    channel = {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "soon"}
    mitte.put("/v1/channels/shop", channel)
    node(mitte, preparation_minutes=30)
    mitte.done("/v1/counts", {"node": "mitte", "lines": [{"sku": KETTLE, "counted": 0}]})
    at(mitte, "11-30 10:00")
    inbound = {"supplier": "kettle-works", "node": "mitte", "expected_at": "2037-12-05T21:00:00Z"}
    mitte.done("/v1/inbound", {**inbound, "lines": [{"sku": KETTLE, "quantity": 4}]})
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": KETTLE, "quantity": 1}]}
    assert mitte.done("/v1/availability", body)["sources"][0]["ships_at"] == "2037-12-07T08:30:00.000000Z"


@pytest.mark.parametrize(
    ("fields", "now", "leaves", "arrives"),
    [
        ({"opening_hours": OFFICE_HOURS, "cut_off": "16:00"}, "12-05 12:30", "12-07T15:00", "12-08T19:00"),
        ({"opening_hours": OFFICE_HOURS, "cut_off": "16:00"}, "12-05 11:30", "12-05T12:00", "12-07T19:00"),
        ({"opening_hours": OFFICE_HOURS, "cut_off": "16:00"}, "12-04 14:30", "12-04T15:00", "12-05T19:00"),
        ({"opening_hours": {"mon": [["09:00", "12:00"], ["14:00", "18:00"]]}, "cut_off": "13:00"},
         "11-30 11:30", "12-07T11:00", "12-08T19:00"),  # nobody hands over in the lunch break
        ({"cut_off": "16:00", "cut_offs": {"fri": "12:00"}}, "12-04 11:30", "12-05T15:00", "12-07T19:00"),
        ({"cut_off": "16:00", "cut_offs": {"sat": None}}, "12-05 09:00", "12-07T15:00", "12-08T19:00"),
        ({"cut_offs": {"sat": None, "sun": "23:00"}, "opening_hours": None}, "12-05 09:00", "12-06T22:00", "12-07T19:00"),
    ],
)  # fmt: skip
def test_a_cut_off_counts_on_its_weekday_and_while_the_node_is_open(
    mitte: Api, fields: dict[str, Any], now: str, leaves: str, arrives: str
) -> None:
    node(mitte, **fields)
    at(mitte, now)
    assert promised(mitte, "ship") == (leaves, arrives)


def test_a_cut_off_of_a_day_that_is_none_is_pointed_at(mitte: Api) -> None:
    answer = mitte.put("/v1/nodes/mitte", {**MITTE, "cut_offs": {"monday": "16:00"}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/cut_offs/monday")


@pytest.mark.parametrize(
    ("now", "leaves"), [("07-01 13:30", "07-01T14:00"), ("12-01 14:30", "12-01T15:00"), ("07-01 14:30", "07-02T14:00")]
)
def test_a_node_that_names_no_time_zone_has_that_of_its_country(mitte: Api, now: str, leaves: str) -> None:
    kept = node(mitte, time_zone=None, opening_hours=None, cut_off="16:00")
    assert kept["time_zone"] == "Europe/Berlin"
    seq = mitte.node.state.seq
    node(mitte, time_zone=None, opening_hours=None, cut_off="16:00")
    assert mitte.node.state.seq == seq, "the same once more is no change"
    at(mitte, now)
    assert promised(mitte, "ship")[0] == leaves


@pytest.mark.parametrize("country", ["US", "ES", "AU", "XX"])
def test_a_country_with_several_time_zones_or_none_that_is_known_asks_for_one(mitte: Api, country: str) -> None:
    body = {name: value for name, value in MITTE.items() if name != "time_zone"} | {"country": country}
    answer = mitte.put("/v1/nodes/other", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/time_zone")
    within = mitte.refused("/v1/configuration", {"nodes": {"other": body}}, 400, "malformed_request")
    assert within["errors"][0]["pointer"] == "/nodes/other/time_zone"
    assert mitte.put("/v1/nodes/other", {**body, "time_zone": "America/Denver"}).status_code == 200


def test_an_end_of_waiting_that_is_past_is_refused(mitte: Api) -> None:
    at(mitte, "11-30 10:00")
    lines = order_lines((KETTLE, 1))
    for past in ("2037-11-30T10:00:00Z", "2037-11-29T10:00:00Z", "1999-01-01T00:00:00Z"):
        body = {"number": "W-1", "channel": "shop", "lines": lines, **PICKUP, "pickup_until": past}
        mitte.refused("/v1/orders", body, 400, "malformed_request", "/pickup_until")
    work = placed(mitte, **PICKUP)["fulfilments"][0]["id"]
    path = f"/v1/fulfilments/{work}/ready"
    mitte.refused(path, {"pickup_until": "2037-11-30T10:00:00Z"}, 400, "malformed_request", "/pickup_until")
    assert mitte.done(path, {"pickup_until": "2037-11-30T10:00:01Z"})["state"] == "ready"


def test_an_order_does_not_wait_only_until_it_is_ready(mitte: Api) -> None:
    node(mitte, lead_time_days=3)
    at(mitte, "11-30 10:00")
    body = {"number": "W-1", "channel": "shop", "lines": order_lines((KETTLE, 1)), **PICKUP}
    early = {**body, "pickup_until": "2037-12-01T12:00:00Z"}
    mitte.refused("/v1/orders", early, 400, "malformed_request", "/pickup_until")
    assert mitte.done("/v1/orders", {**body, "pickup_until": "2037-12-03T12:00:00Z"})["state"] == "open"


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        ("12-01T12:00", "12-01T12:00"),  # open
        ("12-01T19:00", "12-01T19:00"),  # just closing
        ("12-01T22:00", "12-02T19:00"),  # in the night
        ("12-06T12:00", "12-07T19:00"),  # on a Sunday
        ("12-08T12:00", "12-09T19:00"),  # on a day on which it is closed
    ],
)
def test_goods_wait_until_the_shop_closes_next_where_it_is_closed_then(mitte: Api, asked: str, until: str) -> None:
    node(mitte, closed_dates=["2037-12-08"])
    at(mitte, "11-30 10:00")
    order = placed(mitte, **PICKUP, pickup_until=f"2037-{asked}:00Z")
    assert order["pickup_until"] == f"2037-{until}:00.000000Z"
    work = order["fulfilments"][0]["id"]
    assert mitte.done(f"/v1/fulfilments/{work}/ready")["pickup_until"] == order["pickup_until"]
    other = placed(mitte, **PICKUP)["fulfilments"][0]["id"]
    said = mitte.done(f"/v1/fulfilments/{other}/ready", {"pickup_until": f"2037-{asked}:00Z"})
    assert said["pickup_until"] == order["pickup_until"]


def test_goods_wait_as_long_as_the_channel_says_and_then_until_the_shop_closes(mitte: Api) -> None:
    channel = {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR", "collect_within_seconds": 13 * 3600}
    mitte.put("/v1/channels/shop", channel)
    at(mitte, "12-05 10:00")
    work = placed(mitte, **PICKUP)["fulfilments"][0]["id"]
    assert mitte.done(f"/v1/fulfilments/{work}/ready")["pickup_until"] == "2037-12-07T19:00:00.000000Z"


CHRISTMAS = ["2037-12-25", "2037-12-26"]
PARCELS = {"name": "Parcels", "carriers": [{"carrier": "Post", "steps": [{"cost_minor": 390}], "calendars": ["post"]}]}


@pytest.mark.parametrize(
    ("calendars", "fields", "now", "leaves", "arrives"),
    [
        # Friday and Saturday are holidays: nothing is delivered before Monday.
        ({}, {}, "12-24 11:00", "12-24T15:00", "12-25T19:00"),
        ({"DE": {"dates": CHRISTMAS, "countries": ["DE"]}}, {}, "12-24 11:00", "12-24T15:00", "12-28T19:00"),
        ({"FR": {"dates": CHRISTMAS, "countries": ["FR"]}}, {}, "12-24 11:00", "12-24T15:00", "12-25T19:00"),
        # Nor does anybody come for parcels, whoever works.
        ({"DE": {"dates": CHRISTMAS, "countries": ["AT", "DE"]}}, {}, "12-24 16:00", "12-28T15:00", "12-29T19:00"),
        ({"post": {"dates": CHRISTMAS}}, {}, "12-24 16:00", "12-28T15:00", "12-29T19:00"),
        ({"post": {"dates": ["2037-12-24"]}}, {}, "12-23 11:00", "12-23T15:00", "12-25T19:00"),
        # The node's own: it is closed, and the carrier would come.
        ({"staff": {"dates": ["2037-12-25"]}}, {"calendars": ["staff"]}, "12-24 16:00", "12-26T15:00", "12-28T19:00"),
        ({"staff": {"dates": ["2037-12-25"]}}, {"calendars": ["staff"], "closed_dates": ["2037-12-26"]},
         "12-24 16:00", "12-28T15:00", "12-29T19:00"),
    ],
)  # fmt: skip
def test_nothing_is_collected_or_delivered_on_holidays(
    mitte: Api, calendars: dict[str, Any], fields: dict[str, Any], now: str, leaves: str, arrives: str
) -> None:
    for name, body in calendars.items():
        assert mitte.put(f"/v1/calendars/{name}", {"name": name, **body}).status_code == 200
    if "post" in calendars:
        mitte.put("/v1/sourcing-policies/parcels", PARCELS)
        channel = {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "parcels"}
        mitte.put("/v1/channels/shop", channel)
    node(mitte, **{"cut_off": "16:00", **fields})
    at(mitte, now)
    assert promised(mitte, "ship") == (leaves, arrives)


def test_a_parcel_abroad_arrives_by_the_holidays_of_where_it_goes(mitte: Api) -> None:
    mitte.put("/v1/calendars/FR", {"name": "France", "dates": ["2037-07-14"], "countries": ["FR"]})
    node(mitte, cut_off="16:00")
    at(mitte, "07-10 11:00")  # a Friday; three days on the road
    body = {"channel": "shop", "lines": [{"sku": KETTLE, "quantity": 1}]}
    for country, arrives in (("FR", "2037-07-15T18:00:00.000000Z"), ("BE", "2037-07-14T18:00:00.000000Z")):
        said = mitte.done("/v1/availability", {**body, "ship_to": {"country": country}})["sources"][0]
        assert said["delivers_at"] == arrives


def test_customers_find_a_shop_closed_on_the_holidays_it_names_and_open_on_others(mitte: Api) -> None:
    mitte.put("/v1/calendars/DE", {"name": "Germany", "dates": CHRISTMAS, "countries": ["DE"]})
    at(mitte, "12-24 20:00")
    assert promised(mitte)[0] == "12-25T08:00"  # it says of itself when it is open
    node(mitte, calendars=["DE"])
    assert promised(mitte)[0] == "12-28T08:00"
    mitte.put("/v1/calendars/DE", {"name": "Germany", "dates": [], "countries": ["DE"]})
    assert promised(mitte)[0] == "12-25T08:00", "a calendar that changes counts at once"


def test_goods_wait_over_the_holidays(mitte: Api) -> None:
    mitte.put("/v1/calendars/DE", {"name": "Germany", "dates": CHRISTMAS})
    at(mitte, "12-23 10:00")
    work = placed(mitte, **PICKUP)["fulfilments"][0]["id"]
    node(mitte, calendars=["DE"])
    said = mitte.done(f"/v1/fulfilments/{work}/ready", {"pickup_until": "2037-12-25T12:00:00Z"})
    assert said["pickup_until"] == "2037-12-28T19:00:00.000000Z"


def test_a_calendar_is_set_read_listed_and_exported(mitte: Api) -> None:
    body = {"name": "Germany", "dates": CHRISTMAS, "countries": ["DE"]}
    assert mitte.put("/v1/calendars/DE", body).json() == {"id": "DE", **body}
    assert mitte.read("/v1/calendars/DE") == {"id": "DE", **body}
    assert mitte.read("/v1/calendars")["items"] == [{"id": "DE", **body}]
    document = mitte.read("/v1/configuration")
    assert document["calendars"] == {"DE": body}
    assert mitte.done("/v1/configuration", document)["calendars"] == 0, "it is as it was"
    mitte.restart()
    assert mitte.read("/v1/calendars/DE")["dates"] == CHRISTMAS
    mitte.refused("/v1/configuration", {"calendars": {"X": {"name": "X", "dates": ["2037-02-30"]}}}, 400,
                  "malformed_request", "/calendars/X/dates/0")  # fmt: skip


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"nodes": {"mitte": {**MITTE, "calendars": ["nowhere"]}}}, "/nodes/mitte/calendars/0"),
        ({"sourcing_policies": {"p": PARCELS}}, "/sourcing_policies/p/carriers/0/calendars/0"),
        ({"sourcing_policies": {"p": {"name": "p", "overrides": [
            {"when": {"countries": ["DE"]}, "then": {"carriers": PARCELS["carriers"]}}]}}},
         "/sourcing_policies/p/overrides/0/then/carriers/0/calendars/0"),
    ],
)  # fmt: skip
def test_a_calendar_that_nobody_has_set_is_pointed_at(mitte: Api, document: dict[str, Any], pointer: str) -> None:
    mitte.refused("/v1/configuration", document, 422, "unknown_calendar", pointer)


def test_a_node_that_no_carrier_ever_comes_to_sends_nothing(mitte: Api) -> None:
    node(mitte, cut_offs=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun")))
    at(mitte, "11-30 11:00")
    body = {"channel": "shop", "lines": [{"sku": KETTLE, "quantity": 1}]}
    mitte.refused("/v1/reservations", body, 409, "insufficient_stock")
    assert mitte.done("/v1/reservations", {**body, "delivery": "pickup"})["state"] == "active"
