"""The money books as files: every posting, balances of a period, and a batch for DATEV that follows its published fields."""

import csv
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from api.exporting.bookings import amount_text, harmless
from api.exporting.datev import CHARTS, COLUMNS, number_of
from tests.api.conftest import Api
from tests.api.test_money import placed, shop
from tests.api.test_money_books import give_back, ship

__all__ = ["shop"]
TODAY = datetime.now(ZoneInfo("Europe/Berlin")).date()
# An example of DATEV's own documentation for developers: the header of a posting batch.
PUBLISHED_HEADER = (
    '"EXTF";700;21;"Buchungsstapel";13;20240130140440439;;"RE";"";"";29098;55003;20240101;4;20240101;20240831;'
    '"Buchungsstapel";"WD";1;0;0;"EUR";;"";;;"03";;;"";""'
)
# Position and form of fields that Kontor fills, as DATEV publishes them for posting batches.
PUBLISHED_FIELDS = {
    1: r"\d{1,10},\d{2}",
    2: r'"[SH]"',
    3: r'"[A-Z]{3}"',
    7: r"\d{1,9}",
    8: r"\d{1,9}",
    10: r"\d{4}",
    11: r'"[a-zA-Z0-9$&%*+\-/]{0,36}"',
    14: r'".{0,60}"',
    95: r'".{0,30}"',
    114: r"[01]",
    115: r"(\d{8})?",
}


@pytest.fixture
def sold(shop: Api) -> Api:
    """An order that was paid and sent, of which two kettles came back."""
    ship(shop, placed(shop))
    give_back(shop, "1", 2, refund_shipping=True)
    return shop


def export(shop: Api, *arguments: object) -> Result:
    shop.close_node()
    try:
        return CliRunner().invoke(main, ["export", *map(str, arguments), "--data", str(shop.directory)])
    finally:
        shop._open()


def datev(shop: Api, out: Path, *more: object) -> Result:
    span = ("--from", f"{TODAY.year}-01-01", "--through", f"{TODAY.year}-12-31")
    return export(shop, "datev", *span, "--consultant", 29098, "--client", 55003, "--out", out, *more)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_every_posting_is_a_line_with_its_document(sold: Api) -> None:
    result = export(sold, "money")
    assert result.exit_code == 0, result.output
    rows = rows_of(result.output)
    assert sum(len(entry["postings"]) for entry in sold.get("/v1/orders/W-1/account").json()["entries"]) == len(rows)
    first = rows[0]
    assert (first["document_type"], first["document"], first["order"]) == ("payment", "W-1/p-1", "W-1")
    assert (first["debit_account"], first["credit_account"]) == ("clearing:card", "prepayment")
    assert (first["amount"], first["currency"]) == ("26.40", "EUR")
    assert {row["date"] for row in rows} == {str(TODAY)}
    assert rows_of(export(sold, "money", "--through", "2020-12-31").output) == []


def test_balances_of_a_period_are_those_of_the_ledger_and_sum_to_zero(sold: Api) -> None:
    rows = rows_of(export(sold, "trial-balance").output)
    accounts = sold.get("/v1/ledger/money").json()["currencies"][0]["accounts"]
    assert {row["account"]: round(float(row["closing"]) * 100) for row in rows} == accounts
    assert round(sum(float(row["closing"]) for row in rows), 2) == 0
    assert all(float(row["opening"]) == 0 for row in rows)
    later = rows_of(export(sold, "trial-balance", "--from", f"{TODAY.year + 1}-01-01").output)
    assert [(row["opening"], row["closing"]) for row in later] == [(row["closing"], row["closing"]) for row in rows]


def fields_of(line: str) -> list[str]:
    """Fields between semicolons, with their quotes."""
    return re.findall(r'(?:^|(?<=;))("(?:[^"]|"")*"|[^;]*)(?=;|$)', line)


def shape(field: str) -> str:
    return "text" if field.startswith('"') else "number" if field else "empty"


