"""Metrics are seen by who has a key, or at an address of their own."""

import urllib.error
import urllib.request
from pathlib import Path

from tests.api.conftest import Api
from tests.recovery.running import RunningNode, free_port


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_need_a_key_as_everything_else_does(empty: Api) -> None:
    made = empty.post("/v1/keys", {"name": "prometheus"}).json()
    empty.node.dev = False
    assert empty.get("/metrics").status_code == 401
    page = empty.get("/metrics", authorization=f"Bearer {made['secret']}")
    assert page.status_code == 200
    assert 'kontor_requests_total{operation="createKey",status="201"} 1.0' in page.text
    assert "placeOrder" not in page.text


def test_metrics_have_an_address_of_their_own_where_no_key_is_asked_for(tmp_path: Path) -> None:
    scraped = free_port()
    node = RunningNode(tmp_path / "data", options=("--metrics-port", str(scraped)))
    try:
        status, page = _get(scraped, "/metrics")
        assert (status, "kontor_journal_seq 0.0" in page) == (200, True)
        status, problem = _get(scraped, "/v1/orders")
        assert (status, '"not_found"' in problem) == (404, True)
    finally:
        node.stop()
    assert node.process.returncode == 0
