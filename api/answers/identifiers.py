"""Ids as clients see them: what was given a number gets a prefix, so that nobody mixes them up or counts with them."""

import re

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

RESERVATION, FULFILMENT, RETURN, INBOUND = "r-", "f-", "ret-", "in-"
CHANGE, TRANSFER, PICK_LIST, PAYMENT_REQUEST = "c-", "t-", "p-", "pay-"


def reservation_id(number: int) -> str:
    """`r-<number>`."""
    return f"{RESERVATION}{number}"


def fulfilment_id(number: int) -> str:
    """`f-<number>`."""
    return f"{FULFILMENT}{number}"


def return_id(number: int) -> str:
    """`ret-<number>`."""
    return f"{RETURN}{number}"


def inbound_id(number: int) -> str:
    """`in-<number>`."""
    return f"{INBOUND}{number}"


def change_id(number: int) -> str:
    """`c-<number>`."""
    return f"{CHANGE}{number}"


def transfer_id(number: int) -> str:
    """`t-<number>`."""
    return f"{TRANSFER}{number}"


def pick_list_id(number: int) -> str:
    """`p-<number>`."""
    return f"{PICK_LIST}{number}"


def payment_request_id(number: int) -> str:
    """`pay-<number>`."""
    return f"{PAYMENT_REQUEST}{number}"


def payment_request_number(text: str) -> int | None:
    """The number in the id of a request to a payment provider; None for anything else."""
    return _number(text, PAYMENT_REQUEST)


def reservation_number(text: str) -> int | None:
    """The number in a reservation's id; None for anything else."""
    return _number(text, RESERVATION)


def fulfilment_number(text: str) -> int | None:
    """The number in a fulfilment's id; None for anything else."""
    return _number(text, FULFILMENT)


def return_number(text: str) -> int | None:
    """The number in a return's id; None for anything else."""
    return _number(text, RETURN)


def inbound_number(text: str) -> int | None:
    """The number in an inbound's id; None for anything else."""
    return _number(text, INBOUND)


def change_number(text: str) -> int | None:
    """The number in a change's id; None for anything else."""
    return _number(text, CHANGE)


def transfer_number(text: str) -> int | None:
    """The number in a transfer's id; None for anything else."""
    return _number(text, TRANSFER)


def pick_list_number(text: str) -> int | None:
    """The number in a pick list's id; None for anything else."""
    return _number(text, PICK_LIST)


def _number(text: str, prefix: str) -> int | None:
    digits = text.removeprefix(prefix)
    return int(digits) if text.startswith(prefix) and _NUMBER.fullmatch(digits) else None
