"""What agents ask the app itself: `/dragoman`, and the app's Home."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from routing import texts
from routing.commands import read_return
from routing.contents import EPOCH
from sandbox.slack import rate_limited

World = Any
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2h", UTC, NOON + timedelta(hours=2)),
        ("30m", TOKYO, NOON + timedelta(minutes=30)),
        ("until 14:30", UTC, NOON + timedelta(hours=2, minutes=30)),
        ("14.30", UTC, NOON + timedelta(hours=2, minutes=30)),
        ("until 11:00", UTC, NOON + timedelta(hours=23)),
        ("until 22:00", TOKYO, NOON + timedelta(hours=1)),
        ("Today", UTC, datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("today", TOKYO, datetime(2026, 11, 24, 23, tzinfo=UTC)),
        ("until 25:00", UTC, None),
        ("soon", UTC, None),
        ("", UTC, None),
    ],
)
def test_when_somebody_comes_back(text: str, zone: Any, expected: datetime | None) -> None:
    assert read_return(text, NOON, zone) == expected


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_it_says_what_is_yours_and_where(
    make_world: Callable[..., Awaitable[World]], words: Callable[[Any], str], mode: str
) -> None:
    world = await make_world(desk_mode=mode)
    await world.customer("Lucía <3").write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "!claim", thread=thread)
    await world.shown(thread, "Claimed by Ben")
    assert await world.slack.command("U0BEN", "") == 200

    told = words(world.slack.whispers[-1])
    assert "🟢 *Available* · 1 of 4 conversations · English" in told
    link = f"https://sandbox.slack.com/archives/C0SUPPORT/p{thread.replace('.', '')}"
    assert f"<{link}|#1 · Lucía &lt;3> · tg · Spanish · general" in told
    assert "Nobody waits." in told
    assert await world.slack.command("U0ANA", "") == 200
    assert "You have no open conversation." in words(world.slack.whispers[-1])


async def test_who_is_away_is_given_nothing_until_they_are_back(world: World, words: Callable[[Any], str]) -> None:
    assert await world.slack.command("U0ANA", "away") == 200
    assert await world.slack.command("U0BEN", "away 2h") == 200
    assert "You're away until <!date^" in world.slack.whispers[-1]["text"]
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    assert "nobody" in words(world.slack.posts[thread])
    assert await world.slack.command("U0BEN", "queue") == 200
    assert "#1 · Lucía" in words(world.slack.whispers[-1])
    assert await world.slack.command("U0BEN", "") == 200
    assert "💤 *Away* until <!date^" in words(world.slack.whispers[-1])

    assert await world.slack.command("U0BEN", "back") == 200
    await world.until(lambda: "<@U0BEN>" in words(world.slack.posts[thread]))


async def test_a_break_ends_by_itself_even_after_a_restart(
    world: World, words: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.BREAK_WATCH", 0.05)
    monkeypatch.setattr("gateway.desk_console.read_return", lambda text, now, zone: now + timedelta(seconds=1))
    for agent in ("U0ANA", "U0BEN"):
        await world.slack.command(agent, "away 2h")
    await world.stop()
    await world.start()
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()

    await world.until(lambda: "<@U0ANA>" in words(world.slack.posts[thread]))
    await world.until(lambda: not any(each.away for each in world.gateway.store.roster()))
    assert await world.gateway.store.breaks() == {}


async def test_a_clock_time_is_the_agents_own(world: World) -> None:
    world.slack.zones["U0BEN"] = 9 * 3600
    await world.slack.command("U0BEN", "away today")

    (until,) = (await world.gateway.store.breaks()).values()
    assert until.astimezone(TOKYO).time().isoformat() == "08:00:00"


UNKNOWN = {
    ("U0BEN", "away soon & late"): texts.bad_return("soon &amp; late"),
    ("U0IVO", "away"): texts.NOT_AN_AGENT,
    ("U0IVO", "back"): texts.NOT_AN_AGENT,
    ("U0BEN", "payload"): texts.CONSOLE_HELP,
    ("U0BEN", "help"): texts.CONSOLE_HELP,
}


async def test_what_it_does_not_know_is_answered(world: World) -> None:
    told = {}
    world.slack.members = {"U0IVO"}
    for agent, text in UNKNOWN:
        assert await world.slack.command(agent, text) == 200
        told[agent, text] = world.slack.whispers[-1]["text"]

    assert told == UNKNOWN
    assert await world.gateway.store.breaks() == {}


async def test_who_is_in_the_channel_may_look(
    world: World, words: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.desk.MEMBERS", 2)
    world.slack.members = {"U0A", "U0B", "U0C", "U0EVE"}
    await world.slack.command("U0EVE", "")

    assert "You aren't among the agents" in words(world.slack.whispers[-1])


async def test_nobody_else_sees_or_does_anything(world: World, words: Callable[[Any], str]) -> None:
    await world.customer().write("Hello")
    await world.settled()
    world.slack.members = {"U0ANA"}
    for said in ("", "queue", "find Lucía", "replies", "start tg 7", "away"):
        assert await world.slack.command("U0EVE", said) == 200
    await world.slack.open_home("U0EVE")
    home = await world.until(lambda: world.slack.homes.get("U0EVE"))
    for action in ("start", "reply_new", "away:on"):
        assert await world.slack.press_in_view("U0EVE", action, "", whisper=0) == 200

    assert {words(whisper) for whisper in world.slack.whispers} == {texts.NOT_OF_THE_DESK}
    assert words(home) == texts.NOT_OF_THE_DESK
    assert world.slack.forms == []
    assert len(world.slack.roots()) == 1


async def test_where_slack_does_not_tell_who_is_there_nobody_else_may_look(world: World) -> None:
    world.slack.members = {"U0EVE"}
    world.slack.fault = lambda method, _: rate_limited(1) if method == "conversations.members" else None
    await world.slack.command("U0EVE", "")

    assert world.slack.whispers[-1]["text"] == texts.NOT_OF_THE_DESK


async def test_the_apps_home_is_the_same_with_buttons(world: World, words: Callable[[Any], str]) -> None:
    await world.slack.open_home("U0BEN")
    home = await world.until(lambda: world.slack.homes.get("U0BEN"))
    assert "🟢 *Available*" in words(home)
    assert await world.slack.press_in_view("U0BEN", "away:1h", "1h") == 200
    assert "💤 *Away* until <!date^" in words(world.slack.homes["U0BEN"])
    assert await world.slack.press_in_view("U0BEN", "back", "back") == 200

    assert "🟢 *Available*" in words(world.slack.homes["U0BEN"])


async def test_a_button_in_the_answer_changes_the_answer(world: World, words: Callable[[Any], str]) -> None:
    await world.slack.command("U0BEN", "")
    assert await world.slack.press_in_view("U0BEN", "away:on", "", whisper=0) == 200

    assert "💤 *Away*" in words(world.slack.whispers[0])
    assert len(world.slack.whispers) == 1


async def test_what_was_pressed_is_done_though_its_answer_is_gone(world: World) -> None:
    await world.slack.command("U0BEN", "")
    world.slack.base = "http://127.0.0.1:1"
    assert await world.slack.press_in_view("U0BEN", "away:on", "", whisper=0) == 200

    assert list(await world.gateway.store.breaks()) == ["U0BEN"]


async def test_a_break_may_be_said_in_a_thread(world: World) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    await world.slack.write("U0BEN", "!away 2h", thread=await world.thread())
    await world.until(lambda: world.slack.whispers)

    assert world.slack.whispers[0]["text"] == texts.away("2h")
    (until,) = (await world.gateway.store.breaks()).values()
    assert until > EPOCH
