"""What translating came to is counted, outlasts the process, and is told by direction and engine."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from gateway.store.contract import StoreError
from gateway.tally import KIND, Count, Tally, total
from translation.contract import Pair

ES_EN, EN_ES = Pair("es", "en"), Pair("en", "es")
MONDAY = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)


class Docs:
    """What a tally needs of a store."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.works = True

    async def put_doc(self, kind: str, key: str, body: bytes) -> None:
        assert kind == KIND
        if not self.works:
            raise StoreError("it isn't there")
        self.kept[key] = body


def told(docs: Docs, since: datetime = MONDAY) -> list[dict[str, Any]]:
    rows = [msgspec.to_builtins(each) for each in total(docs.kept.items(), since.date())]
    return [{field: value for field, value in row.items() if value} for row in rows]


async def test_processes_and_days_add_up() -> None:
    now = MONDAY
    docs: Any = Docs()
    one, other = Tally(lambda: now), Tally(lambda: now)
    one.note("firefox", ES_EN, "translated", 0.25)
    one.note("firefox", ES_EN, "translated", 0.5)
    other.note("firefox", ES_EN, "translated", 0.25)
    other.note("firefox", EN_ES, "held")
    await one.flush(docs)
    await other.flush(docs)
    now = MONDAY + timedelta(minutes=2)
    one.note("firefox", ES_EN, "remembered")
    await one.flush(docs)

    assert told(docs) == [
        {"source": "en", "target": "es", "engine": "firefox", "held": 1},
        {"source": "es", "target": "en", "engine": "firefox", "translated": 3, "remembered": 1, "seconds": 1.0},
    ]
    assert told(docs, now) == [{"source": "es", "target": "en", "engine": "firefox", "remembered": 1}]


async def test_what_the_store_refused_is_kept_the_next_time() -> None:
    docs: Any = Docs()
    tally = Tally(lambda: MONDAY)
    tally.note("firefox", ES_EN, "translated", 0.25)
    docs.works = False
    try:
        await tally.flush(docs)
    except StoreError:
        docs.works = True
    tally.note("firefox", ES_EN, "translated", 0.25)
    await tally.flush(docs)
    await tally.flush(docs)

    assert [row["translated"] for row in told(docs)] == [2]


async def test_what_is_counted_while_it_is_kept_is_kept_the_next_time() -> None:
    docs: Any = Docs()
    tally = Tally(lambda: MONDAY)
    tally.note("firefox", ES_EN, "refused")
    put = docs.put_doc

    async def meanwhile(kind: str, key: str, body: bytes) -> None:
        if not docs.kept:
            tally.note("firefox", ES_EN, "refused")
        await put(kind, key, body)

    docs.put_doc = meanwhile
    await tally.flush(docs)
    await tally.flush(docs)

    assert [row["refused"] for row in told(docs)] == [2]


def test_what_cannot_be_read_is_left_out() -> None:
    good = msgspec.json.encode([Count(source="es", target="en", engine="firefox", failed=1)])
    docs = {"2026-11-23/a": b"{", "2026-11-23/b": good, "2026-11-22/c": good}

    assert [each.failed for each in total(docs.items(), date(2026, 11, 23))] == [1]
