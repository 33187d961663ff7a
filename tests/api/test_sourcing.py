"""Sourcing over HTTP: policies, and why a plan is as it is."""

from typing import Any

from tests.api.conftest import BERLIN, Api

KETTLES = {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 2}], "ship_to": BERLIN}


def explained(api: Api, **more: Any) -> Any:
    answer = api.post("/v1/sourcing/explain", {**KETTLES, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_node_is_a_candidate_or_told_why_not(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 2)
    answer = explained(api)
    nodes = [entry["node"] for entry in answer["candidates"]] + [entry["node"] for entry in answer["excluded"]]
    assert sorted(nodes) == sorted(api.read("/v1/configuration")["nodes"])
    assert [entry["node"] for entry in answer["candidates"]] == ["berlin"]
    assert {entry["rule"] for entry in answer["excluded"]} == {"stock"}


def test_the_parts_of_a_plan_add_up_to_its_cost(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 1)
    api.receive("BRASS-KETTLE", "leipzig", 1)
    answer = explained(api)
    plan = answer["plan"]
    assert len(plan["shipments"]) == 2
    assert plan["split_penalty_minor"] == 300
    for shipment in plan["shipments"]:
        assert sum(part["minor"] for part in shipment["parts"]) == shipment["cost_minor"]
    assert sum(s["cost_minor"] for s in plan["shipments"]) + 300 == plan["cost_minor"] == answer["bound_minor"]


def test_the_runner_up_is_what_would_be_chosen_without_the_chosen_node(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 5)
    api.receive("BRASS-KETTLE", "leipzig", 5)
    answer = explained(api)
    assert [s["node"] for s in answer["plan"]["shipments"]] == ["berlin"]
    assert [s["node"] for s in answer["runner_up"]["shipments"]] == ["leipzig"]
    assert answer["runner_up"]["cost_minor"] > answer["plan"]["cost_minor"]


def test_explaining_changes_nothing(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 5)
    seq = api.node.state.seq
    explained(api)
    assert api.node.state.seq == seq


def test_a_policy_that_cannot_work_is_refused_and_points_at_what_is_wrong(api: Api) -> None:
    body = {"name": "Odd", "carriers": [{"carrier": "DHL", "steps": [{"cost_minor": 1}, {"cost_minor": 2}]}]}
    answer = api.put("/v1/sourcing-policies/odd", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/carriers/0/steps/0/up_to_grams"


def test_a_changed_policy_decides_the_next_reservation(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 5)
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.put("/v1/sourcing-policies/saxony", {"name": "Saxony first", "excluded": [{"nodes": ["berlin"]}]})
    channel = {**api.read("/v1/channels/web-de"), "sourcing_policy": "saxony"}
    del channel["id"]
    api.put("/v1/channels/web-de", channel)
    answer = explained(api)
    assert answer["decision"]["policy"] == "saxony"
    assert [s["node"] for s in answer["plan"]["shipments"]] == ["leipzig"]
    assert {"node": "berlin", "rule": "/excluded/0", "detail": "this selector takes it out"} in answer["excluded"]


def rules(api: Api) -> None:
    """The channel sources by a policy of its own, and a kettle has been reserved by it."""
    api.put("/v1/sourcing-policies/rules", {"name": "Rules"})
    channel = {**api.read("/v1/channels/web-de"), "sourcing_policy": "rules"}
    del channel["id"]
    api.put("/v1/channels/web-de", channel)
    api.receive("BRASS-KETTLE", "berlin", 5)
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.done("/v1/reservations", KETTLES)


def test_a_recorded_decision_is_explained_by_its_seq(api: Api) -> None:
    rules(api)
    seq = api.node.state.seq
    answer = api.post("/v1/sourcing/explain", {"seq": seq}).json()
    assert (answer["seq"], answer["reproduced"]) == (seq, True)
    assert [s["node"] for s in answer["plan"]["shipments"]] == ["berlin"]
    assert answer["decision"]["policy"] == "rules"
    assert api.post("/v1/sourcing/explain", {"seq": seq - 1}).status_code == 404


def test_another_policy_is_simulated_and_nothing_is_touched(api: Api) -> None:
    rules(api)
    seq = api.node.state.seq
    same = api.post("/v1/sourcing/simulate", {"policy": "rules", "body": {"name": "Rules"}}).json()
    assert same["as_it_was"] == same["as_changed"]
    assert same["as_it_was"]["decisions"] == 1
    moved = {"name": "Not Berlin", "excluded": [{"nodes": ["berlin"]}]}
    other = api.post("/v1/sourcing/simulate", {"policy": "rules", "body": moved}).json()
    assert list(other["as_changed"]["nodes"]) == ["leipzig"]
    assert list(other["as_it_was"]["nodes"]) == ["berlin"]
    assert api.node.state.seq == seq


def test_a_simulation_of_nonsense_is_refused(api: Api) -> None:
    rules(api)
    assert api.post("/v1/sourcing/simulate", {"policy": "none", "body": {"name": "x"}}).status_code == 422
    span = {"policy": "rules", "body": {"name": "Rules"}, "from": 10**9}
    assert api.post("/v1/sourcing/simulate", span).status_code == 400
