"""Time zones and provinces of real places."""

from __future__ import annotations

import pytest

from exporter.inventory.load import parse_inventory
from exporter.inventory.places import WIB, WIT, WITA, province_named, zone_at, zone_of_province
from exporter.inventory.provinces import provinces


@pytest.mark.parametrize(
    ("town", "latitude", "longitude", "zone"),
    [
        ("Sabang", 5.89, 95.32, WIB),
        ("Medan", 3.59, 98.67, WIB),
        ("Batam", 1.08, 104.03, WIB),
        ("Natuna", 3.94, 108.38, WIB),
        ("Cirebon", -6.71, 108.55, WIB),
        ("Solo", -7.57, 110.83, WIB),
        ("Malang", -7.98, 112.63, WIB),
        ("Jember", -8.17, 113.70, WIB),
        ("Banyuwangi", -8.22, 114.37, WIB),
        ("Sumenep", -7.02, 113.86, WIB),
        ("Sintang", 0.07, 111.50, WIB),
        ("Sampit", -2.53, 112.95, WIB),
        ("Pangkalan Bun", -2.68, 111.62, WIB),
        ("Kuala Kapuas", -3.01, 114.39, WIB),
        ("Muara Teweh", -0.95, 114.89, WIB),
        ("Gilimanuk", -8.16, 114.44, WITA),
        ("Singaraja", -8.11, 115.09, WITA),
        ("Bima", -8.46, 118.73, WITA),
        ("Ende", -8.84, 121.66, WITA),
        ("Banjarbaru", -3.44, 114.83, WITA),
        ("Martapura", -3.41, 114.85, WITA),
        ("Balikpapan", -1.24, 116.85, WITA),
        ("Tarakan", 3.30, 117.63, WITA),
        ("Nunukan", 4.14, 117.67, WITA),
        ("Parepare", -4.01, 119.62, WITA),
        ("Poso", -1.40, 120.75, WITA),
        ("Bitung", 1.44, 125.19, WITA),
        ("Wakatobi", -5.32, 123.55, WITA),
        ("Ternate", 0.79, 127.38, WIT),
        ("Tobelo", 1.73, 128.01, WIT),
        ("Tual", -5.63, 132.75, WIT),
        ("Saumlaki", -7.98, 131.30, WIT),
        ("Fakfak", -2.92, 132.30, WIT),
        ("Timika", -4.55, 136.89, WIT),
        ("Biak", -1.18, 136.08, WIT),
    ],
)
def test_the_time_zone_follows_from_the_place(town: str, latitude: float, longitude: float, zone: str) -> None:
    """Towns near the zones' borders above all; nearest capitals alone get several of these wrong."""
    assert zone_at(latitude, longitude) == zone, town


def test_every_capital_has_the_zone_of_its_province() -> None:
    for province in provinces():
        assert zone_at(province.latitude, province.longitude) == zone_of_province(province)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Jawa Barat", "ID-JB"),
        ("JAWA  BARAT", "ID-JB"),
        ("Prov. Jabar", "ID-JB"),
        ("Provinsi DKI Jakarta", "ID-JK"),
        ("NTB", "ID-NB"),
        ("Daerah Istimewa Yogyakarta", "ID-YO"),
        ("Papua Barat Daya", "ID-PD"),
    ],
)
def test_a_province_is_known_by_name_and_abbreviation(text: str, iso: str) -> None:
    province = province_named(text)
    assert province is not None
    assert province.iso == iso


@pytest.mark.parametrize("text", ["", "Cirebon", "Jawa", "Provinsi"])
def test_a_town_or_half_a_name_is_no_province(text: str) -> None:
    assert province_named(text) is None


@pytest.mark.parametrize(
    ("region", "zone", "latitude"),
    [
        pytest.param("name: Bali", WITA, -8.65, id="a province is placed at its capital"),
        pytest.param("name: Bandung Raya", WIB, None, id="an unknown name has no place"),
        pytest.param("name: Kota, latitude: -2.53, longitude: 140.7", WIT, -2.53, id="by its own place"),
        pytest.param("name: Bali, timezone: WIB", WIB, -8.65, id="its own word wins"),
        pytest.param("name: X, timezone: Asia/Singapore", "Asia/Singapore", None, id="any IANA zone"),
    ],
)
def test_a_region_without_time_zone_gets_that_of_its_place(region: str, zone: str, latitude: float | None) -> None:
    text = f"version: 1\nregions:\n  - {{id: R, {region}}}\ntargets: []\n"
    found = parse_inventory(text, "t.yml").regions[0]
    assert (found.timezone, found.latitude) == (zone, latitude)
