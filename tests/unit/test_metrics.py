"""Metrics: what a scrape shows is what happened."""

from functools import partial
from time import thread_time

from prometheus_client.parser import text_string_to_metric_families

from api.server.metrics import CONTENT_TYPE, GAUGES, NodeMetrics


def scrape(metrics: NodeMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of the page by name and sorted labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_operation_and_status() -> None:
    metrics = NodeMetrics({})
    create, read = metrics.operation("createReservation"), metrics.operation("getReservation")
    for _ in range(3):
        create.done(201, 0.0007)
    create.done(409, 0.0007)
    read.done(200, 0.0001)
    page = scrape(metrics)
    assert page["kontor_requests_total", (("operation", "createReservation"), ("status", "201"))] == 3
    assert page["kontor_requests_total", (("operation", "createReservation"), ("status", "409"))] == 1
    assert page["kontor_requests_total", (("operation", "getReservation"), ("status", "200"))] == 1


def test_a_latency_falls_into_its_bucket_and_into_every_larger_one() -> None:
    metrics = NodeMetrics({})
    create = metrics.operation("createReservation")
    for seconds in (0.0004, 0.003, 0.003, 40.0):
        create.done(201, seconds)
    page = scrape(metrics)

    def at_most(bound: str) -> float:
        return page["kontor_request_seconds_bucket", (("le", bound), ("operation", "createReservation"))]

    assert [at_most(bound) for bound in ("0.0005", "0.0025", "0.005", "10.0", "+Inf")] == [1, 1, 3, 3, 4]
    assert page["kontor_request_seconds_count", (("operation", "createReservation"),)] == 4


def test_asking_for_an_operation_twice_gives_the_same_counters() -> None:
    metrics = NodeMetrics({})
    assert metrics.operation("placeOrder") is metrics.operation("placeOrder")


def test_what_nobody_has_called_is_not_on_the_page() -> None:
    metrics = NodeMetrics({})
    metrics.operation("reserveStock").done(201, 0.001)
    metrics.operation("closePeriod")
    assert "closePeriod" not in metrics.render().decode()
    assert {labels for name, labels in scrape(metrics) if name == "kontor_requests_total"} == {
        (("operation", "reserveStock"), ("status", "201"))
    }


def test_a_page_with_every_operation_on_it_takes_less_than_two_milliseconds_of_the_processor() -> None:
    metrics = NodeMetrics(dict.fromkeys(GAUGES, lambda: 1.0))
    for number in range(150):
        metrics.operation(f"operation{number}").done(200, 0.001)
    for number in range(40):
        metrics.refused(f"code_{number}")
    metrics.batch(1, 0.001)
    taken = []
    for _ in range(50):
        started = thread_time()
        metrics.render()
        taken.append(thread_time() - started)
    assert min(taken) < 0.002


def test_batches_records_and_refusals_are_counted() -> None:
    metrics = NodeMetrics({})
    metrics.batch(records=17, seconds=0.0004)
    metrics.batch(records=1, seconds=0.0003)
    metrics.refused("insufficient_stock")
    metrics.refused("insufficient_stock")
    metrics.refused("unknown_sku")
    page = scrape(metrics)
    assert page["kontor_records_total", ()] == 18
    assert page["kontor_batch_records_count", ()] == 2
    assert page["kontor_batch_records_bucket", (("le", "16.0"),)] == 1
    assert page["kontor_commit_seconds_bucket", (("le", "0.0005"),)] == 2
    assert page["kontor_refusals_total", (("code", "insufficient_stock"),)] == 2
    assert page["kontor_refusals_total", (("code", "unknown_sku"),)] == 1


def test_gauges_are_read_at_the_moment_of_the_scrape() -> None:
    state = dict.fromkeys(GAUGES, 0)
    metrics = NodeMetrics({name: partial(state.__getitem__, name) for name in GAUGES})
    assert {scrape(metrics)[f"kontor_{name}", ()] for name in GAUGES} == {0}
    state["queue_depth"], state["journal_seq"] = 5, 541_909
    page = scrape(metrics)
    assert (page["kontor_queue_depth", ()], page["kontor_journal_seq", ()]) == (5, 541_909)


def test_a_reading_that_is_not_ready_is_not_called_before_the_first_scrape() -> None:
    started: list[int] = []
    metrics = NodeMetrics({"parties": lambda: started[0]})
    started.append(3)
    assert scrape(metrics)["kontor_parties", ()] == 3


def test_two_nodes_in_one_process_count_apart() -> None:
    berlin, leipzig = NodeMetrics({}), NodeMetrics({})
    berlin.batch(5, 0.001)
    assert scrape(berlin)["kontor_records_total", ()] == 5
    assert scrape(leipzig)["kontor_records_total", ()] == 0


def test_every_name_on_the_page_starts_with_kontor_and_none_is_a_creation_time() -> None:
    metrics = NodeMetrics(dict.fromkeys(GAUGES, lambda: 1.0))
    metrics.operation("placeOrder").done(201, 0.001)
    metrics.refused("unknown_sku")
    metrics.batch(1, 0.001)
    names = {name for name, _ in scrape(metrics)}
    assert len(names) >= 7 + len(GAUGES)
    assert not [name for name in names if not name.startswith("kontor_") or name.endswith("_created")]
    assert CONTENT_TYPE.startswith("text/plain; version=")
