"""LMDB's two meta pages, looked at before LMDB maps a file: it trusts them, and dies by a signal if pages lack."""

import os
import struct
from pathlib import Path
from typing import NamedTuple

from lmdb.verify import VerifyError, verify

_META = struct.Struct("=IIQQ")  # mm_magic, mm_version, mm_address, mm_mapsize behind the 16-byte page header
_MAIN_ENTRIES_AT = 16 + 24 + 48 + 32  # md_entries of the second database descriptor, the main one
_META_TAIL_AT = 16 + 24 + 2 * 48  # mm_last_pg, mm_txnid follow the two database descriptors
_META_TAIL = struct.Struct("=QQ")
META_BYTES = _META_TAIL_AT + _META_TAIL.size
_META_MAGIC, _META_VERSION = 0xBEEFC0DE, 1


class MetaPage(NamedTuple):
    """What one of them says: the commit it is of, the highest page in use, entries of the main database."""

    txn_id: int
    last_page: int
    entries: int


def meta_pages(file: Path) -> list[MetaPage] | str:
    """Both of them; or "damaged", or "truncated" for a file shorter than its used pages."""
    page = os.sysconf("SC_PAGE_SIZE")
    size = file.stat().st_size
    if size < 2 * page:
        return "truncated"
    with file.open("rb") as source:
        start = source.read(2 * page)
    pages = []
    for at in (0, page):
        magic, version, _, _ = _META.unpack_from(start, at + 16)
        last_page, txn_id = _META_TAIL.unpack_from(start, at + _META_TAIL_AT)
        if magic != _META_MAGIC or version & 0xFFFF != _META_VERSION:
            return "damaged"
        (entries,) = struct.unpack_from("=Q", start, at + _MAIN_ENTRIES_AT)
        if (last_page + 1) * page > size:
            return "truncated"
        pages.append(MetaPage(txn_id, last_page, entries))
    return pages


def pages_hold_together(file: Path) -> bool:
    """Whether every page reached from the newest meta page has the shape LMDB trusts it to have. 3.5 s a GiB."""
    try:
        return not verify(str(file))  # type: ignore[no-untyped-call]
    except VerifyError:
        return False


def meta_condition(file: Path) -> str:
    """LMDB's two meta pages against the file, before LMDB maps it: a word for the recovery table.

    LMDB falls back to the older meta page when the newer one is damaged, and dies by a signal when pages are missing.
    """
    pages = meta_pages(file)
    if isinstance(pages, str):
        return pages
    if any(page.entries != page.txn_id for page in pages):
        return "damaged"
    txn_ids, last_pages = [page.txn_id for page in pages], [page.last_page for page in pages]
    newest = txn_ids.index(max(txn_ids))
    if last_pages[1 - newest] > last_pages[newest]:
        return "damaged"  # pages are only ever added
    if not pages_hold_together(file):
        return "pages_damaged"
    if max(txn_ids) <= 1:
        return "first_commit_only"
    return "both_pages" if abs(txn_ids[0] - txn_ids[1]) == 1 else "damaged"
