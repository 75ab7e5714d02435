"""Reading tables of a TOML file so that every mistake is told with its key, its line and what would be right."""

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

Key = tuple[str | int, ...]
DAY = 86_400

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*([\w.\-\"']+)\s*=")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigError(Exception):
    """What is wrong in the configuration: one line with the file, the line, the key, and what would be right."""


class Source:
    """The file that a table came from, to say where a key stands."""

    def __init__(self, file: Path, text: str, environment: Mapping[str, str]) -> None:
        self.file = file
        self.environment = environment
        self._lines = dict(reversed(list(_places(text))))

    def error(self, key: Key, told: str) -> ConfigError:
        """Make an error about a key, or about the table that it would stand in."""
        if not self._lines:
            return ConfigError(f"{spell(key)}: {told}")
        line = next((self._lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self._lines), 1)
        return ConfigError(f"{self.file}:{line}: {spell(key)}: {told}")


def spell(key: Key) -> str:
    """Write a key as people do: `agents[0].name`."""
    out = ""
    for part in key:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def _places(text: str) -> Iterator[tuple[Key, int]]:
    """Find each table's and each key's line."""
    table: Key = ()
    counts: dict[Key, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _path(header[2], counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield table, number
        elif assignment := _ASSIGNMENT.match(line):
            yield (*table, *(part.strip("\"' ") for part in assignment[1].split("."))), number


def _path(header: str, counts: Mapping[Key, int]) -> Key:
    path: Key = ()
    parts = [part.strip("\"' ") for part in header.split(".")]
    for index, part in enumerate(parts):
        path = (*path, part)
        if path in counts and index < len(parts) - 1:
            path = (*path, counts[path])
    return path


def read_duration(text: str) -> timedelta | None:
    """Read a duration such as `24h`; None where it isn't one."""
    found = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[found[2]]: float(found[1])}) if found else None


class Table:
    """One table; each value is asked for by its type, and `done` refuses what nobody asked for."""

    def __init__(self, source: Source, key: Key, values: Mapping[str, Any]) -> None:
        self.source = source
        self.key = key
        self._values = values
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Collection[str]:
        """Say what stands in it."""
        return self._values.keys()

    def error(self, name: str, told: str) -> ConfigError:
        """Make an error about one of its keys."""
        return self.source.error((*self.key, name), told)

    def text(self, name: str, default: str | None = None, *, choices: Collection[str] = ()) -> str:
        """Read a text, with variables from the environment put in; without a default it must be there."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self.error(name, f"must be a text in quotes, not {value!r}")
        value = self._fill(name, value)
        if default is None and not value:
            raise self.error(name, "is empty: give a value")
        if choices and value not in choices:
            raise self.error(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Read a whole number."""
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.error(name, f"must be a whole number from {least} to {most}, not {value!r}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a yes or no."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self.error(name, f"must be true or false, not {value!r}")
        return value

    def texts(self, name: str, default: Collection[str] = ()) -> tuple[str, ...]:
        """Read a list of texts."""
        value = self._get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.error(name, f'must be a list of texts such as ["a", "b"], not {value!r}')
        return tuple(self._fill(name, each) for each in value)

    def duration(self, name: str, default: timedelta) -> timedelta:
        """Read a duration such as `24h`."""
        if name not in self._values:
            self._asked.add(name)
            return default
        value = self._get(name, None)
        found = read_duration(value) if isinstance(value, str) else None
        if found is None:
            raise self.error(name, f'must be a duration such as "30m", "24h" or "7d", not {value!r}')
        return found

    def seconds(self, name: str, default: timedelta) -> timedelta:
        """Read a number of seconds, or a duration."""
        value = self._values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= DAY:
            self._asked.add(name)
            return timedelta(seconds=value)
        return self.duration(name, default)

    def skip(self, name: str) -> None:
        """Leave a value to somebody else who reads it."""
        self._asked.add(name)

    def table(self, name: str) -> "Table":
        """Read a table within; an absent one is empty."""
        value = self._get(name, {})
        if not isinstance(value, dict):
            raise self.error(name, f"must be a table: [{spell((*self.key, name))}]")
        return Table(self.source, (*self.key, name), value)

    def tables(self, name: str) -> list["Table"]:
        """Read a list of tables, `[[name]]`."""
        value = self._get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.error(name, f"must be a list of tables: [[{spell((*self.key, name))}]]")
        return [Table(self.source, (*self.key, name, index), each) for index, each in enumerate(value)]

    def done(self) -> None:
        """Refuse what nobody asked for, naming the nearest that is known."""
        for name in self._values:
            if name not in self._asked:
                near = difflib.get_close_matches(name, sorted(self._asked), 1, 0.5)
                cure = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(self._asked))}"
                raise self.error(name, f"unknown key; {cure}")

    def _get(self, name: str, default: Any) -> Any:
        self._asked.add(name)
        if name in self._values:
            return self._values[name]
        if default is None:
            if near := difflib.get_close_matches(name, self._values.keys() - self._asked, 1, 0.75):
                raise self.error(near[0], f"unknown key; did you mean {name}?")
            raise self.error(name, "is missing: add it")
        return default

    def _fill(self, name: str, value: str) -> str:
        def variable(found: re.Match[str]) -> str:
            if found[1] not in self.source.environment:
                raise self.error(name, f"the environment has no variable {found[1]}: set it, or write the value here")
            return self.source.environment[found[1]]

        return _VARIABLE.sub(variable, value)


def environment() -> Mapping[str, str]:
    """Give the process's environment."""
    return os.environ
