"""Where a postal code is: a table of coordinates read once from a CSV file, 2 MB for a hundred thousand codes."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.geography.tables import BadTable, read_table

COLUMNS = ("country_code", "zipcode", "latitude", "longitude")
CODE_LENGTH_MAX = 9
PREFIX_LENGTH_MIN = 2
PREFIX_SPREAD_KM_MAX = 150.0
STEPS_PER_DEGREE = 100_000  # about a metre
EARTH_RADIUS_KM = 6371.0088

# Countries whose codes have this many digits and nothing else that matters: what stands before them is a mark of the
# country (L-4968, D-10115, SE-624 66), what follows is letters of the street (NL) or the kind of delivery (CEDEX).
# A code with fewer digits has lost some, and a prefix of what is left would be a place far away: it is not looked up.
_DIGITS = {
    **dict.fromkeys(("AT", "BE", "BG", "CH", "CY", "DK", "HU", "LI", "LU", "LV", "NL", "NO", "SI"), r"\d{4}"),
    **dict.fromkeys(("CZ", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IT", "LT", "PL", "SE", "SK"), r"\d{5}"),
    "PT": r"\d{4}(?:\d{3})?",
    "RO": r"\d{6}",
}
_DIGIT_CODES = {country: re.compile(rf"[A-Z]{{0,3}}({digits})(?!\d).*") for country, digits in _DIGITS.items()}
# GB and Ireland: the outward part is looked up, the inward part of a full code is left out.
_OUTWARD_CODES = {
    "GB": re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)(?:\d[A-Z]{0,2})?"),
    "IE": re.compile(r"([A-Z]\d[\dW])[A-Z\d]{0,4}"),
}
_CODES = {**_DIGIT_CODES, **_OUTWARD_CODES}
_COUNTRY = re.compile(r"[A-Z]{2}")
_NO_LETTER_OR_DIGIT = re.compile(r"[^A-Z0-9]+")


def normalised(country: str, postal_code: str) -> str:
    """The part of a code that is looked up, in capitals, without blanks and hyphens; "" if it can't be a code there."""
    text = _NO_LETTER_OR_DIGIT.sub("", postal_code.upper())
    form = _CODES.get(country)
    if form is None:
        return text[:CODE_LENGTH_MAX]
    found = form.fullmatch(text)
    return "" if found is None else found[1]


