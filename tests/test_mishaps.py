"""What goes wrong in set-up: each as the demo plays it, what the checks say of it, and that it passes."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from gateway.demo import open_demo

TOLD = {
    "telegram-revoked": ("telegram", r"Telegram refuses the bot token\. Get the token from @BotFather"),
    "telegram-elsewhere": ("telegram", r"nothing comes: another program polls this bot: stop it"),
    "slack-revoked": ("desk", r"Slack refuses the bot token for auth.test: invalid_auth\. Install the app again"),
    "slack-app-token": ("desk", r"Slack refuses the desk's app token\. Make an app-level "),
    "slack-scope": ("desk scopes", r"the app lacks reactions:write .*Add them under OAuth & Permissions"),
    "slack-not-invited": ("desk", r"Check \[desk\] channel, and invite the app into that channel: /invite @dragoman"),
    "whatsapp-expired": ("whatsapp", r"has expired on .*\. Make a new access token, and change it\."),
    "whatsapp-ending": ("whatsapp", r"its access token ends on .*: make a new one"),
    "whatsapp-flagged": ("whatsapp", r"quality RED.*the number is FLAGGED"),
    "whatsapp-unregistered": ("whatsapp", r"the number isn't registered, so nothing goes or comes"),
    "whatsapp-unsubscribed": ("whatsapp", r"Meta tells nobody of its messages"),
    "messenger-expired": ("messenger", r"has expired on .*\. Make a new access token, and change it\."),
    "messenger-unsubscribed": ("messenger", r"Meta tells nobody of its messages"),
    "unreachable": (
        "whatsapp",
        r"doesn't lead to this gateway: it answers with status 502\. Check gateway\.public_url",
    ),
}


@pytest.fixture
async def demo() -> AsyncIterator[Any]:
    """Open a demo and its page's socket; gives the gateway, and what switches mishaps."""
    async with (
        open_demo() as gateway,
        TestServer(gateway.app) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.make_url("/demo")) as socket,
    ):
        yield gateway, socket


async def switch(socket: Any, name: str, *, on: bool) -> None:
    await socket.send_json({"do": "mishap", "name": name, "on": on})
    while {each["name"]: each["on"] for each in (await socket.receive_json())["mishaps"]}[name] != on:
        pass


async def differs(gateway: Any, where: str, told: str, *, fine: bool) -> str:
    """Give what is said at last, where that isn't what it should be; a poll under way has to end first."""
    for _ in range(50):
        works, words = await said(gateway, where)
        if works == fine and re.search(told, words):
            return ""
        await asyncio.sleep(0.1)
    return words


async def said(gateway: Any, where: str) -> tuple[bool, str]:
    """Try something anew; gives whether it works and needs nobody, and what is said of it."""
    tries = gateway._checkup
    if where.startswith("desk"):
        await tries.try_desk()
        check, _ = tries.results[where]
    else:
        await tries.try_channel(where)
        check, _ = tries.results[f"channels.{where}"]
    return check.works and not check.warning, check.said


async def test_every_mishap_is_told_with_its_cure_and_passes(demo: Any) -> None:
    gateway, socket = demo
    assert {each["name"] for each in (await socket.receive_json())["mishaps"]} == set(TOLD)
    wrong = {}
    for name, (where, told) in TOLD.items():
        await switch(socket, name, on=True)
        if words := await differs(gateway, where, told, fine=False):
            wrong[name] = words
        await switch(socket, name, on=False)
        if words := await differs(gateway, where, "", fine=True):
            wrong[f"{name} after"] = words
    assert wrong == {}
