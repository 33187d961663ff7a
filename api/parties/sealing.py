"""Sealing: what a fact may carry of a person is a blob that only the party's own key opens.

A blob is one version byte, a random 12-byte nonce and the AES-256-GCM-SIV cipher text with its 16-byte tag
(RFC 8452; a repeated nonce would only show that two contents are equal). The associated data ties it to
version, party, purpose and what the caller names (the order's number, say), so a blob moved to another place
does not open.
"""

import os
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from api.parties.keystore import PURPOSES, PartyKeys

SEALED_OVERHEAD_BYTES: Final = 29  # version, nonce, tag

_VERSION = 1
_NONCE_BYTES = 12


class SealBroken(ValueError):
    """The blob was changed, cut, or sealed for another party, purpose or place."""


class NoKey(LookupError):
    """Nothing can be sealed for this party and purpose: its key was destroyed or never existed."""


class ShipTo(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where goods go. `country` is ISO 3166 alpha-2, coordinates are decimal degrees, `extra` more lines."""

    name: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    extra: tuple[str, ...] = ()


class Contact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Who ordered and where it goes (purpose `contact`). `reference` is the merchant's customer number."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    reference: str | None = None
    ship_to: ShipTo | None = None


class Billing(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Who pays; sealed for the purpose `billing`, which is usually kept longer than `contact`."""

    name: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None


_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode  # Contact or Billing to the bytes that are sealed
decode_contact = msgspec.msgpack.Decoder(Contact).decode
decode_billing = msgspec.msgpack.Decoder(Billing).decode


def seal(keys: PartyKeys, party: str, purpose: str, associated: str, content: bytes) -> bytes:
    """Encrypt `content` under the party's key. Raises NoKey when that key was destroyed or never existed."""
    key = keys.key(party, purpose)
    if not isinstance(key, bytes):
        raise NoKey(f"no {purpose} key for {party}")
    nonce = os.urandom(_NONCE_BYTES)
    bound = _bound_to(_VERSION, party, purpose, associated)
    return bytes((_VERSION,)) + nonce + AESGCMSIV(key).encrypt(nonce, content, bound)


def open_sealed(keys: PartyKeys, party: str, purpose: str, associated: str, sealed: bytes) -> bytes | None:
    """The content, or None when the key was destroyed or is not here.

    Raises SealBroken when the blob is not what was sealed for this party, purpose and place.
    """
    if len(sealed) < SEALED_OVERHEAD_BYTES or sealed[0] != _VERSION:
        raise SealBroken(f"no sealed blob of version {_VERSION}")
    key = keys.key(party, purpose)
    if not isinstance(key, bytes):
        return None
    nonce, cipher_text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCMSIV(key).decrypt(nonce, cipher_text, _bound_to(_VERSION, party, purpose, associated))
    except InvalidTag:
        raise SealBroken(f"sealed for another place than {party} {purpose}, or changed") from None


def _bound_to(version: int, party: str, purpose: str, associated: str) -> bytes:
    """Associated data. Only the last part is free text, so no two places read the same."""
    assert purpose in PURPOSES, purpose
    return f"{version}|{party}|{purpose}|{associated}".encode()
