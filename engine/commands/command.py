"""What makes a struct a command: the machine has a row for each kind."""

import msgspec


class Command(msgspec.Struct, frozen=True):
    """What somebody asks for, or the node asks of itself."""
