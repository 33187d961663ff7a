"""Every ordinary "no" is documented, with its status and whether a retry could end differently."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from engine.results import ResultCode

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "result-codes.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \| (yes|no) \| (.+) \|$")


def rows() -> list[tuple[str, int, bool, str]]:
    found = [ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return [(row[1], int(row[2]), row[3] == "yes", row[4]) for row in found if row]


def test_the_page_has_a_row_for_every_code_in_its_order() -> None:
    assert [name for name, *_ in rows()] == [code.wire for code in ResultCode]


@pytest.mark.parametrize("code", ResultCode, ids=lambda code: code.wire)
def test_a_row_says_what_the_code_says(code: ResultCode) -> None:
    status, retry, meaning = next(rest for name, *rest in rows() if name == code.wire)
    assert (status, retry) == (code.status, code.retry_may_succeed)
    assert len(str(meaning)) > 20


@pytest.mark.parametrize("code", ResultCode, ids=lambda code: code.wire)
def test_a_code_is_well_formed(code: ResultCode) -> None:
    assert code.wire == code.name.lower()
    assert 400 <= HTTPStatus(code.status) < 600
    assert code.title
    assert not code.title.endswith(".")


def test_overload_and_outages_may_be_retried() -> None:
    assert all(code.retry_may_succeed for code in ResultCode if code.status in (429, 503, 507))


def test_names_of_codes_that_clients_know_are_still_there() -> None:
    known = (
        "malformed_request unauthenticated forbidden not_found insufficient_stock reservation_expired "
        "reservation_not_active order_number_taken invalid_transition unknown_sku unknown_node unknown_channel "
        "idempotency_key_reused storage_full exceeds_reservation exceeds_returnable"
    )
    assert set(known.split()) <= {code.wire for code in ResultCode}