class Postcodes:
    """Coordinates by country and postal code.

    Three arrays with one entry for each code, ordered by key: 8 bytes for the key, 4 each for latitude and longitude. A
    key is country and code as a number to the base 36, left-aligned, so that codes with a common prefix stand together.
    """

    def __init__(self, keys: NDArray[np.int64], latitudes: NDArray[np.int32], longitudes: NDArray[np.int32]) -> None:
        self._keys = keys.data  # its elements are read at the speed of a list's
        self._latitudes = latitudes
        self._longitudes = longitudes

    @classmethod
    def load(cls, path: Path) -> Postcodes:
        """Read a CSV file, plain or gzipped, with the columns of COLUMNS (others are left alone). Raises BadTable.

        A code may stand in several rows, one for each of its places, and some of them far away (a firm's code with the
        seat of its parent, a place taken for its namesake). The row that is nearest to all others counts, the medoid:
        while most rows are right it is one of them, and unlike a mean or a median of each coordinate it is a real
        place.
        """
        of_key: dict[int, int] = {}
        of_text: dict[tuple[str, str], int] = {}
        codes, latitudes, longitudes = array("i"), array("d"), array("d")
        for line, row in read_table(path, COLUMNS):
            country, text, latitude, longitude = row
            code = of_text.get((country, text))
            if code is None:
                key = _key_of_row(path, line, country, text)
                code = of_text[country, text] = of_key.setdefault(key, len(of_key))
            try:
                north, east = float(latitude), float(longitude)
            except ValueError:
                north = east = np.nan
            if not (-90 <= north <= 90 and -180 <= east <= 180):
                raise BadTable(path, line, f"no coordinates in decimal degrees: {latitude!r}, {longitude!r}")
            codes.append(code)
            latitudes.append(north)
            longitudes.append(east)
        if not codes:
            raise BadTable(path, None, "there is no postal code in it")
        chosen = _medoids(np.asarray(codes), np.asarray(latitudes), np.asarray(longitudes))
        keys = np.fromiter(of_key, np.int64, len(of_key))
        order = np.argsort(keys)
        rows = chosen[order]
        return cls(keys[order], _steps(latitudes, rows), _steps(longitudes, rows))

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def memory_bytes(self) -> int:
        """What the table holds."""
        return self._keys.nbytes + self._latitudes.nbytes + self._longitudes.nbytes

    def find(self, country: str, postal_code: str) -> tuple[float, float] | None:
        """(latitude, longitude) of a code in decimal degrees, or about where it must be, or None.

        A code that is not in the table is taken to be where the codes are with which it shares most characters from the
        front, two at least: at the mean of their coordinates. None if these lie farther apart than a region does.
        """
        country = country.upper()
        code = normalised(country, postal_code)
        exact = self._at(country, code)
        return self._near(country, code) if exact is None else exact

    def find_exactly(self, country: str, postal_code: str) -> tuple[float, float] | None:
        """(latitude, longitude) of a code that is in the table."""
        country = country.upper()
        return self._at(country, normalised(country, postal_code))

    def _at(self, country: str, code: str) -> tuple[float, float] | None:
        key = _key(country, code)
        if key is None:
            return None
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return None
        return int(self._latitudes[at]) / STEPS_PER_DEGREE, int(self._longitudes[at]) / STEPS_PER_DEGREE

    def _near(self, country: str, code: str) -> tuple[float, float] | None:
        if _COUNTRY.fullmatch(country) is None:
            return None
        for length in range(len(code), PREFIX_LENGTH_MIN - 1, -1):
            prefix = (country + code[:length]).ljust(2 + CODE_LENGTH_MAX, "0")
            last = (country + code[:length]).ljust(3 + CODE_LENGTH_MAX, "Z")
            first, end = bisect_left(self._keys, int(prefix + "0", 36)), bisect_left(self._keys, int(last, 36))
            if first < end:
                return self._middle(first, end)
        return None

    def _middle(self, first: int, end: int) -> tuple[float, float] | None:
        """The mean of the codes in a range, unless they lie farther from it, in the mean, than PREFIX_SPREAD_KM_MAX."""
        latitudes = self._latitudes[first:end] / STEPS_PER_DEGREE
        longitudes = self._longitudes[first:end] / STEPS_PER_DEGREE
        north, east = float(latitudes.mean()), float(longitudes.mean())
        km = np.hypot(latitudes - north, (longitudes - east) * np.cos(np.radians(north))) * np.radians(EARTH_RADIUS_KM)
        return (round(north, 5), round(east, 5)) if float(km.mean()) <= PREFIX_SPREAD_KM_MAX else None


def _key(country: str, code: str) -> int | None:
    """Country and code as one number; its last digit is the length, so that E1 is not E10. None for what is no code."""
    if not code or _COUNTRY.fullmatch(country) is None:
        return None
    return int((country + code).ljust(2 + CODE_LENGTH_MAX, "0"), 36) * 36 + len(code)


def _key_of_row(path: Path, line: int, country: str, text: str) -> int:
    key = _key(country, normalised(country, text))
    if key is None:
        raise BadTable(path, line, f"no postal code of a country: {country!r}, {text!r}")
    return key


def _steps(degrees: Any, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    steps: NDArray[np.int32] = np.rint(np.asarray(degrees)[rows] * STEPS_PER_DEGREE).astype(np.int32)
    return steps


def _medoids(
    codes: NDArray[np.int32], latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]
) -> NDArray[np.int64]:
    """For each code the row whose distances to the other rows of the code have the least sum; of equals, the first.

    Distances are chords through the globe, which knows no date line. Codes with equally many rows are done together.
    """
    north, east = np.radians(latitudes), np.radians(longitudes)
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)
    by_code = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    chosen: NDArray[np.int64] = by_code[starts]
    for count in np.unique(counts[counts > 2]):  # of one or two, the first
        of_size = np.flatnonzero(counts == count)
        rows = by_code[starts[of_size, None] + np.arange(count)]
        there = points[rows]
        sums = np.zeros(rows.shape)
        for other in range(count):
            sums += np.sqrt(((there - there[:, other : other + 1]) ** 2).sum(axis=2))
        # Sums that differ by rounding only are equal: less than a millimetre.
        least = sums.min(axis=1, keepdims=True)
        chosen[of_size] = rows[np.arange(len(of_size)), (sums <= least + 1e-10).argmax(axis=1)]
    return chosen
