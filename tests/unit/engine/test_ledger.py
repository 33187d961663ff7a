"""Accounts: every unit comes from somewhere, and nothing is ever fewer than none."""

import pytest

from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    CUSTOMER,
    INSIDE,
    MISSING,
    RESERVED,
    SUPPLIER,
    Account,
    Posting,
)
from engine.ledger import Balances, Ledger


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
    with pytest.raises(AssertionError):
        books.move("BRASS-KETTLE", "berlin", RESERVED, ALLOCATED, 0)


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


def test_what_is_missing_is_a_balance_that_is_never_above_zero() -> None:
    books = ledger()
    books.post([kettles(AVAILABLE, ALLOCATED, 8), kettles(AVAILABLE, ADJUSTMENT, 2), kettles(MISSING, ADJUSTMENT, 5)])
    assert books.balance(MISSING, "BRASS-KETTLE", "berlin") == -5
    assert books.missing == {"BRASS-KETTLE": {"berlin": 5}}
    assert books.totals()["missing"] == -5
    assert books.unbalanced_skus() == []
    books.post([kettles(ALLOCATED, MISSING, 3)])
    assert books.missing == {"BRASS-KETTLE": {"berlin": 2}}
    books.post([kettles(SUPPLIER, AVAILABLE, 2), kettles(AVAILABLE, MISSING, 2)])
    assert books.missing == {}
    assert books.unbalanced_skus() == []


@pytest.mark.parametrize("source", [AVAILABLE, ADJUSTMENT])
def test_more_than_is_missing_cannot_be_paid(source: int) -> None:
    books = ledger()
    with pytest.raises(AssertionError, match="MISSING of BRASS-KETTLE at berlin would be 1"):
        books.post([kettles(source, MISSING, 1)])


def test_a_copy_of_the_books_knows_what_is_missing() -> None:
    books = ledger()
    for i in range(100):
        books.open_node(f"store-{i}")
        books.open_sku(f"SKU-{i}")
    books.post([Posting("SKU-7", "store-80", MISSING, ADJUSTMENT, 4), kettles(MISSING, ADJUSTMENT, 1)])
    copy = Ledger()
    for part in books.dump():
        copy.load(part)
    assert copy.missing == books.missing == {"SKU-7": {"store-80": 4}, "BRASS-KETTLE": {"berlin": 1}}
    copy.post([Posting("SKU-7", "store-80", ADJUSTMENT, MISSING, 4)])
    assert copy.missing == {"BRASS-KETTLE": {"berlin": 1}}
    assert copy.unbalanced_skus() == []


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


def test_rows_name_the_node_of_units_inside_and_none_of_units_outside() -> None:
    books = ledger()
    books.open_sku("COPPER-PAN")
    books.post([Posting("COPPER-PAN", "leipzig", SUPPLIER, AVAILABLE, 3)])
    books.post([kettles(AVAILABLE, CUSTOMER, 4)])
    assert sorted(books.rows()) == sorted(
        [
            (AVAILABLE, "BRASS-KETTLE", "berlin", 6),
            (AVAILABLE, "COPPER-PAN", "leipzig", 3),
            (SUPPLIER, "BRASS-KETTLE", "", -10),
            (SUPPLIER, "COPPER-PAN", "", -3),
            (CUSTOMER, "BRASS-KETTLE", "", 4),
        ]
    )


def five_skus_at_two_nodes() -> Ledger:
    """SKU-0 to SKU-4 with 1 to 5 units in turn at berlin and leipzig."""
    books = Ledger()
    nodes = ("berlin", "leipzig")
    for node in nodes:
        books.open_node(node)
    for i in range(5):
        books.open_sku(f"SKU-{i}")
        books.post([Posting(f"SKU-{i}", nodes[i % 2], SUPPLIER, AVAILABLE, i + 1)])
    return books


def numbers(data: bytes) -> list[int]:
    """Little-endian int64, as dumps have them."""
    return [int.from_bytes(data[at : at + 8], "little", signed=True) for at in range(0, len(data), 8)]


def test_rows_of_some_skus_are_of_those_alone_and_counted_from_the_first() -> None:
    books = five_skus_at_two_nodes()
    assert [numbers(part) for part in books.rows_of(AVAILABLE, 1, 2)] == [[1, 2], [2, 3]]
    assert [numbers(part) for part in books.rows_of(SUPPLIER, 1, 2)] == [[0, 1], [-2, -3]]
    assert [numbers(part) for part in books.rows_of(AVAILABLE, 4, 100)] == [[0], [5]]
    assert [numbers(part) for part in books.rows_of(RESERVED, 0, 5)] == [[], []]


@pytest.mark.parametrize(("cells_max", "firsts"), [(4, [0, 2, 4]), (5, [0, 2, 4]), (1, [0, 1, 2, 3, 4]), (20, [0])])
def test_a_dump_is_cut_into_parts_of_so_many_cells(
    cells_max: int, firsts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.ledger._PART_CELLS_MAX", cells_max)
    books, copy = five_skus_at_two_nodes(), Ledger()
    parts = list(books.dump())
    for part in parts:
        copy.load(part)
    assert copy.rows() == books.rows()
    assert [part.first_sku for part in parts if isinstance(part, Balances) and part.account == AVAILABLE] == firsts
    held = [unit for part in parts if isinstance(part, Balances) for unit in numbers(part.units)]
    assert sorted(held) == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]


def test_books_without_a_node_can_be_dumped() -> None:
    books, copy = Ledger(), Ledger()
    books.open_sku("SKU-0")
    for part in books.dump():
        copy.load(part)
    assert (copy.skus, copy.nodes, copy.rows()) == (["SKU-0"], [], [])


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
        "TRANSFER",
        "MISSING",
    ]
    assert [account.name for account in Account][: len(names)] == names
    assert [int(account) for account in Account] == list(range(len(Account)))
    assert sorted(INSIDE) == [0, 1, 2, 3, 4, 5, 10, 11, 13]
