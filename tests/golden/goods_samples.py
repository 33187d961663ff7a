"""One of every fact about goods on their way, with every field set to something of its own. See samples.py."""

from engine.facts import Fact
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived, InboundUnits
from engine.facts.postings import (
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    INBOUND,
    LOSS,
    SUPPLIER,
    TRANSFER,
    UNSELLABLE,
    Posting,
)
from engine.facts.transfers import (
    TransferArrival,
    TransferCancelled,
    TransferFreed,
    TransferLowered,
    TransferPlanned,
    TransferReceived,
    TransferShipped,
    TransferTurnedBack,
    TransferUnits,
)

TIME_NS = 1_800_000_000_123_456_789


def move(source: int, target: int, quantity: int) -> tuple[Posting, ...]:
    return (Posting("BRASS-KETTLE", "berlin", source, target, quantity),)


GOODS_SAMPLES: dict[str, Fact] = {
    "inbound_expected/3": InboundExpected(
        9, "brass & sons", "berlin", TIME_NS, (InboundUnits("BRASS-KETTLE", 40),), move(SUPPLIER, INBOUND, 40), 6
    ),
    "transfer_planned/2": TransferPlanned(
        6, "berlin", "leipzig", (TransferUnits("BRASS-KETTLE", 5),), TIME_NS + 9, move(AVAILABLE, ALLOCATED, 5), 9
    ),
    "inbound_received/2": InboundReceived(
        9,
        (InboundUnits("BRASS-KETTLE", 31, 2),),
        (*move(INBOUND, AVAILABLE, 28), *move(INBOUND, UNSELLABLE, 2), *move(SUPPLIER, AVAILABLE, 1)),
    ),
    "inbound_delayed/1": InboundDelayed(9, TIME_NS + 4, ()),
    "inbound_cancelled/2": InboundCancelled(9, (InboundUnits("BRASS-KETTLE", 10),), move(INBOUND, SUPPLIER, 10)),
    "transfer_shipped/2": TransferShipped(
        6, (*move(ALLOCATED, TRANSFER, 5), *move(TRANSFER, IN_TRANSIT, 5)), (TransferUnits("BRASS-KETTLE", 2),)
    ),
    "transfer_received/2": TransferReceived(
        6,
        (TransferArrival("BRASS-KETTLE", 4, 1, 1, 0, 2),),
        "short_transfer",
        (*move(IN_TRANSIT, AVAILABLE, 3), *move(IN_TRANSIT, UNSELLABLE, 1), *move(IN_TRANSIT, LOSS, 1)),
    ),
    "transfer_cancelled/2": TransferCancelled(6, move(ALLOCATED, AVAILABLE, 5), "W-1001"),
    "transfer_lowered/1": TransferLowered(6, (TransferUnits("BRASS-KETTLE", 2),), move(ALLOCATED, AVAILABLE, 2)),
    "transfer_freed/1": TransferFreed(6, "W-1001", (TransferUnits("BRASS-KETTLE", 2),), ()),
    "transfer_turned_back/1": TransferTurnedBack(6, move(IN_TRANSIT, TRANSFER, 5)),
}

OLDER_GOODS: dict[str, Fact] = {
    "transfer_shipped/1": TransferShipped(6, (*move(ALLOCATED, TRANSFER, 5), *move(TRANSFER, IN_TRANSIT, 5))),
    "transfer_received/1": TransferReceived(
        6,
        (TransferArrival("BRASS-KETTLE", 4, 1, 1, 0),),
        "short_transfer",
        (*move(IN_TRANSIT, AVAILABLE, 3), *move(IN_TRANSIT, UNSELLABLE, 1), *move(IN_TRANSIT, LOSS, 1)),
    ),
    "transfer_cancelled/1": TransferCancelled(6, move(ALLOCATED, AVAILABLE, 5)),
    "inbound_expected/2": InboundExpected(
        9, "brass & sons", "berlin", TIME_NS, (InboundUnits("BRASS-KETTLE", 40),), move(SUPPLIER, INBOUND, 40), 6
    ),
    "inbound_received/1": InboundReceived(
        9,
        (InboundUnits("BRASS-KETTLE", 31),),
        (*move(INBOUND, AVAILABLE, 30), *move(SUPPLIER, AVAILABLE, 1)),
    ),
    "inbound_cancelled/1": InboundCancelled(9, (InboundUnits("BRASS-KETTLE", 10),), move(INBOUND, SUPPLIER, 10)),
    "inbound_expected/1": InboundExpected(
        9, "brass & sons", "berlin", TIME_NS, (InboundUnits("BRASS-KETTLE", 40),), move(SUPPLIER, INBOUND, 40)
    ),
    "transfer_planned/1": TransferPlanned(
        6, "berlin", "leipzig", (TransferUnits("BRASS-KETTLE", 5),), TIME_NS + 9, move(AVAILABLE, ALLOCATED, 5)
    ),
}
