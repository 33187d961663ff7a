"""Orders as text through `kontor sourcing solve`: the answers are legal and cost what HiGHS says."""

import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from api.cli.main import main
from engine.solver.problem import OPTIMAL, UNPROVEN, Plan, Problem
from tests.contract.sourcing_documents import wrong_with_answer
from tests.contract.sourcing_instances import instance
from tests.contract.sourcing_orders import wrong_with
from tests.contract.test_sourcing_exact import held_against

KINDS = (
    "retail",
    "partial",
    "caps",
    "parcels",
    "few_locations",
    "split_penalty",
    "bargains",
    "losing",
    "ties",
    "infeasible",
)


def text_of(problem: Problem, name: str) -> str:
    """The order in the format of the command."""
    where, rules = problem.locations, problem.rules
    lost = [None] * problem.quantity.size if problem.lost is None else problem.lost.tolist()
    document: dict[str, Any] = {
        "id": name,
        "lines": [
            {"qty": quantity, "hg": hg} | ({} if each is None else {"lost": each})
            for quantity, hg, each in zip(problem.quantity.tolist(), problem.weight_hg.tolist(), lost, strict=True)
        ],
        "locations": {
            "fixed": where.fixed.tolist(),
            "parcel": where.parcel[0].tolist(),
            "unit": where.unit.tolist(),
            "rate": where.rate.tolist(),
            "cap": None if where.cap is None else where.cap.tolist(),
        },
        "stock": problem.stock.tolist(),
        "policy": {
            "line_split": rules.line_split,
            "ship_complete": rules.ship_complete,
            "max_locations": rules.locations_max,
            "split_penalty": rules.split_penalty,
            "parcel_hg": rules.parcel_up_to_hg[0] if rules.parcel_up_to_hg else None,
        },
    }
    if problem.adj is not None:
        document["adj"] = [
            [line, at, int(problem.adj[line, at])] for line, at in zip(*np.nonzero(problem.adj), strict=True)
        ]
    return json.dumps(document, default=int)


def expressible(problem: Problem) -> Problem:
    """The nearest order that the format can tell: one price of a parcel, no least worth of a part."""
    rules = problem.rules._replace(parcel_up_to_hg=problem.rules.parcel_up_to_hg[-1:], split_value_min=0)
    return problem._replace(
        locations=problem.locations._replace(parcel=problem.locations.parcel[-1:]), rules=rules, value=None
    )


def answers(problems: list[Problem]) -> list[tuple[Plan, list[str]]]:
    """What the command says, one plan an order, and what is wrong with it by the text alone."""
    texts = [text_of(problem, str(number)) for number, problem in enumerate(problems)]
    result = CliRunner().invoke(main, ["sourcing", "solve", "-"], input="\n".join(texts))
    assert result.exit_code == 0, result.output
    pairs = list(zip(map(json.loads, texts), map(json.loads, result.stdout.splitlines()), strict=True))
    return [(plan_of(answer), wrong_with_answer(order, answer)) for order, answer in pairs]


def plan_of(answer: Any) -> Plan:
    """The answer as the solver gives it."""
    takes = tuple(map(tuple, answer["plan"]))
    return Plan(answer["status"], answer["cost"], answer["bound"], takes, tuple(answer["unsourced"]))


def differences(size: str, seeds: range) -> tuple[list[tuple[str, int, str]], list[tuple[str, int]]]:
    """Where the command and HiGHS disagree or a plan is not legal; and the orders that the command could not prove."""
    orders = [(kind, seed, expressible(instance(kind, size, seed))) for kind in KINDS for seed in seeds]
    wrong: list[tuple[str, int, str]] = []
    unproven: list[tuple[str, int]] = []
    for (kind, seed, problem), (plan, lies) in zip(orders, answers([problem for *_, problem in orders]), strict=True):
        unproven += [(kind, seed)] if plan.status == UNPROVEN else []
        wrong += [(kind, seed, one) for one in lies + wrong_with(problem, plan) + held_against(problem, plan)]
    return wrong, unproven


@pytest.mark.parametrize("size", ["small", "shop"])
def test_the_command_answers_what_highs_answers(size: str) -> None:
    assert differences(size, range(3)) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("size", ["shop", "large"])
def test_the_command_answers_four_hundred_orders_as_highs_does(size: str) -> None:
    wrong, unproven = differences(size, range(100, 120))
    assert wrong == []
    assert len(unproven) <= 2, unproven  # of 200: a penalty of a million for each of fourteen lines


def test_an_order_of_a_kettle_survives_the_way_through_text() -> None:
    problem = expressible(instance("retail", "small", 7))
    ((plan, lies),) = answers([problem])
    assert (plan.status, lies) == (OPTIMAL, [])


LIES = [
    ({"id": "other"}, "it is the answer to another order"),
    ({"cost": 519}, "says it costs 519, and costs 520"),
    ({"bound": 521}, "optimal at 520, and at least 521"),
    ({"unsourced": [1, 0]}, "says [1, 0] are unsourced, and [0, 0] are"),
    ({"plan": [[0, 0, 2], [1, 0, 1]]}, "line 1: 0 has less"),
    ({"plan": [[0, 0, 1], [0, 1, 1], [1, 1, 1]]}, "a part of line 0 from 0"),
    ({"plan": [[0, 0, 2], [1, 1, 1]]}, "2 locations"),
    ({"plan": [[1, 1, 1]]}, "something is missing"),
    ({"plan": [[0, 1, 3], [1, 1, 1]]}, "more of line 0 than is wanted"),
    ({"plan": [[0, 1, 2], [1, 1, 1], [1, 0, 0]]}, "0 of line 1 from 0"),
]


@pytest.mark.parametrize(("lie", "told"), LIES)
def test_a_wrong_answer_is_found_out_by_the_text_alone(lie: dict[str, Any], told: str) -> None:
    order = {
        "id": "A-1",
        "lines": [{"qty": 2, "hg": 10}, {"qty": 1, "hg": 5}],
        "locations": {"fixed": [90, 20], "parcel": [10, 235], "unit": [1, 1], "rate": [1, 1], "cap": [-1, 3]},
        "stock": [[5, 3], [0, 1]],
        "adj": [[1, 1, 1], [1, 1, 1]],
        "policy": {"line_split": False, "ship_complete": True, "max_locations": 1, "split_penalty": 7, "parcel_hg": 15},
    }
    answer = {
        "id": "A-1",
        "status": "optimal",
        "cost": 520,
        "bound": 520,
        "plan": [[0, 1, 2], [1, 1, 1]],
        "unsourced": [0, 0],
    }
    assert wrong_with_answer(order, answer) == []
    assert told in wrong_with_answer(order, answer | lie)
