"""The language of intent: what somebody asks for, in the imperative. One file per area.

access         commands about API keys
bookkeeping    what bookkeepers do themselves
command        what makes a struct a command
configuration  master data: the bodies people write, and the one command that sets any number of them
fields         field types shared by commands: the bounds of the public contract, written as msgspec metadata
inbound        commands about goods on their way to a node: expected, received in parts, delayed, cancelled
maintenance    commands a node gives itself: memory stays flat, and what it held can be proven later
orders         commands about orders and fulfilments
picking        commands about pick lists
policies       sourcing policies: the rules by which plans are made, as people write them
pricing        prices, taxes and promotions as people write them
providers      payment providers, and what they report
reservations   commands about reservations: claims on stock that end by themselves
stock          commands that move stock
transfers      commands about goods that go from one node to another
"""

from engine.commands import (
    access,
    bookkeeping,
    configuration,
    inbound,
    maintenance,
    orders,
    picking,
    providers,
    reservations,
    stock,
    transfers,
)
from engine.commands.command import Command

__all__ = [
    "Command",
    "access",
    "bookkeeping",
    "configuration",
    "inbound",
    "maintenance",
    "orders",
    "picking",
    "providers",
    "reservations",
    "stock",
    "transfers",
]
