"""How many examples hypothesis tries."""

whole = False
"""Whether the slow tests run as well: set by tests/conftest.py."""


def examples(count: int) -> int:
    """`count` in `make test-all`, a third of it in `make test`."""
    return count if whole else count // 3
