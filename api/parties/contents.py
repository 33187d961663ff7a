"""What a key store holds, read without changing a byte of it: for backups and for checking them.

`PartyKeys` finishes what a crash left undone when it opens a store. A copy must stay as it was made, so it is
read here: every entry of data.mdb is looked at, and every live key is derived far enough to know that its pad
is the right one.
"""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lmdb
from lmdb.verify import VerifyError, verify

from api.parties.keystore import (
    _ENTRY,
    _LIVE,
    _META,
    _SHARE_BYTES,
    _SLOT,
    KEY_BYTES,
    LMDB_FORMAT,
    PURPOSES,
    _derive,
    _unpack,
)
from api.parties.pads import WIPED

MASTER_BYTES = 32

_DIGEST_BYTES = 32
_RECORD_BYTES = _SHARE_BYTES + len(PURPOSES) * _ENTRY.size
_KEY_BYTES_BY_KIND = {b"m": 1, b"p": 17, b"r": 33, b"w": 9}


class NotWhole(Exception):
    """The files do not make a key store together. The message says what does not fit, without a way out."""


class LiveKey(NamedTuple):
    """A key that was not destroyed: the slot of its pad, and what tells whether a pad is the right one."""

    slot: int
    party: bytes
    purpose: str
    share: bytes
    check: bytes

    def fits(self, pad: bytes) -> bool:
        """Whether the key can be derived from this pad."""
        return pad != WIPED and _derive(pad, self.share, self.party, self.purpose)[KEY_BYTES:] == self.check

    def __str__(self) -> str:
        return f"pad {self.slot} is not the one of p-{self.party.hex()} {self.purpose}"


class Contents:
    """The data.mdb in `directory`, which no other process may be writing to, beside the master secret of its node.

    Raises NotWhole when it is damaged, has no header or belongs to another master.
    """

    def __init__(self, directory: Path, master: bytes) -> None:
        path = directory / "data.mdb"
        if len(master) != MASTER_BYTES:
            raise NotWhole(f"master has {len(master)} bytes, not {MASTER_BYTES}")
        try:  # LMDB trusts its pages and would end the process by a signal
            damage = verify(str(path))  # type: ignore[no-untyped-call]
        except VerifyError as problem:
            raise NotWhole(f"data.mdb cannot be read: {problem}") from problem
        if damage:
            raise NotWhole(f"the pages of data.mdb do not hold together: {damage[0]}")
        self._environment = lmdb.open(
            str(directory),
            map_size=path.stat().st_size,
            readonly=True,
            lock=False,
            create=False,
            lib_version=LMDB_FORMAT,
        )
        try:
            self.next_slot, self.parties_alive = self._header(master)
        except BaseException:
            self.close()
            raise

    def _header(self, master: bytes) -> tuple[int, int]:
        with self._environment.begin() as transaction:
            header = transaction.get(b"m", b"")
        if len(header) != _META.size:
            raise NotWhole("data.mdb has no header")
        next_slot, alive, fingerprint = _META.unpack(header)
        if fingerprint != hmac.digest(master, b"kontor/node-secret/1|fingerprint", "sha256")[:16]:
            raise NotWhole("data.mdb does not belong to this master")
        return next_slot, alive

    def walk(self, take: Callable[[LiveKey], None]) -> None:
        """Look at every entry; `take` gets every key that is alive. Raises NotWhole, and what `take` raises."""
        parties = 0
        slots = bytearray(self.next_slot)
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            for name, value in cursor:
                kind, rest = name[:1], name[1:]
                if len(name) != _KEY_BYTES_BY_KIND.get(kind):
                    raise NotWhole(f"data.mdb has an entry of an unknown kind: {name.hex()}")
                if kind == b"p":
                    live = self._party(transaction, rest, value)
                    parties += bool(live)
                    for key in live:
                        if key.slot >= self.next_slot or slots[key.slot]:
                            raise NotWhole(f"pad {key.slot} of p-{rest.hex()} is beyond those in use, or used twice")
                        slots[key.slot] = 1
                        take(key)
                elif kind == b"r" and transaction.get(b"p" + value, b"")[_RECORD_BYTES:] != rest:
                    raise NotWhole(f"a customer number leads to p-{value.hex()}, which is not its party")
                elif kind == b"w" and _SLOT.unpack(rest)[0] >= self.next_slot:
                    raise NotWhole(f"pad {_SLOT.unpack(rest)[0]} is to be wiped, but was never in use")
        if parties != self.parties_alive:
            raise NotWhole(f"data.mdb holds {parties} live parties, its header says {self.parties_alive}")

    def _party(self, transaction: lmdb.Transaction, party: bytes, record: bytes) -> list[LiveKey]:
        """The live keys of a party."""
        if len(record) not in (_RECORD_BYTES, _RECORD_BYTES + _DIGEST_BYTES):
            raise NotWhole(f"the record of p-{party.hex()} has {len(record)} bytes")
        share, entries, digest = _unpack(record)
        if digest and transaction.get(b"r" + digest) != party:
            raise NotWhole(f"the customer number of p-{party.hex()} leads elsewhere")
        return [
            LiveKey(entry.value, party, purpose, share, entry.check)
            for purpose, entry in zip(PURPOSES, entries, strict=True)
            if entry.state == _LIVE
        ]

    def close(self) -> None:
        """Let the file go."""
        self._environment.close()
