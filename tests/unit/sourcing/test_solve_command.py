"""`kontor sourcing solve`: instances in, answers out, and what is said about instances that make no sense."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import main

TWO_SHOPS: dict[str, Any] = {
    "id": "A-1",
    "lines": [{"qty": 2, "hg": 10}, {"qty": 1, "hg": 5}],
    "locations": {"fixed": [100, 150], "parcel": [400, 450], "unit": [10, 10], "rate": [1, 1], "cap": None},
    "stock": [[5, 2], [0, 1]],
    "policy": {
        "line_split": False,
        "ship_complete": True,
        "max_locations": None,
        "split_penalty": 0,
        "parcel_hg": None,
    },
}


def solved(*instances: Any, arguments: tuple[str, ...] = ()) -> Result:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in instances)
    return CliRunner().invoke(main, ["sourcing", "solve", "-", *arguments], input=text)


def changed(path: str, value: Any) -> dict[str, Any]:
    instance: dict[str, Any] = json.loads(json.dumps(TWO_SHOPS))
    at: Any = instance
    *folders, last = path.split(".")
    for name in folders:
        at = at[int(name)] if isinstance(at, list) else at[name]
    at[int(last) if isinstance(at, list) else last] = value
    return instance


def test_the_shop_that_has_everything_sends_everything() -> None:
    result = solved(TWO_SHOPS)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "id": "A-1",
        "status": "optimal",
        "cost": 150 + 450 + 2 * 20 + 15,
        "bound": 150 + 450 + 2 * 20 + 15,
        "plan": [[0, 1, 2], [1, 1, 1]],
        "unsourced": [0, 0],
    }


def test_answers_come_in_the_order_of_the_lines_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    nobody_has_it = changed("stock", [[0, 0], [0, 0]])
    nameless = {name: value for name, value in TWO_SHOPS.items() if name != "id"}
    file.write_text("\n".join([json.dumps(changed("id", 7)), "", json.dumps(nobody_has_it), json.dumps(nameless)]))
    result = CliRunner().invoke(main, ["sourcing", "solve", str(file)])
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(answer["id"], answer["status"]) for answer in answers] == [
        (7, "optimal"),
        ("A-1", "infeasible"),
        (None, "optimal"),
    ]
    assert answers[1]["cost"] is None
    assert answers[1]["plan"] == []
    assert answers[1]["unsourced"] == [2, 1]


def test_adjustments_of_one_line_and_location_add_up() -> None:
    dear = solved({**TWO_SHOPS, "adj": [[0, 1, 300], [0, 1, -100]]})
    assert json.loads(dear.stdout)["cost"] == 655 + 2 * 200


def test_what_is_cheaper_lost_is_left_out() -> None:
    instance = changed("policy.ship_complete", False)
    instance["lines"] = [{"qty": 2, "hg": 10, "lost": 1000}, {"qty": 1, "hg": 5, "lost": 20}]
    answer = json.loads(solved(instance).stdout)
    assert answer["plan"] == [[0, 0, 2]]
    assert answer["unsourced"] == [0, 1]
    assert answer["cost"] == 100 + 400 + 40 + 20


def test_little_effort_is_admitted() -> None:
    instance = changed("policy.line_split", True)
    instance["locations"]["cap"] = [2, 2]
    result = solved(instance, arguments=("--effort", "1"))
    assert json.loads(result.stdout)["status"] in ("optimal", "unproven")
    assert solved(instance, arguments=("--effort", "0")).exit_code == 2


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        (changed("lines.0.qty", 0), "$.lines[0].qty"),
        (changed("lines.0.colour", "red"), "colour"),
        (changed("lines.1.hg", "5"), "$.lines[1].hg"),
        (changed("lines", []), "$.lines"),
        (changed("locations.unit", [10]), "`locations.unit` has 1 entries and `locations.fixed` 2"),
        (changed("locations.cap", [1, 2, 3]), "`locations.cap` has 3 entries and `locations.fixed` 2"),
        (changed("locations.fixed", [-1, 0]), "$.locations.fixed"),
        (changed("stock", [[5, 2]]), "`stock` has 1 rows for 2 lines"),
        (changed("stock.1", [0]), "`stock[1]` has 1 entries for 2 locations"),
        (changed("adj", [[0, 2, 5]]), "`adj[0]` names line 0, location 2"),
        (changed("adj", [[-1, 0, 5]]), "$.adj"),
        (changed("policy.ship_complete", False), "`lines[0].lost` is missing"),
        (changed("policy.parcel_hg", 0), "$.policy.parcel_hg"),
        (changed("id", 1.5), "$.id"),
        (changed("lines.0.qty", 10**9) | {"stock": [[10**9, 0], [0, 1]], "adj": [[0, 0, 10**12]]}, "too large"),
    ],
)
def test_nonsense_is_named_with_its_line_and_ends_the_run(instance: Any, said: str) -> None:
    result = solved(TWO_SHOPS, instance, TWO_SHOPS)
    assert result.exit_code == 2
    assert result.stderr.startswith("kontor: line 2: ")
    assert said in result.stderr
    assert len(result.stdout.splitlines()) == 1
    json.loads(result.stdout)
