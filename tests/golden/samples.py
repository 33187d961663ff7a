"""One of every fact, with every field set to something of its own. Run as a module to add facts that are new.

`facts.bin` is a msgpack map: "tag/version" -> the encoded record. What is in it stays as it is: those bytes lie in journals.
A fact that gained a field gets a new sample under the next version; the old one must go on decoding, to `OLDER`.
"""

from pathlib import Path

import msgspec

from engine.areas import Area
from engine.facts import Fact, records
from engine.facts import orders as of
from engine.facts.access import ApiKeyCreated, ApiKeyRevoked
from engine.facts.configuration import (
    ConfigurationBegun,
    ConfigurationEnded,
)
from engine.facts.maintenance import DigestRecorded, KeysForgotten
from engine.facts.missing import MissingPaid, OrderSourcedElsewhere
from engine.facts.moving import FulfilmentMoved
from engine.facts.orders import (
    ChangeDeclined,
    ChangeProposed,
    FulfilmentAdvanced,
    FulfilmentConfirmed,
    FulfilmentReaddressed,
    FulfilmentRejected,
    FulfilmentShorted,
    FulfilmentsMerged,
    FulfilmentSplit,
    HoldLifted,
    LooseReturnTaken,
    LossReported,
    OrderAppeased,
    OrderCancelled,
    OrderChanged,
    OrderHeld,
    OrderImproved,
    OrderNoted,
    OrderPlaced,
    OrderReopened,
    OrderRestated,
    OrderSourced,
    ParcelsPacked,
    PickupLapsed,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnReceived,
    StatementKept,
)
from engine.facts.picking import PickListEnded, PickListMade
from engine.facts.postings import (
    ALLOCATED,
    AVAILABLE,
    CUSTOMER,
    LOSS,
    MISSING,
    RESERVED,
    SUPPLIER,
    UNSELLABLE,
    Posting,
)
from engine.facts.records import Record
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    ReservedLine,
    Source,
    StockReserved,
)
from engine.facts.sourcing import Decision, Slot
from engine.facts.stock import MovedLine, StockMoved
from tests.golden.goods_samples import GOODS_SAMPLES, OLDER_GOODS
from tests.golden.money_samples import MONEY_SAMPLES, OLDER_MONEY
from tests.golden.settings_samples import SETTINGS_OLDER, SETTINGS_SAMPLES

HERE = Path(__file__).parent
FACTS, FRAMES = HERE / "facts.bin", HERE / "frames.bin"
TIME_NS = 1_800_000_000_123_456_789
HALLE = Area("DE", "06", 515, -120)


def move(source: int, target: int, quantity: int) -> tuple[Posting, ...]:
    return (Posting("BRASS-KETTLE", "berlin", source, target, quantity),)


LINES = (ReservedLine("BRASS-KETTLE", 5, "berlin", (Source("berlin", 3), Source("leipzig", 1))),)
WORK = (of.PlannedFulfilment(17, "berlin", (of.Take(0, 2), of.Take(1, 1))),)
DECISION = Decision("near", 12, (0, 2), 1_250, 1_200)
DATED_LINES = (ReservedLine("BRASS-KETTLE", 5, "berlin", (Source("berlin", 3, TIME_NS + 2, TIME_NS + 3),), 2_550),)
DATED_WORK = (of.PlannedFulfilment(17, "berlin", (of.Take(0, 2),), TIME_NS + 2, TIME_NS + 3, 740_000),)
TIMED_WORK = (of.PlannedFulfilment(17, "berlin", (of.Take(0, 2),), TIME_NS + 2, TIME_NS + 3, 740_000, TIME_NS + 4),)
AWAITED_LINES = (
    ReservedLine(
        "BRASS-KETTLE",
        5,
        "berlin",
        (Source("berlin", 3, TIME_NS + 2, TIME_NS + 3), Source("berlin", 1, TIME_NS + 6, TIME_NS + 7, 9)),
        2_550,
    ),
)
WAITING_LINES = (msgspec.structs.replace(AWAITED_LINES[0], backordered=1),)
CLAIMS = (of.Claim(9, "berlin", 1, 41, TIME_NS + 6, TIME_NS + 7),)
CHANGE = of.ChangeBody(
    (of.Quantity(0, 4, 3, 1),),
    (of.PlacedLine("2", "TEA-TOWEL", 1, 450, 0),),
    HALLE,
    "p-0123456789abcdef",
    b"\x01sealed contact",
    "pickup",
    "leipzig",
)
OLDER_CHANGE = msgspec.structs.replace(CHANGE, quantities=(of.Quantity(0, 4, 3),))


