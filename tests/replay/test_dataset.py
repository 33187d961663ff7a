"""Every row of the orders file is exactly one thing, and nothing gets lost on the way."""

import gzip
from pathlib import Path

import pytest

from api.rehearsal.dataset import COLUMNS, NoDataset, RowClass, Sums, item_names, pounds, read

ROOT = Path(__file__).resolve().parents[2]
DECEMBER = ROOT / "examples" / "online_retail_2010-12.csv.gz"
HEADER = ",".join(COLUMNS)
FIRST = "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"


def written(tmp_path: Path, *rows: str) -> Path:
    """An orders file with these rows."""
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def classes_of(tmp_path: Path, *rows: str) -> list[str]:
    """What the rows are."""
    return [kind.value for kind in read(written(tmp_path, *rows)).classes]


def test_the_classes_of_december_sum_to_the_file() -> None:
    dataset = read(DECEMBER)
    by_class = dataset.by_class()
    assert by_class == {
        RowClass.MALFORMED: Sums(0, 0, 0),
        RowClass.BAD_DEBT: Sums(0, 0, 0),
        RowClass.SERVICE_CREDIT: Sums(30, -33, -57_181_260),
        RowClass.SERVICE_CHARGE: Sums(165, 490, 45_814_370),
        RowClass.RETURN_LINE: Sums(698, -16_009, -17_607_860),
        RowClass.STOCK_OUT: Sums(70, -4_046, 0),
        RowClass.STOCK_IN: Sums(70, 2_805, 0),
        RowClass.ORDER_LINE: Sums(41_315, 358_749, 777_931_770),
        RowClass.ORDER_LINE_FREE: Sums(133, 272, 0),
    }
    assert dataset.total == Sums(42_481, 342_228, 748_957_020)
    assert sum(sums.value for sums in by_class.values()) == dataset.total.value


def test_every_class_is_told_by_its_row(tmp_path: Path) -> None:
    at = "2010-12-01 09:00:00"
    assert classes_of(
        tmp_path,
        f"536365,85123A,HEART,6,{at},2.55,17850,United Kingdom",
        f"536365,22041,GIFT,1,{at},0,17850,United Kingdom",
        f"536365,POST,POSTAGE,1,{at},18.00,17850,United Kingdom",
        f"C536379,85123A,HEART,-1,{at},2.55,17850,United Kingdom",
        f"C536379,D,Discount,-1,{at},27.50,17850,United Kingdom",
        f"536589,21777,damaged,-10,{at},0,,United Kingdom",
        f"536590,21777,found,3,{at},0,,United Kingdom",
        f"A563185,B,Adjust bad debt,1,{at},-11062.06,,United Kingdom",
    ) == [
        "order_line",
        "order_line_free",
        "service_charge",
        "return_line",
        "service_credit",
        "stock_out",
        "stock_in",
        "bad_debt",
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("536366,22633,HAND WARMER,six,2010-12-01 08:28:00,1.85,17850,United Kingdom", "quantity"),
        ("536366,22633,HAND WARMER,0,2010-12-01 08:28:00,1.85,17850,United Kingdom", "quantity"),
        ("536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.8512,17850,United Kingdom", "price"),
        ("536366,22633,HAND WARMER,6,2010-12-01 08:28:00,-1.85,17850,United Kingdom", "negative"),
        ("536366,22633,HAND WARMER,6,yesterday,1.85,17850,United Kingdom", "date"),
        ("536366,/22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom", "code"),
        ("536366,22633/,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom", "code"),
        ("5363/66,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom", "invoice number"),
        ("536366,22633,HAND WARMER", "eight columns"),
    ],
)
def test_a_row_that_makes_no_sense_is_counted_and_named(tmp_path: Path, row: str, why: str) -> None:
    dataset = read(written(tmp_path, FIRST, row))
    assert dataset.classes == [RowClass.ORDER_LINE, RowClass.MALFORMED]
    assert why in dataset.rows[1].malformed
    assert dataset.total == Sums(2, 6, 15_300)


def test_a_code_with_a_slash_inside_is_goods_like_any_other(tmp_path: Path) -> None:
    dataset = read(
        written(tmp_path, FIRST, "536366,22/633,HAND WARMER,6,2010-12-01 08:28:00,1.85,17850,United Kingdom")
    )
    assert dataset.classes == [RowClass.ORDER_LINE, RowClass.ORDER_LINE]


def test_a_file_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text("id,town\n1,Leeds\n", encoding="utf-8")
    with pytest.raises(NoDataset, match=r"stores\.csv does not have the columns InvoiceNo"):
        read(path)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(DECEMBER.read_bytes())[:5_000])
    with pytest.raises(NoDataset, match="can't be read"):
        read(path)


def test_only_the_first_trading_days_are_read_on_request() -> None:
    assert {row.day.isoformat() for row in read(DECEMBER, 3).rows} == {"2010-12-01", "2010-12-02", "2010-12-03"}


def test_an_item_is_called_what_it_is_called_most_often() -> None:
    names = item_names(read(DECEMBER))
    assert names["85123A"] == "WHITE HANGING HEART T-LIGHT HOLDER"
    assert "POST" not in names
    assert all(names.values())


def test_pounds_are_exact() -> None:
    assert [pounds(value) for value in (0, 1, -11_062_060, 9_747_747_934)] == [
        "0.000",
        "0.001",
        "-11,062.060",
        "9,747,747.934",
    ]
