"""A payment provider that nothing will ever be sent to is refused when it is set, not when money is to be captured."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api

NAMES = {"pay.example.org": "93.184.216.34", "intranet.example.org": "10.1.2.3", "v6.example.org": "fd00::1"}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A node with a name server of its own, started without more allowed than usual."""

    def look_up(host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        address = NAMES.get(host, host)
        if not all(letter in "0123456789abcdef.:" for letter in address):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    made = Api(tmp_path / "data")
    yield made
    made.node.stop()
    made.close_node()
    made.runner.close()


def provider(url: str) -> dict[str, Any]:
    return {"url": url, "methods": ["card"]}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://pay.example.org/", "only https"),
        ("http://127.0.0.1:9000/", "only https"),
        ("https://127.0.0.1/", "private network"),
        ("https://10.0.0.7/pay", "private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://[::1]/", "private network"),
        ("https://[::ffff:192.168.0.1]/", "private network"),
        ("https://intranet.example.org/", "leads into a private network"),
        ("https://v6.example.org/", "leads into a private network"),
        ("https://pay.example.org:99999/", "it is no address"),
    ],
)
def test_an_address_that_is_never_sent_to_is_refused_when_it_is_set(api: Api, url: str, why: str) -> None:
    document = {"payment_providers": {"acme": provider(url)}}
    problem = api.refused("/v1/configuration", document, 422, "address_not_allowed", "/payment_providers/acme/url")
    assert why in problem["errors"][0]["detail"]
    answer = api.put("/v1/payment-providers/acme", provider(url))
    assert (answer.status_code, answer.json()["code"]) == (422, "address_not_allowed"), answer.text
    assert answer.json()["errors"][0]["pointer"] == "/url"
    assert api.get("/v1/payment-providers/acme").status_code == 404


def test_a_public_address_is_taken_and_so_is_a_name_that_is_not_known_yet(api: Api) -> None:
    assert api.put("/v1/payment-providers/acme", provider("https://pay.example.org/kontor")).status_code == 200
    assert api.put("/v1/payment-providers/acme", provider("https://soon.example.org/")).status_code == 200


def test_with_more_allowed_a_private_address_is_taken_and_stays_when_it_is_set_again_later(api: Api) -> None:
    api.node.allow_private_outbound = True
    assert api.put("/v1/payment-providers/acme", provider("http://127.0.0.1:9000/")).status_code == 200
    api.node.allow_private_outbound = False
    api.done("/v1/configuration", api.read("/v1/configuration"))
    api.refused(
        "/v1/configuration",
        {"payment_providers": {"other": provider("http://127.0.0.1:1/")}},
        422,
        "address_not_allowed",
    )