SAMPLES: dict[str, Fact] = {
    "stock_moved/1": StockMoved(
        "delivery 7", (MovedLine("BRASS-KETTLE", "berlin", "count", 3, "seen", 2),), move(SUPPLIER, AVAILABLE, 9)
    ),
    "stock_reserved/4": StockReserved(
        41, "web", TIME_NS, HALLE, WAITING_LINES, DECISION, (Slot("berlin", 740_000),), "pickup", "club"
    ),
    "reservation_extended/1": ReservationExtended(41, TIME_NS + 1, ()),
    "reservation_changed/4": ReservationChanged(
        41, WAITING_LINES, move(AVAILABLE, RESERVED, 1), (Slot("berlin", 740_000),)
    ),
    "reservation_released/1": ReservationReleased(41, move(RESERVED, AVAILABLE, 4)),
    "reservation_expired/1": ReservationExpired(41, move(RESERVED, AVAILABLE, 4)),
    "order_cancelled/2": OrderCancelled(
        "W-1001",
        "changed her mind",
        (of.Take(0, 3),),
        (of.FulfilmentTake(17, 0, 2),),
        (of.Waiting(0, 1, 1, CLAIMS),),
        move(ALLOCATED, AVAILABLE, 2),
    ),
    "fulfilment_rejected/1": FulfilmentRejected(
        "W-1001", 17, "berlin", "not_found", "shelf 7", move(ALLOCATED, LOSS, 3)
    ),
    "fulfilment_moved/1": FulfilmentMoved(
        "W-1001",
        16,
        "leipzig",
        (of.Take(0, 2),),
        TIMED_WORK,
        (*move(ALLOCATED, AVAILABLE, 2), *move(AVAILABLE, ALLOCATED, 2)),
    ),
    "order_reopened/1": OrderReopened("W-1001", b"\x90 an order as it was closed", ()),
    "return_authorised/2": ReturnAuthorised("W-1001", 5, (of.ReturnedLine(0, 2, "too small"),), (), True, "W-1001.r1"),
    "loss_reported/1": LossReported("W-1001", (of.ReturnedLine(0, 1, "lost"),), "W-1001.r1", move(CUSTOMER, LOSS, 1)),
    "loose_return_taken/1": LooseReturnTaken(
        7, "web", "berlin", (of.LooseUnits("BRASS-KETTLE", 1, "no note"),), "parcel 4711", move(CUSTOMER, UNSELLABLE, 1)
    ),
    "return_received/1": ReturnReceived(
        "W-1001", 5, "leipzig", (of.ReturnedLine(0, 1, "quarantine"),), move(CUSTOMER, UNSELLABLE, 1)
    ),
    "return_cancelled/1": ReturnCancelled("W-1001", 5, ()),
    **MONEY_SAMPLES,
    **SETTINGS_SAMPLES,
    **GOODS_SAMPLES,
    "api_key_created/1": ApiKeyCreated("k-1", "till in Berlin", bytes(range(32)), ()),
    "api_key_revoked/1": ApiKeyRevoked("k-1", ()),
    "configuration_begun/1": ConfigurationBegun("5f" * 32, 90_000, "key:k-1", b"k" * 16, b"p" * 16, ()),
    "configuration_ended/1": ConfigurationEnded("5f" * 32, True, (("items", 89_999), ("nodes", 1)), ()),
    "keys_forgotten/1": KeysForgotten(99, ()),
    "digest_recorded/1": DigestRecorded(((97, 12), (98, 1)), "00ff" * 16, ()),
    "order_placed/5": OrderPlaced(
        "W-1001",
        "web",
        41,
        "p-0123456789abcdef",
        b"\x01sealed contact",
        b"\x01sealed billing",
        HALLE,
        "ship",
        TIME_NS - 5,
        (of.PlacedLine("1", "BRASS-KETTLE", 3, 2_550, 1, CLAIMS, 2, 4),),
        TIMED_WORK,
        move(RESERVED, ALLOCATED, 3),
        DECISION,
        "club",
        "leipzig",
        TIME_NS + 8,
        TIME_NS + 9,
        "W-1000",
        "near",
        12,
    ),
    "order_sourced/4": OrderSourced(
        "W-1001", TIMED_WORK, (of.Waiting(0, 2, 1, CLAIMS),), move(AVAILABLE, ALLOCATED, 3), DECISION
    ),
    "order_improved/2": OrderImproved(
        "W-1001", (16,), TIMED_WORK, 120, DECISION, (*move(ALLOCATED, AVAILABLE, 2), *move(AVAILABLE, ALLOCATED, 2))
    ),
    "missing_paid/1": MissingPaid(move(AVAILABLE, MISSING, 4)),
    "order_sourced_elsewhere/1": OrderSourcedElsewhere(
        "W-1001", (16,), TIMED_WORK, (*move(ALLOCATED, AVAILABLE, 2), *move(AVAILABLE, ALLOCATED, 2)), DECISION
    ),
    "fulfilment_advanced/3": FulfilmentAdvanced(
        "W-1001", 17, "shipped", "DHL", "JJD-1", move(ALLOCATED, CUSTOMER, 3), TIME_NS + 8, (of.Take(0, 1),)
    ),
    "pick_list_made/1": PickListMade(8, "berlin", (17, 18), ()),
    "pick_list_ended/1": PickListEnded(8, "picked", ()),
    "change_proposed/2": ChangeProposed(
        "W-1001", 77, "customer called", CHANGE, move(AVAILABLE, ALLOCATED, 1), 2_550, ()
    ),
    "order_changed/2": OrderChanged(
        "W-1001",
        77,
        CHANGE,
        (of.FulfilmentTake(17, 0, 1),),
        (18,),
        (of.Waiting(0, 1, 1, CLAIMS),),
        move(ALLOCATED, AVAILABLE, 1),
    ),
    "change_declined/1": ChangeDeclined("W-1001", 77, ()),
    "order_restated/2": OrderRestated("W-1001", TIME_NS + 7, (), (of.StatedLine("1", 3),), True, b"\x01sealed contact"),
    "statement_kept/1": StatementKept("W-1002", "market", TIME_NS + 7, ()),
    "fulfilment_readdressed/1": FulfilmentReaddressed("W-1001", 17, "picked", TIME_NS + 2, TIME_NS + 3, ()),
    "order_held/1": OrderHeld("W-1001", "fraud-check", "address looks odd", "release", (17, 18), ()),
    "hold_lifted/1": HoldLifted("W-1001", "fraud-check", (of.ReleasedFulfilment(17, TIME_NS + 4),), ()),
    "order_noted/1": OrderNoted("W-1001", "asked for a call before delivery", ()),
    "order_appeased/1": OrderAppeased("W-1001", 500, "came late", ()),
    "fulfilment_confirmed/1": FulfilmentConfirmed("W-1001", 17, (of.ConfirmedLine(0, TIME_NS + 6),), ()),
    "fulfilment_shorted/1": FulfilmentShorted(
        "W-1001", 17, "berlin", "not_found", "shelf 7", (of.Take(0, 1),), move(ALLOCATED, LOSS, 1)
    ),
    "fulfilment_split/1": FulfilmentSplit("W-1001", 17, 18, (of.Take(0, 1),), ()),
    "fulfilments_merged/1": FulfilmentsMerged("W-1001", 17, 18, ()),
    "parcels_packed/1": ParcelsPacked("W-1001", 17, (of.Parcel((of.Take(0, 2),), 1_850, "DHL", "JJD-1"),), ()),
    "pickup_lapsed/1": PickupLapsed("W-1001", 17, move(ALLOCATED, AVAILABLE, 3)),
}

