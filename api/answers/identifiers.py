"""Ids as clients see them: what was given a number gets a prefix, so that nobody mixes them up or counts with them."""

import re
from collections.abc import Callable
from typing import Any, get_args

from msgspec import Meta

from engine.numbers import (
    ChangeNumber,
    FulfilmentNumber,
    InboundNumber,
    PaymentRequestNumber,
    PickListNumber,
    ReservationNumber,
    ReturnNumber,
    TransferNumber,
)

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def prefix_of(kind: Any) -> str | None:
    """What ids of a kind of numbers begin with; None for any other type. Optional ones and tuples are looked into."""
    for part in get_args(kind):
        if isinstance(part, Meta) and part.extra is not None and "prefix" in part.extra:
            return str(part.extra["prefix"])
        inner = prefix_of(part)
        if inner is not None:
            return inner
    return None


def _written(kind: Any) -> tuple[Callable[[int], str], Callable[[str], int | None]]:
    """How a number of a kind is written, and how it is read: None for what is no such id."""
    prefix = prefix_of(kind)
    assert prefix is not None

    def id_of(number: int) -> str:
        return f"{prefix}{number}"

    def number_of(text: str) -> int | None:
        digits = text.removeprefix(prefix)
        return int(digits) if text.startswith(prefix) and _NUMBER.fullmatch(digits) else None

    return id_of, number_of


reservation_id, reservation_number = _written(ReservationNumber)
fulfilment_id, fulfilment_number = _written(FulfilmentNumber)
return_id, return_number = _written(ReturnNumber)
inbound_id, inbound_number = _written(InboundNumber)
change_id, change_number = _written(ChangeNumber)
transfer_id, transfer_number = _written(TransferNumber)
pick_list_id, pick_list_number = _written(PickListNumber)
payment_request_id, payment_request_number = _written(PaymentRequestNumber)
