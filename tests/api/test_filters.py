"""Filters of lists: what can let nothing through is refused, with its name."""

import pytest

from tests.api.conftest import Api

UNKNOWN = [
    ("/v1/orders?state=foo", "/state"),
    ("/v1/orders?state=open,foo", "/state"),
    ("/v1/orders?state=null", "/state"),
    ("/v1/orders?state=", "/state"),
    ("/v1/orders?state=open,", "/state"),
    ("/v1/orders?channel=nope", "/channel"),
    ("/v1/orders?channel=null", "/channel"),
    ("/v1/orders?node=nope", "/node"),
    ("/v1/orders?sku=NOPE", "/sku"),
    ("/v1/orders?limit=1e1", "/limit"),
    ("/v1/orders?limit=1.0", "/limit"),
    ("/v1/orders?limit=+5", "/limit"),
    ("/v1/orders?limit=%205", "/limit"),
    ("/v1/orders?limit=null", "/limit"),
    ("/v1/orders?from=null", "/from"),
    ("/v1/reservations?state=foo", "/state"),
    ("/v1/reservations?channel=nope", "/channel"),
    ("/v1/reservations?node=nope", "/node"),
    ("/v1/reservations?sku=NOPE", "/sku"),
    ("/v1/fulfilments?state=shiped", "/state"),
    ("/v1/fulfilments?node=nope", "/node"),
    ("/v1/fulfilments?node=nope&state=released", "/node"),
    ("/v1/fulfilments?supplier=maybe", "/supplier"),
    ("/v1/returns?state=lost", "/state"),
    ("/v1/returns?order=W-404", "/order"),
    ("/v1/returns?without_order=null", "/without_order"),
    ("/v1/transfers?from=nope", "/from"),
    ("/v1/transfers?to=nope", "/to"),
    ("/v1/transfers?sku=NOPE", "/sku"),
    ("/v1/transfers?state=null", "/state"),
    ("/v1/inbound?node=nope", "/node"),
    ("/v1/inbound?state=expected,late", "/state"),
    ("/v1/inbound?sku=NOPE", "/sku"),
    ("/v1/pick-lists?node=nope", "/node"),
    ("/v1/pick-lists?state=done", "/state"),
    ("/v1/payment-requests?order=W-404", "/order"),
    ("/v1/payment-requests?provider=nope", "/provider"),
    ("/v1/journal?sku=NOPE", "/sku"),
    ("/v1/journal?node=nope", "/node"),
    ("/v1/journal?order=W-404", "/order"),
    ("/v1/journal?kind=orders_placed", "/kind"),
    ("/v1/journal?reservation=x", "/reservation"),
    ("/v1/journal/money?order=W-404", "/order"),
    ("/v1/journal/money?currency=euro", "/currency"),
    ("/v1/journal/money?account=revenu", "/account"),
    ("/v1/stock?node=nope", "/node"),
    ("/v1/stock/CUSHION?node=nope", "/node"),
    ("/v1/stock/CUSHION?all=yes", "/all"),
    ("/v1/events?after=1e3", "/after"),
    ("/v1/channels/web-de/stock-feed?limit=1e1", "/limit"),
]


@pytest.mark.parametrize(("path", "pointer"), UNKNOWN, ids=[path for path, _ in UNKNOWN])
def test_a_value_that_nothing_can_have_is_refused_with_the_name_of_its_filter(
    api: Api, path: str, pointer: str
) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_several_states_are_asked_for_with_commas_between(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 9)
    api.order("W-1", ("BRASS-KETTLE", 1))
    api.order("W-2", ("CUSHION", 1))
    api.order("W-3", ("BRASS-KETTLE", 1))
    api.done("/v1/orders/W-3/cancel", {"reason": "changed their mind"})

    def orders(query: str) -> list[str]:
        return [order["number"] for order in api.read(f"/v1/orders?{query}")["items"]]

    assert orders("state=open,backordered") == ["W-2", "W-1"]
    assert orders("state=cancelled,open") == ["W-3", "W-1"]
    assert len(api.read("/v1/fulfilments?node=leipzig&state=released,accepted")["items"]) == 1
    assert len(api.read("/v1/fulfilments?state=released,cancelled")["items"]) == 2


def test_reservations_are_listed_the_youngest_first_whatever_became_of_them(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 9)
    api.receive("CUSHION", "krakow", 9)

    def held(sku: str, channel: str = "web-de", ttl_seconds: int = 900) -> str:
        lines = [{"sku": sku, "quantity": 1}]
        made = api.done("/v1/reservations", {"channel": channel, "lines": lines, "ttl_seconds": ttl_seconds})
        return str(made["id"])

    kettle, cushion, polish, short = (
        held("BRASS-KETTLE"), held("CUSHION"), held("CUSHION", "phone-pl"), held("BRASS-KETTLE", ttl_seconds=1),
    )  # fmt: skip
    api.done(f"/v1/reservations/{kettle}/release", {"lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]})
    api.order("W-1", ("CUSHION", 1), reservation=cushion)
    api.later(5)

    def listed(query: str) -> list[str]:
        return [reservation["id"] for reservation in api.read(f"/v1/reservations?{query}")["items"]]

    assert listed("") == [short, polish, cushion, kettle]
    assert listed("state=active") == [polish]
    assert listed("state=expired") == [short]
    assert listed("state=confirmed,released") == [cushion, kettle]
    assert listed("channel=phone-pl") == [polish]
    assert listed("node=krakow") == [polish, cushion]
    assert listed("sku=BRASS-KETTLE") == [short, kettle]
    first = api.read("/v1/reservations?limit=3")
    assert [entry["id"] for entry in first["items"]] == [short, polish, cushion]
    assert listed(f"limit=3&cursor={first['next_cursor']}") == [kettle]
    api.restart()
    assert listed("") == [short, polish, cushion, kettle]


def test_orders_are_found_by_sku_so_that_one_sees_who_waits_for_it(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 9)
    api.order("W-1", ("CUSHION", 2))
    api.order("W-2", ("BRASS-KETTLE", 1))
    api.order("W-3", ("BRASS-KETTLE", 1), ("CUSHION", 1))
    api.order("W-4", ("BRASS-KETTLE", 1))
    api.done("/v1/orders/W-4/cancel", {"reason": "changed their mind"})

    def listed(query: str) -> list[str]:
        return [order["number"] for order in api.read(f"/v1/orders?{query}")["items"]]

    assert listed("sku=CUSHION&state=backordered,unsourceable") == ["W-3", "W-1"]
    assert listed("sku=BRASS-KETTLE") == ["W-4", "W-3", "W-2"]
    assert listed("sku=BRASS-KETTLE&state=open") == ["W-2"]
