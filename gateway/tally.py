"""What translating came to, by direction and engine: counted for /metrics, and kept in the store for the report."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from gateway.measures import TOOK, TRANSLATED, count
from gateway.store.contract import Store, StoreError
from translation.contract import Pair

KIND = "translations"
"""The kind of document that a process keeps a day's counts as."""

KEEP_EVERY = 5.0
"""Seconds between writes."""

log = logging.getLogger("dragoman.tally")


class Count(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an engine was asked for in one direction on a day; `seconds` are those of what it `translated`.

    `remembered` wasn't computed again, `corrected` is what an agent had said; `retried` lost something that must
    survive at first, `lost` in the end; `held` was shown to the agent before it was sent, `fixed` corrected afterwards.
    """

    source: str
    target: str
    engine: str
    translated: int = 0
    remembered: int = 0
    corrected: int = 0
    retried: int = 0
    lost: int = 0
    refused: int = 0
    failed: int = 0
    rested: int = 0
    held: int = 0
    fixed: int = 0
    seconds: float = 0.0


FIELDS = tuple(field for field in Count.__struct_fields__ if field not in ("source", "target", "engine", "seconds"))
"""What is counted."""


class _Key(NamedTuple):
    source: str
    target: str
    engine: str


Clock = Callable[[], datetime]


def utc() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


class Tally:
    """Counts in memory; `watch` keeps it in the store, so that at most a few seconds are lost with the process."""

    def __init__(self, clock: Clock = utc) -> None:
        self._clock = clock
        self._process = secrets.token_hex(6)
        self._days: dict[date, dict[_Key, Count]] = {}
        self._changed: set[date] = set()

    def note(self, engine: str, pair: Pair, outcome: str, seconds: float = 0.0) -> None:
        """Count one outcome, a field of Count."""
        count(TRANSLATED, engine, *pair, outcome)
        if seconds:
            TOOK.labels(engine, *pair).observe(seconds)
        today = self._clock().date()
        key = _Key(pair.source, pair.target, engine)
        rows = self._days.setdefault(today, {})
        if (row := rows.get(key)) is None:
            row = rows[key] = Count(source=key.source, target=key.target, engine=engine)
        setattr(row, outcome, getattr(row, outcome) + 1)
        row.seconds += seconds
        self._changed.add(today)

    async def flush(self, store: Store) -> None:
        """Keep what was counted since the last time.

        Raises:
            StoreError: it can't be kept; the next time does.
        """
        for day in sorted(self._changed):
            body = msgspec.json.encode(list(self._days[day].values()))
            self._changed.discard(day)
            try:
                await store.put_doc(KIND, f"{day}/{self._process}", body)
            except StoreError:
                self._changed.add(day)
                raise
            if day < self._clock().date():
                del self._days[day]

    async def watch(self, store: Store) -> None:
        """Keep what is counted, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_EVERY)
            with suppress(StoreError):
                await self.flush(store)


def total(docs: Iterable[tuple[str, bytes]], since: date) -> Iterator[Count]:
    """Add up what all processes kept from a day on, by direction and engine."""
    added: dict[_Key, Count] = {}
    for key, body in docs:
        if key.partition("/")[0] < f"{since}":
            continue
        try:
            rows = msgspec.json.decode(body, type=list[Count])
        except msgspec.DecodeError as error:
            log.error("tally.unreadable", extra={"key": key, "error": str(error)})
            continue
        for row in rows:
            _add(added.setdefault(_Key(row.source, row.target, row.engine), _none(row)), row)
    yield from (added[key] for key in sorted(added))


def _none(row: Count) -> Count:
    return Count(source=row.source, target=row.target, engine=row.engine)


def _add(to: Count, row: Count) -> None:
    for field in (*FIELDS, "seconds"):
        setattr(to, field, getattr(to, field) + getattr(row, field))
