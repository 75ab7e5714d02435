"""Agents, skills, routing and the glossary in the console: in force at once, refused where they would break it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.admin.entries import (
    read_by_language,
    read_lines,
    read_list,
    read_lists_by_language,
    read_number,
    read_terms,
    show_by_language,
    show_lines,
    show_list,
    show_lists_by_language,
    show_terms,
)
from gateway.admin.forms import TABLES
from gateway.hands import utc
from gateway.settings_book import KIND
from gateway.store.contract import Result, Side, Step
from routing.effects import TellCustomer
from routing.events import CustomerWrote

ZOE = {"field__slack_user_id": "U0ZOE", "field__name": "Zoë", "field__languages": "fr, en", "field__capacity": "2"}
BILLING = {"field__name": "billing", "field__keywords": "es: factura, reembolso\nen: invoice", "field__menu": ""}


async def test_an_agent_gets_what_waited_as_soon_as_they_are_there(console: Any) -> None:
    world = console.world
    for agent in ("U0ANA", "U0BEN"):
        await world.gateway.store.set_away(agent, away=True)
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.on_card(thread, "queued")

    status, page = await console.send("/admin/agents/edit", **ZOE)

    assert (status, "It is kept, and in force" in page, "Zoë" in page) == (200, True, True)
    await world.on_card(thread, "Zoë")


async def test_what_would_break_is_refused_and_what_is_wrong_is_named(console: Any) -> None:
    wrong = {
        "must be language codes": {"field__languages": "french!"},
        "must be a whole number": {"field__capacity": "many"},
        "there is no skill &#39;billing&#39;": {"field__skills": "billing"},
        "change it there": {"field__slack_user_id": "U0ANA"},
        "is empty": {"field__name": " "},
    }
    for told, typed in wrong.items():
        status, page = await console.send("/admin/agents/edit", **(ZOE | typed))
        assert (status, told in page) == (422, True), (told, page)
    assert await console.world.gateway.store.docs(KIND) == {}

    await console.send("/admin/skills/edit", **BILLING)
    await console.send("/admin/agents/edit", **ZOE, field__skills="billing")
    status, page = await console.send("/admin/skills/remove", id="billing")
    assert (status, "there is no skill" in page) == (422, True)
    assert console.world.gateway.settings.policy.has_skill("billing")
    status, page = await console.send("/admin/agents/edit", **ZOE)
    assert "there is U0ZOE already" in page
    status, page = await console.send("/admin/agents/edit", id="U0ZOE", **ZOE)
    assert status == 200
    assert (await console.send("/admin/skills/remove", id="billing"))[0] == 200
    assert (await console.get("/admin/agents/edit?id=U0NOBODY"))[0] == 404


async def test_an_undo_that_would_break_is_refused_and_a_name_in_use_stays(console: Any) -> None:
    await console.send("/admin/skills/edit", **BILLING)
    added = re.search(r'name="entry" value="([^"]+)"', (await console.get("/admin/audit"))[1])
    await console.send("/admin/agents/edit", **ZOE, field__skills="billing")
    assert added

    status, page = await console.send("/admin/audit/restore", entry=added[1])
    assert (status, "there is no skill" in page) == (503, True)
    status, page = await console.send("/admin/skills/edit", id="billing", **(BILLING | {"field__name": "invoices"}))
    assert (status, "there is no skill" in page) == (422, True)
    policy = console.world.gateway.settings.policy
    assert (policy.has_skill("billing"), policy.has_skill("invoices")) == (True, False)
    status, page = await console.send("/admin/agents/edit", id="U0ZOE", **ZOE)
    assert status == 200
    assert (await console.send("/admin/audit/restore", entry=added[1]))[0] == 200
    assert not console.world.gateway.settings.policy.has_skill("billing")


async def test_it_is_said_who_would_get_a_conversation_and_why(console: Any) -> None:
    await console.send("/admin/skills/edit", **BILLING)
    await console.send("/admin/agents/edit", **ZOE, field__skills="billing")

    status, page = await console.get("/admin/routing?text=Quiero+un+reembolso&language=es")

    assert (status, "Zoë  (skill billing)" in page, "Ana" in page) == (200, True, True)


async def test_terms_of_the_glossary_hold_from_then_on(console: Any) -> None:
    world = console.world
    status, _ = await console.send("/admin/glossary", field__keep="Zorblax\n", field__terms="en: gift card; es: vale")
    assert status == 200
    assert [term for term, _ in world.gateway.chain.glossary.between("en", "es").terms] == ["Zorblax", "gift card"]
    status, page = await console.get("/admin/glossary")
    assert "Zorblax" in page
    status, page = await console.send("/admin/glossary", field__terms="gift card")
    assert (status, "a language and a colon" in page) == (422, True)
    await console.send("/admin/glossary")
    assert not world.gateway.chain.glossary.between("en", "es")


async def test_routing_is_changed_and_what_the_file_says_stays(console: Any) -> None:
    status, _ = await console.send("/admin/routing", field__reopen_window="7d", field__default_skill="first")
    assert status == 200
    policy = console.world.gateway.settings.policy
    assert (policy.reopen_window.days, policy.default_skill) == (7, "first")
    status, page = await console.send("/admin/routing", field__reopen_window="soon")
    assert (status, "must be a duration" in page) == (422, True)


async def test_a_change_reaches_all_replicas_within_two_seconds(
    make_world: Callable[..., Awaitable[Any]], sign_in: Any, browser: Any, redis: str
) -> None:
    one = await make_world(store=f"{redis}?prefix=replicas{id(browser)}")
    console = await sign_in.console(one, browser)
    other = one.gateway.__class__(one.settings())
    await other.start()
    try:
        assert (await console.send("/admin/agents/edit", **ZOE))[0] == 200
        async with asyncio.timeout(2):
            while other.settings.policy.agent("U0ZOE") is None:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.02)
    finally:
        await other.stop()


@pytest.mark.parametrize("page", sorted(TABLES))
async def test_each_page_has_its_form(page: str, console: Any) -> None:
    path = f"/admin/{page}" if TABLES[page].one else f"/admin/{page}/edit"
    status, text = await console.get(path)
    assert status == 200
    for entry in TABLES[page].entries:
        assert f'id="field.{entry.name}"' in text
    assert (await console.get(f"/admin/{page}"))[0] == 200


@pytest.mark.parametrize(
    ("read", "show", "text", "value"),
    [
        (read_list, show_list, "a, b", ["a", "b"]),
        (read_lines, show_lines, "a b\nc", ["a b", "c"]),
        (read_number, str, "4", 4),
        (read_by_language, show_by_language, "es: Sí: claro\nen: Yes", {"es": "Sí: claro", "en": "Yes"}),
        (read_lists_by_language, show_lists_by_language, "es: uno, dos", {"es": ["uno", "dos"]}),
        (read_terms, show_terms, "en: gift card; es: vale", [{"en": "gift card", "es": "vale"}]),
    ],
)
def test_what_is_shown_is_read_again(
    read: Callable[[str], Any], show: Callable[[Any], str], text: str, value: object
) -> None:
    assert read(text) == value
    assert show(value) == text


async def test_what_could_not_be_delivered_is_shown_tried_again_and_forgotten(console: Any) -> None:
    store = console.world.gateway.store
    assert "There is none." in (await console.get("/admin/letters"))[1]
    assert "not there any more" in (await console.send("/admin/letters/again", id="d99"))[1]
    assert "not there any more" in (await console.send("/admin/letters/drop", id="d99"))[1]
    await console.world.gateway.bridge.stop()
    for letter in ("one", "two"):
        told = TellCustomer(text=f"<b>{letter}</b>", reply=letter)
        await store.append([CustomerWrote(id=letter, to="none/1", at=utc(), message=letter, text="Hola")])
        claim = await store.claim()
        await store.commit(claim, Step(conversation=claim.conversation, effects=((0, told),)))
        batch = await store.take(Side.CUSTOMER)
        await store.settle(batch, Result(orders=(batch.orders[0].id,), dead="the platform refuses it"))
        store.leave(batch)

    page = (await console.get("/admin/letters"))[1]
    assert "the platform refuses it" in page
    assert "&lt;b&gt;one" in page
    assert "It is tried again." in (await console.send("/admin/letters/again", id="d1"))[1]
    assert "It is forgotten." in (await console.send("/admin/letters/drop", id="d2"))[1]
    assert "two&lt;" not in (await console.get("/admin/letters"))[1]


async def test_an_admin_sets_an_agent_away_and_back(console: Any) -> None:
    world = console.world
    for agent in ("U0ANA", "U0BEN"):
        _, page = await console.send("/admin/agents/standing", id=agent, away="yes")
        assert "away" in page
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.on_card(thread, "queued")

    await console.send("/admin/agents/standing", id="U0BEN", away="")

    await world.on_card(thread, "Ben")
    status, _ = await console.send("/admin/agents/standing", id="U0NOBODY", away="yes")
    assert status == 404


async def test_who_is_in_the_desks_channel_is_offered(console: Any) -> None:
    slack = console.world.slack
    slack.members |= {"U0ANA", "U0ZOE", "U0YAN", "U0BOT"}
    slack.names |= {"U0ZOE": "Zoë", "U0YAN": "<Yan>"}
    slack.programs = {"U0BOT"}

    _, page = await console.get("/admin/agents/edit")

    offered = re.findall(r'<option value="(\w+)">([^<]*)</option>', page)
    assert offered == [("U0YAN", "&lt;Yan&gt;"), ("U0ZOE", "Zoë")]
    slack.scopes.remove("users:read")
    status, page = await console.get("/admin/agents/edit")
    assert (status, "<option" in page) == (200, False)


async def test_a_further_channel_of_the_desk_takes_conversations_at_once(console: Any) -> None:
    world = console.world
    world.slack.places.add("C0BILLING")
    await console.send("/admin/skills/edit", **BILLING)
    room = {"field__name": "billing", "field__channel": "C0BILLING", "field__skills": "billing"}
    status, page = await console.send("/admin/desk/channels/edit", **room)
    assert (status, "C0BILLING" in page) == (200, True)

    await world.customer().write("Tengo una pregunta sobre mi factura")

    await world.until(lambda: world.slack.roots("C0BILLING"))
    assert world.slack.roots() == []
    status, page = await console.send("/admin/desk/rules", field__escalation="chiefs")
    assert (status, "there is no channel of the desk&#39;s called &#39;chiefs&#39;" in page) == (422, True)
    status, _ = await console.send("/admin/desk/rules", field__escalation="billing")
    status, page = await console.send("/admin/desk/channels/remove", id="billing")
    assert (status, "there is no channel of the desk&#39;s called" in page) == (422, True)
    await console.send("/admin/desk/rules", field__escalation="")
    status, page = await console.send("/admin/desk/channels/remove", id="billing")
    assert (status, "C0BILLING" in page) == (200, False)


async def test_rules_of_the_desk_hold_from_then_on(console: Any) -> None:
    world = console.world
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!claim", thread=thread)
    await world.on_card(thread, "Ana")

    await console.send("/admin/desk/rules", field__only_assignee="yes", field__undo="5")

    policy = world.gateway.settings.policy
    assert (policy.only_assignee, policy.undo.total_seconds()) == (True, 5)
    assert re.search(r'name="field.only_assignee" value="yes" checked', (await console.get("/admin/desk/rules"))[1])
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: "Ana" in str(world.slack.replies(thread)[-1].get("blocks", "")))
    await console.send("/admin/desk/rules")
    assert not world.gateway.settings.policy.only_assignee


async def test_a_saved_reply_is_there_at_once_and_only_admins_change_it(console: Any) -> None:
    world = console.world
    text = "en: Hello {name},\n it will arrive: on Friday.\nes: Hola {name}"
    status, page = await console.send("/admin/desk/replies/edit", field__name="friday", field__text=text)
    assert (status, "it will arrive: on Friday." in page) == (200, True)
    (reply,) = world.gateway.settings.policy.replies
    assert reply.text == {"en": "Hello {name},\nit will arrive: on Friday.", "es": "Hola {name}"}
    assert world.gateway.bridge.replies.is_fixed("Friday")
    _, page = await console.get("/admin/desk/replies/edit?id=friday")
    assert "en: Hello {name},\n it will arrive: on Friday.\nes: Hola {name}</textarea>" in page

    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    await world.slack.write("U0ANA", "!reply friday", thread=await world.thread())
    await world.until(lambda: "Hola Lucía" in world.telegram.texts(1001))
    for wrong, told in (
        ("Hello", "a language and a colon"),
        ("en: Hello {nmae}", "there is no {nmae}"),
        ("", "is empty"),
    ):
        status, page = await console.send("/admin/desk/replies/edit", field__name="other", field__text=wrong)
        assert (status, told in page) == (422, True), told
