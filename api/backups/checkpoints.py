"""Signed checkpoints of the journal's chain, so that rewriting history on the host shows.

The chain digest after a batch stands for every record up to its last one. A checkpoint is that digest, signed;
kept off the host, it says for ever what the journal was. docs/reference/checkpoints.md describes a line of the
file and how to verify it without Kontor.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.answers.timestamps import iso
from engine.wal import framing
from engine.wal.files import sync_directory

FORMAT_VERSION: Final = 1
PREFIX: Final = b"kontor/checkpoint/1\n"
LINE_BYTES_MAX: Final = 4096
SEQ_MAX: Final = 2**63 - 1

# Lower case only and nothing around it: a field has one spelling, so a flipped bit never means the same.
_Hex16 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Hex64 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{128}\Z")]
_Time = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")]


class CheckpointRefused(Exception):
    """A key, a checkpoint or a file of checkpoints that cannot be relied on. The message says the way out."""


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the journal was after the batch that ends with record `seq`.

    journal_id: 16 bytes; seq: the last record of a batch; time: that batch's, to the microsecond; chain: the
    chain digest after it, 32 bytes; public_key and signature: Ed25519 (RFC 8032) over `signed_bytes`. Bytes are
    hexadecimal, times RFC 3339 in UTC.
    """

    format_version: int
    journal_id: _Hex16
    seq: Annotated[int, msgspec.Meta(ge=1, le=SEQ_MAX)]
    time: _Time
    chain: _Hex32
    signed_at: _Time
    public_key: _Hex32
    signature: _Hex64


def signed_bytes(journal_id: str, seq: int, time: str, chain: str, signed_at: str) -> bytes:
    """The 195 bytes that are signed: the prefix, then five fields of fixed width, each with a line end."""
    assert 1 <= seq <= SEQ_MAX
    assert (len(journal_id), len(time), len(chain), len(signed_at)) == (32, 27, 64, 27)
    return PREFIX + f"{journal_id}\n{seq:020d}\n{time}\n{chain}\n{signed_at}\n".encode("ascii")


def new_key(file: Path) -> str:
    """Make a private key (PEM, PKCS #8, mode 0600), durable; answers its public key, hexadecimal.

    Raises CheckpointRefused when the file is there, OSError when it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CheckpointRefused(f"{file} is there already: name another file, a key is never overwritten") from None
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    sync_directory(file.parent)
    return key.public_key().public_bytes_raw().hex()


def read_key(file: Path) -> Ed25519PrivateKey:
    """The private key in a file of `new_key`. Raises CheckpointRefused, OSError when it cannot be read."""
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise CheckpointRefused(
            f"{file} may be used by others: chmod 600 it, or make a new key if they are not trusted"
        )
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as problem:
        raise CheckpointRefused(
            f"{file} holds no private key without a password: make one with a new name"
        ) from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise CheckpointRefused(f"{file} holds a key of another kind than Ed25519: make one with a new name")
    return key


def sign(
    key: Ed25519PrivateKey, journal_id: bytes, seq: int, time_ns: int, chain: bytes, signed_at_ns: int
) -> Checkpoint:
    """A checkpoint of the batch of `time_ns` that ends with record `seq`, after which the chain digest is `chain`."""
    assert len(journal_id) == 16
    assert len(chain) == framing.DIGEST_BYTES
    time, signed_at = iso(time_ns), iso(signed_at_ns)
    signature = key.sign(signed_bytes(journal_id.hex(), seq, time, chain.hex(), signed_at))
    public_key = key.public_key().public_bytes_raw()
    return Checkpoint(
        FORMAT_VERSION, journal_id.hex(), seq, time, chain.hex(), signed_at, public_key.hex(), signature.hex()
    )


def append(file: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as one more line, durable when this returns.

    Raises CheckpointRefused when it does not follow the last line, OSError when it cannot be written: the file
    is then as it was.
    """
    is_new = not file.exists()
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size:
            last = _last(file, os.pread(descriptor, LINE_BYTES_MAX, max(0, size - LINE_BYTES_MAX)))
            reason = _breaks(last, checkpoint)
            if reason:
                raise CheckpointRefused(f"{file}: the last line is {reason}; nothing was written")
        try:
            rest = memoryview(_line(checkpoint))
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        sync_directory(file.parent)


