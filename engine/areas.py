"""The coarse area of an address: all of it that a fact may carry."""

import re
from functools import lru_cache

import msgspec

_OUTWARD_LETTERS = re.compile(r"^[A-Z]{1,2}")
_LETTERED_COUNTRIES = ("GB", "IE", "JE", "GG", "IM")
_BEFORE_THE_CODE = re.compile(r"^([A-Z]{1,3})(?:\s*-\s*|\s+)")


class Area(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Country, first part of the postal code, coordinates in tenths of a degree (about 10 km); None where unknown."""

    country: str | None = None
    postal_area: str | None = None
    latitude_tenths: int | None = None
    longitude_tenths: int | None = None


NOWHERE = Area()


@lru_cache(maxsize=4_096)
def coarse_area(country: str | None, postal_code: str | None, latitude: float | None, longitude: float | None) -> Area:
    """Round an address until about a hundred thousand people share it.

    The postal area is the letters in front for British-style codes and the first two characters elsewhere; a country in
    front of the code (D-10115, SE-111 22) is passed over.
    """
    code = _without_country(country, (postal_code or "").strip().upper())
    letters = _OUTWARD_LETTERS.match(code) if country in _LETTERED_COUNTRIES else None
    postal_area = (letters.group() if letters else code[:2]) or None
    return Area(
        country,
        postal_area,
        None if latitude is None else round(latitude * 10),
        None if longitude is None else round(longitude * 10),
    )


def _without_country(country: str | None, code: str) -> str:
    """The code itself: what stands before it is the country, or letters and a dash before a digit (A- for Austria)."""
    before = _BEFORE_THE_CODE.match(code)
    if before is None:
        return code
    rest = code[before.end() :]
    dashed_number = "-" in before.group() and rest[:1].isdigit() and country not in _LETTERED_COUNTRIES
    return rest if before.group(1) == country or dashed_number else code
