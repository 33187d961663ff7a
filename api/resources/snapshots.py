"""Snapshots: ask for one, see which there are."""

import msgspec

from api.answers.timestamps import Timestamp, iso
from api.http.endpoint import encode
from api.http.operations import Call, Handled, Operation, Reply
from engine.results import Rejection, ResultCode


class SnapshotWanted(msgspec.Struct):
    """The snapshot that is being made, or the newest one when nothing has changed since."""

    name: str
    seq: int


class SnapshotAnswer(msgspec.Struct):
    """A snapshot: the state after record `seq`, found equal to the writer's when it was made."""

    name: str
    seq: int
    time: Timestamp
    digest: str
    bytes: int


class SnapshotPage(msgspec.Struct):
    """All of them, the newest first; `making` is the one that is being made."""

    items: list[SnapshotAnswer]
    making: SnapshotWanted | None
    next_cursor: str | None = None


def create(call: Call) -> Handled:
    """Begin one."""
    if call.server.stopping:
        return Rejection(ResultCode.STOPPING, "the node is stopping")
    wanted = call.server.snapshots.take()
    return Reply(202, encode(SnapshotWanted(*wanted)))


def listing(call: Call) -> Handled:
    """What lies in the folder."""
    snapshots = call.server.snapshots
    items = [
        SnapshotAnswer(found.name, found.seq, iso(found.stamp.time_ns), found.digest, found.bytes_used)
        for found in snapshots.listed()
    ]
    making = None if snapshots.making is None else SnapshotWanted(*snapshots.making)
    return Reply(200, encode(SnapshotPage(items, making)))


OPERATIONS = [
    Operation(
        id="createSnapshot", method="POST", path="/v1/snapshots", tag="Operations", handle=create, status=202,
        summary="Make a snapshot of the state as it is now", answer=SnapshotWanted, codes=(ResultCode.STOPPING,),
        description="It is made by another process; `GET /v1/snapshots` shows when it is there. One is made at a time.",
    ),
    Operation(
        id="listSnapshots", method="GET", path="/v1/snapshots", tag="Operations", handle=listing,
        summary="Snapshots, the newest first", answer=SnapshotPage,
    ),
]  # fmt: skip
