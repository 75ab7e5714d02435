"""WhatsApp: the handshake, the signature, text both ways, and what became of it."""

import time
import tomllib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters import KINDS
from adapters.contract import Outbound, Rejected, Unauthorised, Unavailable
from adapters.whatsapp import WhatsApp
from config.settings import channel_from
from gateway import deliver
from sandbox.meta import post_signed, refuse
from sandbox.whatsapp import WhatsAppSandbox

World = Any
CHANNEL = """
[channels.wa]
kind = "whatsapp"
phone_number_id = "301"
business_account_id = "201"
access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{base}"
"""
PHONE = "46701740605"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 200
PDF = b"%PDF-1.7\n" + b"x" * 200


@pytest.fixture
def whatsapp() -> WhatsAppSandbox:
    return WhatsAppSandbox(number="301", account="201", access_token="EAAsandbox", app_secret="meta-secret")


@pytest.fixture
async def world(
    make_world: Callable[..., Awaitable[World]],
    whatsapp: WhatsAppSandbox,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> World:
    server = await aiohttp_server(whatsapp.app)
    made = await make_world(extra=CHANNEL.format(base=str(server.make_url("")).rstrip("/")))
    whatsapp.webhook = f"{made.url}/webhooks/wa"
    return made


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "42"}, 200, "42"),
        ({"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "42"}, 403, None),
        ({"hub.mode": "unsubscribe", "hub.verify_token": "verify-me", "hub.challenge": "42"}, 403, None),
        ({"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "42"}, 403, None),
        ({"hub.verify_token": "verify-me"}, 403, None),
        ({}, 403, None),
    ],
)
async def test_the_handshake(world: World, query: dict[str, str], status: int, text: str | None) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{world.url}/webhooks/wa", params=query) as answer:
        assert answer.status == status
        if text is not None:
            assert await answer.text() == text
            assert answer.content_type == "text/plain"


@pytest.mark.parametrize(
    ("wrong", "told", "cure"),
    [
        ({"app_secret": "another app's"}, "app_secret isn't that of the app", "App settings, Basic"),
        ({"access_token": "EAAold"}, "refuses the access token", "access token"),
        ({"phone_number_id": "999"}, "nothing at 999 that", "Check phone_number_id"),
        ({"business_account_id": "999"}, "nothing at 999 that", "Check business_account_id"),
    ],
)
async def test_a_check_says_which_field_is_wrong(
    whatsapp: WhatsAppSandbox, aiohttp_server: Any, wrong: dict[str, str], told: str, cure: str
) -> None:
    base = str((await aiohttp_server(whatsapp.app)).make_url("")).rstrip("/")
    text = CHANNEL.format(base=base)
    right = tomllib.loads(text)["channels"]["wa"]
    async with aiohttp.ClientSession() as session:
        channel = WhatsApp(channel_from("wa", right, KINDS), session)
        assert "Shop" in await channel.probe()
        channel = WhatsApp(channel_from("wa", right | wrong, KINDS), session)
        with pytest.raises(Unauthorised, match=told) as caught:
            await channel.probe()

    assert cure in caught.value.advice


@pytest.mark.parametrize(("answers", "holds"), [("/{version}/301", True), ("/", False)])
async def test_what_is_not_meta_says_nothing_about_our_fields(aiohttp_server: Any, answers: str, holds: bool) -> None:
    async def shop(_: web.Request) -> web.Response:
        return web.json_response({"verified_name": "Shop"})

    app = web.Application()
    app.router.add_get(answers, shop)
    base = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    fields = tomllib.loads(CHANNEL.format(base=base))["channels"]["wa"]
    async with aiohttp.ClientSession() as session:
        channel = WhatsApp(channel_from("wa", fields, KINDS), session)
        if holds:
            assert "Shop" in await channel.probe()
            return
        with pytest.raises(Rejected, match="isn't Meta") as caught:
            await channel.probe()

    assert "api_base" in caught.value.advice


async def test_a_check_says_that_the_number_is_another_accounts(whatsapp: WhatsAppSandbox, aiohttp_server: Any) -> None:
    base = str((await aiohttp_server(whatsapp.app)).make_url("")).rstrip("/")
    whatsapp.numbers = ["302"]
    async with aiohttp.ClientSession() as session:
        channel = WhatsApp(
            channel_from("wa", tomllib.loads(CHANNEL.format(base=base))["channels"]["wa"], KINDS), session
        )
        with pytest.raises(Unauthorised, match="the account 201 has no number 301") as caught:
            await channel.probe()

    assert "the account has 302" in caught.value.advice


@pytest.mark.parametrize("pin", ["", "222222", "123456"])
async def test_a_number_that_is_not_registered_is_told_and_registered_once(
    whatsapp: WhatsAppSandbox, aiohttp_server: Any, pin: str
) -> None:
    base = str((await aiohttp_server(whatsapp.app)).make_url("")).rstrip("/")
    fields = tomllib.loads(CHANNEL.format(base=base))["channels"]["wa"]
    whatsapp.pin = "123456"
    message = Outbound(PHONE, "Hello", "order1", f"wa/{PHONE}")
    async with aiohttp.ClientSession() as session:
        channel = WhatsApp(channel_from("wa", fields | ({"pin": pin} if pin else {}), KINDS), session)
        await channel.probe()
        assert "isn't registered" in str(channel.concerns)
        with pytest.raises(Unauthorised, match="isn't registered with WhatsApp"):
            await channel.send(message)
        if pin == "222222":
            with pytest.raises(Unauthorised, match="two-step PIN is another"):
                await channel.hook("https://gateway.example/webhooks/wa")
        for _ in range(3):
            await channel.hook("https://gateway.example/webhooks/wa")
        await channel.probe()
        assert bool(channel.concerns) is (pin != "123456")
        assert ("two-step PIN is another" in str(channel.concerns)) is (pin == "222222")
        if pin == "123456":
            assert (await channel.send(message)).message.startswith("wamid")

    assert whatsapp.tries == (1 if pin else 0)


async def test_a_registration_that_never_got_there_is_tried_again(
    whatsapp: WhatsAppSandbox, aiohttp_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = str((await aiohttp_server(whatsapp.app)).make_url("")).rstrip("/")
    fields = tomllib.loads(CHANNEL.format(base=base))["channels"]["wa"]
    whatsapp.pin = "123456"
    async with aiohttp.ClientSession() as session:
        channel = WhatsApp(channel_from("wa", fields | {"pin": "123456"}, KINDS), session)
        whole = channel._graph.post

        async def unsent(path: str, body: Any) -> Any:
            if path.endswith("/register"):
                raise Unavailable("Meta can't be reached")
            return await whole(path, body)

        monkeypatch.setattr(channel._graph, "post", unsent)
        with pytest.raises(Unavailable):
            await channel.hook("https://gateway.example/webhooks/wa")
        monkeypatch.undo()
        await channel.hook("https://gateway.example/webhooks/wa")

    assert (whatsapp.pin, whatsapp.tries) == ("", 1)


async def test_a_conversation_goes_both_ways_and_is_read(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write(PHONE, "Astrid", "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: whatsapp.texts(PHONE) == ["Llegará el viernes."])
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    for state in ("sent", "delivered", "read", "delivered"):
        await whatsapp.status(whatsapp.sent[0], state)
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark", "eyes"])


async def test_what_was_taken_back_stays_so_when_an_edit_comes_late(world: World, whatsapp: WhatsAppSandbox) -> None:
    async def change(id_: str, **content: Any) -> None:
        (kind,) = content
        message = {"from": PHONE, "id": id_, "timestamp": "1794269973", "type": kind, **content}
        assert await whatsapp.deliver({"messages": [message]}) == 200

    message = await whatsapp.write(PHONE, "Astrid", "My number is 4471")
    thread = await world.thread()
    await world.shown(thread, "4471")
    await change("wamid.1", revoke={"original_message_id": message})
    await world.shown(thread, "deleted by the customer")
    edited = {"type": "text", "text": {"body": "My number is 4472"}}
    await change("wamid.2", edit={"original_message_id": message, "message": edited})
    await whatsapp.write(PHONE, "Astrid", "Thanks")
    await world.shown(thread, "Thanks")

    assert "deleted by the customer" in str(world.slack.replies(thread)[0])
    assert "4472" not in str(world.slack.replies(thread))


async def test_a_failure_that_is_told_later(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write(PHONE, "Astrid", "Hello, where is my order?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "On its way", thread=thread)
    await world.until(lambda: whatsapp.sent)
    await whatsapp.status(whatsapp.sent[0], "failed", errors=[{"code": 131047, "title": "Re-engagement message"}])

    await world.shown(thread, "more than 24 hours have passed since the customer wrote")
    await world.until(lambda: "warning" in world.slack.reactions.get(answer, []))
    assert whatsapp.texts(PHONE) == ["On its way"]


@pytest.mark.parametrize(
    ("code", "told"),
    [(131047, "more than 24 hours"), (131026, "can't reach this customer"), (100, "Meta refuses it: no")],
)
async def test_a_refusal_is_told_in_words(world: World, whatsapp: WhatsAppSandbox, code: int, told: str) -> None:
    await whatsapp.write(PHONE, "Astrid", "Hello, where is my order?")
    thread = await world.thread()
    whatsapp.fault = lambda _: refuse(code, "no")
    await world.slack.write("U0ANA", "On its way", thread=thread)

    await world.shown(thread, told)
    assert whatsapp.texts(PHONE) == []


async def test_a_busy_platform_is_asked_again(world: World, whatsapp: WhatsAppSandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr("adapters.meta.timedelta", lambda seconds: timedelta())
    await whatsapp.write(PHONE, "Astrid", "Hello, where is my order?")
    thread = await world.thread()
    busy = [refuse(130429, "slow down"), refuse(130429, "slow down")]
    whatsapp.fault = lambda _: busy.pop() if busy else None
    await world.slack.write("U0ANA", "On its way", thread=thread)

    await world.until(lambda: whatsapp.texts(PHONE) == ["On its way"])
    await world.settled()
    assert whatsapp.texts(PHONE) == ["On its way"]


async def test_a_call_that_broke_off_is_asked_about_before_another(
    world: World, whatsapp: WhatsAppSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await whatsapp.write(PHONE, "Astrid", "Hello, where is my order?")
    thread = await world.thread()
    monkeypatch.setattr(deliver, "RECEIPT_WAIT", timedelta(seconds=1))
    whatsapp.drop_after = 1
    answer = await world.slack.write("U0ANA", "On its way", thread=thread)
    await world.until(lambda: whatsapp.sent)
    await whatsapp.status(whatsapp.sent[0], "sent")

    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, []))
    await world.settled()
    assert whatsapp.texts(PHONE) == ["On its way"]


async def test_somebody_without_a_phone_number_is_answered(world: World, whatsapp: WhatsAppSandbox) -> None:
    scoped = "NO.7710934410028853"
    message = {"from_user_id": scoped, "id": "wamid.1", "timestamp": str(int(time.time())), "type": "text"}
    contacts = [{"profile": {"name": "Ingrid N."}, "user_id": scoped}]
    assert (
        await whatsapp.deliver({"contacts": contacts, "messages": [{**message, "text": {"body": "Hello there, help"}}]})
        == 200
    )
    thread = await world.thread()
    await world.slack.write("U0ANA", "Hello!", thread=thread)
    await world.until(lambda: whatsapp.sent)

    assert whatsapp.sent[0]["recipient"] == scoped
    assert "to" not in whatsapp.sent[0]


async def test_phone_first_then_the_scoped_id_is_one_customer(world: World, whatsapp: WhatsAppSandbox) -> None:
    scoped = "GB.2255008127736641"
    await whatsapp.write(PHONE, "Oliver", "Hello, where is my order?")
    both = {"from": PHONE, "from_user_id": scoped, "id": "wamid.2", "timestamp": "1794268902", "type": "text"}
    only = {"from_user_id": scoped, "id": "wamid.3", "timestamp": "1794268903", "type": "text"}
    await whatsapp.deliver({"messages": [{**both, "text": {"body": "with both names"}}]})
    await whatsapp.deliver({"messages": [{**only, "text": {"body": "with one name"}}]})
    thread = await world.thread()

    await world.shown(thread, "with one name")
    assert len(world.slack.roots()) == 1


async def test_a_new_number_keeps_the_thread_and_gets_the_answers(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write(PHONE, "Astrid", "Hello, where is my order?")
    thread = await world.thread()
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "46701740606"}
    message = {"from": PHONE, "id": "wamid.sys", "timestamp": "1794269718", "type": "system", "system": system}
    assert await whatsapp.deliver({"messages": [message]}) == 200
    await world.settled()
    await world.slack.write("U0ANA", "Hello!", thread=thread)
    await world.until(lambda: whatsapp.texts("46701740606") == ["Hello!"])
    await whatsapp.write("46701740606", "Astrid", "Thank you very much for that")

    await world.shown(thread, "Thank you very much for that")


@pytest.mark.parametrize(
    ("body", "signature", "status"),
    [
        (b'{"object":"whatsapp_business_account"}', None, 200),
        (b'{"object":"whatsapp_business_account"}', "sha256=00", 401),
        (b'{"object":"page","entry":[]}', None, 400),
        (b"this is not json", None, 400),
        (b"[]", None, 400),
        (b'{"object":"whatsapp_business_account","entry":{"id":"201"}}', None, 200),
    ],
)
async def test_what_the_contract_answers(
    world: World, whatsapp: WhatsAppSandbox, body: bytes, signature: str | None, status: int
) -> None:
    assert await post_signed(whatsapp.webhook, body, whatsapp.app_secret, signature) == status


async def test_files_go_both_ways(world: World, whatsapp: WhatsAppSandbox) -> None:
    media = whatsapp.add_media("image/jpeg", JPEG)
    await whatsapp.send(PHONE, "Astrid", type="image", image={"id": media, "mime_type": "image/jpeg"})
    thread = await world.thread()
    (post,) = await world.until(lambda: [each for each in world.slack.replies(thread) if "files" in each])
    assert world.slack.files[post["files"][0]["id"]]["content"] == JPEG

    answer = await world.slack.write_file("U0BEN", "label.jpg", JPEG, thread=thread)
    await world.slack.write_file("U0BEN", "bill.pdf", PDF, thread=thread)

    await world.until(lambda: len(whatsapp.attachments(PHONE)) == 2)
    assert whatsapp.attachments(PHONE) == [("image", "", JPEG), ("document", "bill.pdf", PDF)]
    await whatsapp.status(whatsapp.sent[0], "read")
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark", "eyes"])


async def test_two_photos_in_a_row_are_one_post(world: World, whatsapp: WhatsAppSandbox) -> None:
    for _ in range(2):
        image = {"id": whatsapp.add_media("image/jpeg", JPEG)}
        await whatsapp.send(PHONE, "Astrid", type="image", image=image)
    thread = await world.thread()

    (post,) = await world.until(lambda: [each for each in world.slack.replies(thread) if "files" in each])

    assert len(post["files"]) == 2


async def test_a_large_photo_goes_as_a_document(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write(PHONE, "Astrid", "Hello there")
    thread = await world.thread()
    large = JPEG + b"x" * (6 * 1024 * 1024)

    await world.slack.write_file("U0BEN", "wall.jpg", large, thread=thread)

    await world.until(lambda: whatsapp.attachments(PHONE))
    assert whatsapp.attachments(PHONE) == [("document", "wall.jpg", large)]


async def test_an_answer_after_24_hours_waits_and_goes_when_the_customer_writes(
    world: World, whatsapp: WhatsAppSandbox
) -> None:
    whatsapp.add_template("update", "es", "Tenemos novedades sobre su pedido.")
    whatsapp.add_template("order", "es", "Su pedido {{1}} llegará el {{2}}.")
    whatsapp.add_template("update", "en", "There is news about your order.")
    whatsapp.add_template("refused", "es", "¡Oferta!", status="REJECTED")
    yesterday = str(int(time.time()) - 25 * 3600)
    await whatsapp.send(
        PHONE, "Astrid", type="text", text={"body": "¿Dónde está mi pedido A-1042?"}, timestamp=yesterday
    )
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")

    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    await world.shown(thread, "Not sent yet")
    await world.until(lambda: world.slack.reactions.get(answer) == ["hourglass_flowing_sand"])
    (told,) = await world.until(lambda: world.slack.whispers)
    assert ("update" in str(told), "order" in str(told), "refused" in str(told)) == (True, True, False)
    assert "There is news" not in str(told)
    assert whatsapp.sent == []

    await world.slack.press("U0BEN", "template:0", "1:update es", thread)
    await world.slack.write("U0BEN", "!template order A-1042 | viernes", thread=thread)
    await world.until(lambda: len(whatsapp.sent) == 2)
    assert [sent["template"]["name"] for sent in whatsapp.sent] == ["update", "order"]
    values = whatsapp.sent[1]["template"]["components"][0]["parameters"]
    assert [value["text"] for value in values] == ["A-1042", "viernes"]

    await world.shown(thread, "Su pedido A-1042 llegará el viernes.")
    await whatsapp.write(PHONE, "Astrid", "Hola, ¿están abiertos hoy?")

    await world.until(lambda: whatsapp.texts(PHONE) == ["Llegará el viernes."])
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, []))


async def test_a_window_that_the_platform_says_is_over_parks_too(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write(PHONE, "Astrid", "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    whatsapp.closed.add(PHONE)
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.shown(thread, "more than 24 hours have passed since the customer wrote")

    await whatsapp.write(PHONE, "Astrid", "Hola")

    assert await world.until(lambda: whatsapp.texts(PHONE) == ["Llegará el viernes."])


@pytest.mark.parametrize("text", ["!template", "!template nope", "!template order", "!template order a | b | c"])
async def test_a_template_that_makes_no_sense_is_told_and_not_sent(
    world: World, whatsapp: WhatsAppSandbox, text: str
) -> None:
    whatsapp.add_template("order", "es", "Su pedido {{1}} llegará el {{2}}.")
    await whatsapp.write(PHONE, "Astrid", "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")

    answer = await world.slack.write("U0BEN", text, thread=thread)

    if text == "!template":
        await world.until(lambda: world.slack.whispers)
    else:
        await world.until(lambda: world.slack.reactions.get(answer) == ["warning"])
    assert whatsapp.sent == []


async def test_the_card_says_how_clocks_run_where_the_customer_is(world: World, whatsapp: WhatsAppSandbox) -> None:
    await whatsapp.write("46701740605", "Astrid", "Hello there")

    await world.on_card(await world.thread(), "Local time:* UTC+")
    await world.on_card(await world.thread(), "(Stockholm)")
