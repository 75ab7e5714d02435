"""Customers who write from Slack: directly, by mention, in shared channels; by an app of their own or the desk's."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from config.credentials import Secret
from sandbox.slack import SlackSandbox

World = Any
PDF = b"%PDF-1.7\n" + b"x" * 200
OWN = """
[channels.partners]
kind = "slack"
bot_token = "xoxb-guests"
signing_secret = "guests-secret"
app_token = "xapp-guests"
mode = "{mode}"
api_base = "{base}/api/"
"""
SHARED = """
[channels.partners]
kind = "slack"
bot_token = "xoxb-sandbox"
api_base = "{base}/api/"
"""


@pytest.fixture
def guests() -> SlackSandbox:
    return SlackSandbox("xoxb-guests", "C0GUESTS", signing_secret="guests-secret", app_token="xapp-guests")


@pytest.fixture(params=["http", "socket"])
async def world(
    request: Any,
    make_world: Callable[..., Awaitable[World]],
    guests: SlackSandbox,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> World:
    base = guests.base = str((await aiohttp_server(guests.app)).make_url("")).rstrip("/")
    made = await make_world(extra=OWN.format(mode=request.param, base=base))
    if request.param == "http":
        guests.events_url = f"{made.url}/webhooks/partners"
    return made


async def test_a_direct_message_goes_both_ways_by_name(world: World, guests: SlackSandbox) -> None:
    guests.names["U0LUCIA"] = "Lucía"
    guests.zone_names["U0LUCIA"] = "America/Bogota"
    await guests.guest_writes("U0LUCIA", "¿Dónde está mi pedido A-1042?", place="D0LUCIA")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    await world.on_card(thread, "Lucía")
    await world.on_card(thread, "*Local time:* UTC-5 (Bogota)")

    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    assert await world.until(lambda: [post["text"] for post in guests.place("D0LUCIA")][1:] == ["Llegará el viernes."])


async def test_what_an_agent_edits_and_deletes_is_changed_and_gone(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "¿Dónde está mi pedido A-1042?", place="D0LUCIA")
    thread = await world.thread()
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: [post["text"] for post in guests.place("D0LUCIA")][1:] == ["Llegará el viernes."])
    await world.slack.edit(answer, "It will arrive tomorrow.")
    await world.until(lambda: [post["text"] for post in guests.place("D0LUCIA")][1:] == ["Llegará mañana."])
    await world.slack.remove(answer)

    await world.until(lambda: len(guests.place("D0LUCIA")) == 1)
    assert await world.shown(thread, "Deleted here, and at the customer's too")


async def test_a_mention_begins_a_conversation_and_its_thread_goes_on(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "just chatting", place="C0PUBLIC")
    ts = await guests.guest_writes("U0LUCIA", "<@U0BOT> ¿Dónde está mi pedido A-1042?", place="C0PUBLIC")
    mention = {"type": "app_mention", "channel": "C0PUBLIC", "user": "U0LUCIA", "ts": ts}
    await guests.event({**mention, "text": "<@U0BOT> ¿Dónde está mi pedido A-1042?"})
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    await guests.guest_writes("U0LUCIA", "¡Perfecto! Muchas gracias por su ayuda.", place="C0PUBLIC", thread=ts)
    await world.shown(thread, "Perfect!")

    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    await world.until(lambda: guests.replies(ts)[1:])
    assert [post["text"] for post in guests.replies(ts)[1:]] == ["Llegará el viernes."]
    assert len(world.slack.roots()) == 1


async def test_each_who_writes_in_a_thread_has_their_own_name(
    world: World, guests: SlackSandbox, words: Callable[[Any], str]
) -> None:
    guests.names |= {"U0LUCIA": "Lucía", "U0JONAS": "Jonas"}
    ts = await guests.guest_writes("U0LUCIA", "<@U0BOT> where is our order?", place="C0PUBLIC")
    mention = {"type": "app_mention", "channel": "C0PUBLIC", "user": "U0LUCIA", "ts": ts}
    await guests.event({**mention, "text": "<@U0BOT> where is our order?"})
    thread = await world.thread()
    await world.shown(thread, "where is our order?")
    for user, text in (("U0JONAS", "It was due on Monday"), ("U0LUCIA", "I ordered it"), ("U0NOBODY", "Me too")):
        await guests.guest_writes(user, text, place="C0PUBLIC", thread=ts)
        await world.shown(thread, text)

    shown = [(post.get("username"), words(post)) for post in world.slack.replies(thread)]
    for name, text in (
        ("Lucía", "where is our order?"),
        ("Jonas", "It was due on Monday"),
        ("Lucía", "I ordered it"),
        (None, "*Customer*\nMe too"),
    ):
        assert (name, text) in shown


async def test_what_others_say_to_each_other_is_not_kept(
    world: World, guests: SlackSandbox, kept: Callable[[Path], str]
) -> None:
    ts = await guests.guest_writes("U0LUCIA", "lunch?", place="C0PUBLIC")
    await guests.guest_writes("U0TOM", "the salary list is ready", place="C0PUBLIC", thread=ts)
    await guests.guest_writes("U0LUCIA", "Hello there", place="D0LUCIA")
    thread = await world.thread()
    await world.shown(thread, "Hello there")
    await world.until(lambda: world.gateway.store.stats().waiting_events == 0)

    everything = kept(world.folder / "data" / "dragoman.db")

    assert "Hello there" in everything
    assert "salary" not in everything
    assert "lunch" not in everything


async def test_a_call_that_broke_off_is_found_and_not_repeated(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "¿Dónde está mi pedido A-1042?", place="D0LUCIA")
    thread = await world.thread()
    guests.drop_after = {"chat.postMessage"}

    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    assert [post["text"] for post in guests.place("D0LUCIA")][1:] == ["Llegará el viernes."]
    assert "twice" not in str(world.slack.replies(thread))


async def test_what_a_customer_types_pings_nobody_and_our_answer_is_plain(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "Hello, where is my parcel?", place="D0LUCIA")
    thread = await world.thread()

    await world.slack.write("U0BEN", "1 &lt; 2 &amp; *no* markup", thread=thread)

    (post,) = await world.until(lambda: guests.place("D0LUCIA")[1:])
    assert "&lt;" in post["text"]
    sent = [fields for method, fields in guests.calls if method == "chat.postMessage"]
    assert sent[0]["mrkdwn"] is False


async def test_a_place_that_the_app_left_is_told(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "Hola", place="D0LUCIA")
    thread = await world.thread()
    guests.places.discard("D0LUCIA")

    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    assert await world.shown(thread, "the app can't see this customer's channel")


async def test_files_go_both_ways(world: World, guests: SlackSandbox) -> None:
    await guests.guest_writes("U0LUCIA", "Hello there", place="D0LUCIA")
    await guests.write_file("U0LUCIA", "bill.pdf", PDF, thread="", channel="D0LUCIA", channel_type="im")
    thread = await world.thread()
    (post,) = await world.until(lambda: [each for each in world.slack.replies(thread) if "files" in each])
    assert world.slack.files[post["files"][0]["id"]]["content"] == PDF
    guests.drop_after = {"files.completeUploadExternal"}

    answer = await world.slack.write_file("U0BEN", "label.pdf", PDF, thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    (sent,) = [post for post in guests.place("D0LUCIA") if "bot_id" in post]
    assert guests.files[sent["files"][0]["id"]]["content"] == PDF
    assert "twice" not in str(world.slack.replies(thread))


async def test_the_address_is_confirmed_with_the_challenge(world: World, guests: SlackSandbox) -> None:
    guests.events_url = f"{world.url}/webhooks/partners"
    body = b'{"type": "url_verification", "challenge": "3eZb"}'
    async with aiohttp.ClientSession() as session:
        headers = guests.sign(body, int(time.time()))
        async with session.post(guests.events_url, data=body, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"challenge": "3eZb"})
        async with session.post(guests.events_url, data=body) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("desk_mode", ["http", "socket"])
async def test_the_desks_own_app_may_serve_customers_too(
    make_world: Callable[..., Awaitable[World]], world_at_rest: World, desk_mode: str
) -> None:
    made = await make_world(desk_mode=desk_mode, extra="# the desk's own app\n")
    await made.stop()
    made.extra = SHARED.format(base=made.slack_url)
    await made.start()
    slack: SlackSandbox = made.slack

    await slack.guest_writes("U0LUCIA", "¿Dónde está mi pedido A-1042?", place="D0LUCIA")
    await slack.guest_writes("U0BEN", "an agent says hello to the app", place="D0BEN")
    thread = await made.thread()
    await made.shown(thread, "Where is my order A-1042?")
    await slack.write("U0BEN", "It will arrive on Friday.", thread=thread)

    await made.until(lambda: [post["text"] for post in slack.place("D0LUCIA")][1:] == ["Llegará el viernes."])
    assert {"partners", "desk"} <= set(await made.gateway.heard.all(made.gateway.store))
    assert len(slack.roots()) == 1


async def test_a_connection_that_nobody_listens_to_any_more_is_let_go(
    make_world: Callable[..., Awaitable[World]],
    guests: SlackSandbox,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> None:
    base = guests.base = str((await aiohttp_server(guests.app)).make_url("")).rstrip("/")
    made = await make_world(extra=OWN.format(mode="socket", base=base))
    await made.until(lambda: guests.connections == 1)

    # The desk becomes the same app: what customers write comes by its own connection from then on.
    await made.gateway._live.share_desk(Secret("xoxb-guests"))

    assert await made.until(lambda: guests.connections == 0)
