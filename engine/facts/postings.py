"""The posting: units moving from one account to another. Every quantity in Kontor changes by one of these."""

import enum

import msgspec


class Account(enum.IntEnum):
    """Where units can be. Those in INSIDE are kept per SKU and node and never negative, the others per SKU.

    MISSING is inside and never positive: promised units that a node says are not there. The numbers are journalled:
    append, never renumber.
    """

    AVAILABLE = 0
    RESERVED = 1
    ALLOCATED = 2
    UNSELLABLE = 3
    INBOUND = 4
    IN_TRANSIT = 5
    SUPPLIER = 6
    CUSTOMER = 7
    LOSS = 8
    ADJUSTMENT = 9
    INBOUND_RESERVED = 10
    INBOUND_ALLOCATED = 11
    TRANSFER = 12
    MISSING = 13


AVAILABLE = int(Account.AVAILABLE)
RESERVED = int(Account.RESERVED)
ALLOCATED = int(Account.ALLOCATED)
UNSELLABLE = int(Account.UNSELLABLE)
INBOUND = int(Account.INBOUND)
IN_TRANSIT = int(Account.IN_TRANSIT)
SUPPLIER = int(Account.SUPPLIER)
CUSTOMER = int(Account.CUSTOMER)
LOSS = int(Account.LOSS)
ADJUSTMENT = int(Account.ADJUSTMENT)
INBOUND_RESERVED = int(Account.INBOUND_RESERVED)
INBOUND_ALLOCATED = int(Account.INBOUND_ALLOCATED)
TRANSFER = int(Account.TRANSFER)
MISSING = int(Account.MISSING)

INSIDE = frozenset(
    (AVAILABLE, RESERVED, ALLOCATED, UNSELLABLE, INBOUND, IN_TRANSIT, INBOUND_RESERVED, INBOUND_ALLOCATED, MISSING)
)


class Posting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units (> 0) of `sku` at `node` go from `source` to `target`, both account numbers."""

    sku: str
    node: str
    source: int
    target: int
    quantity: int
