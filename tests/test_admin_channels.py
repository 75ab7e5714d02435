"""Channels in the console: added, tried, changed, removed and brought back, with no secret ever shown again."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from gateway.audit import BACK_WITHIN, Audited
from gateway.channel_book import ChannelBook
from gateway.hands import utc
from gateway.store.choose import beside
from gateway.store.contract import StoreError
from sandbox.telegram import TelegramSandbox
from sandbox.whatsapp import WhatsAppSandbox

TOKEN = "43:AAHverysecret"
CHANNELS = "/admin/channels"
Console = Any


@pytest.fixture
async def telegram(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> tuple[TelegramSandbox, str]:
    sandbox = TelegramSandbox(TOKEN)
    server = await aiohttp_server(sandbox.app)
    return sandbox, str(server.make_url("")).rstrip("/")


async def add(console: Console, base: str, token: str = TOKEN, **more: str) -> tuple[int, str]:
    form = {"id": "shop", "field__token": token, "field__mode": "polling", "field__api_base": base}
    answered: tuple[int, str] = await console.send(f"{CHANNELS}/add/telegram", **(form | more))
    return answered


async def test_a_channel_is_added_hears_answers_and_is_changed(
    console: Console, telegram: tuple[TelegramSandbox, str]
) -> None:
    sandbox, base = telegram
    status, page = await add(console, base)
    assert status == 200
    assert "It works, and is kept" in page
    assert "Nothing came yet" in page

    await console.world.until(lambda: "shop" in console.world.gateway.channels)
    customer = sandbox.customer(7, "Lucía")
    await customer.write("¿Dónde está mi pedido A-1042?")
    thread = await console.world.thread()
    await console.world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await console.world.until(lambda: [each["text"] for each in sandbox.sent] == ["Llegará el viernes."])
    assert "A message came:" in (await console.get(f"{CHANNELS}/shop/state"))[1]

    sandbox.token = "43:AAHanother"
    status, page = await console.send(f"{CHANNELS}/shop/try")
    assert "Doesn&#39;t work" in page or "Doesn't work" in page
    status, page = await console.send(
        f"{CHANNELS}/shop/change", field__token="43:AAHanother", field__mode="polling", field__api_base=base
    )
    assert (status, "The change works" in page) == (200, True)
    assert TOKEN not in console.seen
    assert "43:AAHanother" not in console.seen


async def test_what_does_not_work_is_told_and_not_kept(console: Console, telegram: tuple[TelegramSandbox, str]) -> None:
    _, base = telegram
    status, page = await add(console, base, token="not a token")
    assert status == 422
    assert "digits, a colon" in page
    status, page = await add(console, base, token="43:wrong")
    assert status == 422
    assert 'role="alert"' in page
    status, page = await add(console, base, id="tg")
    assert "there is a channel tg already" in page
    status, page = await add(console, base, id="bad id!")
    assert "a channel&#39;s id is made of" in page
    status, page = await add(console, "nowhere")
    assert "must be an address" in page
    status, page = await add(console, base, field__mode="carrier pigeon")
    assert "must be one of polling, webhook" in page

    assert "There is no channel" not in (await console.get(CHANNELS))[1]
    assert await console.world.gateway.store.docs("channel") == {}
    assert await console.world.gateway.store.docs("audit") == {}


async def test_what_is_wrong_is_told_in_the_admins_language(
    console: Console, telegram: tuple[TelegramSandbox, str]
) -> None:
    _, base = telegram
    await console.get("/admin/language/es")
    _, page = await add(console, base, token="43:wrong")
    assert 'role="alert">Telegram rechaza el token del bot. Pida el token a @BotFather' in page
    _, page = await add(console, base, token="not a token")
    assert "cifras, dos puntos y unas 35 letras" in page
    _, said = await console.send(f"{CHANNELS}/add/telegram/check", field__token="43:wrong", field__api_base=base)
    assert "Telegram rechaza el token del bot" in json.loads(said)["fields"]["token"]["told"]


@pytest.mark.parametrize("kind", ["telegram", "whatsapp", "messenger", "instagram", "slack", "line"])
async def test_of_an_empty_form_nothing_is_said(kind: str, console: Console) -> None:
    assert await console.send(f"{CHANNELS}/add/{kind}/check") == (200, '{"fields": {}}')


META = {"phone_number_id": "301", "business_account_id": "201", "access_token": "EAAtoken", "app_secret": "secret"}


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"access_token": "EAAwrong"}, "access_token", "Meta refuses the access token"),
        ({"phone_number_id": "999"}, "phone_number_id", "has no number 999"),
        ({"phone_number_id": "+46 31 390"}, "phone_number_id", "digits, and not the phone number itself"),
        ({"business_account_id": "999"}, "business_account_id", "nothing at 999"),
        ({"app_secret": "another"}, "app_secret", "isn't that of the app"),
        ({}, "", ""),
    ],
)
async def test_the_field_that_is_wrong_is_named_while_the_form_is_filled_in(
    typed: dict[str, str],
    field: str,
    told: str,
    console: Console,
    aiohttp_server: Callable[..., Awaitable[TestServer]],
) -> None:
    sandbox = WhatsAppSandbox(number="301", account="201", access_token="EAAtoken", app_secret="secret")
    base = str((await aiohttp_server(sandbox.app)).make_url("")).rstrip("/")
    form = {f"field__{name}": value for name, value in (META | typed | {"api_base": base}).items()}

    status, said = await console.send(f"{CHANNELS}/add/whatsapp/check", **form)

    fields = json.loads(said)["fields"]
    assert status == 200
    assert {name for name, each in fields.items() if not each["works"]} == ({field} if field else set())
    assert told in fields.get(field, {"told": ""})["told"]
    if not field:
        assert (
            fields["phone_number_id"]["told"]
            == "+46 31 390 06 00 (Shop), quality GREEN, may begin with 2K people a day"
        )
        assert "doesn't end" in fields["access_token"]["told"]


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ({"is_valid": False, "error": {"message": "Session has expired"}}, "Session has expired"),
        ({"is_valid": True, "scopes": ["whatsapp_business_messaging"]}, "lacks whatsapp_business_management"),
        ({"is_valid": True, "expires_at": 1893456000}, "ends on 2030-01-01"),
    ],
)
async def test_what_meta_says_of_a_token_alone_is_told(
    token: dict[str, Any], told: str, console: Console, aiohttp_server: Callable[..., Awaitable[TestServer]]
) -> None:
    sandbox = WhatsAppSandbox(number="301", account="201", access_token="EAAtoken", app_secret="secret")
    sandbox.token_told = token
    base = str((await aiohttp_server(sandbox.app)).make_url("")).rstrip("/")

    _, said = await console.send(f"{CHANNELS}/add/whatsapp/check", field__access_token="EAAtoken", field__api_base=base)

    assert list(json.loads(said)["fields"]) == ["access_token"]
    assert told in json.loads(said)["fields"]["access_token"]["told"]


async def test_a_secret_left_empty_stays_as_it_is(console: Console, telegram: tuple[TelegramSandbox, str]) -> None:
    _, base = telegram
    await add(console, base)
    await console.send(f"{CHANNELS}/shop/change", field__token="", field__mode="webhook", field__api_base=base)

    fields = ChannelBook(console.world.settings(), "test", utc).fields("shop")
    assert (fields["token"], fields["mode"]) == (TOKEN, "webhook")
    assert (await console.get(f"{CHANNELS}/shop/change"))[0] == 200


async def test_what_is_kept_goes_to_no_other_host(
    console: Console, telegram: tuple[TelegramSandbox, str], aiohttp_server: Callable[..., Awaitable[TestServer]]
) -> None:
    await add(console, telegram[1])
    other = TelegramSandbox(TOKEN)
    base = str((await aiohttp_server(other.app)).make_url("")).rstrip("/")
    form = {"field__token": "", "field__mode": "polling", "field__api_base": base}

    status, page = await console.send(f"{CHANNELS}/shop/change", **form)
    assert (status, "enter Bot token again" in page) == (422, True)
    await console.send(f"{CHANNELS}/add/telegram/check", kept="shop", **form)
    assert other.calls == []
    assert TOKEN not in console.seen
    status, _ = await console.send(f"{CHANNELS}/shop/change", **(form | {"field__token": TOKEN}))
    assert status == 200


async def test_what_was_removed_is_brought_back(console: Console, telegram: tuple[TelegramSandbox, str]) -> None:
    _, base = telegram
    await add(console, base)
    await console.world.until(lambda: "shop" in console.world.gateway.channels)
    _status, page = await console.send(f"{CHANNELS}/shop/remove")
    assert "Audit can bring it back" in page
    await console.world.until(lambda: "shop" not in console.world.gateway.channels)
    assert (await console.get(f"{CHANNELS}/shop"))[0] == 404

    _, page = await console.get("/admin/audit")
    assert "ines" in page
    removed = re.search(r'name="entry" value="([^"]+)"', page)
    assert removed
    _, page = await console.send("/admin/audit/restore", entry=removed[1])
    assert "again what it was" in page
    await console.world.until(lambda: "shop" in console.world.gateway.channels)
    assert TOKEN not in console.seen
    assert (await console.send("/admin/audit/restore", entry="none"))[0] == 503


async def test_a_channel_of_the_file_is_shown_and_changed_there(console: Console) -> None:
    status, page = await console.get(f"{CHANNELS}/tg")
    assert (status, "change it there" in page, "sandbox-token" in page) == (200, True, False)
    assert (await console.get(f"{CHANNELS}/tg/change"))[0] == 404
    assert (await console.send(f"{CHANNELS}/tg/remove"))[0] == 404
    assert (await console.get(f"{CHANNELS}/nobody"))[0] == 404
    assert (await console.get(f"{CHANNELS}/add/pigeon"))[0] == 404


async def test_an_odd_name_in_an_address_is_no_fault(console: Console) -> None:
    for name in ("a%0d%0aSet-Cookie:x=y", "%3Cb%3E", "a%2Fb", "..%2F"):
        for do in ("try", "remove"):
            status, _ = await console.send(f"{CHANNELS}/{name}/{do}")
            assert status in (200, 404), (name, do)
        assert (await console.get(f"{CHANNELS}/{name}"))[0] == 404
    assert "x" not in console.browser.cookie_jar.filter_cookies(URL(console.world.url))


async def test_a_call_that_is_refused_is_shown(console: Console, browser: aiohttp.ClientSession) -> None:
    async with browser.post(f"{console.world.url}/webhooks/tg", json={"update_id": 1}) as refused:
        assert refused.status == 401

    assert "A call was refused:" in (await console.get(f"{CHANNELS}/tg"))[1]


@pytest.mark.parametrize("kind", ["telegram", "whatsapp", "messenger", "instagram", "slack", "line"])
async def test_each_kind_has_its_form(kind: str, console: Console) -> None:
    status, page = await console.get(f"{CHANNELS}/add/{kind}")

    assert status == 200
    assert 'type="password"' in page
    for label, described in re.findall(r'<label for="([^"]+)">|aria-describedby="([^"]*)"', page):
        for id_ in (label, *described.split()):
            assert not id_ or f'id="{id_}"' in page


async def test_what_was_before_is_forgotten_after_a_month(
    console: Console, telegram: tuple[TelegramSandbox, str]
) -> None:
    await add(console, telegram[1])
    settings = console.world.settings()
    book, audited = ChannelBook(settings, "test", utc), Audited(beside(settings.gateway))
    book.change("shop", {**book.fields("shop"), "mode": "webhook"})
    (name, entry), *_ = audited.entries().items()
    assert (entry.did, entry.fields, entry.before is not None) == ("changed", ("mode",), True)
    later = entry.at + BACK_WITHIN * 1.1
    with pytest.raises(StoreError):
        audited.entry(name, later)
    audited.write("channel", "shop", None, who="test", did="removed", fields=(), at=later)

    assert audited.entries()[name].before is None


async def test_a_bots_picture_is_shown_as_its_customers_see_it(console: Any) -> None:
    telegram = console.world.telegram
    assert 'src="/admin/channels/tg/picture"' in (await console.get(f"{CHANNELS}/tg"))[1]
    seen = []
    for content in (b"\x89PNG\r\n\x1a\n" + bytes(100), b"<html>not a picture</html>", b""):
        telegram.picture = telegram.add_file(content) if content else ""
        async with console.browser.get(f"{console.world.url}{CHANNELS}/tg/picture") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            seen.append((answer.status, answer.content_type, (await answer.read()) == content))

    assert seen == [(200, "image/png", True), (200, "image/svg+xml", False), (200, "image/svg+xml", False)]
    status, _ = await console.get(f"{CHANNELS}/nobody/picture")
    assert status == 404
