"""Numbers as systems write them, and which column is what: the rules by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.importing.columns import mapping_of
from api.importing.movements import FIELDS
from api.importing.numbers import NotRead, decimal_mark, read_minor, read_number, read_whole
from api.importing.tables import BadTable, Table, delimiter_of
from api.importing.texts import text_of


def written(minor: int, mark: str, grouped: bool) -> str:
    """An amount with two decimals as people write it."""
    text = f"{minor / 100:,.2f}" if grouped else f"{minor / 100:.2f}"
    return text if mark == "." else text.replace(",", " ").replace(".", ",").replace(" ", ".")


@given(st.integers(0, 10**10), st.sampled_from(".,"), st.booleans())
def test_an_amount_is_read_as_it_was_meant(minor: int, mark: str, grouped: bool) -> None:
    text = written(minor, mark, grouped)
    assert read_minor(text, mark, 2) == minor
    assert read_minor(text, None, 2) == minor, "two decimals tell the mark themselves"
    assert decimal_mark([text, "7", "no number"]) == mark


@given(st.integers(0, 10**12), st.sampled_from(["", ".", ",", " ", "'", "\u202f"]), st.sampled_from(["", "-", "+"]))
def test_a_whole_number_is_read_with_whatever_separates_its_thousands(number: int, separator: str, sign: str) -> None:
    text = sign + f"{number:,}".replace(",", separator)
    mark = {".": ",", ",": "."}.get(separator)
    assert read_whole(text, mark) == (-number if sign == "-" else number)


@given(st.text("0123456789.,-+ '", max_size=12), st.sampled_from([None, ".", ","]))
def test_any_text_is_a_number_or_told_to_be_none(text: str, mark: str | None) -> None:
    try:
        number = read_number(text, mark)
    except NotRead:
        return
    digits = "".join(character for character in text if character.isdigit())
    assert str(int(digits)).startswith(str(number.whole or ""))
    assert number.digits in digits


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (("Artikel", "Artikelnummer"), "Artikelnummer"),
        (("Item number", "Item"), "Item number"),
        (("Article", "SKU", "Item"), "SKU"),
        (("Artikel-Nr.", "Name"), "Artikel-Nr."),
        (("Artikelnummer", "Art.-Nr."), None),
        (("SKU", "sku"), None),
        (("Item", "Article"), None),
    ],
)
def test_the_more_exact_word_wins_and_words_alike_are_asked_about(header: tuple[str, ...], column: str | None) -> None:
    table = Table((*header, "node", "quantity"), [])
    if column is None:
        with pytest.raises(BadTable, match="may both be the sku: say which one is, --map sku=COLUMN"):
            mapping_of(table, FIELDS, {}, {})
    else:
        assert mapping_of(table, FIELDS, {}, {}).word("sku") == column


def test_all_that_is_missing_or_unclear_is_said_at_once() -> None:
    with pytest.raises(BadTable) as raised:
        mapping_of(Table(("sku", "Menge", "Bestand"), []), FIELDS, {}, {})
    assert "'Menge' and 'Bestand' may both be the quantity" in str(raised.value)
    assert "no column for node" in str(raised.value)


def test_a_column_that_was_named_for_one_field_is_not_taken_for_another() -> None:
    table = Table(("Lager", "Bestand", "Menge", "sku"), [])
    mapping = mapping_of(table, FIELDS, {"note": "Menge"}, {})
    assert (mapping.word("quantity"), mapping.word("note")) == ("Bestand", "Menge")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("sku,node\nA,b\n", ","),
        ("sku;Menge, gesamt;node\nA;5,00;b\n", ";"),
        ("sku\tname\tnode\nA\tHammer, big; red\tb\n", "\t"),
        ('"sku, or article";node;quantity\n"A, B";b;1\n', ";"),
        ("sku|node\nA,1|b\n", "|"),
        ("sku\nA\n", ","),
        ("", ","),
    ],
)
def test_what_separates_the_columns_is_found_out(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_text_with_a_mark_is_read_back(text: str) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert text_of(text.encode(encoding), "any.csv") == text
