"""API keys over HTTP."""

import hashlib

from tests.api.conftest import Api


def test_a_key_opens_the_door_until_it_is_revoked(api: Api) -> None:
    made = api.post("/v1/keys", {"name": "web shop"})
    assert made.status_code == 201
    key = made.json()
    assert key["secret"].startswith("kontor_")
    assert len(key["secret"]) == 7 + 43
    bearer = {"authorization": f"Bearer {key['secret']}"}
    assert api.call("GET", "/v1/nodes", headers=bearer).status_code == 200
    line = {"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 1}
    assert api.call("POST", "/v1/stock/movements", {"lines": [line]}, bearer).status_code == 201
    assert api.read("/v1/journal")["items"][0]["actor"] == f"key:{key['id']}"
    revoked = api.delete(f"/v1/keys/{key['id']}")
    assert revoked.json()["revoked_at"] is not None
    answer = api.call("GET", "/v1/nodes", headers=bearer)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert api.delete(f"/v1/keys/{key['id']}").content == revoked.content
    api.restart()
    assert api.call("GET", "/v1/nodes", headers=bearer).status_code == 401


def test_a_secret_is_shown_once_and_stands_nowhere(api: Api) -> None:
    first = api.post("/v1/keys", {"name": "till"}, key="make-till-key").json()
    again = api.post("/v1/keys", {"name": "till"}, key="make-till-key")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**first, "secret": None}
    listed = api.get("/v1/keys")
    assert listed.json() == {
        "items": [{"id": first["id"], "name": "till", "created_at": first["created_at"], "revoked_at": None}],
        "next_cursor": None,
    }
    content = api.journal_bytes()
    assert first["secret"].encode() not in content
    assert hashlib.sha256(first["secret"].encode()).digest() in content


def test_keys_come_page_by_page(api: Api) -> None:
    names = ["one", "two", "three"]
    for name in names:
        api.done("/v1/keys", {"name": name})
    first = api.read("/v1/keys?limit=2")
    rest = api.read(f"/v1/keys?limit=2&cursor={first['next_cursor']}")
    assert [key["name"] for key in first["items"] + rest["items"]] == names


def test_what_is_no_key_is_refused(api: Api) -> None:
    api.refused("/v1/keys", {}, 400, "malformed_request")
    api.refused("/v1/keys", {"name": "x", "role": "admin"}, 400, "malformed_request")
    assert api.delete("/v1/keys/k-unknown").status_code == 404
    assert api.delete("/v1/keys/%20").status_code == 404
    headers = {"authorization": "Bearer kontor_guess"}
    assert api.call("GET", "/v1/nodes", headers=headers).status_code == 401
