"""`!fix`: the wrong translation is put right where it stands, and is right for everybody from then on."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.corrections import KIND, Corrections
from gateway.store.contract import Store
from gateway.store.sqlite import SqliteStore
from translation.contract import Pair
from translation.memory import Correction, Memory

World = Any
MakeWorld = Callable[..., Awaitable[World]]
ASKED = "¿Dónde está mi pedido A-1042?"


@pytest.fixture
async def world(make_world: MakeWorld, either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


async def talk(world: World) -> tuple[Any, str]:
    customer = world.customer()
    await customer.write(ASKED)
    thread: str = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    return customer, thread


async def answered(world: World) -> tuple[Any, str]:
    customer, thread = await talk(world)
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará el viernes."])
    await world.shown(thread, "Sent in Spanish")
    return customer, thread


async def test_a_customers_message_is_corrected_where_it_stands_and_its_like_from_then_on(
    world: World, words: Callable[[Any], str]
) -> None:
    customer, thread = await talk(world)
    await world.slack.write("U0ANA", "!fix What became of order A-1042?", thread=thread)

    post = await world.shown(thread, "What became of order A-1042?")
    assert "Where is my order" not in words(post)
    assert "corrected by Ana" in words(post)
    assert ASKED in words(post)
    await customer.write("¿dónde está mi pedido B-2077?")
    await world.shown(thread, "What became of order B-2077?")
    await world.settled()
    assert customer.got() == []
    assert sum("What became of order A-1042?" in words(each) for each in world.slack.replies(thread)) == 2


async def test_an_answer_is_corrected_at_the_customers_too(world: World) -> None:
    customer, thread = await answered(world)
    await world.slack.write("U0ANA", "!fix Lo tendrá el viernes.", thread=thread)

    await world.shown(thread, "Corrected by Ana; the customer now reads: Lo tendrá el viernes.")
    assert customer.got() == ["Lo tendrá el viernes."]
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got() == ["Lo tendrá el viernes."] * 2)
    await world.shown(thread, "Sent in Spanish · correction")


async def test_the_fix_button_puts_a_message_right(world: World, words: Callable[[Any], str]) -> None:
    customer, thread = await talk(world)
    await customer.write("¿Dónde está mi pedido B-2077?")
    await world.shown(thread, "Where is my order B-2077?")
    first = await world.shown(thread, "Where is my order A-1042?")
    buttons = [block["accessory"] for block in first["blocks"] if "accessory" in block]
    assert await world.slack.press("U0ANA", buttons[0]["action_id"], buttons[0]["value"], first["ts"]) == 200
    await world.until(lambda: world.slack.forms)
    (form,) = world.slack.forms
    assert ASKED in str(form["view"]["blocks"])
    assert form["view"]["blocks"][-1]["element"]["initial_value"] == "Where is my order A-1042?"
    assert await world.slack.submit(form["id"], "What became of order A-1042?") == 200

    assert "corrected by Ana" in words(await world.shown(thread, "What became of order A-1042?"))


async def test_an_answer_is_put_right_from_its_menu(world: World) -> None:
    customer, thread = await talk(world)
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.shown(thread, "Sent in Spanish")
    await world.slack.write("U0BEN", "Thank you!", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará el viernes.", "¡Gracias!"])
    assert await world.slack.choose("U0ANA", "fix", answer) == 200
    await world.until(lambda: world.slack.forms)
    (form,) = world.slack.forms
    assert form["view"]["blocks"][-1]["element"]["initial_value"] == "Llegará el viernes."
    await world.slack.submit(form["id"], "Lo tendrá el viernes.")

    await world.shown(thread, "Corrected by Ana; the customer now reads: Lo tendrá el viernes.")
    assert customer.got() == ["Lo tendrá el viernes.", "¡Gracias!"]


async def test_the_words_that_went_with_a_file_are_put_right_and_the_file_stays(world: World) -> None:
    customer, thread = await talk(world)
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)
    text = "It will arrive on Friday."
    answer = await world.slack.write_file("U0BEN", "map.png", picture, thread=thread, text=text)
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, ()))
    got = customer.got()
    assert await world.slack.choose("U0ANA", "fix", answer) == 200
    (form,) = await world.until(lambda: world.slack.forms)
    assert form["view"]["blocks"][-1]["element"]["initial_value"] == "Llegará el viernes."

    assert await world.slack.submit(form["id"], "Le llega el viernes.") == 200

    await world.until(lambda: customer.got() == ["Le llega el viernes.", *got[1:]])
    assert await world.shown(thread, "Corrected by Ana; the customer now reads: Le llega el viernes.")


async def test_what_was_changed_while_an_agent_wrote_is_not_corrected(
    world: World, words: Callable[[Any], str]
) -> None:
    customer, thread = await talk(world)
    post = await world.shown(thread, "Where is my order A-1042?")
    (button,) = [block["accessory"] for block in post["blocks"] if "accessory" in block]
    await world.slack.press("U0ANA", button["action_id"], button["value"], post["ts"])
    await world.until(lambda: world.slack.forms)
    await customer.edit(int(button["value"].rpartition(":")[2]), "Quiero un reembolso.")
    await world.shown(thread, "I want a refund.")
    await world.slack.submit(world.slack.forms[0]["id"], "What became of <order> A-1042?")
    await world.until(lambda: world.slack.whispers)

    assert "changed while you wrote" in world.slack.whispers[0]["text"]
    assert "You wrote: What became of &lt;order&gt; A-1042?" in world.slack.whispers[0]["text"]
    assert "corrected by" not in words(await world.shown(thread, "I want a refund."))


async def test_where_there_is_nothing_to_put_right_the_agent_is_told(world: World) -> None:
    _, thread = await talk(world)
    note = await world.slack.write("U0BEN", "// he is angry", thread=thread)
    await world.slack.choose("U0ANA", "fix", note)
    await world.until(lambda: world.slack.whispers)

    assert world.slack.forms == []
    assert "There is no translation here" in world.slack.whispers[0]["text"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("expired_trigger_id", "press the button once more"),
        ("invalid_arguments", "(invalid_arguments): tell your admin"),
    ],
)
async def test_a_form_that_slack_does_not_open_is_told(world: World, error: str, told: str) -> None:
    _, thread = await talk(world)
    world.slack.fault = lambda method, _: (
        web.json_response({"ok": False, "error": error}) if method == "views.open" else None
    )
    post = await world.shown(thread, "Where is my order A-1042?")
    (button,) = [block["accessory"] for block in post["blocks"] if "accessory" in block]
    await world.slack.press("U0ANA", button["action_id"], button["value"], post["ts"])
    await world.until(lambda: world.slack.whispers)

    assert told in world.slack.whispers[0]["text"]
    assert world.gateway.store.stats().dead == 0


async def test_the_last_translation_before_the_command_is_meant(world: World, words: Callable[[Any], str]) -> None:
    customer, thread = await answered(world)
    await customer.write("¿Dónde está mi pedido B-2077?")
    await world.shown(thread, "Where is my order B-2077?")
    await world.slack.write("U0ANA", "!fix And where is B-2077?", thread=thread)

    assert "corrected by Ana" in words(await world.shown(thread, "And where is B-2077?"))
    assert customer.got() == ["Llegará el viernes."]


async def test_what_a_platform_will_not_change_is_told(world: World) -> None:
    customer, thread = await answered(world)
    world.telegram.fault = lambda method, _: (
        web.json_response({"ok": False, "description": "Bad Request: message can't be edited"}, status=400)
        if method == "editMessageText"
        else None
    )
    await world.slack.write("U0ANA", "!fix Lo tendrá el viernes.", thread=thread)

    await world.shown(thread, "The customer still reads: Llegará el viernes.")
    await world.shown(thread, "Telegram doesn't let us change this message any more. Write it again.")
    assert customer.got() == ["Llegará el viernes."]


async def test_a_correction_that_loses_a_number_is_for_this_once(world: World, words: Callable[[Any], str]) -> None:
    customer, thread = await talk(world)
    await world.slack.write("U0ANA", "!fix Where is it?", thread=thread)

    assert "For this once: it hasn't A-1042" in words(await world.shown(thread, "Where is it?"))
    await customer.write("¿Dónde está mi pedido B-2077?")
    await world.shown(thread, "Where is my order B-2077?")


async def test_what_could_not_be_translated_is_told_by_an_agent(
    make_world: MakeWorld, words: Callable[[Any], str]
) -> None:
    world = await make_world(extra='[translation]\nengines = ["phrasebook"]\n')
    customer, thread = await talk(world)
    await customer.write("Mi tortuga se comió el paquete y no sé qué hacer")
    await world.shown(thread, "Shown as written, in Spanish")
    await world.slack.write("U0ANA", "!fix My turtle ate the parcel, what now?", thread=thread)

    post = await world.shown(thread, "My turtle ate the parcel, what now?")
    assert "corrected by Ana: Mi tortuga se comió el paquete" in words(post)
    assert "Shown as written" not in words(post)
    await world.shown(thread, "Where is my order A-1042?")


async def test_corrections_are_known_from_the_first_message_after_a_start(make_world: MakeWorld) -> None:
    world = await make_world()
    customer, thread = await talk(world)
    await world.slack.write("U0ANA", "!fix What became of order A-1042?", thread=thread)
    await world.shown(thread, "What became of order A-1042?")

    await world.stop()
    await world.start()
    await customer.write("¿Dónde está mi pedido B-2077?")

    assert await world.shown(thread, "What became of order B-2077?")


@pytest.mark.parametrize(
    ("said", "command", "told"),
    [
        ("Hello there", "!fix Hi", "There is no translation in this conversation to correct."),
        (ASKED, "!fix", "Say what it should be: `!fix TEXT`."),
    ],
)
async def test_an_agent_is_told_what_is_missing(make_world: MakeWorld, said: str, command: str, told: str) -> None:
    world = await make_world()
    await world.customer().write(said)
    thread = await world.thread()
    await world.slack.write("U0ANA", command, thread=thread)

    whisper = await world.until(lambda: next(iter(world.slack.whispers), None))
    assert (whisper["user"], told in whisper["text"]) == ("U0ANA", True)


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path)
    await store.open()
    yield store
    await store.close()


async def test_what_one_replica_was_told_all_know_and_one_that_comes_later_too(store: Store) -> None:
    first, second, third = Memory(), Memory(), Memory()
    correction = Correction(source="es", target="en", text="Ojalá", fix="Hopefully", by="Ana")
    other = Corrections(store, second)
    await other.refresh()
    await Corrections(store, first).add(correction)
    await other.refresh()
    await Corrections(store, third).refresh()

    for memory in (first, second, third):
        made = memory.corrected("ojalá", Pair("es", "en"))
        assert made is not None
        assert made.text == "Hopefully"


async def test_a_correction_that_cannot_be_read_leaves_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory()
    corrections = Corrections(store, memory)
    await store.put_doc(KIND, "odd", b"{")
    await corrections.add(Correction(source="es", target="en", text="Ojalá", fix="Hopefully"))

    assert memory.corrected("Ojalá", Pair("es", "en"))
    assert [record.getMessage() for record in caplog.records] == ["correction.unreadable"]
