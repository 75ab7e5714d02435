"""Saved replies: what is said again and again goes in the customer's language, as somebody wrote it or translated."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters import KINDS
from config.settings import parse
from config.tables import ConfigError
from routing import texts
from routing.conversation import Conversation, Status, decide
from routing.effects import TellAgent, TellCustomer
from routing.events import AgentWrote
from routing.policy import Agent, Policy, SavedReply

World = Any
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RETURNS = SavedReply(
    name="Returns", text={"en": "Hello {name}, returns are free. {agent}", "es": "Hola, {name}: es gratis. ({number})"}
)
THANKS = SavedReply(name="thanks", text={"de": "Vielen Dank!"})
NAMED = SavedReply(name="named", text={"en": "{name}, good morning!"})
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana"),), replies=(RETURNS, THANKS, NAMED))
OPEN = Conversation(
    contact="tg/1", name="Lucía", number=7, status=Status.OPEN, language="es", assignee="U0ANA", thread="1.0"
)


def said(text: str) -> AgentWrote:
    return AgentWrote(id="e", to="@C1/1.0", at=NOON, agent="U0ANA", message="2.0", text=text)


def order(text: str, source: str, language: str = "es", **more: Any) -> TellCustomer:
    return TellCustomer(text=text, language=language, source=source, reply="2.0", agent="U0ANA", **more)


@pytest.mark.parametrize(
    ("given", "text", "then"),
    [
        pytest.param(
            OPEN,
            "!reply returns",
            order("Hola, Lucía: es gratis. (#7)", "es", ready=True, by="saved reply Returns"),
            id="in the customer's language as it was written",
        ),
        pytest.param(
            replace(OPEN, language="es-mx"),
            "!reply RETURNS",
            order("Hola, Lucía: es gratis. (#7)", "es", "es-mx", ready=True, by="saved reply Returns"),
            id="whatever the region",
        ),
        pytest.param(
            replace(OPEN, language="fr"),
            "!reply returns",
            order("Hello Lucía, returns are free. Ana", "en", "fr"),
            id="translated from the desk's language",
        ),
        pytest.param(OPEN, "!reply thanks", order("Vielen Dank!", "de"), id="translated from the one there is"),
        pytest.param(
            replace(OPEN, name="", language="fr"),
            "!reply returns",
            order("Hello, returns are free. Ana", "en", "fr"),
            id="a name that isn't known leaves no gap",
        ),
        pytest.param(
            replace(OPEN, name="", language="pt"),
            "!reply named",
            order("good morning!", "en", "pt"),
            id="nor a comma at the beginning",
        ),
        pytest.param(
            replace(OPEN, name="{agent}"),
            "!reply returns",
            order("Hola, {agent}: es gratis. (#7)", "es", ready=True, by="saved reply Returns"),
            id="a name is no variable",
        ),
        pytest.param(
            OPEN,
            "!reply",
            TellAgent(agent="U0ANA", text="Say which: `!reply Returns`, `!reply thanks`, `!reply named`."),
            id="which there are",
        ),
        pytest.param(
            OPEN,
            "!reply nothing",
            TellAgent(agent="U0ANA", text=texts.which_reply("nothing", ("Returns", "thanks", "named"))),
            id="an unknown one is not sent",
        ),
    ],
)
def test_decide(given: Conversation, text: str, then: TellCustomer | TellAgent) -> None:
    assert decide(given, said(text), POLICY).effects == (then,)


def test_without_any_it_is_told_where_they_come_from() -> None:
    (told,) = decide(OPEN, said("!reply returns"), Policy()).effects

    assert isinstance(told, TellAgent)
    assert "[[replies]]" in told.text


REPLIES = """
[translation]
engines = ["phrasebook"]
[[replies]]
name = "returns"
text.en = "Returns are free."
text.de = "Die Rücksendung ist für Sie kostenlos."
"""


@pytest.mark.parametrize(
    ("language", "asked", "gets", "by"),
    [
        ("German", "Wo ist meine Bestellung?", "Die Rücksendung ist für Sie kostenlos.", "saved reply returns"),
        ("Spanish", "¿Dónde está mi pedido?", "Las devoluciones son gratuitas.", "phrasebook"),
    ],
)
async def test_it_reaches_the_customer_in_their_language(
    make_world: Callable[..., Awaitable[World]],
    words: Callable[[Any], str],
    language: str,
    asked: str,
    gets: str,
    by: str,
) -> None:
    world = await make_world(extra=REPLIES)
    customer = world.customer()
    await customer.write(asked)
    thread = await world.thread()
    await world.slack.write("U0ANA", "!reply returns", thread=thread)
    await world.until(lambda: customer.got())

    assert customer.got() == [gets]
    assert f"Sent in {language} · {by}" in words(await world.shown(thread, "Sent in"))


async def test_a_call_is_in_a_room_of_its_own_that_nobody_can_guess(
    make_world: Callable[..., Awaitable[World]], words: Callable[[Any], str]
) -> None:
    world = await make_world(desk='call_link = "https://meet.example.com/{room}"')
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    for _ in range(2):
        await world.slack.write("U0ANA", "!call", thread=thread)
    await world.until(lambda: len(customer.got()) == 2)

    notices = [said.splitlines() for said in customer.got()]
    assert {notice for notice, _ in notices} == {"Puede unirse a la videollamada aquí:"}
    rooms = {link.removeprefix("https://meet.example.com/") for _, link in notices}
    assert len(rooms) == 2
    assert all(len(room) >= 16 for room in rooms)
    for room in rooms:
        assert "Sent in Spanish" in words(await world.shown(thread, room))


async def test_where_there_is_no_video_service_the_agent_is_told(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world()
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    await world.slack.write("U0ANA", "!call", thread=await world.thread())
    await world.until(lambda: world.slack.whispers)

    assert world.slack.whispers[0]["text"] == texts.CALL_HOW
    assert customer.got() == []


DESK = '[desk]\nkind = "slack"\nchannel = "C1"\nbot_token = "xoxb-1"\napp_token = "xapp-1"\n'


@pytest.mark.parametrize(
    ("replies", "says"),
    [
        ('[[replies]]\nname = "x"\n', "text: is missing"),
        ('[[replies]]\nname = "x"\ntext.en = "Hello {nam}"\n', "there is no {nam}; known: {name}, {number}, {agent}"),
        ('[[replies]]\ntext.en = "Hello"\n', "name: is missing"),
        ('[[replies]]\nname = "x"\ntext.english = "Hello"\n', "english"),
        ('[[replies]]\nname = "x"\ntext.en = "A"\n[[replies]]\nname = "X"\ntext.en = "B"\n', "there are two"),
    ],
)
def test_one_that_is_not_as_it_should_be_is_told(replies: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(DESK + replies, Path("dragoman.toml"), KINDS, {})

    assert says in str(error.value)
