"""The desk, set up in the console: from an empty configuration to the first message, and changed while it runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.slack_events import Socket
from gateway.__main__ import main
from gateway.audit import Audited
from gateway.store.choose import beside

DESK = "/admin/desk"


@pytest.fixture
async def bare(sign_in: Any, world_at_rest: Any, browser: aiohttp.ClientSession) -> AsyncIterator[Any]:
    """Give the console of a gateway whose configuration is empty."""
    world = world_at_rest
    world.text = lambda port: f'[gateway]\nport = {port}\ndata_dir = "data"\n'
    await world.start(ready=False)
    yield await sign_in.console(world, browser)
    await world.stop()


def tokens(world: Any, **more: str) -> dict[str, str]:
    form = {"bot_token": "xoxb-sandbox", "app_token": "xapp-sandbox", "mode": "socket", "language": "en"}
    form |= {"api_base": f"{world.slack_url}/api/", "channel": "C0SUPPORT"} | more
    return {f"field__{name}": value for name, value in form.items()}


async def ready(console: Any) -> dict[str, Any]:
    async with console.browser.get(f"{console.world.url}/readyz") as answer:
        return dict(await answer.json())


async def test_from_nothing_to_the_first_message(bare: Any) -> None:
    world = bare.world
    assert "The desk isn't set up" in (await ready(bare))["problems"]["desk"]
    status, page = await bare.get(DESK)
    assert (status, "manifest_json=" in page, "Create the app" in page) == (200, True, True)

    status, page = await bare.send(f"{DESK}/change", **tokens(world))
    assert (status, "The change works" in page) == (200, True)
    await world.until(lambda: not world.gateway.desk.problem)
    status, page = await bare.send(
        "/admin/channels/add/telegram",
        id="tg",
        field__token="42:sandbox-token",
        field__mode="polling",
        field__api_base=world.telegram_url,
    )
    assert status == 200
    await world.until(lambda: "tg" in world.gateway.channels)
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.shown(thread, "is my order A-1042?")
    assert "Slack told of nothing yet" in (await bare.get(f"{DESK}/state"))[1]
    await world.slack.write("U0ANA", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: world.telegram.sent)
    assert (await ready(bare)) == {"ready": True, "problems": {}}
    await bare.send(f"{DESK}/rules", field__confirm="yes")
    assert world.gateway.settings.policy.confirm
    await bare.send(f"{DESK}/change", **tokens(world, bot_token="", app_token=""))
    assert world.gateway.settings.policy.confirm
    assert (await ready(bare)) == {"ready": True, "problems": {}}
    assert "xoxb-sandbox" not in bare.seen
    assert "xapp-sandbox" not in bare.seen


async def test_what_came_before_the_desk_was_there_is_shown_then(bare: Any) -> None:
    world = bare.world
    await bare.send(
        "/admin/channels/add/telegram",
        id="tg",
        field__token="42:sandbox-token",
        field__mode="polling",
        field__api_base=world.telegram_url,
    )
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    await world.until(lambda: world.gateway.bridge.hands.held)

    await bare.send(f"{DESK}/change", **tokens(world))

    assert await world.shown(await world.thread(), "is my order A-1042?")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"bot_token": "xoxb-wrong"}, "Slack"),
        ({"bot_token": "EAAG"}, "xoxb- and letters"),
        ({"app_token": "xapp-wrong"}, "connections:write"),
        ({"app_token": "xoxb-sandbox"}, "xapp- and letters"),
        ({"channel": ""}, "Now choose the channel"),
        ({"channel": "C0OTHER"}, "/invite @dragoman"),
        ({"app_token": ""}, "desk.app_token"),
        ({"language": "english!"}, "must be language codes"),
        ({"api_base": "nowhere"}, "desk.api_base"),
        ({"mode": "http"}, "desk.signing_secret"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_kept(typed: dict[str, str], told: str, bare: Any) -> None:
    bare.world.slack.visible = {"C0OTHER": "other"}

    status, page = await bare.send(f"{DESK}/change", **tokens(bare.world, **typed))

    assert (status, told in page) == (422, True), page
    assert "Traceback" not in page
    assert await bare.world.gateway.store.docs("setting") == {}


async def test_a_scope_that_is_missing_is_named(bare: Any) -> None:
    bare.world.slack.scopes.remove("reactions:write")

    status, page = await bare.send(f"{DESK}/change", **tokens(bare.world))

    assert (status, "the app lacks reactions:write" in page) == (422, True)


async def test_the_app_joins_a_public_channel_by_itself_if_it_may(bare: Any) -> None:
    bare.world.slack.visible = {"C0OTHER": "other"}
    bare.world.slack.scopes.append("channels:join")

    status, _ = await bare.send(f"{DESK}/change", **tokens(bare.world, channel="C0OTHER"))

    assert status == 200
    assert "C0OTHER" in bare.world.slack.places


async def test_each_thing_is_told_while_the_form_is_filled_in(bare: Any) -> None:
    bare.world.slack.visible = {"C0OTHER": "other"}
    form = tokens(bare.world, app_token="xapp-wrong", channel="")
    form = {name.replace("__", "."): value for name, value in form.items()}
    async with bare.browser.post(f"{bare.world.url}{DESK}/check", data={"proof": bare._proof, **form}) as answer:
        told = await answer.json()

    assert told["fields"]["bot_token"] == {"works": True, "told": "Sandbox, as @dragoman"}
    assert told["fields"]["app_token"]["works"] is False
    assert [each["name"] for each in told["choices"]["channel"]] == ["support", "other"]


async def test_what_the_file_says_goes_before_what_is_kept(console: Any) -> None:
    world = console.world
    status, page = await console.get(f"{DESK}/change")
    assert (status, "bot_token" in page) == (200, True)
    await console.send(f"{DESK}/change", **tokens(world, language="es", channel="C0SUPPORT"))
    await world.until(lambda: world.gateway.settings.policy.desk_language == "es")

    assert world.gateway.settings.desk.signing_secret.reveal() == "slack-secret"


async def test_commands_know_what_is_kept_and_a_new_key_reads_it(bare: Any, capsys: pytest.CaptureFixture[str]) -> None:
    world = bare.world
    await bare.send(f"{DESK}/change", **tokens(world))
    file = world.folder / "dragoman.toml"
    file.write_text(world.text(world._port))

    assert await asyncio.to_thread(main, ["channels", "rotate", "--key", "-c", str(file)]) == 0
    await asyncio.to_thread(main, ["check", "-c", str(file)])
    said = capsys.readouterr()
    assert "Sandbox #support as dragoman" in said.out
    assert "xoxb-sandbox" not in said.out + said.err
    await world.until(lambda: not world.gateway._kept.problem)
    await bare.send("/admin/audit/restore", entry=next(iter(Audited(beside(world.settings().gateway)).entries())))
    await world.until(lambda: world.gateway.desk.problem)


async def test_what_is_changed_while_the_desk_still_connects_leaves_no_connection_behind(bare: Any) -> None:
    world = bare.world
    connecting, go_on = asyncio.Event(), asyncio.Event()
    whole = Socket.connect

    async def slow(socket: Socket) -> None:
        if not connecting.is_set():
            connecting.set()
            await go_on.wait()
        await whole(socket)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Socket, "connect", slow)
        await bare.send(f"{DESK}/change", **tokens(world))
        await connecting.wait()
        world.slack.token = "xoxb-again"
        await bare.send(f"{DESK}/change", **tokens(world, bot_token="xoxb-again"))
        go_on.set()
        await world.until(lambda: not world.gateway.desk.problem)
        assert await world.until(lambda: len(world.slack._sockets) == 1)


async def test_a_change_that_breaks_in_the_middle_is_made_again(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = bare.world.gateway.desk
    whole, tries = desk.become, []

    async def breaks_once(*settings: Any) -> None:
        tries.append(settings)
        if len(tries) == 1:
            raise OSError("the connection broke")
        await whole(*settings)

    monkeypatch.setattr(desk, "become", breaks_once)
    await bare.send(f"{DESK}/change", **tokens(bare.world))

    await bare.world.until(lambda: len(tries) > 1 and not desk.problem)
    assert bare.world.gateway.settings.desk.channel == "C0SUPPORT"


async def test_a_kept_token_goes_to_no_other_host_and_is_never_shown(bare: Any) -> None:
    world = bare.world
    await bare.send(f"{DESK}/change", **tokens(world))
    calls = len(world.telegram.calls)
    form = tokens(world, api_base=f"{world.telegram_url}/api/", bot_token="", app_token="")

    status, page = await bare.send(f"{DESK}/change", **form)
    assert (status, "enter Bot token, App token again" in page) == (422, True)
    await bare.send(f"{DESK}/check", **form)
    status, _ = await bare.send(
        f"{DESK}/change", field__mode="socket", field__channel="C0OTHER", field__api_base="nowhere"
    )
    assert status == 422
    await bare.send(f"{DESK}/change", field__api_base=f"{world.slack_url}/api/")
    assert len(world.telegram.calls) == calls
    assert "xoxb-sandbox" not in bare.seen
    assert "xapp-sandbox" not in bare.seen


async def test_a_desk_becomes_another_app_while_it_runs(bare: Any) -> None:
    world = bare.world
    await bare.send(f"{DESK}/change", **tokens(world))
    await world.until(lambda: not world.gateway.desk.problem)
    world.slack.token = "xoxb-again"

    status, _ = await bare.send(f"{DESK}/change", **tokens(world, bot_token="xoxb-again", app_token=""))

    assert status == 200
    await world.until(lambda: world.gateway.settings.desk.bot_token.reveal() == "xoxb-again")
    await world.until(lambda: not world.gateway.desk.problem)
    status, page = await bare.send(f"{DESK}/try")
    assert "Sandbox #support as dragoman" in page
