"""Tickets and figures from the shell, beside a running gateway; a person is erased everywhere."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from routing.contents import Facts, Standing
from routing.events import AgentPressed, CustomerWrote, ReplySent
from routing.metrics import figures, tickets
from routing.policy import Agent, Policy
from translation.contract import Pair, Translated

World = Any
ES_EN = Pair("es", "en")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SINCE = ("--since", "3650d")
"""The sandbox's Telegram writes of an earlier day."""

POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana"),))


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


@pytest.fixture
def shell(world: World, capsys: pytest.CaptureFixture[str]) -> Any:
    file = world.folder / "dragoman.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(world.text(world._port) + world.extra)

    async def run(*arguments: str) -> tuple[int, str]:
        status = await asyncio.to_thread(main, [*arguments, "-c", str(file)])
        return status, "".join(capsys.readouterr())

    return run


async def talk(world: World, chat: int = 1001) -> str:
    customer = world.customer("Lucía", chat)
    await customer.write("¿Dónde está mi pedido A-1042?")
    thread: str = await world.thread()
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará el viernes."])
    await world.shown(thread, "Sent in Spanish")
    return thread


async def test_conversations_are_listed_shown_and_exported(world: World, shell: Any) -> None:
    await talk(world)

    status, listed = await shell("conversations", "list")
    assert (status, "#1" in listed, "Lucía" in listed, "Spanish" in listed) == (0, True, True, True)
    assert (await shell("conversations", "list", "--status", "closed"))[1] == ""
    for which in ("1", "#1", "tg/1001"):
        shown = (await shell("conversations", "show", which))[1]
        assert "Lucía: ¿Dónde está mi pedido A-1042?" in shown
        assert "Sent: Llegará el viernes." in shown
    exported = [json.loads(line) for line in (await shell("conversations", "export", "1"))[1].splitlines()]
    assert exported[0]["kind"] == "conversation"
    assert {"CustomerWrote", "AgentWrote", "ReplySent"} <= {line.get("type") for line in exported[1:]}
    assert (await shell("conversations", "show", "99"))[0] == 1


async def test_a_person_is_erased_beside_a_running_gateway_and_may_come_back(
    world: World, shell: Any, kept: Callable[[Path], str]
) -> None:
    await talk(world)
    file = world.folder / "data" / "dragoman.db"
    traces = ("1001", "Lucía", "A-1042", "viernes") if world.modes["store"] == "sqlite" else ()
    assert all(trace in kept(file) for trace in traces)

    memory = world.gateway.chain.memory
    pair, engines = Pair("es", "en"), ("made",)
    memory.keep("mi tortuga se llama Lucía", pair, engines, Translated("my turtle is called Lucía", "made", 0.9))

    status, said = await shell("conversations", "forget", "tg/1001")

    assert status == 0, said
    assert memory.computed("mi tortuga se llama Lucía", pair, engines) is None
    assert "history" in said
    assert "Slack's threads" in said
    assert ("memory of other replicas" in said) == (world.modes["store"] != "sqlite")
    assert not [trace for trace in traces if trace in kept(file)]
    assert (await shell("conversations", "list"))[1] == ""
    await world.customer("Lucía", 1001).write("Hello, it is me again")
    second = await world.thread(2)
    await world.shown(second, "Hello, it is me again")


async def test_a_person_is_erased_where_no_gateway_runs(world: World, shell: Any) -> None:
    await talk(world)
    await world.stop()
    try:
        assert (await shell("conversations", "forget", "1"))[0] == 0
        assert (await shell("conversations", "list"))[1] == ""
    finally:
        await world.start()


async def test_the_report_comes_in_every_form(world: World, shell: Any) -> None:
    thread = await talk(world)
    await world.slack.write("U0BEN", "!close", thread=thread)
    await world.shown(thread, "losed")

    table = (await shell("report", *SINCE))[1]
    assert "language: Spanish" in table
    rows = list(csv.DictReader(io.StringIO((await shell("report", *SINCE, "--format", "csv"))[1])))
    assert (rows[0]["group"], rows[0]["conversations"], rows[0]["closed"]) == ("all", "1", "1")
    lines = [json.loads(line) for line in (await shell("report", *SINCE, "--json"))[1].splitlines()]
    assert {line["group"] for line in lines} == {"all", "channel", "language", "skill", "agent"}
    assert lines[0]["first_response_median"] >= 0
    page = (await shell("report", "--format", "html", *SINCE))[1]
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert (await shell("report", "--since", "0h"))[0] == 0
    assert (await shell("report", "--since", "yesterday"))[0] == 2


