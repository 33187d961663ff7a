"""The coarse area of an address, from postal codes as people write them."""

import pytest

from engine.areas import Area, coarse_area


@pytest.mark.parametrize(
    ("country", "postal_code", "area"),
    [
        ("DE", "10115", "10"),
        ("DE", "D-10115", "10"),
        ("DE", "DE - 10115", "10"),
        ("DE", "d-10115", "10"),
        ("DE", "DE 10115", "10"),
        ("AT", "A-1010", "10"),
        ("CH", "CH-8001", "80"),
        ("SE", "SE-111 22", "11"),
        ("SE", " 111 22", "11"),
        ("FR", "F-75001", "75"),
        ("NL", "1012 AB", "10"),
        ("GB", "SW1A 1AA", "SW"),
        ("GB", "m1 1ae", "M"),
        ("GB", "GB-SW1A 1AA", "SW"),
        ("GB", "SW1A-1AA", "SW"),
        ("IE", "D02 AF30", "D"),
        ("PL", "00-950", "00"),
        ("PT", "1000-001", "10"),
        ("LT", "LT-01100", "01"),
        ("LV", "LV-1010", "10"),
        ("LU", "L-1009", "10"),
        ("NL", "NL-1012 AB", "10"),
        ("MT", "VLT 1117", "VL"),
        ("CA", "k1a 0b6", "K1"),
        ("US", "10001", "10"),
        (None, "10115", "10"),
        ("DE", None, None),
        ("DE", "  ", None),
    ],
)
def test_the_postal_area_of_real_codes(country: str | None, postal_code: str | None, area: str | None) -> None:
    assert coarse_area(country, postal_code, None, None) == Area(country, area)


def test_coordinates_are_kept_to_about_ten_kilometres() -> None:
    assert coarse_area("DE", "10115", 52.5321, 13.3849) == Area("DE", "10", 525, 134)