def read(file: Path, trusted_public_key: bytes | None) -> list[Checkpoint]:
    """The checkpoints of a file, every signature verified, in the order they were made.

    Without a trusted key all must carry one and the same: that shows damage, not who signed. Raises
    CheckpointRefused with line and reason, OSError when the file cannot be read.
    """
    checkpoints: list[Checkpoint] = []
    trusted = None if trusted_public_key is None else trusted_public_key.hex()
    for number, line in enumerate(_lines(file.read_bytes()), start=1):
        where = f"{file}, line {number}"
        checkpoint = _decoded(where, line)
        if trusted is not None and checkpoint.public_key != trusted:
            raise CheckpointRefused(f"{where} is signed with the unknown key {checkpoint.public_key}, not {trusted}")
        reason = checkpoints and _breaks(checkpoints[-1], checkpoint)
        if reason:
            raise CheckpointRefused(f"{where}: the line before it is {reason}; use an untouched copy of the file")
        checkpoints.append(checkpoint)
    return checkpoints


def compare(
    checkpoints: Iterable[Checkpoint], journal_id: bytes, last_seq: int, chain_after: Callable[[int], bytes | None]
) -> list[str]:
    """What the journal does not bear out, a sentence for each such checkpoint; nothing when it is what it was.

    `chain_after` gives the chain digest after the batch whose last record is `seq`, None when no batch ends there.
    """
    findings = []
    for checkpoint in checkpoints:
        seq = checkpoint.seq
        said = f"checkpoint of {checkpoint.signed_at}:"
        if checkpoint.journal_id != journal_id.hex():
            findings.append(f"{said} it is of journal {checkpoint.journal_id}, and this is {journal_id.hex()}")
        elif seq > last_seq:
            findings.append(f"{said} record {seq} was there, and the journal ends at {last_seq}: its end was cut off")
        elif (chain := chain_after(seq)) is None:
            findings.append(f"{said} a batch ended with record {seq}, and none does: history was rewritten up to there")
        elif chain.hex() != checkpoint.chain:
            findings.append(f"{said} the chain after record {seq} differs: history was rewritten at or before it")
    return findings


def _line(checkpoint: Checkpoint) -> bytes:
    return msgspec.json.encode(checkpoint) + b"\n"


def _lines(content: bytes) -> list[bytes]:
    """Lines with their ends. Only a line feed ends one: a flipped bit must not make two lines of one."""
    lines = content.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]


def _decoded(where: str, line: bytes) -> Checkpoint:
    """A line read and its signature verified. Raises CheckpointRefused."""
    if not line.endswith(b"\n"):
        raise CheckpointRefused(f"{where} is not whole: use an untouched copy, or delete that line if there is none")
    try:
        checkpoint = msgspec.json.decode(line, type=Checkpoint)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise CheckpointRefused(f"{where} is no checkpoint: {problem}; use an untouched copy of the file") from problem
    if checkpoint.format_version != FORMAT_VERSION:
        version = checkpoint.format_version
        raise CheckpointRefused(f"{where} has format version {version}: read it with a release that knows it")
    message = signed_bytes(
        checkpoint.journal_id, checkpoint.seq, checkpoint.time, checkpoint.chain, checkpoint.signed_at
    )
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint.public_key))
        key.verify(bytes.fromhex(checkpoint.signature), message)
    except (InvalidSignature, ValueError):
        raise CheckpointRefused(f"{where} has a bad signature: it was changed; use an untouched copy") from None
    if _line(checkpoint) != line:
        raise CheckpointRefused(f"{where} was changed, though not in what it says; use an untouched copy of the file")
    return checkpoint


def _last(file: Path, tail: bytes) -> Checkpoint:
    """The last checkpoint of a file that ends with these bytes."""
    return _decoded(f"{file}, last line", _lines(tail)[-1])


def _breaks(earlier: Checkpoint, later: Checkpoint) -> str | None:
    """Why the second checkpoint cannot follow the first, as what the first is; None when it can."""
    if earlier.journal_id != later.journal_id:
        return f"of another journal, {earlier.journal_id}, and not {later.journal_id}: keep a file for each journal"
    if earlier.public_key != later.public_key:
        return "signed with another key: keep a file for each key"
    if earlier.seq > later.seq:
        return f"of record {earlier.seq}, after {later.seq}: the journal was cut off, or this is an older copy of it"
    if earlier.seq == later.seq and earlier.chain != later.chain:
        return f"of the same record {earlier.seq} with another chain: history was rewritten"
    return None
