"""Messenger and Instagram: text both ways, names, echoes, what was read, and who else answers."""

import time
import tomllib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from adapters import KINDS as FIELDS
from adapters.contract import Unauthorised
from adapters.messenger import Messenger
from config.settings import channel_from
from gateway import deliver
from sandbox.messenger import MessagingSandbox
from sandbox.meta import post_signed, write

World = Any
CHANNEL = """
[channels.{channel}]
kind = "{kind}"
{account} = "401"
app_id = "601"
{token} = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{base}"
"""
KINDS = {
    "page": {"kind": "messenger", "channel": "fb", "account": "page_id", "token": "page_access_token"},
    "instagram": {"kind": "instagram", "channel": "ig", "account": "account_id", "token": "access_token"},
}
PERSON = "7100000000000001"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 200


@pytest.fixture(params=KINDS)
def meta(request: Any) -> MessagingSandbox:
    return MessagingSandbox(
        request.param, account="401", app="601", access_token="EAAsandbox", app_secret="meta-secret"
    )


@pytest.fixture
async def world(
    make_world: Callable[..., Awaitable[World]],
    meta: MessagingSandbox,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> World:
    server = await aiohttp_server(meta.app)
    names = KINDS[meta.object]
    made = await make_world(extra=CHANNEL.format(base=str(server.make_url("")).rstrip("/"), **names))
    meta.base = str(server.make_url("")).rstrip("/")
    meta.webhook = f"{made.url}/webhooks/{names['channel']}"
    return made


async def test_a_conversation_goes_both_ways_and_is_read(world: World, meta: MessagingSandbox) -> None:
    meta.names[PERSON] = "Lucía Pérez"
    await meta.write(PERSON, "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    await world.on_card(thread, "Lucía Pérez")
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: meta.texts(PERSON) == ["Llegará el viernes."])
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])

    await meta.read(PERSON)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark", "eyes"])
    assert len(world.slack.roots()) == 1


@pytest.mark.parametrize(
    ("wrong", "told", "cure"),
    [
        ({"app_secret": "another app's"}, "app_secret isn't that of the app", "App settings, Basic"),
        ({"page_id": "999"}, "nothing at 999 that", "Check page_id"),
        ({"page_id": "402"}, "page_access_token is that of Shop", "Make a token for the Page"),
    ],
)
async def test_a_check_says_which_field_of_a_page_is_wrong(
    aiohttp_server: Any, wrong: dict[str, str], told: str, cure: str
) -> None:
    meta = MessagingSandbox("page", account="401", app="601", access_token="EAAsandbox", app_secret="meta-secret")
    meta.names["402"] = "Another Page"
    base = str((await aiohttp_server(meta.app)).make_url("")).rstrip("/")
    right = tomllib.loads(CHANNEL.format(base=base, **KINDS["page"]))["channels"]["fb"]
    async with aiohttp.ClientSession() as session:
        assert "Shop" in await Messenger(channel_from("fb", right, FIELDS), session).probe()
        with pytest.raises(Unauthorised, match=told) as caught:
            await Messenger(channel_from("fb", right | wrong, FIELDS), session).probe()

    assert cure in caught.value.advice


async def test_accounts_of_one_app_share_an_address(
    make_world: Callable[..., Awaitable[World]], meta: MessagingSandbox, aiohttp_server: Any
) -> None:
    base = str((await aiohttp_server(meta.app)).make_url("")).rstrip("/")
    names = KINDS[meta.object]
    first = CHANNEL.format(base=base, **names)
    second = CHANNEL.format(base=base, **names | {"channel": "other"}).replace('"401"', '"402"')
    strange = CHANNEL.format(base=base, **names | {"channel": "strange"}).replace('"meta-secret"', '"another"')
    world = await make_world(extra=first + second + strange.replace('"401"', '"403"'))
    meta.webhook = f"{world.url}/webhooks/{names['channel']}"
    entries = [
        {
            "id": account,
            "time": 1,
            "messaging": [
                {
                    "sender": {"id": PERSON},
                    "recipient": {"id": account},
                    "timestamp": 1_794_269_004_323,
                    "message": {"mid": f"m{account}", "text": f"Hello, shop {account}"},
                }
            ],
        }
        for account in ("401", "402", "403")
    ]
    body = write({"object": meta.object, "entry": [*entries, "odd"]})
    for _ in range(2):
        assert await post_signed(meta.webhook, body, meta.app_secret) == 200

    def shown() -> list[int]:
        posts = list(map(str, world.slack.posts.values()))
        return [sum(f"shop {account}" in post for post in posts) for account in ("401", "402", "403")]

    await world.until(lambda: len(world.slack.roots()) == 2 and shown()[:2] == [1, 1])
    assert shown() == [1, 1, 0]
    assert world.gateway.store.stats().aside == 2


