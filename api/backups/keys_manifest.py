"""The manifest of a key store's backup: what its files were when it was made, and that it is itself unchanged."""

import hashlib
from typing import Final

import msgspec

from api.parties.contents import NotWhole
from api.parties.key_files import FileSum

FORMAT_VERSION: Final = 1
FILES: Final = ("master", "data.mdb", "pads")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. `blake2b_256` is over this document with that field empty."""

    format_version: int
    made_at: str
    parties_alive: int
    files: dict[str, FileSum]
    blake2b_256: str = ""


def encoded(manifest: Manifest) -> bytes:
    """The manifest's file, its own digest entered."""
    bare = _document(msgspec.structs.replace(manifest, blake2b_256=""))
    digest = hashlib.blake2b(bare, digest_size=32).hexdigest()
    return _document(msgspec.structs.replace(manifest, blake2b_256=digest))


def decoded(content: bytes) -> Manifest:
    """Read a manifest's file. Raises NotWhole when a byte of it was changed."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise NotWhole(f"manifest.json cannot be read: {problem}") from problem
    if manifest.format_version != FORMAT_VERSION:
        raise NotWhole(f"manifest.json has format version {manifest.format_version}, which this release does not know")
    if encoded(manifest) != content or set(manifest.files) != set(FILES):
        raise NotWhole("manifest.json was changed: its digest does not match")
    return manifest


def _document(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
