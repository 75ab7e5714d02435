"""Reading a command that an agent wrote in a thread."""

import re
from datetime import datetime, time, timedelta, tzinfo

import msgspec

LONGEST = timedelta(days=365)
MORNING = time(8)
"""When whoever is done for today comes back."""

_PART = re.compile(r"(\d{1,4})\s*(min|m|h|d|w)\s*")
_TIME = re.compile(r"(?:until |till )?([01]?\d|2[0-3])[:.]([0-5]\d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(msgspec.Struct, frozen=True):
    """A command's name in lower case, without its `!`, and what follows it."""

    name: str
    argument: str


def read_command(text: str) -> Command:
    """Read `!name argument`; what isn't a command becomes one that nobody knows."""
    said = text.removeprefix("!")
    name = "" if said[:1].isspace() else next(iter(said.split(maxsplit=1)), "")
    return Command(name.lower(), said[len(name) :].strip())


def read_duration(text: str) -> timedelta | None:
    """Read `30m`, `2h`, `1d 12h`; None for anything else, for nothing, and for more than a year."""
    said = text.strip().lower()
    parts = _PART.findall(said)
    if not parts or _PART.sub("", said):
        return None
    whole = sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), timedelta())
    return whole if timedelta() < whole <= LONGEST else None


def read_return(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """Read when somebody comes back who goes now: `2h`, `until 14:30`, `today` for the next morning; None for else."""
    said = text.strip().lower()
    how_long = read_duration(said)
    if how_long:
        return now + how_long
    here = now.astimezone(zone)
    if said == "today":
        return datetime.combine(here.date() + timedelta(days=1), MORNING, zone)
    if found := _TIME.fullmatch(said):
        then = datetime.combine(here.date(), time(int(found[1]), int(found[2])), zone)
        return then if then > here else then + timedelta(days=1)
    return None
