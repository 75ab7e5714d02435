"""How clocks run where a customer is: told where their number says it, and only where it is so."""

from datetime import UTC, datetime

import pytest

from adapters.calling_codes import region
from adapters.local_time import clock_in, clock_of
from adapters.whatsapp_updates import region_of

SUMMER, WINTER = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("34600123456", "ES"),
        ("+15551234567", "US"),
        ("77011234567", "KZ"),
        ("351912345678", "PT"),
        ("", ""),
        ("999", ""),
        ("ES.13491208655302741918", ""),
    ],
)
def test_a_phone_says_its_country(phone: str, country: str) -> None:
    assert region(phone) == country


@pytest.mark.parametrize(
    ("peer", "country"),
    [("46701740605", "SE"), ("SE.13491208655302741918", "SE"), ("SE.ENT.13491208655302741918", "SE"), ("x", "")],
)
def test_whatsapps_ids_say_it_too(peer: str, country: str) -> None:
    assert region_of(peer) == country


@pytest.mark.parametrize(
    ("country", "at", "clock"),
    [
        ("SE", SUMMER, "UTC+2 (Stockholm)"),
        ("SE", WINTER, "UTC+1 (Stockholm)"),
        ("ES", WINTER, "UTC+1 (Madrid)"),
        ("GB", WINTER, "UTC (London)"),
        ("IN", WINTER, "UTC+5:30 (Kolkata)"),
        ("VE", WINTER, "UTC-4 (Caracas)"),
        ("AR", WINTER, "UTC-3 (Buenos Aires)"),
        ("US", WINTER, ""),
        ("BR", WINTER, ""),
        ("XX", WINTER, ""),
        ("", WINTER, ""),
    ],
)
def test_a_countrys_clock_is_told_where_it_has_one(country: str, at: datetime, clock: str) -> None:
    assert clock_in(country, at) == clock


@pytest.mark.parametrize(
    ("zone", "at", "clock"),
    [
        ("America/Bogota", WINTER, "UTC-5 (Bogota)"),
        ("America/Argentina/Buenos_Aires", WINTER, "UTC-3 (Buenos Aires)"),
        ("Europe/Stockholm", SUMMER, "UTC+2 (Stockholm)"),
        ("Nowhere/Atlantis", WINTER, ""),
        ("../../etc/passwd", WINTER, ""),
        ("/etc/passwd", WINTER, ""),
        ("Europe", WINTER, ""),
        ("", WINTER, ""),
    ],
)
def test_a_zones_clock_is_told_where_there_is_such_a_one(zone: str, at: datetime, clock: str) -> None:
    assert clock_of(zone, at) == clock
