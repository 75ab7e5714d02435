"""LINE: text both ways, names, files, and a call that breaks off."""

import base64
import hmac
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

World = Any
CHANNEL = """
[channels.line]
kind = "line"
channel_secret = "line-secret"
access_token = "line-token"
api_base = "{base}"
data_base = "{base}"
"""
PERSON = "U4af4980629aa11b3c2d1e0f9a8b7c6d5"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 200


class Line:
    """LINE's side: it takes a message by its name once, and says so when it comes again."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        self.refused = self.drop_after = 0
        self.preparing = 0
        self.webhook = self.endpoint = ""
        self._ids = itertools.count(468_887_000_482_253_501)
        self.app = web.Application()
        self.app.add_routes(
            [
                web.post("/v2/bot/message/push", self._push),
                web.get("/v2/bot/message/{id}/content", self._content),
                web.get("/v2/bot/profile/{id}", self._profile),
                web.get("/v2/bot/info", self._info),
                web.put("/v2/bot/channel/webhook/endpoint", self._hook),
            ]
        )

    async def say(self, text: str = "", **message: Any) -> str:
        """Write as the person; gives the message's id."""
        number = next(self._ids)
        event = {
            "type": "message",
            "message": {"id": str(number), "type": "text", "text": text, **message},
            "webhookEventId": f"01FZ{number}",
            "timestamp": 1_790_000_000_000,
            "source": {"type": "user", "userId": PERSON},
        }
        body = json.dumps({"destination": "Ub1", "events": [event]}).encode()
        proof = base64.b64encode(hmac.digest(b"line-secret", body, "sha256")).decode()
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.webhook, data=body, headers={"X-Line-Signature": proof}) as answer,
        ):
            assert answer.status == 200
        return str(number)

    def texts(self) -> list[str]:
        """Give what the person reads."""
        return [body["messages"][0]["text"] for body in self.taken.values()]

    def _authorised(self, http: web.Request) -> None:
        if http.headers.get("Authorization") != "Bearer line-token":
            raise web.HTTPUnauthorized(text='{"message":"Authentication failed"}')

    async def _push(self, http: web.Request) -> web.Response:
        self._authorised(http)
        name = http.headers["X-Line-Retry-Key"]
        if name in self.taken:
            self.refused += 1
            return web.json_response({"message": "The retry key is already accepted"}, status=409)
        self.taken[name] = await http.json()
        if self.drop_after:
            self.drop_after -= 1
            assert http.transport
            http.transport.abort()
        return web.json_response({"sentMessages": [{"id": str(next(self._ids))}]})

    async def _content(self, http: web.Request) -> web.Response:
        self._authorised(http)
        if self.preparing:
            self.preparing -= 1
            return web.Response(status=202)
        return web.Response(body=JPEG)

    async def _profile(self, http: web.Request) -> web.Response:
        self._authorised(http)
        return web.json_response({"displayName": "Yuki", "userId": http.match_info["id"]})

    async def _info(self, http: web.Request) -> web.Response:
        self._authorised(http)
        return web.json_response({"displayName": "Shop", "basicId": "@216ru"})

    async def _hook(self, http: web.Request) -> web.Response:
        self._authorised(http)
        self.endpoint = (await http.json())["endpoint"]
        return web.json_response({})


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
async def world(
    make_world: Callable[..., Awaitable[World]], line: Line, aiohttp_server: Callable[..., Awaitable[TestServer]]
) -> World:
    base = str((await aiohttp_server(line.app)).make_url("")).rstrip("/")
    made = await make_world(extra=CHANNEL.format(base=base))
    line.webhook = f"{made.url}/webhooks/line"
    return made


async def test_a_conversation_goes_both_ways(world: World, line: Line) -> None:
    await line.say("¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order A-1042?")
    await world.on_card(thread, "Yuki")
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])

    assert line.texts() == ["Llegará el viernes."]
    assert [body["to"] for body in line.taken.values()] == [PERSON]


async def test_a_call_that_broke_off_is_made_again_and_reaches_the_customer_once(world: World, line: Line) -> None:
    await line.say("¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    line.drop_after = 1
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    await world.settled()

    assert (line.texts(), line.refused) == (["Llegará el viernes."], 1)
    assert not any("twice" in json.dumps(post) for post in world.slack.replies(thread))


async def test_a_photo_comes_once_line_has_prepared_it(world: World, line: Line) -> None:
    line.preparing = 1
    await line.say(type="image", contentProvider={"type": "line"})
    thread = await world.thread()
    await world.until(lambda: any("files" in post for post in world.slack.replies(thread)))

    assert line.preparing == 0


async def test_line_says_which_account_it_is_and_hears_where_to_call(world: World, line: Line) -> None:
    channel = world.gateway.channels["line"]
    await channel.hook("https://chat.example.com/webhooks/line")

    assert await channel.probe() == "Shop (@216ru)"
    assert line.endpoint == "https://chat.example.com/webhooks/line"
    assert await channel.name_of("Ca56f94637c") == ""
    assert await channel.name_of(PERSON) == "Yuki"
