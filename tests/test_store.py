"""What every store promises, held against each engine."""

import asyncio
import contextlib
import itertools
import secrets
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest
from msgspec.structs import replace

from config.store_address import read_address
from gateway.store.contract import Claim, Outcome, Post, Progress, Result, Side, Step, Store, StoreError, Timer
from gateway.store.redis import RedisStore
from gateway.store.sqlite import SqliteStore, database
from gateway.store.sqlite.schema import MIGRATIONS
from routing.contents import thread
from routing.conversation import Status
from routing.effects import Card, Note, OpenThread, React, ShowSent, TellCustomer, TellDesk
from routing.events import AgentWrote, CustomerWrote, Event, TurnCame, Unrecognised

ROOT = Path(__file__).parent.parent
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
T = TypeVar("T")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


Open = Callable[[], Store]


def engine_of(store: Store) -> ModuleType:
    """Give the module that a store's limits are in."""
    return sys.modules[type(store).__module__]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "redis", "cluster"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Open:
    """Make a store on the same data each time."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "data", clock=clock)
    address = read_address(f"{request.getfixturevalue(request.param)}?prefix={secrets.token_hex(8)}")
    assert address
    return lambda: RedisStore(address, clock=clock)


@pytest.fixture
async def store(engine: Open) -> AsyncIterator[Store]:
    opened = engine()
    await opened.open()
    yield opened
    await opened.close()


def wrote(number: int, to: str = "tg/1", **more: object) -> CustomerWrote:
    return CustomerWrote(id=f"{to}:{number}", to=to, at=NOON, message=str(number), text=f"text {number}", **more)  # type: ignore[arg-type]


async def soon(waiting: object) -> object:
    async with asyncio.timeout(10):
        return await waiting  # type: ignore[misc]


async def nothing(make: Callable[[], object]) -> None:
    """Hold that a wait finds nothing."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await make()  # type: ignore[misc]


def ids(claim: Claim) -> list[str]:
    return [event.id for event in claim.events]


def step(claim: Claim, *effects: object, **changes: object) -> Step:
    now = replace(claim.conversation, **{"number": 7, **changes})
    return Step(conversation=now, events=claim.events, effects=tuple((7, effect) for effect in effects))  # type: ignore[misc]


async def outgoing(store: Store, *effects: object, to: str = "tg/1") -> None:
    """Put effects into the outbox."""
    event = TurnCame(id=f"put:{to}:{len(effects)}:{id(effects)}", to=to, at=NOON)
    await store.append([event])
    claim = await store.claim()
    assert await store.commit(claim, step(claim, *effects)) is Outcome.OK


SAY = TellCustomer(text="Hi")
SHOW = TellDesk(message="1", name="Lucía", at=NOON, text="Hola")
OPEN = OpenThread(card=Card(number=7, name="Lucía", channel="tg", status="open"))


async def test_an_event_is_taken_once_however_often_it_comes(store: Store) -> None:
    assert list(await store.append([wrote(1), wrote(1), wrote(2)])) == [True, False, True]
    assert list(await store.append([wrote(2)])) == [False]

    assert ids(await store.claim()) == ["tg/1:1", "tg/1:2"]


async def test_duplicates_that_arrive_at_the_same_moment_are_one(store: Store) -> None:
    answers = await asyncio.gather(*(store.append([wrote(1)]) for _ in range(30)))

    assert sorted(fresh for (fresh,) in answers) == [False] * 29 + [True]


