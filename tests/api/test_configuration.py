"""Master data over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import SHOP, Api

LEIPZIG = SHOP["nodes"]["leipzig"]
PATHS = [
    ("/v1/nodes/halle", LEIPZIG, {"id": "halle"}),
    ("/v1/items/TEA POT", {"name": "Tea pot"}, {"sku": "TEA POT"}),
    ("/v1/nodes/leipzig/items/CUSHION", {"safety_stock": 2}, {"node": "leipzig", "sku": "CUSHION"}),
    ("/v1/channels/till-1", {"name": "Till", "kind": "store", "country": "DE", "currency": "EUR"}, {"id": "till-1"}),
    ("/v1/sourcing-policies/cheapest", {"name": "Cheapest", "line_split": False}, {"id": "cheapest"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "ids"), PATHS)
def test_what_is_put_is_read_back_with_its_id(api: Api, path: str, body: Any, ids: Any) -> None:
    put = api.put(path, body)
    assert put.status_code == 200
    assert put.json().items() >= {**body, **ids}.items()
    got = api.get(path)
    assert (got.content, got.headers["etag"]) == (put.content, put.headers["etag"])
    listed = api.read(path.rpartition("/")[0] + "?limit=500")
    assert got.json() in listed["items"]
    seq = api.node.state.seq
    assert api.put(path, body).status_code == 200
    assert api.node.state.seq == seq


@pytest.mark.parametrize(("path", "body", "ids"), PATHS)
def test_a_put_on_what_has_changed_is_refused(api: Api, path: str, body: Any, ids: Any) -> None:
    assert api.put(path, body, if_match='"old"').status_code == 412
    assert api.put(path, body).status_code == 200
    etag = api.get(path).headers["etag"]
    changed = {**body, "safety_stock": 5} if "safety_stock" in body else {**body, "name": "Renamed"}
    assert api.put(path, changed, if_match=etag).status_code == 200
    answer = api.put(path, body, if_match=etag)
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    ("path", "body", "status", "pointer"),
    [
        ("/v1/nodes/ha%20lle", LEIPZIG, 400, ""),
        ("/v1/nodes/" + "x" * 65, LEIPZIG, 400, ""),
        ("/v1/nodes/halle%0A", LEIPZIG, 400, ""),
        ("/v1/items/%20x", {"name": "x"}, 400, ""),
        ("/v1/nodes/halle", {**LEIPZIG, "latitude": 91}, 400, "/latitude"),
        ("/v1/nodes/halle", {**LEIPZIG, "kind": "castle"}, 400, "/kind"),
        ("/v1/nodes/halle", {**LEIPZIG, "colour": "red"}, 400, "/colour"),
        ("/v1/items/x", {"name": ""}, 400, "/name"),
        ("/v1/channels/x", {**SHOP["channels"]["web-de"], "nodes": ["leipzig", "atlantis"]}, 422, "/nodes/1"),
        ("/v1/channels/x", {**SHOP["channels"]["web-de"], "sourcing_policy": "none"}, 422, "/sourcing_policy"),
        ("/v1/nodes/atlantis/items/CUSHION", {}, 422, ""),
        ("/v1/nodes/leipzig/items/GHOST", {}, 422, ""),
        ("/v1/nodes/leipzig/items/CUSHION", {"stocked_since": "2026-02-31"}, 400, "/stocked_since"),
        ("/v1/nodes/leipzig/items/CUSHION", {"stocked_since": "0000-01-01"}, 400, "/stocked_since"),
    ],
)  # fmt: skip
def test_a_bad_put_is_named_and_nothing_is_changed(api: Api, path: str, body: Any, status: int, pointer: str) -> None:
    seq = api.node.journal.last_seq
    answer = api.put(path, body)
    assert answer.status_code == status, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert api.node.journal.last_seq == seq


@pytest.mark.parametrize(
    "path", ["nodes/x", "items/x", "channels/x", "sourcing-policies/x", "nodes/leipzig/items/x", "nodes/x/items"]
)
def test_what_was_never_put_is_not_found(api: Api, path: str) -> None:
    assert api.get(f"/v1/{path}").json()["code"] == "not_found"


def test_a_document_is_applied_whole_and_exported_as_it_was(api: Api) -> None:
    document = {
        **SHOP,
        "node_items": {"leipzig": {"TEA POT 2L": {"safety_stock": 4}}, "berlin": {"CUSHION": {"sellable": False}}},
        "sourcing_policies": {"near": {"name": "Near", "cost_per_100_km_minor": 500}},
    }
    answer = api.done("/v1/configuration", document)
    assert answer == {
        "seq": api.node.state.seq, "nodes": 0, "items": 0, "node_items": 2, "channels": 0, "sourcing_policies": 1,
        "price_lists": 0, "tax_rates": 0, "promotions": 0, "vouchers": 0, "payment_providers": 0, "shipping_prices": 0,
            "calendars": 0,
    }  # fmt: skip
    exported = api.get("/v1/configuration")
    zones = {"leipzig": "Europe/Berlin", "berlin": "Europe/Berlin", "krakow": "Europe/Warsaw"}
    kept = {name: {**node, "time_zone": zones[name]} for name, node in document["nodes"].items()}
    assert exported.json() == {**document, "nodes": kept}
    assert api.get("/v1/configuration", if_none_match=exported.headers["etag"]).status_code == 304
    api.restart()
    assert api.get("/v1/configuration").content == exported.content


def test_a_document_with_one_mistake_changes_nothing(api: Api) -> None:
    document: dict[str, Any] = {"items": {"NEW": {"name": "New"}}, "node_items": {"leipzig": {"GHOST/": {}}}}
    api.refused("/v1/configuration", document, 400, "malformed_request")
    document["node_items"] = {"leipzig": {"GHO~ST": {}}}
    api.refused("/v1/configuration", document, 422, "unknown_sku", "/node_items/leipzig/GHO~0ST")
    assert api.get("/v1/items/NEW").status_code == 404


def test_collections_come_page_by_page(api: Api) -> None:
    ids = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.read(f"/v1/nodes?limit=2{cursor}")
        ids += [node["id"] for node in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert ids == list(SHOP["nodes"])


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/nodes/leipzig", "GET, HEAD, PUT"), ("/v1/configuration", "GET, HEAD, POST")]
)
def test_a_wrong_method_names_the_right_ones(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
