"""A node with a table of postal codes: requests that name only country and postal code are sourced by distance."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.geography.postcodes import Postcodes
from engine.facts import records
from engine.facts.orders import OrderPlaced
from tests.api.conftest import SHOP, Api, order_lines
from tests.recovery.running import ROOT, RunningNode

# Leipzig is named first: without coordinates all German nodes cost the same, and the first is taken.
BERLIN = {"country": "DE", "postal_code": "D-10115"}
CODES = (
    "country_code,zipcode,place,latitude,longitude\nDE,10115,Berlin,52.5323,13.3846\nDE,04109,Leipzig,51.3397,12.3714\n"
)
KETTLE = {"sku": "BRASS-KETTLE", "quantity": 1}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "postcodes.csv"
    path.write_text(CODES, encoding="utf-8")
    return path


@pytest.fixture
def stocked(api: Api) -> Api:
    """Ten kettles at every node."""
    for node in SHOP["nodes"]:
        api.receive("BRASS-KETTLE", node, 10)
    return api


@pytest.fixture
def located(stocked: Api, table: Path) -> Api:
    """The same on a node that has the table."""
    stocked.node.postcodes = Postcodes.load(table)
    return stocked


def reservation(**ship_to: Any) -> dict[str, Any]:
    return {"channel": "web-de", "lines": [KETTLE], "ship_to": ship_to}


def nodes_of(answer: Any) -> list[str]:
    return [source["node"] for line in answer["lines"] for source in line["sources"]]


def test_without_a_table_only_the_country_counts(stocked: Api) -> None:
    assert nodes_of(stocked.done("/v1/reservations", reservation(**BERLIN))) == ["leipzig"]


def test_a_reservation_for_a_postal_code_comes_from_the_near_node(located: Api) -> None:
    assert nodes_of(located.done("/v1/reservations", reservation(**BERLIN))) == ["berlin"]
    assert nodes_of(located.done("/v1/reservations", reservation(country="DE", postal_code="10119"))) == ["berlin"]
    assert nodes_of(located.done("/v1/reservations", reservation(country="DE", postal_code="04109"))) == ["leipzig"]


def test_a_code_that_nobody_knows_counts_as_its_country(located: Api) -> None:
    assert nodes_of(located.done("/v1/reservations", reservation(country="DE", postal_code="99999"))) == ["leipzig"]


def test_coordinates_that_were_sent_are_kept(located: Api) -> None:
    there = {"latitude": 51.34, "longitude": 12.37}
    assert nodes_of(located.done("/v1/reservations", reservation(**BERLIN, **there))) == ["leipzig"]


def test_a_batch_is_sourced_by_distance_too(located: Api) -> None:
    items = [reservation(**BERLIN), {**reservation(**BERLIN), "idempotency_key": "cart-1"}]
    answer = located.done("/v1/reservations/batch", {"items": items})
    assert [nodes_of(item["body"]) for item in answer["items"]] == [["berlin"], ["berlin"]]


def test_availability_names_the_near_node(located: Api) -> None:
    answer = located.done("/v1/availability", {"channel": "web-de", "lines": [KETTLE], "ship_to": BERLIN})
    assert [source["node"] for source in answer["sources"]] == ["berlin"]


def test_an_order_is_sourced_by_distance_and_its_address_stays_as_it_was_sent(located: Api) -> None:
    ship_to = {"name": "Erika Mustermann", "street": "Invalidenstraße 43", "city": "Berlin", **BERLIN}
    body = {"number": "W-1", "channel": "web-de", "lines": order_lines(("BRASS-KETTLE", 1)), "ship_to": ship_to}
    answer = located.done("/v1/orders", body)
    assert [fulfilment["node"] for fulfilment in answer["fulfilments"]] == ["berlin"]
    shown = located.read("/v1/orders/W-1")["ship_to"]
    assert {name: shown.get(name) for name in ship_to} == ship_to
    assert "latitude" not in shown


def test_a_fact_holds_the_coarse_area_only(located: Api) -> None:
    to = {"country": "DE", "postal_code": "10115"}
    located.done(
        "/v1/orders", {"number": "W-1", "channel": "web-de", "lines": order_lines(("BRASS-KETTLE", 1)), "ship_to": to}
    )
    _, encoded = located.node.journal.record(located.node.journal.last_seq)
    placed = next(fact for fact in records.decode(encoded).facts if isinstance(fact, OrderPlaced))
    assert msgspec.to_builtins(placed.area) == ["DE", "10", 525, 134]


@pytest.mark.parametrize("path", ["/v1/reservations", "/v1/orders"])
def test_a_retry_is_the_same_request_whatever_table_the_node_has(stocked: Api, table: Path, path: str) -> None:
    order = {"number": "W-1", "channel": "web-de", "lines": order_lines(("BRASS-KETTLE", 1)), "ship_to": BERLIN}
    body = order if path == "/v1/orders" else reservation(**BERLIN)
    first = stocked.done(path, body, key="cart-4711")
    stocked.node.postcodes = Postcodes.load(table)
    again = stocked.post(path, body, key="cart-4711")
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_retried_batch_is_the_same_whatever_table_the_node_has(stocked: Api, table: Path) -> None:
    body = {"items": [{**reservation(**BERLIN), "idempotency_key": "cart-1"}]}
    first = stocked.done("/v1/reservations/batch", body)
    stocked.node.postcodes = Postcodes.load(table)
    [again] = stocked.done("/v1/reservations/batch", body)["items"]
    assert (again.pop("replayed"), again.pop("recorded_at")) == (True, again["body"]["created_at"])
    assert {"items": [again]} == first


@pytest.fixture
def running(tmp_path: Path, table: Path) -> Iterator[RunningNode]:
    node = RunningNode(tmp_path / "data", options=("--postcodes", str(table)))
    yield node
    node.stop()


def kontor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_nodes_and_requests_find_their_places_from_the_command_line(
    running: RunningNode, tmp_path: Path, table: Path
) -> None:
    shop = copy.deepcopy(SHOP)
    for node, code in (("leipzig", "04109"), ("berlin", "10115")):
        del shop["nodes"][node]["latitude"], shop["nodes"][node]["longitude"]
        shop["nodes"][node]["postal_code"] = code
    file, url = tmp_path / "shop.json", f"http://127.0.0.1:{running.port}"
    file.write_text(json.dumps(shop))
    done = kontor("apply", str(file), "--url", url, "--postcodes", str(table))
    assert (done.returncode, done.stderr) == (0, "")
    assert running.call("GET", "/v1/nodes/berlin")[1]["latitude"] == 52.5323
    receipts = [{**KETTLE, "node": node, "reason": "receipt"} for node in SHOP["nodes"]]
    assert running.call("POST", "/v1/stock/movements", {"lines": receipts})[0] == 201
    status, answer, _ = running.call("POST", "/v1/reservations", reservation(**BERLIN))
    assert (status, nodes_of(answer)) == (201, ["berlin"])


def test_a_node_that_can_not_be_placed_is_named_before_anything_is_sent(tmp_path: Path, table: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text('{"nodes": {"ulm": {"name": "Ulm", "kind": "store", "country": "DE", "postal_code": "89073"}}}')
    done = kontor("apply", str(file), "--url", "http://127.0.0.1:1", "--postcodes", str(table))
    assert done.returncode == 1
    assert (
        done.stderr == "Error: shop.json: /nodes/ulm/postal_code: '89073' of DE is not in the table of postal codes\n"
    )
    without = kontor("apply", str(file), "--url", "http://127.0.0.1:1")
    assert "missing required field `latitude`" in without.stderr


def test_a_table_that_is_missing_or_malformed_ends_the_start_before_the_directory_is_touched(tmp_path: Path) -> None:
    data, bad = tmp_path / "data", tmp_path / "bad.csv"
    missing = kontor("serve", "--data", str(data), "--postcodes", str(tmp_path / "none.csv"))
    assert missing.returncode == 2
    assert "Invalid value for '--postcodes': File" in missing.stderr
    bad.write_text(CODES + "DE,10117,Berlin,x,13.4\n")
    malformed = kontor("serve", "--data", str(data), "--postcodes", str(bad))
    assert malformed.returncode == 2
    assert "'--postcodes': bad.csv: line 4: no coordinates in decimal degrees: 'x', '13.4'" in malformed.stderr
    assert not data.exists()