def test_a_datev_batch_has_the_published_header_and_fields(sold: Api, tmp_path: Path) -> None:
    result = datev(sold, tmp_path / "EXTF_kontor.csv")
    assert result.exit_code == 0, result.output
    content = (tmp_path / "EXTF_kontor.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n")
    header, columns, *lines = content.decode("cp1252").removesuffix("\r\n").split("\r\n")
    published, made = fields_of(PUBLISHED_HEADER), fields_of(header)
    assert len(made) == len(published) == 31
    assert [shape(field) for field in made] == [shape(field) for field in published]
    for position in (0, 1, 2, 3, 4, 7, 10, 11, 13, 18, 21, 26):
        assert made[position] == published[position]
    assert len(made[5]) == len(published[5])
    assert columns.split(";") == list(COLUMNS)
    assert len(COLUMNS) == len(set(COLUMNS)) == 125
    for line in lines:
        fields = fields_of(line)
        assert len(fields) == 125
        for position, field in enumerate(fields, 1):
            assert re.fullmatch(PUBLISHED_FIELDS.get(position, ""), field), (COLUMNS[position - 1], field)


def test_the_batch_says_the_same_as_the_ledger(sold: Api, tmp_path: Path) -> None:
    datev(sold, tmp_path / "out.csv")
    sums: dict[str, int] = {}
    for line in (tmp_path / "out.csv").read_text("cp1252").splitlines()[2:]:
        fields = fields_of(line)
        minor = int(fields[0].replace(",", ""))
        for account, sign in ((fields[6], 1), (fields[7], -1)):
            sums[account] = sums.get(account, 0) + sign * minor
    expected: dict[str, int] = {}
    for account, minor in sold.get("/v1/ledger/money").json()["currencies"][0]["accounts"].items():
        number = number_of(account, CHARTS["03"])
        assert number is not None
        expected[number] = expected.get(number, 0) + minor
    assert sums == expected


def test_accounts_without_a_number_are_named_and_nothing_is_written(shop: Api, tmp_path: Path) -> None:
    shop.put("/v1/tax-rates/FR", {"classes": {"standard": [{"rate": "0.2"}]}})
    ship(shop, placed(shop, payments=[], ship_to={"country": "FR", "postal_code": "75001"}))
    out = tmp_path / "out.csv"
    refused = datev(shop, out)
    assert refused.exit_code == 1
    assert "  revenue:FR:S:0.2\n" in refused.output
    assert "  tax_payable:FR:S:0.2\n" in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    own = tmp_path / "own.json"
    own.write_text(
        json.dumps({"revenue:FR": "8320", "discounts:FR": "8700", "shipping:FR": "8320", "tax_payable:FR": "1767"})
    )
    assert datev(shop, out, "--accounts", own).exit_code == 0
    assert {fields_of(line)[7] for line in out.read_text("cp1252").splitlines()[2:]} == {"8320", "1767"}


def test_a_batch_is_marked_as_locked_once_its_days_are(sold: Api, tmp_path: Path) -> None:
    sold.put("/v1/ledger/money/lock", {"through": f"{TODAY.year - 1}-12-31"})
    datev(sold, tmp_path / "open.csv")
    span = ("--from", f"{TODAY.year - 1}-01-01", "--through", f"{TODAY.year - 1}-12-31")
    more = ("--consultant", 29098, "--client", 55003, "--out", tmp_path / "locked.csv")
    assert export(sold, "datev", *span, *more).exit_code == 0
    flags = [
        fields_of((tmp_path / name).read_text("cp1252").splitlines()[0])[20] for name in ("open.csv", "locked.csv")
    ]
    assert flags == ["0", "1"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--currency", "JPY"), "two decimals"),
        (("--fiscal-year-begins", f"{TODAY.year}-07-01"), "financial year"),
        (("--fiscal-year-begins", "2024-02-29"), "February 29"),
        (("--consultant", 7), "Invalid value"),
    ],
)
def test_what_datev_does_not_take_is_refused_in_words(
    sold: Api, tmp_path: Path, more: tuple[Any, ...], words: str
) -> None:
    refused = datev(sold, tmp_path / "out.csv", *more)
    assert refused.exit_code == 2
    assert words in refused.output
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1050, "EUR", "10.50"), (-5, "EUR", "-0.05"), (1050, "JPY", "1050"), (1050, "KWD", "1.050"), (0, "KWD", "0.000")],
)
def test_amounts_are_written_with_the_decimals_of_their_currency(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text


def test_no_field_is_a_formula() -> None:
    assert [harmless(text) for text in ("=1+1", "-W-1", "+1", "@x", "W-1", "")] == [
        "'=1+1", "'-W-1", "'+1", "'@x", "W-1", "",
    ]  # fmt: skip
