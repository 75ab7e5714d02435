"""What is kept of the configuration in the store, beside what the file says: read, checked and changed."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from config.credentials import Unreadable, Vault
from config.joined import Stored, in_file
from config.settings import Settings
from config.tables import ConfigError
from gateway.audit import Audited
from gateway.keys import load_key
from gateway.store.choose import beside
from gateway.store.contract import Beside, StoreError

KIND = "setting"
"""The kind of document that a table of the configuration is kept as, by its place: `desk`, `agent/U0ANA`."""

_IN_FILE = re.compile(r"^\S+:\d+: ")


def open_stored(sealed: Mapping[str, bytes], key: bytes) -> Stored:
    """Decrypt what is kept.

    Raises:
        Unreadable: something isn't for this key.
    """
    vault = Vault(key)
    return {place: json.loads(vault.open(_sealed_as(place), body)["table"]) for place, body in sealed.items() if body}


def with_kept(settings: Settings) -> Settings:
    """Give what is in force: what the file says, with what is kept where the store can be read.

    Raises:
        ConfigError: together that is no configuration.
        Unreadable: what is kept isn't for our key.
    """
    sealed: Mapping[str, bytes] = {}
    with suppress(StoreError):
        sealed = beside(settings.gateway).docs(KIND)
    if not sealed:
        return settings
    return settings.joined(open_stored(sealed, load_key(settings.gateway.key, settings.gateway.data_dir)))


def seal_table(place: str, table: Mapping[str, Any], key: bytes) -> bytes:
    """Encrypt a table of the configuration."""
    return Vault(key).seal(_sealed_as(place), {"table": json.dumps(table)})


def seal_anew(place: str, sealed: bytes, old: bytes, new: bytes) -> bytes:
    """Encrypt with another key what was encrypted with one, or with the other already.

    Raises:
        Unreadable: it is for neither key.
    """
    try:
        Vault(new).open(_sealed_as(place), sealed)
    except Unreadable:
        return Vault(new).seal(_sealed_as(place), Vault(old).open(_sealed_as(place), sealed))
    return sealed


def _sealed_as(place: str) -> str:
    """Name a table within the vault; no channel's id has a slash in it."""
    return f"{KIND}/{place}"


class SettingsBook:
    """Does what `who` asks; it reads and writes beside the event loop."""

    def __init__(
        self, settings: Settings, store: Beside, key: Callable[[], bytes], who: str, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._beside = store
        self._key = key
        self._who = who
        self._clock = clock

    def stored(self) -> Stored:
        """Give what is kept.

        Raises:
            StoreError: the store can't be read.
            Unreadable: something isn't for our key.
        """
        return open_stored(self._beside.docs(KIND), self._key())

    def is_in_file(self, place: str) -> bool:
        """Say whether the file has it, so that what is kept of it doesn't count."""
        return in_file(self._settings.written, place)

    def check(self, place: str, table: Mapping[str, Any] | None) -> Settings:
        """Give what the configuration would be with a table changed, or with None without it.

        Raises:
            ConfigError: it wouldn't be one; says which key, and what would be right.
        """
        stored = {name: kept for name, kept in self.stored().items() if name != place}
        try:
            return self._settings.joined(stored if table is None else {**stored, place: table})
        except ConfigError as error:
            raise ConfigError(_IN_FILE.sub("", str(error))) from error

    def check_sealed(self, place: str, sealed: bytes | None) -> None:
        """Check what was kept of a place before, as `check` does.

        Raises:
            ConfigError: the configuration wouldn't be one with it.
            Unreadable: it isn't for our key.
        """
        self.check(place, open_stored({place: sealed}, self._key())[place] if sealed else None)

    def put(self, place: str, table: Mapping[str, Any] | None) -> None:
        """Keep a table, or with None forget it, once it has been checked.

        Raises:
            ConfigError: the configuration wouldn't be one then.
        """
        self.check(place, table)
        was = self.stored().get(place, {})
        fields = sorted(key for key in {*was, *(table or {})} if was.get(key) != (table or {}).get(key))
        did = "removed" if table is None else "changed" if was else "added"
        body = None if table is None else seal_table(place, table, self._key())
        Audited(self._beside).write(KIND, place, body, who=self._who, did=did, fields=fields, at=self._clock())
