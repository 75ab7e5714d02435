"""Recording what the core decided, and deciding it again: the same events give the same, or a difference."""

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from routing.conversation import decide
from routing.effects import Effect
from routing.events import Event
from routing.policy import Policy
from routing.state import Conversation

LARGEST = 64 * 1024 * 1024
"""Bytes a recording grows to; one that is full is kept beside the next as `<file>.1`."""

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes that are looked at for the end of a line."""

log = logging.getLogger("dragoman.record")


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step: its events with their facts, what was to be done, and what the conversation became.

    `was` is what it had been, None where the record before it of the same mailbox says so. It holds no credentials.
    """

    events: tuple[Event, ...]
    effects: tuple[Effect, ...] = ()
    now: Conversation
    was: Conversation | None = None


class Recorder:
    """Writes records, a line each."""

    def __init__(self, file: Path, *, largest: int = LARGEST) -> None:
        self._file = file
        self._largest = largest
        self._known: dict[str, Conversation] = {}
        self._size = 0
        self._out: IO[bytes] | None = None

    def write(self, was: Conversation, record: Record) -> None:
        """Write one record; a disk that takes none stops the recording, never the gateway."""
        try:
            out = self._open()
            if self._known.get(was.contact) != was:
                record = replace(record, was=was)
            self._known[was.contact] = record.now
            line = msgspec.json.encode(record) + b"\n"
            out.write(line)
            self._size += len(line)
        except OSError as error:
            log.error("record.failed", extra={"file": str(self._file), "error": str(error)})

    def close(self) -> None:
        """Let go of the file."""
        if self._out:
            self._out.close()
            self._out = None

    def _open(self) -> IO[bytes]:
        if self._out and self._size < self._largest:
            return self._out
        self.close()
        self._known.clear()
        if self._file.exists() and self._file.stat().st_size >= self._largest:
            self._file.replace(self._file.with_name(f"{self._file.name}.1"))
        self._out = os.fdopen(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        self._size = _whole_lines(self._out)
        return self._out


def _whole_lines(file: IO[bytes]) -> int:
    """Go behind a file's last whole line, and cut off what a killed process left of another; gives the place."""
    end = file.seek(0, os.SEEK_END)
    start = max(end - LONGEST_LINE, 0)
    file.seek(start)
    whole = start + file.read().rfind(b"\n") + 1
    file.truncate(whole)
    return file.seek(whole)


class Difference(msgspec.Struct, frozen=True):
    """Where the core decides otherwise than it did: the step's place in the recording, and what differs."""

    line: int
    contact: str
    events: tuple[str, ...]
    what: str
    recorded: str
    decided: str


def replay(lines: Iterable[bytes], policy: Policy) -> Iterator[Difference | int]:
    """Decide again what was recorded; gives each difference, and how many events each line held.

    Raises:
        ValueError: a line isn't a record, with its number.
    """
    decode = msgspec.json.Decoder(Record).decode
    known: dict[str, Conversation] = {}
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return  # a killed process left it half written
        try:
            record = decode(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number} isn't a record: {error}") from error
        was = record.was or known.get(record.now.contact)
        known[record.now.contact] = record.now
        if was is not None:
            yield from _differences(number, record, was, policy)
        yield len(record.events)


def _differences(number: int, record: Record, was: Conversation, policy: Policy) -> Iterator[Difference]:
    effects: list[Effect] = []
    now = was
    for event in record.events:
        decision = decide(now, event, policy)
        now = decision.conversation
        effects += decision.effects
    ids = tuple(event.id for event in record.events)
    if tuple(effects) != record.effects:
        yield Difference(number, now.contact, ids, "what is to be done", _spell(record.effects), _spell(effects))
    if now != record.now:
        changed = [name for name in now.__struct_fields__ if getattr(now, name) != getattr(record.now, name)]
        before = {name: getattr(record.now, name) for name in changed}
        after = {name: getattr(now, name) for name in changed}
        yield Difference(number, now.contact, ids, "the conversation", _spell(before), _spell(after))


def _spell(value: object) -> str:
    return msgspec.json.encode(value).decode()
