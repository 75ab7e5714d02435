"""Checks by themselves: what fails is tried at once, and what will end is told in time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from gateway import checkup
from gateway.channel_book import ChannelBook
from gateway.checks import try_channel
from gateway.checkup import Checkup
from gateway.hands import utc
from gateway.retry import Hold
from sandbox.whatsapp import WhatsAppSandbox

SOON = datetime.now(UTC) + timedelta(days=5)


@pytest.fixture
async def whatsapp(world: Any, aiohttp_server: Any) -> WhatsAppSandbox:
    """Give a number that the world's gateway has as a channel `wa`."""
    sandbox = WhatsAppSandbox(number="301", account="201", access_token="EAAtoken", app_secret="secret")
    sandbox.token_told = {"is_valid": True, "expires_at": int(SOON.timestamp())}
    base = str((await aiohttp_server(sandbox.app)).make_url("")).rstrip("/")
    fields = {"kind": "whatsapp", "phone_number_id": "301", "business_account_id": "201", "access_token": "EAAtoken"}
    fields |= {"app_secret": "secret", "verify_token": "verify", "api_base": base}
    ChannelBook(world.settings(), "test", utc).add("wa", fields)
    await world.until(lambda: "wa" in world.gateway.channels)
    return sandbox


def make(world: Any, url: str | None = None) -> Checkup:
    gateway = world.gateway
    held = gateway.bridge.hands.held
    return Checkup(
        gateway.store,
        gateway.desk,
        gateway.channels,
        gateway.chain,
        held,
        utc,
        gateway.heard,
        unhooked=gateway._live.unhooked,
        public_url=world.url if url is None else url,
        needed=False,
    )


async def test_the_desk_is_told_once_a_day_of_a_token_that_ends_within_a_week(
    world: Any, whatsapp: WhatsAppSandbox
) -> None:
    for _ in range(2):
        tried = make(world)
        await tried.try_all()
        await tried.warn()

    assert told(world) == [f"⚠️ channels.wa: its access token ends on {SOON:%Y-%m-%d}: make a new one, and change it."]


def told(world: Any) -> list[str]:
    return [post["text"] for post in world.slack.posts.values() if "ends on" in post["text"]]


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        ({"quality_rating": "RED", "status": "CONNECTED"}, "Meta rates the number's quality RED"),
        ({"quality_rating": "GREEN", "status": "FLAGGED"}, "the number is FLAGGED"),
        ({"quality_rating": "GREEN", "status": "CONNECTED"}, ""),
    ],
)
async def test_what_meta_thinks_of_a_number_is_told(
    standing: dict[str, str], told: str, world: Any, whatsapp: WhatsAppSandbox
) -> None:
    whatsapp.token_told = {"is_valid": True}
    whatsapp.standing = standing
    tried = make(world)

    await tried.try_channel("wa")

    check, _ = tried.results["channels.wa"]
    assert check.works
    assert told in check.warning
    assert bool(check.warning) == bool(told)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("", "set gateway.public_url"),
        ("http://127.0.0.1:9", "can't be reached from here"),
        ("{slack}", "doesn't lead to this gateway: it answers with status 404"),
        ("{world}", ""),
    ],
)
async def test_it_is_seen_whether_the_address_leads_to_us(
    place: str, told: str, world: Any, whatsapp: WhatsAppSandbox
) -> None:
    whatsapp.token_told = {"is_valid": True}
    url = place.format(slack=world.slack_url, world=world.url)

    check = await try_channel("wa", world.gateway.channels["wa"], utc(), url)

    assert check.works
    assert told in check.warning
    assert bool(check.warning) == bool(told)


async def test_it_is_told_why_a_platform_could_not_be_told_where_we_are(world: Any, whatsapp: WhatsAppSandbox) -> None:
    whatsapp.cut_off = True
    book = ChannelBook(world.settings(), "test", utc)
    book.add("again", book.fields("wa"))
    await world.until(lambda: "again" in world.gateway._live.unhooked)
    tried = make(world)
    await tried.try_channel("again")
    check, _ = tried.results["channels.again"]

    assert "its platform couldn't be told where to call us: Meta refuses the access token or the number: (#200)" in (
        check.warning
    )


async def test_a_channel_that_is_called_needs_no_address_that_we_know(world: Any) -> None:
    tried = make(world, url="")
    await tried.try_channel("tg")
    before, _ = tried.results["channels.tg"]
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    await world.thread()
    await tried.try_channel("tg")
    after, _ = tried.results["channels.tg"]

    assert before.warning == "its platform can't call us, so nothing comes: set gateway.public_url"
    assert after.warning == ""


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ({"url": "https://x", "pending_update_count": 3, "last_error_message": "Connection refused"}, "can't deliver"),
        ({"url": "https://x", "pending_update_count": 0, "last_error_message": "Connection refused"}, ""),
        ({"url": ""}, ""),
    ],
)
async def test_what_telegram_says_of_its_calls_is_told(hook: dict[str, Any], told: str, world: Any) -> None:
    def fault(method: str, fields: dict[str, str]) -> web.Response | None:
        return web.json_response({"ok": True, "result": hook}) if method == "getWebhookInfo" else None

    world.telegram.fault = fault

    check = await try_channel("tg", world.gateway.channels["tg"], utc(), world.url)

    assert (check.works, told in check.warning, bool(check.warning)) == (True, True, bool(told))


async def test_what_is_held_is_tried_at_once(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "FIRST_AFTER", 0)
    monkeypatch.setattr(checkup, "LOOK_EVERY", 0.01)
    tried = make(world)
    watching = asyncio.create_task(tried.watch())
    await world.until(lambda: "channels.tg" in tried.results)
    assert tried.results["channels.tg"][0].works
    world.telegram.token = "42:revoked"

    world.gateway.bridge.hands.hold("tg", Hold(utc() + timedelta(minutes=1), "Telegram refuses it"))

    await world.until(lambda: not tried.results["channels.tg"][0].works)
    watching.cancel()


async def test_what_is_gone_is_forgotten_and_all_is_tried(world: Any, whatsapp: WhatsAppSandbox) -> None:
    tried = make(world)
    await tried.try_all()
    assert {"desk", "desk scopes", "channels.tg", "channels.wa", "engine phrasebook"} <= tried.results.keys()
    assert tried.results["channels.wa"][0].warning

    ChannelBook(world.settings(), "test", utc).remove("wa")
    await world.until(lambda: "wa" not in world.gateway.channels)
    await tried.try_all()

    assert "channels.wa" not in tried.results
