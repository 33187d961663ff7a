"""The plan follows from file, shop, seed and stock factor, and from nothing else."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

from api.rehearsal.dataset import Dataset, RowClass, read
from api.rehearsal.plan import Plan, make_plan
from api.rehearsal.shop import examples_directory, read_shop
from api.rehearsal.steps import Authorise, Cancel, Place, Receive, Reserve, Ship, Step, TakeBack, TakeLoose
from engine import limits

ROOT = Path(__file__).resolve().parents[2]
DECEMBER = ROOT / "examples" / "online_retail_2010-12.csv.gz"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def planned(dataset: Dataset, seed: int = 1, factor: str = "1") -> Plan:
    """The plan into the example shop."""
    return make_plan(dataset, read_shop(examples_directory()), seed, Fraction(factor))


def plan_of_rows(tmp_path: Path, *rows: str) -> Plan:
    """The plan of a file with these rows, after its header."""
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return planned(read(path))


def steps_of(plan: Plan) -> list[Step]:
    """All steps in order."""
    return [step for chunk in plan.chunks for step in chunk.steps]


def received(plan: Plan) -> Counter[str]:
    """Units received by SKU."""
    units: Counter[str] = Counter()
    for step in steps_of(plan):
        if isinstance(step, Receive):
            for line in step.lines:
                units[line.sku] += line.quantity
    return units


def test_the_same_seed_makes_the_same_plan() -> None:
    dataset = read(DECEMBER, 5)
    assert planned(dataset) == planned(dataset)


def test_another_seed_stocks_other_stores_with_as_many_units() -> None:
    dataset = read(DECEMBER, 5)
    one, two = planned(dataset, seed=1), planned(dataset, seed=2)
    assert one.identity != two.identity
    assert one.chunks != two.chunks
    assert received(one) == received(two)


def test_receipts_are_what_the_orders_take_times_the_stock_factor(tmp_path: Path) -> None:
    rows = [
        "536365,22633,HAND WARMER,7,2010-12-01 08:26:00,1.85,17850,United Kingdom",
        "536366,22633,damaged,-4,2010-12-02 08:28:00,0,,United Kingdom",
        "536367,22633,HAND WARMER,5,2010-12-06 08:28:00,1.85,17850,United Kingdom",
    ]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    assert received(planned(read(path)))["22633"] == 11 + 5
    assert received(planned(read(path), factor="1.5"))["22633"] == 17 + 8  # rounded up week by week


def test_receipts_are_spread_over_warehouses_and_stores() -> None:
    nodes: Counter[str] = Counter()
    for step in steps_of(planned(read(DECEMBER, 5))):
        if isinstance(step, Receive):
            for line in step.lines:
                nodes[line.node] += line.quantity
    first, second, third = (nodes[f"warehouse-{town}"] for town in ("daventry", "doncaster", "venlo"))
    assert first > second > third > 0
    assert sum(name.startswith("store-") for name in nodes) > 50


def test_time_ascends_and_every_step_has_its_own_id() -> None:
    plan = planned(read(DECEMBER))
    times = [chunk.time_ns for chunk in plan.chunks]
    assert times == sorted(set(times))
    ids = [step.id for step in steps_of(plan)]
    assert len(ids) == len(set(ids))


def test_a_long_invoice_becomes_orders_of_a_hundred_lines(tmp_path: Path) -> None:
    rows = [f"573585,SKU-{at:03},TEA TOWEL,1,2010-12-01 08:26:00,0.85,17850,Germany" for at in range(205)]
    sales = [step.sale for step in steps_of(plan_of_rows(tmp_path, *rows)) if isinstance(step, Place)]
    assert [(sale.number, len(sale.lines)) for sale in sales] == [("573585", 100), ("573585:2", 100), ("573585:3", 5)]
    assert all(len(sale.lines) <= limits.RESERVATION_LINES_MAX for sale in sales)
    assert [line.row for sale in sales for line in sale.lines] == list(range(205))


def test_every_order_of_december_is_checked_out_then_placed_then_shipped_once() -> None:
    steps = steps_of(planned(read(DECEMBER)))
    reserved = [step.sale.number for step in steps if isinstance(step, Reserve)]
    assert len(reserved) == 1_678
    assert sorted(reserved) == sorted(step.sale.number for step in steps if isinstance(step, Place))
    assert sorted(reserved) == sorted(step.order for step in steps if isinstance(step, Ship))
    first = {kind: at for at, kind in reversed([(at, type(step)) for at, step in enumerate(steps)])}
    assert first[Reserve] < first[Place] < first[Ship]


def test_a_return_goes_to_the_newest_order_that_has_the_units(tmp_path: Path) -> None:
    plan = plan_of_rows(
        tmp_path,
        "536365,22633,HAND WARMER,7,2010-12-01 08:26:00,1.85,17850,United Kingdom",
        "536366,22633,HAND WARMER,2,2010-12-02 08:26:00,1.85,17850,United Kingdom",
        "536367,22633,HAND WARMER,9,2010-12-02 08:26:00,1.85,13047,United Kingdom",
        "C536400,22633,HAND WARMER,-3,2010-12-03 08:26:00,1.85,17850,United Kingdom",
    )
    agreed = [step.goods for step in steps_of(plan) if isinstance(step, Authorise)]
    assert [(goods.order, [(line.line, line.quantity) for line in goods.lines]) for goods in agreed] == [
        ("536366", [("1", 2)]),
        ("536365", [("1", 1)]),
    ]
    assert [step.goods for step in steps_of(plan) if isinstance(step, TakeBack)] == agreed


def test_units_sent_back_on_the_day_of_the_order_are_cancelled(tmp_path: Path) -> None:
    plan = plan_of_rows(
        tmp_path,
        "541431,23166,STORAGE JAR,74215,2011-01-18 10:01:00,1.04,12346,United Kingdom",
        "C541433,23166,STORAGE JAR,-74215,2011-01-18 10:17:00,1.04,12346,United Kingdom",
    )
    cancelled = [step.goods for step in steps_of(plan) if isinstance(step, Cancel)]
    assert [(goods.order, goods.lines[0].quantity) for goods in cancelled] == [("541431", 74_215)]
    assert not any(isinstance(step, Authorise) for step in steps_of(plan))


def test_a_return_nobody_bought_is_taken_in_without_an_order(tmp_path: Path) -> None:
    plan = plan_of_rows(
        tmp_path,
        "536365,22633,HAND WARMER,2,2010-12-01 08:26:00,1.85,17850,France",
        "C536400,22633,HAND WARMER,-5,2010-12-03 08:26:00,1.85,17850,France",
    )
    loose = [step for step in steps_of(plan) if isinstance(step, TakeLoose)]
    assert [(step.quantity, step.node, step.reference) for step in loose] == [(3, "warehouse-venlo", "C536400")]


def test_prices_are_rounded_half_up_to_pence(tmp_path: Path) -> None:
    plan = plan_of_rows(
        tmp_path,
        "536365,PADS,PADS TO MATCH ALL CUSHIONS,1,2010-12-01 08:26:00,0.001,17850,United Kingdom",
        "536365,22633,HAND WARMER,1,2010-12-01 08:26:00,1.855,17850,United Kingdom",
    )
    (sale,) = [step.sale for step in steps_of(plan) if isinstance(step, Place)]
    assert [line.price_minor for line in sale.lines] == [0, 186]


def test_a_country_without_a_market_is_refused_by_name(tmp_path: Path) -> None:
    plan = plan_of_rows(tmp_path, "536365,22633,HAND WARMER,1,2010-12-01 08:26:00,1.85,17850,Atlantis")
    assert plan.fates == ((0, "refused: order line, unknown country"),)
    assert plan.orders_count == 0


def test_rows_that_are_no_goods_need_no_step() -> None:
    dataset = read(DECEMBER)
    plan = planned(dataset)
    no_goods = {RowClass.SERVICE_CHARGE, RowClass.SERVICE_CREDIT, RowClass.BAD_DEBT}
    assert [row for row, _ in plan.fates] == [
        row.index for row, kind in zip(dataset.rows, dataset.classes, strict=True) if kind in no_goods
    ]
