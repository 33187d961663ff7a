"""What bookkeepers do themselves."""

from engine.commands.command import Command


class PayOutRefund(Command, frozen=True):
    """Money that goes back over a payment was paid out: all that is owed of it, or `amount_minor`."""

    order: str
    payment: str
    amount_minor: int | None = None


class WriteOff(Command, frozen=True):
    """What a customer owes will not come: all of it, or `amount_minor`."""

    order: str
    reason: str
    amount_minor: int | None = None


class LockPeriod(Command, frozen=True):
    """Nothing is booked on a day up to `through` (an ISO date) any more."""

    through: str
