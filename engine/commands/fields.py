"""Field types shared by commands: the bounds of the public contract, written as msgspec metadata."""

from typing import Annotated

from msgspec import Meta

from engine import limits

# `$` in Python also matches before a final newline; the look-ahead closes that door and means the same in ECMA 262.
ID_REGEX = r"^[A-Za-z0-9._:\-]{1,64}$(?!\n)"
ORDER_NUMBER_REGEX = r"^[A-Za-z0-9._:\-#]([A-Za-z0-9._:\-#/]{0,62}[A-Za-z0-9._:\-#])?$(?!\n)"
SKU_REGEX = r"^[^\s/\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,62}[^\s/\x00-\x1f\x7f])?$(?!\n)"

COUNTRY_REGEX = r"^[A-Z]{2}$(?!\n)"
CURRENCY_REGEX = r"^[A-Z]{3}$(?!\n)"
CLOCK_REGEX = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"
DATE_REGEX = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)"
UTC_TIME_REGEX = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$(?!\n)"
GTIN_REGEX = r"^[0-9]{8,14}$(?!\n)"

# What a pattern asks for, in words, for people who got it wrong.
PATTERNS_IN_WORDS = {
    ID_REGEX: "1 to 64 characters of A-Z a-z 0-9 . _ : -",
    ORDER_NUMBER_REGEX: "1 to 64 characters of A-Z a-z 0-9 . _ : - # /, without `/` at the ends",
    SKU_REGEX: "1 to 64 printable characters without `/` and blanks at the ends",
    COUNTRY_REGEX: "two capital letters (ISO 3166-1)",
    CURRENCY_REGEX: "three capital letters (ISO 4217)",
    CLOCK_REGEX: "a time of day such as 16:00",
    DATE_REGEX: "a date such as 2026-11-23",
    UTC_TIME_REGEX: "a time in UTC such as 2026-11-23T16:00:00Z",
    GTIN_REGEX: "8 to 14 digits",
}

Id = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX, pattern=ID_REGEX)]
OrderNumber = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX, pattern=ORDER_NUMBER_REGEX)]
Sku = Annotated[str, Meta(min_length=1, max_length=64, pattern=SKU_REGEX)]
Quantity = Annotated[int, Meta(ge=1, le=limits.QUANTITY_MAX)]
QuantityOrZero = Annotated[int, Meta(ge=0, le=limits.QUANTITY_MAX)]
SignedQuantity = Annotated[int, Meta(ge=-limits.QUANTITY_MAX, le=limits.QUANTITY_MAX)]
Minor = Annotated[int, Meta(ge=0, le=limits.MINOR_MAX)]
Text = Annotated[str, Meta(max_length=limits.TEXT_LENGTH_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Country = Annotated[str, Meta(pattern=COUNTRY_REGEX, description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Meta(pattern=CURRENCY_REGEX, description="ISO 4217")]
PostalCode = Annotated[str, Meta(min_length=1, max_length=16)]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="decimal degrees, WGS 84")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="decimal degrees, WGS 84")]
TtlSeconds = Annotated[int, Meta(ge=1, le=limits.RESERVATION_TTL_SECONDS_MAX)]
Seconds = Annotated[int, Meta(ge=1, le=limits.SECONDS_MAX)]
PreparationMinutes = Annotated[int, Meta(ge=0, le=limits.PREPARATION_MINUTES_MAX)]
ClockTime = Annotated[str, Meta(pattern=CLOCK_REGEX, description="HH:MM, local time")]
UtcTime = Annotated[str, Meta(pattern=UTC_TIME_REGEX, description="RFC 3339, to the second, UTC")]
Date = Annotated[str, Meta(pattern=DATE_REGEX)]
