"""Accounts: every unit comes from somewhere, and nothing is ever fewer than none."""

import pytest

from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    CUSTOMER,
    INSIDE,
    RESERVED,
    SUPPLIER,
    Account,
    Posting,
)
from engine.ledger import Ledger


def kettles(source: int, target: int, quantity: int, node: str = "berlin") -> Posting:
    return Posting("BRASS-KETTLE", node, source, target, quantity)


def ledger() -> Ledger:
    made = Ledger()
    made.open_node("berlin")
    made.open_node("leipzig")
    made.open_sku("BRASS-KETTLE")
    made.post([kettles(SUPPLIER, AVAILABLE, 10)])
    return made


def test_a_posting_takes_from_one_account_what_it_gives_to_the_other() -> None:
    books = ledger()
    books.post([kettles(AVAILABLE, RESERVED, 3), kettles(RESERVED, ALLOCATED, 2), kettles(ALLOCATED, CUSTOMER, 2)])
    assert [books.balance(account, "BRASS-KETTLE", "berlin") for account in (AVAILABLE, RESERVED, ALLOCATED)] == [
        7,
        1,
        0,
    ]
    totals = books.totals()
    assert (totals["supplier"], totals["customer"]) == (-10, 2)
    assert sum(totals.values()) == 0
    assert books.unbalanced_skus() == []


def test_taking_more_than_there_is_stops_the_node() -> None:
    books = ledger()
    with pytest.raises(AssertionError, match="AVAILABLE of BRASS-KETTLE at berlin would be -1"):
        books.post([kettles(AVAILABLE, RESERVED, 11)])


def test_a_move_of_more_than_there_is_stops_the_node_and_moves_nothing() -> None:
    books = ledger()
    with pytest.raises(AssertionError, match="AVAILABLE of BRASS-KETTLE at berlin would be -1"):
        books.move("BRASS-KETTLE", "berlin", AVAILABLE, RESERVED, 11)
    assert books.balance(AVAILABLE, "BRASS-KETTLE", "berlin") == 10
    books.move("BRASS-KETTLE", "berlin", AVAILABLE, RESERVED, 10)
    assert books.balance(RESERVED, "BRASS-KETTLE", "berlin") == 10


def test_units_at_one_node_are_not_units_at_another() -> None:
    books = ledger()
    with pytest.raises(AssertionError, match="leipzig"):
        books.post([kettles(AVAILABLE, RESERVED, 1, "leipzig")])


@pytest.mark.parametrize("posting", [kettles(AVAILABLE, RESERVED, 0), kettles(AVAILABLE, AVAILABLE, 1)])
def test_a_posting_moves_something_from_here_to_there(posting: Posting) -> None:
    books = ledger()
    with pytest.raises(AssertionError):
        books.post([posting])


def test_an_unknown_sku_or_node_has_no_units() -> None:
    books = ledger()
    assert books.balance(AVAILABLE, "NO-SUCH", "berlin") == 0
    assert books.balance(AVAILABLE, "BRASS-KETTLE", "atlantis") == 0


def test_a_tampered_balance_shows_in_the_trial_balance() -> None:
    books = ledger()
    books.inside[AVAILABLE][0, 0] += 1
    assert books.unbalanced_skus() == ["BRASS-KETTLE"]


def test_the_books_grow_past_their_first_size_and_lose_nothing() -> None:
    books = Ledger()
    for i in range(150):
        books.open_node(f"store-{i}")
    for i in range(200):
        books.open_sku(f"SKU-{i}")
        books.post([Posting(f"SKU-{i}", f"store-{i % 150}", SUPPLIER, AVAILABLE, i + 1)])
    for i in range(200, 700):
        books.open_sku(f"SKU-{i}")
    assert all(books.balance(AVAILABLE, f"SKU-{i}", f"store-{i % 150}") == i + 1 for i in range(200))
    assert books.totals()["supplier"] == -sum(range(1, 201))
    assert books.unbalanced_skus() == []


def test_an_account_is_first_used_at_any_size_of_the_books() -> None:
    books = ledger()
    for i in range(200):
        books.open_node(f"store-{i}")
        books.open_sku(f"SKU-{i}")
    assert books.balance(RESERVED, "BRASS-KETTLE", "leipzig") == 0
    books.post([kettles(AVAILABLE, RESERVED, 3)])
    books.move("BRASS-KETTLE", "berlin", RESERVED, ALLOCATED, 2)
    assert [books.balance(account, "BRASS-KETTLE", "berlin") for account in (AVAILABLE, RESERVED, ALLOCATED)] == [
        7,
        1,
        2,
    ]
    assert books.unbalanced_skus() == []


def test_opening_twice_gives_the_same_position() -> None:
    books = ledger()
    assert books.open_sku("BRASS-KETTLE") == 0
    assert (books.open_node("berlin"), books.open_node("leipzig")) == (0, 1)


def test_what_rows_give_out_load_takes_in() -> None:
    books = ledger()
    books.post([kettles(AVAILABLE, RESERVED, 4), kettles(ADJUSTMENT, AVAILABLE, 2, "leipzig")])
    copy = Ledger()
    for sku in books.skus:
        copy.open_sku(sku)
    for node in books.nodes:
        copy.open_node(node)
    for account in Account:
        for first_sku in range(len(books.skus)):
            copy.load_rows(account, first_sku, *books.rows_of(account, first_sku, 1))
    assert copy.rows() == books.rows()
    assert copy.totals() == books.totals()
    assert (AVAILABLE, "BRASS-KETTLE", "leipzig", 2) in copy.rows()


def test_large_quantities_are_exact() -> None:
    books = ledger()
    for _ in range(1_000):
        books.post([kettles(SUPPLIER, AVAILABLE, 1_000_000_000)])
    assert books.balance(AVAILABLE, "BRASS-KETTLE", "berlin") == 10**12 + 10
    assert books.unbalanced_skus() == []


def test_account_numbers_are_journalled_and_so_for_ever() -> None:
    names = [
        "AVAILABLE",
        "RESERVED",
        "ALLOCATED",
        "UNSELLABLE",
        "INBOUND",
        "IN_TRANSIT",
        "SUPPLIER",
        "CUSTOMER",
        "LOSS",
        "ADJUSTMENT",
        "INBOUND_RESERVED",
        "INBOUND_ALLOCATED",
    ]
    assert [account.name for account in Account][: len(names)] == names
    assert [int(account) for account in Account] == list(range(len(Account)))
    assert sorted(INSIDE) == [0, 1, 2, 3, 4, 5, 10, 11]
