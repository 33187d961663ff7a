"""The closed, append-only list of ordinary "no", and the value that carries one.

Each code has a documented meaning, an HTTP status, and says whether the same request could end differently later.
Where a command could be refused for several reasons, the code listed first wins.
"""

import enum

import msgspec


class ResultCode(enum.Enum):
    """Value: (wire name, HTTP status, whether a retry could end differently, title)."""

    MALFORMED_REQUEST = ("malformed_request", 400, False, "The request does not have the documented shape")
    UNAUTHENTICATED = ("unauthenticated", 401, False, "No valid API key was given")
    FORBIDDEN = ("forbidden", 403, False, "This API key may not do that")
    NOT_FOUND = ("not_found", 404, True, "There is no such thing, or you may not see it")
    HISTORY_CHANGED = ("history_changed", 410, False, "The position is of another history than the node's")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, False, "This address does not take that method")
    REQUEST_TIMEOUT = ("request_timeout", 408, True, "The request did not arrive in time")
    BODY_TOO_LARGE = ("body_too_large", 413, False, "The body is too large")
    MISDIRECTED_REQUEST = ("misdirected_request", 421, False, "The request is meant for another host")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, False, "Only plain application/json is taken")
    HEADERS_TOO_LARGE = ("headers_too_large", 431, False, "The headers are too large")
    PRECONDITION_FAILED = ("precondition_failed", 412, True, "The resource has changed since it was read")
    IDEMPOTENCY_KEY_REUSED = ("idempotency_key_reused", 422, False, "This key was used with another request")
    UNKNOWN_CHANNEL = ("unknown_channel", 422, True, "There is no such channel")
    UNKNOWN_NODE = ("unknown_node", 422, True, "There is no such node")
    UNKNOWN_SKU = ("unknown_sku", 422, True, "There is no such SKU")
    UNKNOWN_SOURCING_POLICY = ("unknown_sourcing_policy", 422, True, "There is no such sourcing policy")
    ADDRESS_NOT_ALLOWED = ("address_not_allowed", 422, False, "The node sends nothing to that address")
    UNKNOWN_PROMOTION = ("unknown_promotion", 422, True, "There is no such promotion")
    UNKNOWN_CALENDAR = ("unknown_calendar", 422, True, "There is no such calendar")
    VOUCHER_REFUSED = ("voucher_refused", 409, True, "A voucher cannot be used for this order")
    UNKNOWN_RESERVATION = ("unknown_reservation", 422, True, "There is no such reservation")
    UNKNOWN_LINE = ("unknown_line", 422, True, "The order or reservation has no such line")
    UNKNOWN_FULFILMENT = ("unknown_fulfilment", 422, True, "The order has no such fulfilment")
    NO_PRICE = ("no_price", 422, True, "There is no price for it")
    NO_PICKUP = ("no_pickup", 422, True, "Customers cannot pick up there")
    WRONG_CHANNEL = ("wrong_channel", 422, False, "The reservation was made on another channel")
    ORDER_NUMBER_TAKEN = ("order_number_taken", 409, False, "An order with this number exists")
    RESERVATION_EXPIRED = ("reservation_expired", 409, False, "The reservation has expired")
    RESERVATION_NOT_ACTIVE = ("reservation_not_active", 409, False, "The reservation has ended")
    EXCEEDS_RESERVATION = ("exceeds_reservation", 409, True, "More than the reservation holds")
    INSUFFICIENT_STOCK = ("insufficient_stock", 409, True, "Not enough stock can be promised")
    INVALID_TRANSITION = ("invalid_transition", 409, True, "The present state does not allow this step")
    EXCEEDS_CANCELLABLE = ("exceeds_cancellable", 409, True, "More than is still open on the line")
    BELOW_SHIPPED = ("below_shipped", 409, True, "Less than has shipped already")
    EXCEEDS_ALLOCATED = ("exceeds_allocated", 409, True, "More than the fulfilment has")
    EXCEEDS_AUTHORISED = ("exceeds_authorised", 409, True, "More than the payment still allows")
    EXCEEDS_OWED = ("exceeds_owed", 409, True, "More than is owed")
    EXCEEDS_RETURNABLE = ("exceeds_returnable", 409, True, "More than was shipped and not yet returned")
    IN_USE = ("in_use", 409, True, "Something still depends on it")
    RATE_LIMITED = ("rate_limited", 429, True, "Too many requests")
    INTERNAL_ERROR = ("internal_error", 500, True, "The node failed on this request; nothing was changed")
    NOT_IMPLEMENTED = ("not_implemented", 501, False, "The node does not know how to do that")
    OVERLOADED = ("overloaded", 503, True, "The node is at its limit")
    STOPPING = ("stopping", 503, True, "The node is stopping")
    NOT_READY = ("not_ready", 503, True, "The node can not take all requests yet")
    STORAGE_FULL = ("storage_full", 507, True, "The disk is full; reads go on, changes are refused")

    def __init__(self, wire: str, status: int, retry_may_succeed: bool, title: str) -> None:
        self.wire = wire
        self.status = status
        self.retry_may_succeed = retry_may_succeed
        self.title = title


class Shortage(msgspec.Struct, frozen=True):
    """One SKU that could not be promised in full. Units, not lines: lines of one SKU count together."""

    sku: str
    requested: int
    available: int


class FieldError(msgspec.Struct, frozen=True):
    """One field of the request that is wrong. `pointer` is a JSON pointer into the body (RFC 6901)."""

    pointer: str
    detail: str


class Rejection(msgspec.Struct, frozen=True):
    """An ordinary "no": nothing was changed."""

    code: ResultCode
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    lines: tuple[Shortage, ...] = ()

    @classmethod
    def at(cls, code: ResultCode, pointer: str, detail: str) -> "Rejection":
        """A refusal that points at one field of the request."""
        return cls(code, detail, (FieldError(pointer, detail),))
