"""What a frontend and its writer say to each other: requests and answers over a stream, connections over packets."""

import array
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

_LENGTH = struct.Struct(">I")
_HANDED = struct.Struct(
    ">d?I"
)  # since when its request arrives (monotonic), whether there are too many, bytes received
PACKET_BYTES_MAX = 64 * 1024


class Request(msgspec.Struct, array_like=True, gc=False):
    """A request to a hot operation, whole and within the limits. `ticket` comes back with its answer."""

    ticket: int
    method: bytes
    url: bytes
    client: tuple[str, int] | None
    headers: dict[bytes, bytes]
    content: bytes


class Answer(msgspec.Struct, array_like=True, gc=False):
    """A reply, ready to be written."""

    ticket: int
    status: int
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Orders(msgspec.Struct, array_like=True):
    """What the writer says: answers, which addresses are hot from now on, that it is time to stop."""

    answers: list[Answer] = []
    hot: list[tuple[str, str]] | None = None
    stop: bool = False


encode = msgspec.msgpack.Encoder().encode
requests_of = msgspec.msgpack.Decoder(list[Request]).decode
orders_of = msgspec.msgpack.Decoder(Orders).decode


def framed(message: object) -> bytes:
    """A message as it is written to a stream."""
    content = encode(message)
    return _LENGTH.pack(len(content)) + content


class Frames:
    """Cuts what arrives from a stream into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, data: bytes) -> Iterator[memoryview]:
        """The messages that are whole now."""
        if self._rest:
            data = self._rest + data
        view, at = memoryview(data), 0
        while len(data) - at >= _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            if end > len(data):
                break
            yield view[at + _LENGTH.size : end]
            at = end
        self._rest = data[at:]


class Handed(NamedTuple):
    """A connection that changes hands, with what was received on it and not answered."""

    socket: socket.socket
    since: float
    crowded: bool
    received: bytes


def hand_over(channel: socket.socket, descriptor: int, since: float, crowded: bool, received: bytes) -> None:
    """Send a connection; waits until there is room. Raises OSError if nobody is there any more."""
    head = _HANDED.pack(since, crowded, len(received))
    packets = [head + received[:PACKET_BYTES_MAX]]
    packets += [received[at : at + PACKET_BYTES_MAX] for at in range(PACKET_BYTES_MAX, len(received), PACKET_BYTES_MAX)]
    socket.send_fds(channel, packets[:1], [descriptor])
    for packet in packets[1:]:
        channel.sendall(packet)


class Taking:
    """Puts packets together to the connections they carry."""

    def __init__(self) -> None:
        self._begun: tuple[socket.socket | None, float, bool] | None = None
        self._received = b""
        self._length = 0

    def take(self, channel: socket.socket) -> Handed | None:
        """Read one packet; a connection, if it is whole. Raises BlockingIOError for nothing there, EOFError at the end."""
        packet, ancillary, _, _ = channel.recvmsg(PACKET_BYTES_MAX + _HANDED.size, socket.CMSG_SPACE(4))
        if not packet:
            raise EOFError
        if self._begun is None:
            since, crowded, self._length = _HANDED.unpack_from(packet)
            descriptors = array.array("i", b"".join(data for _, _, data in ancillary))
            taken = socket.socket(fileno=descriptors[0]) if descriptors else None  # none: no descriptors were left
            self._begun, self._received = (taken, since, crowded), packet[_HANDED.size :]
        else:
            self._received += packet
        if len(self._received) < self._length:
            return None
        (taken, since, crowded), self._begun = self._begun, None
        return None if taken is None else Handed(taken, since, crowded, self._received)
