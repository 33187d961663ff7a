"""Many stock movements in one request."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.http.gathering import Batch
from api.http.operations import Operation
from api.resources.reservations import BatchAnswer
from api.resources.stock import TAG, render_moved
from engine import limits
from engine.commands.stock import MoveStock


class MovementItem(MoveStock, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One movement of many: all of its lines or none."""

    idempotency_key: Annotated[str, Meta(min_length=1, max_length=limits.IDEMPOTENCY_KEY_LENGTH_MAX)] | None = None


class BulkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Movements; each is decided on its own."""

    items: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=limits.MOVEMENTS_BULK_MAX)]


class BulkBodySchema(msgspec.Struct):
    """How they look to clients."""

    items: Annotated[tuple[MovementItem, ...], Meta(min_length=1, max_length=limits.MOVEMENTS_BULK_MAX)]


MOVEMENTS = Batch(MovementItem, MoveStock, "/v1/stock/movements", render_moved)
LINE = {"sku": "85123A", "node": "leipzig", "reason": "receipt", "quantity": 40}

OPERATIONS = [
    Operation(
        id="moveStockBulk", method="POST", path="/v1/stock/movements/bulk", tag=TAG, handle=MOVEMENTS.handle,
        summary=f"Post up to {limits.MOVEMENTS_BULK_MAX} movements of up to {limits.MOVEMENT_LINES_MAX:,} lines, each on its own",
        body=BulkBody, body_schema=BulkBodySchema, answer=BatchAnswer,
        example={"items": [{"idempotency_key": "delivery-4711", "lines": [LINE]}]},
    ),
]  # fmt: skip
