"""Sealing: what goes in comes out, and nothing else does."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.parties.keystore import BILLING, CONTACT, PURPOSES, PartyKeys
from api.parties.sealing import (
    SEALED_OVERHEAD_BYTES,
    Billing,
    Contact,
    NoKey,
    SealBroken,
    ShipTo,
    decode_billing,
    decode_contact,
    encode,
    open_sealed,
    seal,
)
from tests.examples import examples

ADA = Contact(
    name="Ada Lovelace",
    email="ada@example.org",
    phone="+44 20 7946 0018",
    reference="c-17",
    ship_to=ShipTo(
        "Ada Lovelace", "12 St James's Square", "SW1Y 4JH", "London", "GB", 51.5074, -0.1352, ("2nd floor",)
    ),
)
ADA_LTD = Billing("Analytical Engines Ltd", "Dorset Street 1", "W1U 4EG", "London", "GB")


@pytest.fixture(scope="module")
def keys() -> Iterator[PartyKeys]:
    with TemporaryDirectory() as directory:
        store = PartyKeys(Path(directory) / "parties")
        yield store
        store.close()


def test_a_contact_and_a_billing_address_come_back_whole(keys: PartyKeys) -> None:
    party = keys.party_for("c-17")
    contact = seal(keys, party, CONTACT, "W-1001", encode(ADA))
    billing = seal(keys, party, BILLING, "W-1001", encode(ADA_LTD))
    assert decode_contact(open_sealed(keys, party, CONTACT, "W-1001", contact) or b"") == ADA
    assert decode_billing(open_sealed(keys, party, BILLING, "W-1001", billing) or b"") == ADA_LTD


@settings(max_examples=examples(150))
@given(content=st.binary(max_size=2_000), associated=st.text(max_size=100), purpose=st.sampled_from(PURPOSES))
def test_opening_gives_back_what_was_sealed(keys: PartyKeys, content: bytes, associated: str, purpose: str) -> None:
    party = keys.party_for("c-18")
    sealed = seal(keys, party, purpose, associated, content)
    assert len(sealed) == len(content) + SEALED_OVERHEAD_BYTES
    assert open_sealed(keys, party, purpose, associated, sealed) == content


@settings(max_examples=examples(150))
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_detected(keys: PartyKeys, data: st.DataObject) -> None:
    party = keys.party_for("c-18")
    sealed = bytearray(seal(keys, party, CONTACT, "W-1001", encode(ADA)))
    position = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(SealBroken):
        open_sealed(keys, party, CONTACT, "W-1001", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 12, 28, 29, 60])
def test_a_blob_cut_short_is_detected(keys: PartyKeys, length: int) -> None:
    party = keys.party_for("c-18")
    sealed = seal(keys, party, CONTACT, "W-1001", encode(ADA))
    with pytest.raises(SealBroken):
        open_sealed(keys, party, CONTACT, "W-1001", sealed[:length])


def test_a_blob_opens_for_its_own_party_purpose_and_place_only(keys: PartyKeys) -> None:
    ada, bob = keys.party_for("c-17"), keys.party_for("c-18")
    sealed = seal(keys, ada, CONTACT, "W-1001", encode(ADA))
    for party, purpose, associated in [
        (bob, CONTACT, "W-1001"),
        (ada, BILLING, "W-1001"),
        (ada, CONTACT, "W-1002"),
    ]:
        with pytest.raises(SealBroken, match=f"{party} {purpose}"):
            open_sealed(keys, party, purpose, associated, sealed)


def test_the_same_content_never_looks_the_same_twice(keys: PartyKeys) -> None:
    party = keys.party_for("c-17")
    assert len({seal(keys, party, CONTACT, "W-1001", encode(ADA)) for _ in range(200)}) == 200


def test_after_erasing_nothing_opens_and_nothing_can_be_sealed(keys: PartyKeys) -> None:
    party = keys.party_for("c-19")
    contact = seal(keys, party, CONTACT, "W-1001", encode(ADA))
    billing = seal(keys, party, BILLING, "W-1001", encode(ADA_LTD))
    keys.destroy(party, [CONTACT], 1_900_000_000_000_000_000)
    assert open_sealed(keys, party, CONTACT, "W-1001", contact) is None
    assert open_sealed(keys, party, BILLING, "W-1001", billing) == encode(ADA_LTD)
    with pytest.raises(NoKey, match=f"no contact key for {party}"):
        seal(keys, party, CONTACT, "W-1002", encode(ADA))


def test_a_blob_whose_key_is_on_another_node_does_not_open(keys: PartyKeys, tmp_path: Path) -> None:
    party = keys.party_for("c-17")
    sealed = seal(keys, party, CONTACT, "W-1001", encode(ADA))
    elsewhere = PartyKeys(tmp_path / "parties")
    assert open_sealed(elsewhere, party, CONTACT, "W-1001", sealed) is None
    elsewhere.close()


def test_no_word_of_a_contact_shows_in_a_blob_or_in_the_key_store(tmp_path: Path) -> None:
    keys = PartyKeys(tmp_path / "parties")
    sealed = seal(keys, keys.party_for(ADA.reference), CONTACT, "W-1001", encode(ADA))
    keys.flush()
    content = sealed + b"".join(path.read_bytes() for path in (tmp_path / "parties").iterdir())
    for word in (b"Ada", b"Lovelace", b"example.org", b"7946", b"James", b"SW1Y", b"2nd floor", b"c-17"):
        assert word in encode(ADA)
        assert word not in sealed
        assert len(word) < 5 or word not in content  # three letters turn up in random bytes
    keys.close()


def test_a_contact_written_before_a_field_was_added_still_opens() -> None:
    assert decode_contact(b"\x92\xa3Ada\xc0") == Contact(name="Ada")
    assert decode_billing(b"\x91\xa3Ada") == Billing(name="Ada")
