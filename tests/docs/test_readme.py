"""The README's first order, and the walk from cart to refund, work as they are printed."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = re.compile(r"<!-- executed by tests/docs/test_readme.py -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A node on a fresh data directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "serve", "--data", str(tmp_path / "data"), "--dev", "--port", str(port)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=60).close()
                break
            except OSError:
                time.sleep(0.05)  # the node is starting
        yield port
    finally:
        node.terminate()
        node.wait(60)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands need curl, which is not installed here")
def test_the_readme_makes_a_first_reservation_and_a_first_order(port: int) -> None:
    (script,) = EXECUTED.findall((ROOT / "README.md").read_text())
    script = script.replace("localhost:8080", f"127.0.0.1:{port}")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert answers[2]["id"] == "r-3"
    (source,) = answers[2]["lines"][0]["sources"]
    assert (source["node"], source["quantity"]) == ("leipzig", 2)
    assert source["ships_at"] < source["delivers_at"]
    assert (answers[3]["number"], answers[3]["state"]) == ("W-1", "open")
    assert (answers[4]["id"], answers[4]["state"]) == ("f-1", "shipped")
    assert (answers[5]["available"], answers[5]["reserved"], answers[5]["on_hand"]) == (8, 0, 8)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl, which is not installed here")
def test_the_walk_from_cart_to_refund_works_as_it_is_printed(port: int) -> None:
    parts = EXECUTED.findall((ROOT / "docs/from-cart-to-refund.md").read_text())
    script = "\n".join(parts).replace("localhost:8080", f"127.0.0.1:{port}")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert [answer["code"] for answer in answers if "code" in answer] == []
    quote, order = answers[2], answers[4]
    assert (quote["to_pay_minor"], order["money"]["total_minor"]) == (7760, 7760)
    work, sent, captured = answers[5:8]
    assert [entry["id"] for entry in work["items"]] == ["f-1"]
    assert sent["tracking"]["carrier"] == "dhl"
    assert captured["money"]["payments"][0]["captured_minor"] == 7760
    settled, paid_out, towels, money, history = answers[10:]
    assert settled["refund_minor"] == 790
    assert paid_out["money"]["payments"][0]["paid_out_minor"] == 790
    assert towels["on_hand"] == towels["available"] == 38
    assert money["balanced"] is True
    assert history["items"][0]["kind"] == "order_placed"


PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/from-cart-to-refund.md",
    "docs/your-orders.md",
    "docs/promises.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_first_page_links_to_exists(page: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert links or page == "SECURITY.md"
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
