"""Where a node may send to: public https addresses, looked up once and then kept to, unless it was allowed more."""

import asyncio
import ipaddress
import socket
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

LOOK_UP_SECONDS_MAX: Final = 5.0


class NotAllowed(Exception):
    """Nothing is sent there; the message says why."""


class NotKnown(NotAllowed):
    """The name leads nowhere now; that may pass."""


class Destination(NamedTuple):
    """A URL with the address in place of the name; the name for the certificate and `Host`; the port's part of that."""

    url: str
    host: str
    authority: str


async def destination(url: str, allow_private: bool) -> Destination:
    """Look up where a URL leads. Raises NotAllowed for http, for names that lead into private networks, and for none at
    all.

    The request goes to this very address, so that a name can't lead somewhere else a moment later.
    """
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as error:
        raise NotAllowed(f"it is no address: {error}") from None
    if parts.hostname is None or (parts.scheme != "https" and not allow_private):
        raise NotAllowed("only https addresses are sent to")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("an address with a name or password in it is not sent to")
    port = given_port or (443 if parts.scheme == "https" else 80)
    try:
        found: list[Any] = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except UnicodeError:
        raise NotAllowed(f"{parts.hostname} is no name of a host") from None
    except OSError as error:
        raise NotKnown(f"{parts.hostname} is not known: {error.strerror or error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(
        ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses
    ):
        raise NotAllowed(f"{parts.hostname} leads into a private network")
    address = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    return Destination(f"{parts.scheme}://{address}:{port}{path}{query}", parts.hostname, parts.netloc)


async def why_never(url: str, allow_private: bool) -> str | None:
    """Why nothing will ever be sent to a URL that somebody sets; None if it will, or if that can't be known now."""
    try:
        await asyncio.wait_for(destination(url, allow_private), LOOK_UP_SECONDS_MAX)
    except (NotKnown, TimeoutError):
        return None
    except NotAllowed as refusal:
        return str(refusal)
    return None
