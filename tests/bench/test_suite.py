"""The suite runs every part, and says what it found with the conditions of each figure."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import main
from bench.chart import line_chart
from bench.report import as_html, as_text
from bench.scales import SCALES
from bench.suite import PARTS

TINY = SCALES["tiny"]._replace(connections=(2,))


def test_every_part_says_what_it_measures() -> None:
    assert [name for name, part in PARTS.items() if not part.__doc__] == []


@pytest.mark.parametrize("part", ["workloads", "rate"])
def test_parts_over_http_leave_no_request_without_a_good_answer(tmp_path: Path, part: str) -> None:
    for figures in PARTS[part](tmp_path, TINY):
        assert (figures["failed"], figures["refused"], figures["durable"]) == (0, 0, True)
        assert figures["per_second"] > 0


def test_a_node_behind_a_frontend_is_asked_the_same_as_one_alone(tmp_path: Path) -> None:
    for figures in PARTS["frontends"](tmp_path, TINY):
        assert figures["failed"] == 0
        assert figures["ratio"] > 0


def test_a_load_past_snapshots_loses_nothing(tmp_path: Path) -> None:
    (figures,) = PARTS["stall"](tmp_path, TINY)
    assert figures["failed"] == 0
    assert figures["snapshots"] > 0


def test_growth_is_told_at_every_count(tmp_path: Path) -> None:
    assert [figures["orders"] for figures in PARTS["growth"](tmp_path, TINY)] == [100, 200]


def test_lists_and_every_step_are_measured_at_a_node_with_work(tmp_path: Path) -> None:
    found = {figures["what"].partition(": ")[2]: figures for figures in PARTS["worklists"](tmp_path, TINY)}
    assert {"list: first page of 50", "list: page after page", "accept", "pick", "ship"} < found.keys()
    assert all(figures["count"] > 0 and figures["durable"] for figures in found.values())


def test_memory_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    (figures,) = PARTS["memory"](tmp_path, TINY)
    assert figures["empty_mib"] <= figures["stocked_mib"] <= figures["full_mib"]


def test_a_node_comes_back_by_replay_and_from_a_snapshot(tmp_path: Path) -> None:
    found = {figures["what"]: figures for figures in PARTS["restart"](tmp_path, TINY)}
    assert found["restart: replay in process"]["records"] > TINY.open_reservations
    assert found["restart: ready from a snapshot"]["ready_seconds"] > 0


def test_kontor_bench_writes_figures_and_a_page_named_after_the_class_of_the_machine(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        main,
        ["bench", "--size", "tiny", "--only", "core", "--only", "http", "--connections", "1", "--out", str(tmp_path)],
    )
    assert run.exit_code == 0, run.output
    (page,), (data,) = tmp_path.glob("*.html"), tmp_path.glob("*.json")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d+-[a-z0-9-]+", data.stem)
    found = json.loads(data.read_text())
    assert {"python", "lmdb", "file_system", "fdatasync_median_ms", "fdatasync_median_ms_after"} <= found[
        "conditions"
    ].keys()
    swept = [figures for figures in found["figures"] if figures["part"] == "http"]
    assert [figures["skew"] for figures in swept] == ["zipf", "even", "hot"]
    assert {"connections", "lines", "keyed", "refused", "durable", "records_a_commit"} <= swept[0].keys()
    assert "core + journal: reserve" in page.read_text()


def test_kontor_bench_explains_itself() -> None:
    run = CliRunner().invoke(main, ["bench", "--help"])
    assert run.exit_code == 0
    assert "--open-reservations" in run.output


def test_a_page_is_well_formed_and_shows_nothing_unescaped() -> None:
    rows = [
        {"part": "http", "what": "a <b> & c", "skew": "zipf", "connections": count, "per_second": 900 * count}
        | dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "p999_ms", "longest_ms"), 1.5)
        for count in (1, 32, 128)
    ]
    page = as_html({"date": "2026-11-23", "size": "tiny", "conditions": {"cpus": 2}, "figures": rows})
    opened: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, attributes: object) -> None:
            if tag != "meta":
                opened.append(tag)

        def handle_startendtag(self, tag: str, attributes: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balanced().feed(page)
    assert opened == []
    assert "a &lt;b&gt; &amp; c" in page
    assert page.count("<svg") == 2


def test_what_several_rows_have_in_common_is_told_once_above_a_narrower_table() -> None:
    rows = [
        {"part": "core", "what": "reserve", "per_second": 100_000, "lines": 2, "skew": "zipf"},
        {"part": "core", "what": "reserve", "per_second": 146_000, "lines": 2, "skew": "hot"},
    ]
    page = as_html({"date": "2026-11-24", "size": "tiny", "conditions": {"cpus": 2}, "figures": rows})
    assert "<p>lines 2</p>" in page
    assert "<tr><th>per second</th><th>skew</th></tr>" in page
    assert 'name="viewport"' in page


def test_a_chart_has_a_point_for_everything_that_can_be_shown() -> None:
    chart = line_chart("Rate", "connections", "a second", {"Zipf": [(1, 2_000), (32, 12_000), (64, 0)]})
    assert chart.count("<circle") == 2
    assert line_chart("Rate", "connections", "a second", {"Zipf": [(1, 0)]}) == ""


def test_figures_with_parts_of_their_own_are_told_line_by_line() -> None:
    assert (
        as_text({"what": "x", "ratio": 1.4, "kontor": {"per_second": 7}})
        == "x\n    ratio 1.4\n    kontor: per_second 7"
    )
