"""The coarse area of an address: all of it that a fact may carry."""

import re
from functools import lru_cache

import msgspec

_OUTWARD_LETTERS = re.compile(r"^[A-Za-z]{1,2}")
_LETTERED_COUNTRIES = ("GB", "IE", "JE", "GG", "IM")
_COUNTRY_PREFIX = re.compile(r"^\s*[A-Za-z]{1,3}\s*-\s*(?=[0-9])")


class Area(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Country, first part of the postal code, and coordinates in tenths of a degree (about 10 km); None where unknown."""

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
    code = _COUNTRY_PREFIX.sub("", postal_code or "").strip()
    letters = _OUTWARD_LETTERS.match(code) if country in _LETTERED_COUNTRIES else None
    postal_area = (letters.group() if letters else code[:2]).upper() or None
    return Area(
        country,
        postal_area,
        None if latitude is None else round(latitude * 10),
        None if longitude is None else round(longitude * 10),
    )