OLDER: dict[str, Fact] = {
    **SETTINGS_OLDER,
    **OLDER_MONEY,
    **OLDER_GOODS,
    "stock_reserved/3": msgspec.structs.replace(SAMPLES["stock_reserved/4"], lines=AWAITED_LINES),
    "reservation_changed/3": msgspec.structs.replace(SAMPLES["reservation_changed/4"], lines=AWAITED_LINES),
    "order_placed/4": OrderPlaced(
        "W-1001",
        "web",
        41,
        "p-0123456789abcdef",
        b"\x01sealed contact",
        b"\x01sealed billing",
        HALLE,
        "ship",
        TIME_NS - 5,
        (of.PlacedLine("1", "BRASS-KETTLE", 3, 2_550, 1, CLAIMS),),
        TIMED_WORK,
        move(RESERVED, ALLOCATED, 3),
        DECISION,
        "club",
        "leipzig",
        TIME_NS + 8,
        TIME_NS + 9,
        "W-1000",
    ),
    "fulfilment_advanced/2": FulfilmentAdvanced(
        "W-1001", 17, "shipped", "DHL", "JJD-1", move(ALLOCATED, CUSTOMER, 3), TIME_NS + 8
    ),
    "order_restated/1": OrderRestated("W-1001", TIME_NS + 7, ()),
    "change_proposed/1": ChangeProposed(
        "W-1001", 77, "customer called", OLDER_CHANGE, move(AVAILABLE, ALLOCATED, 1), 2_550, ()
    ),
    "order_changed/1": OrderChanged(
        "W-1001",
        77,
        OLDER_CHANGE,
        (of.FulfilmentTake(17, 0, 1),),
        (18,),
        (of.Waiting(0, 1, 1, CLAIMS),),
        move(ALLOCATED, AVAILABLE, 1),
    ),
    "return_authorised/1": ReturnAuthorised("W-1001", 5, (of.ReturnedLine(0, 2, "too small"),), ()),
    "order_placed/3": OrderPlaced(
        "W-1001",
        "web",
        41,
        "p-0123456789abcdef",
        b"\x01sealed contact",
        b"\x01sealed billing",
        HALLE,
        "ship",
        TIME_NS - 5,
        (of.PlacedLine("1", "BRASS-KETTLE", 3, 2_550, 1, CLAIMS),),
        DATED_WORK,
        move(RESERVED, ALLOCATED, 3),
        DECISION,
        "club",
    ),
    "order_sourced/3": OrderSourced(
        "W-1001", DATED_WORK, (of.Waiting(0, 2, 1, CLAIMS),), move(AVAILABLE, ALLOCATED, 3), DECISION
    ),
    "order_improved/1": OrderImproved(
        "W-1001", (16,), DATED_WORK, 120, DECISION, (*move(ALLOCATED, AVAILABLE, 2), *move(AVAILABLE, ALLOCATED, 2))
    ),
    "fulfilment_advanced/1": FulfilmentAdvanced("W-1001", 17, "shipped", "DHL", "JJD-1", move(ALLOCATED, CUSTOMER, 3)),
    "stock_reserved/2": StockReserved(
        41, "web", TIME_NS, HALLE, DATED_LINES, DECISION, (Slot("berlin", 740_000),), "pickup", "club"
    ),
    "reservation_changed/2": ReservationChanged(
        41, DATED_LINES, move(AVAILABLE, RESERVED, 1), (Slot("berlin", 740_000),)
    ),
    "order_placed/2": OrderPlaced(
        "W-1001",
        "web",
        41,
        "p-0123456789abcdef",
        b"\x01sealed contact",
        b"\x01sealed billing",
        HALLE,
        "ship",
        TIME_NS - 5,
        (of.PlacedLine("1", "BRASS-KETTLE", 3, 2_550, 1),),
        DATED_WORK,
        move(RESERVED, ALLOCATED, 3),
        DECISION,
        "club",
    ),
    "order_sourced/2": OrderSourced(
        "W-1001", DATED_WORK, (of.Waiting(0, 2, 1),), move(AVAILABLE, ALLOCATED, 3), DECISION
    ),
    "order_cancelled/1": OrderCancelled(
        "W-1001",
        "changed her mind",
        (of.Take(0, 3),),
        (of.FulfilmentTake(17, 0, 2),),
        (of.Waiting(0, 0, 1),),
        move(ALLOCATED, AVAILABLE, 2),
    ),
    "stock_reserved/1": StockReserved(41, "web", TIME_NS, HALLE, LINES),
    "reservation_changed/1": ReservationChanged(41, LINES, move(AVAILABLE, RESERVED, 1)),
    "order_placed/1": OrderPlaced(
        "W-1001",
        "web",
        41,
        "p-0123456789abcdef",
        b"\x01sealed contact",
        b"\x01sealed billing",
        HALLE,
        "ship",
        TIME_NS - 5,
        (of.PlacedLine("1", "BRASS-KETTLE", 3, 2_550, 1),),
        WORK,
        move(RESERVED, ALLOCATED, 3),
    ),
    "order_sourced/1": OrderSourced("W-1001", WORK, (of.Waiting(0, 2, 1),), move(AVAILABLE, ALLOCATED, 3)),
}


def record_of(fact: Fact) -> Record:
    """The fact in a record with every field set."""
    return Record("till-1", (fact,), b"k" * 16, b"p" * 16, 201, b'{"id":"41"}')


def add_what_is_new() -> None:
    """Encode samples that are not in the file yet; never touches what is."""
    kept: dict[str, bytes] = msgspec.msgpack.decode(FACTS.read_bytes()) if FACTS.exists() else {}
    for name, fact in SAMPLES.items():
        kept.setdefault(name, records.encode(record_of(fact)))
    FACTS.write_bytes(msgspec.msgpack.encode(kept))


if __name__ == "__main__":
    add_what_is_new()
