"""Baskets of business customers: hundreds of lines, reserved and ordered in one go."""

from tests.api.conftest import BERLIN, Api


def test_a_basket_of_a_thousand_lines_is_reserved_changed_and_ordered(empty: Api) -> None:
    node = {"name": "Leipzig", "kind": "warehouse", "country": "DE", "latitude": 51.34, "longitude": 12.37}
    skus = [f"SCREW-{at}" for at in range(1_000)]
    web = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}
    empty.done(
        "/v1/configuration",
        {"nodes": {"leipzig": node}, "items": {sku: {"name": sku} for sku in skus}, "channels": {"web-de": web}},
    )
    receipts = [{"sku": sku, "node": "leipzig", "reason": "receipt", "quantity": 3} for sku in skus]
    empty.done("/v1/stock/movements", {"lines": receipts})
    lines = [{"sku": sku, "quantity": 1} for sku in skus]
    assert empty.done("/v1/availability", {"channel": "web-de", "lines": lines})["fulfillable"]
    held = empty.done("/v1/reservations", {"channel": "web-de", "lines": lines})
    more = [{"sku": sku, "quantity": 2} for sku in skus]
    changed = empty.done(f"/v1/reservations/{held['id']}/change", {"lines": more})
    assert {line["reserved"] for line in changed["lines"]} == {2}
    body = {"number": "W-1", "channel": "web-de", "reservation": held["id"], "ship_to": BERLIN}
    placed = empty.done("/v1/orders", {**body, "lines": [{"id": str(at), **line} for at, line in enumerate(more)]})
    assert (placed["state"], len(placed["lines"])) == ("open", 1_000)
    too_many = [*lines, {"sku": "SCREW-0", "quantity": 1}]
    empty.refused("/v1/reservations", {"channel": "web-de", "lines": too_many}, 400, "malformed_request")