async def test_what_somebody_answers_elsewhere_is_shown(world: World, meta: MessagingSandbox) -> None:
    await meta.write(PERSON, "Hola, ¿están abiertos hoy?")
    thread = await world.thread()

    await meta.answer_elsewhere(PERSON, "Llegará el viernes.")

    shown = await world.shown(thread, "It will arrive on Friday.")
    assert "Answered outside Dragoman" in str(shown)
    assert meta.texts(PERSON) == []


async def test_a_persons_answer_may_come_within_seven_days(world: World, meta: MessagingSandbox) -> None:
    days = {"yesterday": 30, "last month": 24 * 30}
    for person, hours in days.items():
        at = int((time.time() - hours * 3600) * 1000)
        await meta.deliver(
            {
                "sender": {"id": person},
                "recipient": {"id": "401"},
                "timestamp": at,
                "message": {"mid": person, "text": f"Hello, I wrote {person}"},
            }
        )
        meta.closed.add(person)
    first = await world.thread()
    second = await world.thread(2)

    await world.slack.write("U0BEN", "We're on it", thread=first)
    late = await world.slack.write("U0BEN", "We're on it", thread=second)

    await world.until(lambda: meta.texts("yesterday") == ["We're on it"])
    assert meta.sent[0]["tag"] == "HUMAN_AGENT"
    await world.until(lambda: world.slack.reactions.get(late) == ["hourglass_flowing_sand"])
    assert meta.texts("last month") == []


async def test_a_window_that_the_platform_says_is_over_parks_until_they_write(
    world: World, meta: MessagingSandbox
) -> None:
    await meta.write(PERSON, "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    meta.closed.add(PERSON)
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.shown(thread, "more than 24 hours have passed since the customer wrote")

    await meta.write(PERSON, "Hola")

    await world.until(lambda: meta.texts(PERSON) == ["Llegará el viernes."])
    await world.until(lambda: "white_check_mark" in world.slack.reactions[answer])


async def test_a_call_that_broke_off_is_found_by_its_echo(
    world: World, meta: MessagingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instagram repeats no name of ours, so there the customer may get it twice, and the agent is told."""
    monkeypatch.setattr(deliver, "RECEIPT_WAIT", timedelta(seconds=0.2))
    await meta.write(PERSON, "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    meta.drop_after = 1

    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    once = meta.object == "page"
    assert len(meta.texts(PERSON)) == (1 if once else 2)
    if not once:
        await world.shown(thread, "It may have reached the customer twice")


async def test_files_go_both_ways(world: World, meta: MessagingSandbox) -> None:
    """Instagram fetches files itself, from https addresses alone: here, without one, it gets links."""
    photo = {"type": "image", "payload": {"url": f"{meta.base}/cdn/{meta.add_media(JPEG)}"}}
    await meta.write(PERSON, attachments=[photo])
    thread = await world.thread()
    (post,) = await world.until(lambda: [each for each in world.slack.replies(thread) if "files" in each])
    assert world.slack.files[post["files"][0]["id"]]["content"] == JPEG

    answer = await world.slack.write_file("U0BEN", "label.jpg", JPEG, thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    if meta.object == "page":
        assert meta.attachments(PERSON) == [("image", JPEG)]
    else:
        (said,) = meta.texts(PERSON)
        assert said.startswith(f"label.jpg: {world.url}/files/")


async def test_the_account_is_subscribed_to_what_we_read(
    make_world: Callable[..., Awaitable[World]],
    meta: MessagingSandbox,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> None:
    server = await aiohttp_server(meta.app)
    names = KINDS[meta.object]
    extra = CHANNEL.format(base=str(server.make_url("")).rstrip("/"), **names)

    made = await make_world(extra=extra)

    assert await made.until(lambda: "messages" in meta.subscribed)
