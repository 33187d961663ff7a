"""What suppliers, marketplaces and the node itself do in a random life: goods on their way, orders stated anew, better plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.areas import coarse_area
from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.commands.inbound import (
    CancelInbound,
    DelayInbound,
    ExpectInbound,
    InboundArrival,
    InboundQuantity,
    ReceiveInbound,
)
from engine.commands.maintenance import ImproveOrders
from engine.commands.orders import OrderLineRequest, PlaceOrder, RestateOrder, SourceOrderAgain
from engine.commands.transfers import (
    ArrivedLine,
    CancelTransfer,
    PlanTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantity,
    TurnBackTransfer,
)
from engine.limits import NS_PER_SECOND

if TYPE_CHECKING:
    from tests.simulation.random_life import Life

HOUR_NS = 3_600 * NS_PER_SECOND


def expect(life: Life, skus: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """A supplier says what it will bring; some of it comes, some at another time, some never."""
    chance = life.chance
    open_numbers = list(life.state.inbound.open)
    expected_at_ns = life.now_ns + chance.randint(0, 60) * HOUR_NS
    if not open_numbers or chance.random() < 0.35:
        lines = tuple(InboundQuantity(sku, chance.randint(1, 12)) for sku in chance.sample(skus, chance.randint(1, 3)))
        life.do(ExpectInbound("brass-and-sons", chance.choice(nodes), lines, expected_at_ns))
        return
    number = chance.choice(open_numbers)
    sku, units = chance.choice(life.state.inbound.open[number].lines).sku, chance.randint(1, 4)
    some = (InboundQuantity(sku, units),)
    life.do(
        chance.choice(
            (
                ReceiveInbound(number),
                ReceiveInbound(number, some),
                ReceiveInbound(number, (InboundArrival(sku, units, chance.randint(0, units)),)),
                DelayInbound(number, expected_at_ns),
                CancelInbound(number, some),
                CancelInbound(number),
            )
        )
    )


def move(life: Life, skus: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """Goods go from node to node: whole or not, on time, late, back, or never."""
    chance, transfers = life.chance, life.state.transfers
    under_way = list(transfers.open.values())
    if not under_way or chance.random() < 0.3:
        source, target = chance.sample(nodes, 2)
        life.do(PlanTransfer(source, target, (TransferQuantity(chance.choice(skus), chance.randint(1, 5)),)))
        return
    ended = [one for one in transfers.ended.values() if any(line.lost for line in one.lines)]
    if ended and chance.random() < 0.2:
        lost = chance.choice(ended)
        found = ArrivedLine(lost.lines[0].sku, chance.randint(1, 3), chance.choice((0, 0, 1)))
        life.do(ReceiveTransfer(lost.number, (found,)))
        return
    moving = chance.choice(under_way)
    sku, received = moving.lines[0].sku, chance.randint(0, moving.lines[0].quantity + 1)
    arrived = (ArrivedLine(sku, received, chance.randint(0, received)),)
    life.do(
        chance.choice(
            (
                ShipTransfer(moving.number),
                ShipTransfer(moving.number, (TransferQuantity(sku, chance.randint(1, 3)),)),
                TurnBackTransfer(moving.number),
                TurnBackTransfer(moving.number),
                ReceiveTransfer(moving.number, arrived, chance.random() < 0.3),
                ReceiveTransfer(moving.number),
                CancelTransfer(moving.number),
            )
        )
    )


def state_order(life: Life, skus: tuple[str, ...]) -> None:
    """A marketplace states an order as a whole: a new one or one it stated before, sometimes an older statement."""
    chance = life.chance
    number = f"M-{chance.randint(1, 2 + life.orders // 4)}"
    lines = tuple(
        OrderLineRequest(f"{at}-{sku}", sku, chance.randint(1, 3), 255)
        for at, sku in enumerate(chance.sample(skus, chance.randint(1, 2)))
    )
    area = coarse_area("DE", "20095", 53.5, 10.0)
    order = PlaceOrder(number, "market", lines, area)
    stated_at_ns = life.now_ns - chance.choice((0, 0, 0, 600)) * NS_PER_SECOND
    off = chance.random() < 0.15
    if off and chance.random() < 0.5:
        order = PlaceOrder(number, "market", (), area)
    life.do(RestateOrder(order, stated_at_ns, chance.random() < 0.2, off))


def source(life: Life) -> None:
    """A person looks for what no node could send, or the node for better plans."""
    orders = list(life.state.orders.open.values())
    short = [order.number for order in orders if order.state in ("backordered", "unsourceable")]
    if short and life.chance.random() < 0.6:
        life.do(SourceOrderAgain(life.chance.choice(short)))
    else:
        life.do(ImproveOrders(tuple(order.number for order in orders)))


def let_in(life: Life) -> None:
    """Somebody gets a key, or loses it; now and then nobody does anything for a day."""
    number = life.chance.randint(1, 2)
    secret = bytes([number]) * 32
    life.do(life.chance.choice((CreateApiKey(f"k-{number}", "till", secret), RevokeApiKey(f"k-{number}"))))
    if life.chance.random() < 0.1:
        life.now_ns += 25 * HOUR_NS