async def test_the_report_tells_each_direction_in_every_form(world: World, shell: Any) -> None:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order?")
    await world.slack.write("U0ANA", "It will arrive today.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará hoy."])
    await world.slack.write("U0ANA", "!fix Llega hoy mismo.", thread=thread)
    await world.until(lambda: customer.got() == ["Llega hoy mismo."])
    await world.stop()
    try:
        lines = [json.loads(line) for line in (await shell("report", "--translations", "--json"))[1].splitlines()]
        table = (await shell("report", "--translations"))[1]
        rows = list(csv.DictReader(io.StringIO((await shell("report", "--translations", "--format", "csv"))[1])))
        page = (await shell("report", "--translations", "--format", "html"))[1]
    finally:
        await world.start()

    there, back = lines
    assert (there["from"], there["to"], there["engine"]) == ("en", "es", "phrasebook")
    assert (there["messages"], there["translated"], there["fixed"]) == (1, 1, 1)
    assert back["messages"] >= 1
    assert "phrasebook" in table
    assert [row["fixed"] for row in rows] == ["1", "0"]
    assert "<td>phrasebook" in page


async def test_corrections_go_to_translators_and_come_back(world: World, shell: Any, tmp_path: Path) -> None:
    customer = world.customer("Lucía", 1001)
    await customer.write("¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    await world.slack.write("U0ANA", "!fix Where's A-1042?", thread=thread)
    await world.shown(thread, "Where's A-1042?")

    status, told = await shell("languages", "memory", "export", str(tmp_path / "m.tmx"))
    assert (status, "1 corrections" in told) == (0, True)
    text = (tmp_path / "m.tmx").read_text()
    (tmp_path / "m.tmx").write_text(text.replace("Where's A-1042?", "Any news of A-1042?"))
    assert (await shell("languages", "memory", "import", str(tmp_path / "m.tmx")))[0] == 0
    known = world.gateway.bridge.interpreter.memory.corrected
    await world.until(lambda: known("¿Dónde está mi pedido B-2077?", ES_EN).text == "Any news of B-2077?")
    await customer.write("¿Dónde está mi pedido B-2077?")
    await world.shown(thread, "Any news of B-2077?")

    (tmp_path / "m.tmx").write_text(text.replace("Where's A-1042?", "Where is it?"))
    status, told = await shell("languages", "memory", "import", str(tmp_path / "m.tmx"))
    assert status == 1
    assert "hasn't A-1042 just as" in told
    assert (await shell("languages", "memory", "import", str(tmp_path / "none.tmx")))[0] == 1
    assert (await shell("languages", "memory", "export", str(tmp_path / "no" / "m.tmx")))[0] == 1


def test_figures_follow_from_events() -> None:
    roster = (Standing(agent="U0ANA"),)
    wrote = CustomerWrote(
        id="1", to="tg/1", at=NOON, message="m", text="Hi", facts=Facts(number=1, language="en", roster=roster)
    )
    answered = ReplySent(id="2", to="tg/1", at=NOON + timedelta(minutes=2), message="r", reply="1.0", sent="Hello")
    pressed = AgentPressed(id="3", to="tg/1", at=NOON + timedelta(minutes=10), agent="U0ANA", action="close", value="1")
    again = CustomerWrote(
        id="4", to="tg/1", at=NOON + timedelta(days=3), message="m", facts=Facts(number=2, language="es", roster=roster)
    )

    told = list(tickets("tg/1", [wrote, answered, pressed, again], POLICY))

    assert [(each.number, each.language, each.agent, each.received, each.sent) for each in told] == [
        (1, "en", "U0ANA", 1, 1),
        (2, "es", "U0ANA", 1, 0),
    ]
    every = figures(told)[0]
    assert (every.conversations, every.answered, every.closed) == (2, 1, 1)
    assert (every.first_response_median, every.resolution_median) == (120, 600)
