"""What is wrong with the head of a request although the parser takes it: hosts, doubled headers, encodings of the way.

Whatever two programs in a row could read differently is refused: a proxy in front and the node see the same requests.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence

from api.answers.problems import malformed
from engine.results import Rejection, ResultCode

SINGLE = frozenset(
    (
        b"authorization",
        b"content-encoding",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"last-event-id",
        b"origin",
        b"transfer-encoding",
    )
)
"""Headers that are given once: of two nobody can say which one counts. (The parser itself refuses two lengths.)"""

_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)(?::(\d{1,5}))?")
_HOST_BYTES_MAX = 262
_HOSTS_KEPT_MAX = 64
right_hosts: set[bytes] = set()
"""Hosts that were looked at and are right: callers use few names again and again."""


def refusal_of(
    headers: Sequence[tuple[bytes, bytes]], by_name: Mapping[bytes, bytes], version: str
) -> Rejection | None:
    """Why a head is refused, or None. `by_name` are the same headers, the last of every name."""
    if version != "1.1" and version != "1.0":
        return malformed("HTTP/1.1 is spoken here")
    host = by_name.get(b"host")
    if host is None:
        if version == "1.1":
            return malformed("`Host` is missing")
    elif not is_host(host):
        return malformed("`Host` is a name or an address, and a port where it is not the usual one")
    if len(by_name) != len(headers):
        refusal = _doubled(headers)
        if refusal is not None:
            return refusal
    coding = by_name.get(b"transfer-encoding")
    if coding is not None:
        if version != "1.1":
            return malformed("`Transfer-Encoding` is of HTTP/1.1")
        if coding.strip().lower() != b"chunked":
            return Rejection(ResultCode.NOT_IMPLEMENTED, "of `Transfer-Encoding` only `chunked` is understood")
    return None


def is_host(host: bytes) -> bool:
    """Whether it is a name or an address, with or without a port."""
    if host in right_hosts:
        return True
    found = _HOST.fullmatch(host) if len(host) <= _HOST_BYTES_MAX else None
    if found is None or int(found.group(2) or 0) > 65_535 or not _is_address(found.group(1)):
        return False
    if len(right_hosts) == _HOSTS_KEPT_MAX:
        right_hosts.clear()
    right_hosts.add(host)
    return True


def _is_address(brackets: bytes | None) -> bool:
    """Whether what stands in brackets, if anything does, is an address."""
    try:
        return brackets is None or bool(ipaddress.IPv6Address(brackets.decode()))
    except ValueError:
        return False


def _doubled(headers: Sequence[tuple[bytes, bytes]]) -> Rejection | None:
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in SINGLE:
            return malformed(f"`{name.decode('ascii').title()}` is given twice")
        seen.add(name)
    return None
