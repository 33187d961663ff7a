"""Many movements in one request."""

from tests.api.conftest import Api


def receipt(quantity: int, **more: object) -> dict[str, object]:
    line = {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": quantity}
    return {"lines": [line], **more}


def test_each_movement_is_posted_on_its_own(api: Api) -> None:
    bad = {"lines": [{"sku": "NO-SUCH", "node": "leipzig", "reason": "receipt", "quantity": 1}]}
    items = api.done("/v1/stock/movements/bulk", {"items": [receipt(3), bad, {"lines": []}, receipt(4)]})["items"]
    assert [item["status"] for item in items] == [201, 422, 400, 201]
    assert items[3]["body"]["lines"][0]["on_hand"] == 7


def test_a_key_posts_a_movement_once(api: Api) -> None:
    body = {"items": [receipt(3, idempotency_key="delivery-1")]}
    first, again = (api.done("/v1/stock/movements/bulk", body)["items"][0]["body"] for _ in range(2))
    assert first == again
    assert api.stock("BRASS-KETTLE", "leipzig")["on_hand"] == 3
    other = {"items": [receipt(5, idempotency_key="delivery-1")]}
    assert api.done("/v1/stock/movements/bulk", other)["items"][0]["body"]["code"] == "idempotency_key_reused"


def test_only_so_many_at_once(api: Api) -> None:
    api.refused("/v1/stock/movements/bulk", {"items": [receipt(1)] * 21}, 400, "malformed_request")
    api.refused("/v1/stock/movements/bulk", {"items": []}, 400, "malformed_request")
