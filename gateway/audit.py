"""Who changed what of the configuration that is kept in the store, and how to have it back."""

import getpass
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from gateway.store.contract import Beside, StoreError

AUDIT = "audit"
"""The kind of document that entries are kept as, in the order of their keys."""

NOTE = "note"
"""The kind of an entry about which there is nothing to have back."""

BACK_WITHIN = timedelta(days=30)
"""For how long what was before can be had back; then it is forgotten, credentials among it."""

KEPT_FOR = timedelta(days=730)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of the document `key` of a `kind`: what was done to it, and of which fields, never their values.

    `before` is what was kept until then, as it was kept: sealed. None where there was nothing.
    """

    at: datetime
    who: str
    did: str
    kind: str
    key: str
    fields: tuple[str, ...] = ()
    before: bytes | None = None


_decode = msgspec.msgpack.Decoder(Entry).decode
_encode = msgspec.msgpack.Encoder().encode


def who_runs_this() -> str:
    """Name the user whose process this is; a container's may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


class Audited:
    """Writes documents of the configuration, each time with who does it; it reads and writes beside the event loop."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside

    def write(
        self, kind: str, key: str, body: bytes | None, *, who: str, did: str, fields: Sequence[str], at: datetime
    ) -> None:
        """Keep a document, or with None forget it; the entry is there before, so that no change lacks one.

        Raises:
            StoreError: it can't be kept.
        """
        before = self._beside.docs(kind).get(key)
        entry = Entry(at=at, who=who, did=did, kind=kind, key=key, fields=tuple(fields), before=before)
        name = f"{at.isoformat()} {secrets.token_hex(4)}"
        self._beside.write_docs(AUDIT, {**self._sweep(at), name: _encode(entry)})
        self._beside.write_docs(kind, {key: body})

    def note(self, what: str, *, who: str, did: str, at: datetime) -> None:
        """Keep only who did something, where nothing is to be had back.

        Raises:
            StoreError: it can't be kept.
        """
        entry = Entry(at=at, who=who, did=did, kind=NOTE, key=what)
        self._beside.write_docs(AUDIT, {**self._sweep(at), f"{at.isoformat()} {secrets.token_hex(4)}": _encode(entry)})

    def entries(self) -> Mapping[str, Entry]:
        """Give all entries by their names, the latest first.

        Raises:
            StoreError: the store can't be read.
        """
        return {name: _decode(body) for name, body in reversed(sorted(self._beside.docs(AUDIT).items()))}

    def entry(self, name: str, now: datetime) -> Entry:
        """Give a change that can be undone.

        Raises:
            StoreError: there is none, or it is too long ago.
        """
        entry = self.entries().get(name)
        if entry is None or entry.kind == NOTE or now - entry.at > BACK_WITHIN:
            raise StoreError("there is no such change, or it is too long ago")
        return entry

    def restore(self, entry: Entry, *, who: str, at: datetime) -> None:
        """Make a document what it was before a change; whether that is right is for the caller to see.

        Raises:
            StoreError: it can't be kept.
        """
        self.write(entry.kind, entry.key, entry.before, who=who, did="restored", fields=entry.fields, at=at)

    def seal_anew(self, kind: str, seal: Callable[[str, bytes], bytes | None]) -> None:
        """Seal what was before with another key; what can't be is forgotten.

        Raises:
            StoreError: it can't be kept.
        """
        mine = {name: entry for name, entry in self.entries().items() if entry.kind == kind and entry.before}
        anew = {name: replace(entry, before=seal(entry.key, entry.before or b"")) for name, entry in mine.items()}
        self._beside.write_docs(AUDIT, {name: _encode(entry) for name, entry in anew.items()})

    def _sweep(self, now: datetime) -> dict[str, bytes | None]:
        """Say what is to be forgotten: entries that are very old, and what was before those that are old."""
        old = {name: entry for name, entry in self.entries().items() if now - entry.at > BACK_WITHIN}
        return {
            name: None if now - entry.at > KEPT_FOR else _encode(replace(entry, before=None))
            for name, entry in old.items()
            if entry.before is not None or now - entry.at > KEPT_FOR
        }
