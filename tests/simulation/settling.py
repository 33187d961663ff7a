"""People set things otherwise in a random life, so that units become free without moving; or say where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.commands.configuration import Configure, NodeItem
from engine.commands.orders import FulfilmentLine, MoveFulfilment, SourceOrderAgain
from engine.commands.reservations import MoveReservation, QuantityLine

if TYPE_CHECKING:
    from tests.simulation.random_life import Life


def settle(life: Life, skus: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """A node closes or opens, keeps more or less back, sends more or fewer a day; a channel or a policy is another."""
    chance, known = life.chance, life.state.configuration
    name, sku = chance.choice(nodes), chance.choice(skus)
    channel = chance.choice(("web", "market"))
    node = known.nodes[name]
    if not node.enabled and chance.random() < 0.8:
        life.do(Configure(nodes={name: replace(node, enabled=True)}))
        return
    others: list[Any] = [
        Configure(nodes={name: replace(node, enabled=chance.random() < 0.6)}),
        Configure(nodes={name: replace(node, ships=not node.ships or chance.random() < 0.7)}),
        Configure(nodes={name: replace(node, orders_per_day_max=chance.choice((None, None, 0, 3, 9)))}),
        Configure(node_items={name: {sku: NodeItem(safety_stock=chance.choice((0, 0, 1, 4)))}}),
        Configure(node_items={name: {sku: NodeItem(sellable=chance.random() < 0.6)}}),
        Configure(items={sku: replace(known.items[sku], backorderable=chance.random() < 0.5)}),
        Configure(channels={channel: replace(known.channels[channel], buffer=chance.choice((0, 0, 1, 3)))}),
        Configure(
            channels={
                "market": replace(known.channels["market"], nodes=tuple(chance.sample(nodes, chance.randint(2, 4))))
            }
        ),
        Configure(
            sourcing_policies={
                "bring": replace(
                    known.sourcing_policies["bring"],
                    ship_complete=chance.choice((None, None, True)),
                    nodes_max=chance.choice((None, None, 1, 2)),
                    line_split=chance.choice((True, True, False)),
                    deliver_within_days=chance.choice((None, None, None, 1)),
                )
            }
        ),
    ]
    life.do(chance.choice(others))


def move(life: Life, nodes: tuple[str, ...]) -> None:
    """Somebody gives work or a claim to another node, or asks again, also who gave it back."""
    chance, state = life.chance, life.state
    node = chance.choice(nodes)
    short = [order.number for order in state.orders.open.values() if order.state in ("backordered", "unsourceable")]
    if short and chance.random() < 0.4:
        some = chance.choice((None, tuple(chance.sample(nodes, 2))))
        life.do(SourceOrderAgain(chance.choice(short), some, chance.random() < 0.7))
        return
    reservations = list(state.reservations.active)
    if reservations and chance.random() < 0.4:
        number = chance.choice(reservations)
        sku = chance.choice(state.reservations.active[number].lines).sku
        life.do(MoveReservation(number, node, chance.choice((None, (QuantityLine(sku, 1),)))))
        return
    numbers = list(state.orders.order_of_fulfilment)
    if numbers:
        number = chance.choice(numbers)
        order = state.orders.open[state.orders.order_of_fulfilment[number]]
        takes = order.fulfilment(number).lines
        part = (FulfilmentLine(order.lines[takes[0].line].id, 1),) if takes else None
        life.do(MoveFulfilment(number, node, chance.choice((None, part))))
