"""What protects a node that was started with `--dev`: callers of its own machine need no key there, and browsers of its
own machine show foreign pages.

A page that calls from elsewhere says so (`Origin`, `Sec-Fetch-Site`); one whose name was made to lead here names a host
that is not this one.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

from engine.results import Rejection, ResultCode

WARNING = "started with --dev: whoever calls from this machine needs no API key. Never on a machine that others use"
_FOREIGN_SITES = (b"cross-site", b"same-site")
_USUAL_PORTS = {b"http": b":80", b"https": b":443"}


def refusal_of(headers: Mapping[bytes, bytes], method: str) -> Rejection | None:
    """Why a caller of this machine without a key is refused, or None."""
    host = headers.get(b"host")
    if host is not None and not _is_this_machine(host):
        return Rejection(
            ResultCode.MISDIRECTED_REQUEST, "with --dev and without a key the host is localhost or a loopback address"
        )
    origin = headers.get(b"origin")
    if origin is not None and not _is_own(origin, host):
        return Rejection(ResultCode.FORBIDDEN, "with --dev a page from elsewhere may not call without a key")
    if method != "GET" and headers.get(b"sec-fetch-site") in _FOREIGN_SITES:
        return Rejection(ResultCode.FORBIDDEN, "with --dev a page from elsewhere may not call without a key")
    return None


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine's own."""
    if address in ("127.0.0.1", "::1"):
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


@lru_cache(maxsize=256)
def _is_this_machine(host: bytes) -> bool:
    text = host.decode("latin-1").lower()
    name = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    return name.rstrip(".") == "localhost" or is_loopback(name)


def _is_own(origin: bytes, host: bytes | None) -> bool:
    """Whether a page comes from the very address that is called."""
    scheme, _, place = origin.lower().partition(b"://")
    usual = _USUAL_PORTS.get(scheme)
    return usual is not None and host is not None and place.removesuffix(usual) == host.lower().removesuffix(usual)
