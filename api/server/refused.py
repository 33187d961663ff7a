"""Why a node does not start, where it is not damage: told as one line, with the ways out."""


class StartRefused(Exception):
    """The node does not start like this. The message says why, and what to do."""
