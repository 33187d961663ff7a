"""Many stock movements in one request."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers import problems
from api.http.endpoint import encode, refusal_reply
from api.http.gathering import Gathering, item_reply
from api.http.operations import Call, Handled, Operation, Reply
from api.resources.reservations import BatchAnswer
from api.resources.stock import TAG, render_moved
from engine import limits
from engine.commands.stock import MoveStock
from engine.facts import Fact
from engine.results import Rejection
from engine.state.state import State
from engine.writer import Change, Done


class MovementItem(MoveStock, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One movement of many: all of its lines or none."""

    idempotency_key: Annotated[str, Meta(min_length=1, max_length=limits.IDEMPOTENCY_KEY_LENGTH_MAX)] | None = None


class BulkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Movements; each is decided on its own."""

    items: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=limits.MOVEMENTS_BULK_MAX)]


class BulkBodySchema(msgspec.Struct):
    """How they look to clients."""

    items: Annotated[tuple[MovementItem, ...], Meta(min_length=1, max_length=limits.MOVEMENTS_BULK_MAX)]


_decode_item = msgspec.json.Decoder(MovementItem).decode


async def move_bulk(call: Call) -> Handled:
    """Post many movements, each on its own, in one go."""
    items = call.body.items
    gathering = Gathering(len(items), call.server.loop.create_future())
    for position, raw in enumerate(items):
        reply = _item(call, raw, position, gathering)
        if reply is not None:
            gathering.put(position, reply)
    await gathering.whole
    return gathering.reply(call.server.journal.last_seq)


def _item(call: Call, raw: msgspec.Raw, position: int, gathering: Gathering) -> Reply | None:
    """The answer of one item, if it is known already; else it will be put to the others."""
    try:
        item = _decode_item(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return refusal_reply(problems.from_validation(error), {})
    command = MoveStock(item.lines, item.reference)
    key = payload = None
    name = item.idempotency_key or (f"{call.key}#{position}" if call.key is not None else None)
    if name is not None:
        key = call.server.key_digest(call.actor, name)
        payload = call.server.payload_digest("POST", "/v1/stock/movements", encode(command))

    def deliver(outcome: Done | Rejection) -> None:
        gathering.put(position, item_reply(call, outcome))

    refusal = call.server.submit(Change(command, call.actor, _render, deliver, key, payload, len(memoryview(raw))))
    return None if refusal is None else item_reply(call, refusal)


def _render(state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
    return 201, encode(render_moved(state, seq, facts))


LINE = {"sku": "85123A", "node": "leipzig", "reason": "receipt", "quantity": 40}

OPERATIONS = [
    Operation(
        id="moveStockBulk", method="POST", path="/v1/stock/movements/bulk", tag=TAG, handle=move_bulk,
        summary=f"Post up to {limits.MOVEMENTS_BULK_MAX} movements of up to {limits.MOVEMENT_LINES_MAX:,} lines, each on its own",
        body=BulkBody, body_schema=BulkBodySchema, answer=BatchAnswer,
        example={"items": [{"idempotency_key": "delivery-4711", "lines": [LINE]}]},
    ),
]  # fmt: skip