async def test_an_event_that_was_worked_on_is_still_known(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    claim = await first.claim()
    await first.commit(claim, step(claim))
    await first.close()
    second = engine()
    await second.open()

    assert list(await second.append([wrote(1)])) == [False]
    await nothing(second.claim)
    await second.close()


async def test_a_mailbox_is_in_one_pair_of_hands_and_gives_its_events_in_order(store: Store) -> None:
    await store.append([wrote(number) for number in range(100)])
    first = await store.claim()
    await store.append([wrote(100)])

    assert ids(first) == [f"tg/1:{number}" for number in range(64)]
    await nothing(store.claim)
    await store.commit(first, step(first))
    assert ids(await store.claim()) == [f"tg/1:{number}" for number in range(64, 101)]


async def test_mailboxes_are_worked_on_side_by_side(store: Store) -> None:
    await store.append([wrote(1), wrote(1, to="tg/2")])

    assert {(await store.claim()).mailbox, (await store.claim()).mailbox} == {"tg/1", "tg/2"}


async def test_a_step_is_kept_whole(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    claim = await first.claim()
    made = step(claim, OPEN, SHOW, SAY, name="Lucía", status=Status.OPEN, assignee="U0ANA", language="es")
    assert await first.commit(claim, made) is Outcome.OK
    await first.close()
    second = engine()
    await second.open()

    assert await second.conversation("tg/1") == made.conversation
    assert await second.find(7) == made.conversation
    assert list(await second.history("tg/1")) == [wrote(1)]
    assert [order.effect for order in (await second.take(Side.DESK)).orders] == [OPEN, SHOW]
    assert [order.effect for order in (await second.take(Side.CUSTOMER)).orders] == [SAY]
    await nothing(second.claim)
    await second.close()


async def test_a_step_of_a_worker_that_was_overtaken_changes_nothing(store: Store) -> None:
    await store.append([wrote(1)])
    claim = await store.claim()
    await store.commit(claim, step(claim))
    await store.append([wrote(2)])
    later = await store.claim()

    assert await store.commit(Claim("tg/1", 0, claim.conversation, later.events, later.seqs), step(later, SAY)) is (
        Outcome.CONFLICT
    )
    await nothing(lambda: store.take(Side.CUSTOMER))
    assert ids(await store.claim()) == ["tg/1:2"]


async def test_a_claim_that_is_released_comes_again(store: Store) -> None:
    await store.append([wrote(1)])
    await store.release(await store.claim())

    assert ids(await store.claim()) == ["tg/1:1"]


async def test_what_nobody_finished_comes_again_after_a_restart(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    await first.claim()
    await first.close()
    second = engine()
    await second.open()

    assert ids(await second.claim()) == ["tg/1:1"]
    await second.close()


async def test_an_event_set_aside_holds_up_nobody(store: Store) -> None:
    await store.append([wrote(1), wrote(2)])
    await store.set_aside(await store.claim(), "it broke the core")

    assert ids(await store.claim()) == ["tg/1:2"]
    assert store.stats().aside == 1


async def test_an_event_of_no_known_kind_is_kept_aside(store: Store) -> None:
    assert list(await store.append([Unrecognised(id="x", to="", at=NOON, kind="poll_answer")])) == [True]

    await nothing(store.claim)
    assert store.stats().aside == 1


async def test_numbers_are_given_once(engine: Open) -> None:
    first = engine()
    await first.open()
    given = [await first.number() for _ in range(3)]
    await first.append([wrote(1)])
    claim = await first.claim()
    await first.commit(claim, step(claim, number=given[-1]))
    await first.close()
    second = engine()
    await second.open()

    assert given == [1, 2, 3]
    assert await second.number() == 4
    await second.close()


async def test_what_agents_do_is_taken_before_what_customers_wrote(store: Store) -> None:
    await store.append([wrote(1, to=f"tg/{customer}") for customer in range(50)])
    answer = AgentWrote(id="a1", to="tg/49", at=NOON, agent="U0ANA", message="1", text="Hi")
    await store.append([answer])

    assert (await store.claim()).mailbox == "tg/49"


async def test_customers_get_their_turn_however_much_agents_write(store: Store) -> None:
    await store.append([wrote(1, to=f"tg/{customer}") for customer in range(20)])
    for number in range(10):
        answer = AgentWrote(id=f"a{number}", to=f"tg/{number}", at=NOON, agent="U0ANA", message="1", text="Hi")
        await store.append([answer])

    taken = [(await store.claim()).mailbox for _ in range(20)]
    assert sorted(taken) == sorted(f"tg/{customer}" for customer in range(20))
    assert taken[:4] == ["tg/0", "tg/1", "tg/2", "tg/3"]
    assert len({*taken[:6]} - {f"tg/{number}" for number in range(6)}) <= 1


async def test_a_clock_that_was_wrong_before_the_start_makes_nobody_wait_for_days(engine: Open, clock: Clock) -> None:
    first = engine()
    await first.open()
    await outgoing(first, SAY)
    await first.postpone(await first.take(Side.CUSTOMER), NOON + timedelta(days=30), open_call=False)
    await first.close()
    second = engine()
    await second.open()
    await nothing(lambda: second.take(Side.CUSTOMER))
    clock.now += timedelta(hours=1)
    await outgoing(second, SAY, to="tg/2")

    taken = {(await second.take(Side.CUSTOMER)).orders[0].mailbox for _ in range(2)}
    assert taken == {"tg/1", "tg/2"}
    await second.close()


async def test_the_oldest_order_of_a_side_is_known_by_its_age(engine: Open, clock: Clock) -> None:
    first = engine()
    await first.open()
    await outgoing(first, SAY)
    clock.now += timedelta(seconds=20)
    await outgoing(first, SAY, to="tg/2")
    await first.close()
    clock.now += timedelta(seconds=10)
    second = engine()
    await second.open()

    assert second.oldest()["customer"] == 30
    assert second.oldest()["desk"] == 0
    await second.close()


async def test_no_lane_is_overtaken_for_ever(store: Store) -> None:
    await outgoing(store, ShowSent(text="x", language="es"), to="tg/quiet")
    taken = []
    for number in range(200):
        await outgoing(store, SHOW, to=f"tg/{number}")
        await outgoing(store, SHOW, to=f"tg/more{number}")
        batch = await store.take(Side.DESK)
        taken.append(batch.orders[0].mailbox)

    assert "tg/quiet" in taken[1:]


async def test_where_too_much_waits_customers_are_told_to_come_again_and_agents_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_of(store), "BACKLOG", 5)
    monkeypatch.setattr(engine_of(store), "RESERVE", 2)
    await store.append([wrote(number, to=f"tg/{number}") for number in range(5)])
    answers = [AgentWrote(id=f"a{n}", to="tg/1", at=NOON, agent="U0ANA", message="1", text="Hi") for n in range(3)]

    with pytest.raises(StoreError, match="try again later"):
        await store.append([wrote(9)])
    assert list(await store.append(answers[:1])) == [True]
    assert list(await store.append(answers[1:2])) == [True]
    with pytest.raises(StoreError, match="try again later"):
        await store.append(answers[2:])
    claim = await store.claim()
    await store.commit(claim, step(claim))
    claim = await store.claim()
    await store.commit(claim, step(claim))
    claim = await store.claim()
    await store.commit(claim, step(claim))
    assert list(await store.append([wrote(9)])) == [True]


async def test_whoever_let_go_of_a_lane_does_not_let_go_of_it_for_the_next(store: Store) -> None:
    await outgoing(store, SAY)
    first = await store.take(Side.CUSTOMER)
    await store.postpone(first, NOON - timedelta(seconds=1), open_call=False)
    await store.take(Side.CUSTOMER)

    store.leave(first)
    await nothing(lambda: store.take(Side.CUSTOMER))


async def test_a_clock_that_is_set_back_makes_nobody_wait_longer(store: Store, clock: Clock) -> None:
    await outgoing(store, SAY)
    await store.postpone(await store.take(Side.CUSTOMER), NOON + timedelta(seconds=0.2), open_call=False)
    clock.now -= timedelta(hours=1)
    await nothing(lambda: store.take(Side.CUSTOMER))
    clock.now += timedelta(seconds=0.3)

    async with asyncio.timeout(10):
        assert (await store.take(Side.CUSTOMER)).orders[0].effect == SAY


async def test_a_lane_leaves_in_order_and_in_one_pair_of_hands(store: Store) -> None:
    await outgoing(store, TellCustomer(text="1"), TellCustomer(text="2"))
    batch = await store.take(Side.CUSTOMER)
    await outgoing(store, TellCustomer(text="3"))

    await nothing(lambda: store.take(Side.CUSTOMER))
    await store.settle(batch, Result(orders=(batch.orders[0].id,)))
    store.leave(batch)
    again = await store.take(Side.CUSTOMER)
    assert [order.effect for order in again.orders] == [TellCustomer(text="2"), TellCustomer(text="3")]


async def test_a_long_lane_is_taken_bit_by_bit(store: Store) -> None:
    await outgoing(store, *(TellCustomer(text=str(number)) for number in range(150)))
    taken: list[str] = []
    while len(taken) < 150:
        batch = await store.take(Side.CUSTOMER)
        await store.settle(batch, Result(orders=tuple(order.id for order in batch.orders)))
        store.leave(batch)
        taken += [order.effect.text for order in batch.orders if isinstance(order.effect, TellCustomer)]

    assert taken == [str(number) for number in range(150)]
    assert store.stats().waiting_orders["customer"] == 0


async def test_what_customers_say_gets_to_the_desk_before_what_we_say(store: Store) -> None:
    await outgoing(store, ShowSent(text="Hola", language="es"), to="tg/1")
    await outgoing(store, Note(text="Closed"), to="tg/2")
    await outgoing(store, SHOW, to="tg/3")

    order = [(await store.take(Side.DESK)).orders[0].mailbox for _ in range(3)]

    assert order == ["tg/3", "tg/2", "tg/1"]


async def test_marks_have_a_lane_of_their_own(store: Store) -> None:
    await outgoing(store, SHOW, React(message="1.0", emoji="read"))

    assert [order.effect for order in (await store.take(Side.MARK)).orders] == [React(message="1.0", emoji="read")]
    assert [order.effect for order in (await store.take(Side.DESK)).orders] == [SHOW]


async def test_a_call_that_began_is_known_after_a_crash_with_its_words(engine: Open) -> None:
    first = engine()
    await first.open()
    await outgoing(first, SAY)
    (order,) = (await first.take(Side.CUSTOMER)).orders
    progress = Progress(parts=("Hola",), engine="phrasebook", language="es")
    await first.begin((replace(order, progress=progress),))
    await first.close()
    second = engine()
    await second.open()

    (again,) = (await second.take(Side.CUSTOMER)).orders
    assert (again.begun, again.open_call, again.progress) == (1, order.id, progress)
    await second.close()


async def test_progress_closes_the_call(store: Store) -> None:
    await outgoing(store, SAY)
    batch = await store.take(Side.CUSTOMER)
    (begun,) = await store.begin(batch.orders)
    await store.advance(replace(begun, progress=Progress(parts=("a", "b"), sent=("9",))))
    store.leave(batch)

    (again,) = (await store.take(Side.CUSTOMER)).orders
    assert (again.open_call, again.progress.sent) == ("", ("9",))


async def test_a_lane_that_must_wait_waits_and_a_restart_changes_nothing(engine: Open, clock: Clock) -> None:
    first = engine()
    await first.open()
    await outgoing(first, SAY)
    await outgoing(first, SAY, to="tg/2")
    batch = await first.take(Side.CUSTOMER)
    await first.postpone(batch, NOON + timedelta(seconds=30), open_call=False)
    assert (await first.take(Side.CUSTOMER)).lane != batch.lane
    await first.close()
    second = engine()
    await second.open()
    await second.take(Side.CUSTOMER)
    await nothing(lambda: second.take(Side.CUSTOMER))
    clock.now += timedelta(seconds=31)

    assert (await second.take(Side.CUSTOMER)).lane == batch.lane
    await second.close()


async def test_what_an_answer_taught_comes_back_as_an_event(store: Store) -> None:
    await outgoing(store, SAY)
    batch = await store.take(Side.CUSTOMER)
    result = Result(orders=tuple(order.id for order in batch.orders), events=(wrote(9),))
    await store.settle(batch, result)
    await store.settle(batch, result)
    store.leave(batch)

    assert ids(await store.claim()) == ["tg/1:9"]
    await nothing(lambda: store.take(Side.CUSTOMER))


async def test_an_order_that_died_is_kept(store: Store) -> None:
    await outgoing(store, SAY)
    batch = await store.take(Side.CUSTOMER)
    await store.settle(batch, Result(orders=(batch.orders[0].id,), dead="too long"))

    assert store.stats().dead == 1
    assert store.stats().waiting_orders["customer"] == 0


async def test_a_reply_in_a_thread_finds_its_conversation_even_before_the_thread_is_known(engine: Open) -> None:
    store = engine()
    await store.open()
    early = AgentWrote(id="early", to=thread("C1", "1.5"), at=NOON, agent="U0ANA", message="1.6", text="Hi")
    await outgoing(store, OPEN)
    await store.append([early])
    await nothing(store.claim)
    assert store.stats().parked == 1
    batch = await store.take(Side.DESK)
    await store.settle(batch, Result(orders=(batch.orders[0].id,), thread=thread("C1", "1.5")))
    await store.append([replace(early, id="late")])

    claim = await store.claim()
    assert (claim.mailbox, ids(claim)) == ("tg/1", ["early", "late"])
    assert await store.thread("tg/1", 7) == "C1/1.5"
    assert store.stats().parked == 0
    await store.close()
    again = engine()
    await again.open()
    assert await again.thread("tg/1", 7) == "C1/1.5"
    await again.close()


async def test_a_contact_with_several_names_has_one_mailbox(store: Store) -> None:
    await store.append([wrote(1, to="wa/349", also=("wa/user-1",))])
    await store.append([wrote(2, to="wa/user-1")])
    await store.append([wrote(3, to="wa/350", also=("wa/user-1",))])

    assert ids(await store.claim()) == ["wa/349:1", "wa/user-1:2", "wa/350:3"]


async def test_a_timer_fires_once_and_never_early(engine: Open, clock: Clock) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    claim = await first.claim()
    due = TurnCame(id="due", to="tg/1", at=NOON)
    cleared = Timer("cleared", NOON + timedelta(minutes=1), TurnCame(id="cleared", to="tg/1", at=NOON))
    timers = (Timer("remind", NOON + timedelta(minutes=1), due), cleared)
    await first.commit(claim, Step(conversation=claim.conversation, events=claim.events, timers=timers))
    await first.append([wrote(2)])
    claim = await first.claim()
    await first.commit(claim, Step(conversation=claim.conversation, events=claim.events, clear=("cleared",)))
    await nothing(first.claim)
    await first.close()
    clock.now += timedelta(minutes=2)
    second = engine()
    await second.open()

    assert ids(await soon(second.claim())) == ["due"]  # type: ignore[arg-type]
    await second.close()
    third = engine()
    await third.open()
    assert ids(await soon(third.claim())) == ["due"]  # type: ignore[arg-type]
    await third.close()


async def test_agents_rooms_are_counted_at_once_and_after_a_restart(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    claim = await first.claim()
    commit = asyncio.ensure_future(first.commit(claim, step(claim, status=Status.OPEN, assignee="U0ANA")))
    await asyncio.sleep(0)
    assert [(each.agent, each.load) for each in first.roster()] == [("U0ANA", 1)]
    await commit
    await first.close()
    second = engine()
    await second.open()

    assert [(each.agent, each.load, each.idle_since) for each in second.roster()] == [("U0ANA", 1, NOON)]
    await second.append([wrote(2)])
    claim = await second.claim()
    await second.commit(claim, step(claim, status=Status.CLOSED))
    assert [(each.agent, each.load) for each in second.roster()] == [("U0ANA", 0)]
    await second.close()


async def test_the_queue_is_read_by_priority_and_age(store: Store) -> None:
    for number, priority in enumerate(["normal", "urgent", "normal"]):
        await store.append([wrote(1, to=f"tg/{number}")])
        claim = await store.claim()
        changes = {"status": Status.QUEUED, "priority": priority, "opened_at": NOON - timedelta(hours=number)}
        await store.commit(claim, step(claim, **changes))

    assert [waiting.contact for waiting in await store.queued(10)] == ["tg/1", "tg/2", "tg/0"]


async def test_where_a_message_stands_is_remembered(store: Store) -> None:
    await outgoing(store, SHOW)
    batch = await store.take(Side.DESK)
    post = Post(messages=("1",), ts="1.7", body=b"{}")
    await store.settle(batch, Result(orders=(batch.orders[0].id,), posts=(post,)))

    assert await store.post("tg/1", "1") == post
    assert await store.post("tg/1", "2") is None


async def stands(store: Store, *posts: Post) -> None:
    """Show something to the desk, in these posts."""
    await store.append([TurnCame(id=secrets.token_hex(8), to="tg/1", at=NOON)])
    claim = await store.claim()
    await store.commit(claim, step(claim, SHOW))
    batch = await store.take(Side.DESK)
    await store.settle(batch, Result(orders=(batch.orders[0].id,), posts=posts))
    store.leave(batch)


async def test_a_post_of_several_messages_is_drawn_anew_for_all_of_them(store: Store) -> None:
    await stands(store, Post(messages=("1", "2", "3"), ts="1.7", body=b"[1]"))
    await stands(store, Post(messages=("1", "2", "3"), ts="1.7", body=b"[2]"))
    await stands(store, Post(messages=("2",), ts="1.8", body=b"[3]"))
    await stands(store, Post(messages=("1", "3"), ts="1.7", body=b"[4]"))

    found = [await store.post("tg/1", message) for message in "123"]

    assert [(post.messages, post.ts, post.body) for post in found if post] == [
        (("1",), "1.7", b"[4]"),
        (("2",), "1.8", b"[3]"),
        (("3",), "1.7", b"[4]"),
    ]
    assert (await store.forget("tg/1"))["post"] == 2
    assert [await store.post("tg/1", message) for message in "123"] == [None] * 3


async def test_old_posts_are_forgotten_and_younger_ones_stay(store: Store, clock: Clock) -> None:
    for number, message in enumerate("123"):
        await stands(store, Post(messages=(message,), ts=f"1.{number}", body=b"[]"))
        clock.now += timedelta(days=1)
    await stands(store, Post(messages=("2",), ts="1.1", body=b"[2]"))

    await store.prune(clock.now - timedelta(days=3))
    assert [bool(await store.post("tg/1", message)) for message in "123"] == [True] * 3
    await store.prune(clock.now - timedelta(days=1, hours=12))
    assert [bool(await store.post("tg/1", message)) for message in "123"][::2] == [False, True]
    await store.prune(clock.now + timedelta(days=1))
    assert [bool(await store.post("tg/1", message)) for message in "123"] == [False] * 3


async def test_a_post_of_a_clock_that_was_ahead_keeps_no_others(store: Store, clock: Clock) -> None:
    clock.now += timedelta(days=4000)
    await stands(store, Post(messages=("1",), ts="1.1", body=b"[]"))
    clock.now -= timedelta(days=4000)
    await stands(store, Post(messages=("2",), ts="1.2", body=b"[]"))
    clock.now += timedelta(days=1)

    await store.prune(clock.now - timedelta(hours=12))

    assert [bool(await store.post("tg/1", message)) for message in "12"] == [True, False]


async def test_nothing_is_left_of_a_contact_whose_messages_stood_elsewhere_before(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    for ts in ("1.7", "1.8", "1.7", "1.9"):
        await stands(store, Post(messages=("1",), ts=ts, body=b"secret"))

    assert (await store.forget("tg/1"))["post"] == 1

    await store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "dragoman.db")) as db:
        left = [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("post", "placed")]  # noqa: S608
    assert left == [(0,), (0,)]


async def test_posts_that_an_earlier_version_kept_are_found(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "dragoman.db", isolation_level=None)) as db:
        for statement in filter(str.strip, "".join(MIGRATIONS[:2]).split(";")):
            db.execute(statement)
        db.execute("PRAGMA user_version = 2")
        rows = [("tg/1", "1", "1.7", b"[1]", 5), ("tg/1", "2", "1.7", b"[1]", 5), ("tg/2", "1", "1.7", b"[2]", 3)]
        db.executemany("INSERT INTO post VALUES (?, ?, ?, ?, ?)", rows)
    store = SqliteStore(tmp_path)
    await store.open()

    found = [await store.post(mailbox, message) for mailbox, message, *_ in rows]

    assert [(post.ts, post.body) for post in found if post] == [("1.7", b"[1]"), ("1.7", b"[1]"), ("1.7", b"[2]")]
    await stands(store, Post(messages=("1", "2"), ts="1.7", body=b"[3]"))
    assert [post.body for message in "12" if (post := await store.post("tg/1", message))] == [b"[3]"] * 2
    await store.close()


async def test_documents(store: Store) -> None:
    await store.put_doc("credential", "tg", b"1")
    await store.put_doc("credential", "tg", b"2")

    assert await store.get_doc("credential", "tg") == b"2"
    assert await store.get_doc("credential", "wa") is None
    assert await store.docs("credential") == {"tg": b"2"}


async def test_of_several_who_drop_a_document_one_learns_that_it_was_there(store: Store) -> None:
    await store.put_doc("link", "a", b"1")

    assert sorted(await asyncio.gather(*(store.drop_doc("link", "a") for _ in range(3)))) == [False, False, True]
    assert await store.get_doc("link", "a") is None


async def test_what_is_old_is_forgotten(store: Store, clock: Clock) -> None:
    await store.append([AgentWrote(id="chat", to=thread("C1", "0.1"), at=NOON, agent="U0ANA", message="1", text="Hi")])
    clock.now += timedelta(days=8)
    await store.prune(clock.now - timedelta(days=7))

    assert store.stats().parked == 0


async def test_a_second_process_is_told_who_has_the_data(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    with pytest.raises(StoreError, match="another dragoman is running"):
        await SqliteStore(tmp_path).open()
    await store.close()


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(StoreError, match="isn't writable"):
        await SqliteStore(tmp_path / "file" / "data").open()


async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    db = sqlite3.connect(folder / "dragoman.db")
    db.execute("PRAGMA user_version = 999")
    db.close()

    with pytest.raises(StoreError, match="run the newer version"):
        await SqliteStore(folder).open()


APPENDING = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.store.redis import RedisStore
from gateway.store.sqlite import SqliteStore, database
from routing.events import CustomerWrote

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    for number in range(100_000):
        event = CustomerWrote(id=f"e{number}", to="tg/1", at=datetime.now(UTC), message=str(number))
        await store.append([event])
        print(number, flush=True)

asyncio.run(main())
"""


def acknowledged_before_the_kill(folder: Path) -> list[int]:
    """Let a process append, kill it, and say which events it had acknowledged."""
    command = [sys.executable, "-c", APPENDING, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        told = [int(process.stdout.readline()) for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        return told + [int(line) for line in process.stdout.read().split("\n")[:-1]]


async def test_a_killed_process_loses_nothing_it_had_acknowledged(tmp_path: Path) -> None:
    told = await asyncio.to_thread(acknowledged_before_the_kill, tmp_path)
    store = SqliteStore(tmp_path)
    await store.open()
    events: list[Event] = []
    while len(events) < len(told):
        claim = await store.claim()
        events += claim.events
        await store.commit(claim, step(claim))

    assert [event.id for event in events][: len(told)] == [f"e{number}" for number in told]
    await store.close()


async def test_a_log_that_is_written_on_all_the_time_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes on beside the writer never gets to the log's end here, as it is under load."""
    whole = database._fold
    monkeypatch.setattr(database, "LONGEST_LOG", 10)
    monkeypatch.setattr(database, "CHECKPOINT_EVERY", 0.01)
    store = SqliteStore(tmp_path)
    await store.open()
    monkeypatch.setattr(database, "_fold", lambda db: whole(db) if db is store._db._db else 11)

    def log() -> bytes:
        """Read what a log is known by: it changes when the log begins anew. https://sqlite.org/fileformat2.html#walformat"""
        with (tmp_path / "dragoman.db-wal").open("rb") as file:
            return file.read(24)[16:]

    await store.append([wrote(0)])
    first = log()
    async with asyncio.timeout(20):
        for number in itertools.count(1):
            await store.append([wrote(number)])
            if log() != first:
                break
    assert log() != first
    await store.close()


async def test_who_is_away_is_kept_and_who_is_not_shown_is_not(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.set_away("U0ANA", away=True)
    await first.set_away("U0CAI", away=True)
    await first.set_away("U0CAI", away=False)
    assert first.set_present("U0BEN", present=False)
    assert not first.set_present("U0BEN", present=False)
    assert [each.agent for each in first.roster() if each.away] == ["U0ANA", "U0BEN"]
    assert first.set_present("U0BEN", present=True)
    await first.close()
    second = engine()
    await second.open()

    assert [each.agent for each in second.roster() if each.away] == ["U0ANA"]
    await second.close()


async def test_what_waits_for_a_channel_is_due_when_the_channel_has_changed(store: Store) -> None:
    for to in ("tg/1", "wa/1"):
        await outgoing(store, SAY, to=to)
    for _ in range(2):
        await store.postpone(await store.take(Side.CUSTOMER), NOON + timedelta(days=1), open_call=False)

    store.wake("wa")

    batch = await store.take(Side.CUSTOMER)
    assert batch.lane == "wa/1"
    await nothing(lambda: store.take(Side.CUSTOMER))


async def test_whoever_is_forgotten_leaves_nothing_and_gives_their_agent_room(engine: Open) -> None:
    first = engine()
    await first.open()
    await first.append([wrote(1)])
    claim = await first.claim()
    assert await first.commit(claim, step(claim, SAY, SHOW, status=Status.OPEN, assignee="U0ANA")) is Outcome.OK
    await first.append([wrote(2)])
    await first.close()
    second = engine()
    await second.open()

    erased = await second.forget("tg/1")

    assert {what for what, count in erased.items() if count} >= {"conversation", "history", "journal", "outbox"}
    assert [each.load for each in second.roster()] == [0]
    assert await second.conversation("tg/1") is None
    assert await second.history("tg/1") == []
    await nothing(second.claim)
    for side in (Side.CUSTOMER, Side.DESK):
        await nothing(lambda side=side: second.take(side))  # type: ignore[misc]
    assert not any(second.stats().waiting_orders.values())
    await second.append([wrote(3)])
    assert ids(await second.claim()) == [wrote(3).id]
    await second.close()
