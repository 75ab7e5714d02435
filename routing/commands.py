"""Reading a command that an agent wrote in a thread."""

import re
from datetime import timedelta

import msgspec

LONGEST = timedelta(days=365)
_PART = re.compile(r"(\d{1,4})\s*(min|m|h|d|w)\s*")
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
