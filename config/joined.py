"""What the file says and what is kept in the store, as one configuration.

One rule: what the file says goes before what is kept. Each agent, skill, saved reply and further channel of the desk is
the file's where it has one of the name, else the store's; so is each single setting of the desk and of routing. Of the
glossary both count.
"""

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Stored = Mapping[str, Mapping[str, Any]]
"""Tables as a file would have them, by what they are: `desk`, `routing`, `glossary`, and of those that there may be
several of `agent/U0ANA`, `skill/billing`, `room/billing`.
"""

NOTHING: Stored = MappingProxyType({})
LISTS = {
    "agent": (("agents",), "slack_user_id"),
    "skill": (("routing", "skills"), "name"),
    "room": (("desk", "channels"), "name"),
    "reply": (("replies",), "name"),
}
"""Where each kind of table that there may be several of stands, and the key that names it."""


def join(file: Mapping[str, Any], stored: Stored) -> dict[str, Any]:
    """Add to what a file says what is kept and it says nothing about; what isn't a table there stays for its reader."""
    values: dict[str, Any] = copy.deepcopy(dict(file))
    for place, table in sorted(stored.items()):
        kind, _, _ = place.partition("/")
        if kind in LISTS:
            (*path, name), key = LISTS[kind]
            _add(_within(values, path), name, key, table)
        elif kind == "glossary":
            glossary = _within(values, ("translation", "glossary"))
            for name, listed in table.items():
                glossary[name] = [*glossary.get(name, ()), *listed]
        else:
            values[kind] = {**table, **values.get(kind, {})}
    return values


def in_file(file: Mapping[str, Any], place: str) -> bool:
    """Say whether the file has the table of a place, so that what is kept there doesn't count."""
    kind, _, id_ = place.partition("/")
    if kind not in LISTS:
        return False
    _, key = LISTS[kind]
    return any(each.get(key) == id_ for each in tables_in(file, kind))


def tables_in(file: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """Give the file's tables of a kind that there may be several of, as they stand there."""
    table: Any = file
    for step in LISTS[kind][0]:
        table = table.get(step, {}) if isinstance(table, Mapping) else {}
    return [each for each in table if isinstance(each, Mapping)]


def _add(table: dict[str, Any], name: str, key: str, new: Mapping[str, Any]) -> None:
    listed = table.get(name, [])
    if not any(isinstance(each, Mapping) and each.get(key) == new.get(key) for each in listed):
        table[name] = [*listed, new]


def _within(values: dict[str, Any], path: "list[str] | tuple[str, ...]") -> dict[str, Any]:
    for step in path:
        values = values.setdefault(step, {})
    return values
