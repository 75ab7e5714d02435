"""How clocks run where a customer is, by their zone or their country; of the tz database in the package `tzdata`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MUCH = timedelta(hours=1)
"""By how much a country's zones may differ for the one where most people live to stand for all."""


def clock_in(region: str, at: datetime) -> str:
    """Say how clocks run in a country (ISO 3166 code), such as `UTC+2 (Madrid)`; "" where that can't be said."""
    zones = _zones().get(region, ())
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in zones]
    if not offsets or max(offsets) - min(offsets) > MUCH:
        return ""
    return f"{_offset(offsets[0])} ({_city(zones[0])})"


def clock_of(zone: str, at: datetime) -> str:
    """Say how clocks run in a zone of the tz database; "" where there is none of that name."""
    try:
        offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
    return f"{_offset(offset)} ({_city(zone)})"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" if not minutes else f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


@cache
def _zones() -> Mapping[str, Sequence[str]]:
    """Read which zones each country has, the one where most people live first."""
    found: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            region, _, zone, *_ = line.split("\t")
            found.setdefault(region, []).append(zone)
    return found
