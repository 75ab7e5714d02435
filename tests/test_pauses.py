"""A channel that an admin paused: nothing is sent there, nothing that comes is lost, and all goes when it goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from gateway.__main__ import main
from gateway.hands import utc
from gateway.pauses import Pause, Pauses, write_pause
from gateway.store.choose import beside as beside_of

CHANNEL = "/admin/channels/tg"


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[Any]], either_store: str) -> Any:
    return await make_world(store=either_store)


def in_channel(world: Any) -> list[str]:
    return [root["text"] for root in world.slack.roots() if not root.get("blocks")]


async def test_what_is_answered_waits_until_the_channel_goes_on(
    world: Any, sign_in: Any, browser: aiohttp.ClientSession
) -> None:
    console = await sign_in.console(world, browser)
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    before = await world.slack.write("U0ANA", "Let me check.", thread=thread)
    await world.until(lambda: world.telegram.texts(1001))
    _, page = await console.send(f"{CHANNEL}/pause")
    assert "Paused" in page
    assert "Paused" in (await console.get("/admin/channels"))[1]
    await world.until(lambda: any("tg was paused by ines" in text for text in in_channel(world)))

    answer = await world.slack.write("U0ANA", "It will arrive on Friday.", thread=thread)
    await world.slack.edit(before, "Your order A-1042 is on its way.")
    await world.customer().write("¡Perfecto! Muchas gracias por su ayuda.")
    await world.shown(thread, "Perfect!")
    await world.until(lambda: world.gateway.store.stats().waiting_events == 0)
    sent, changed = world.telegram.texts(1001), [call for call in world.telegram.calls if call[0] == "editMessageText"]
    await world.stop()
    await world.start()
    assert world.telegram.texts(1001) == sent
    assert changed == []
    assert answer not in world.slack.reactions
    assert len(in_channel(world)) == 1

    await console.send(f"{CHANNEL}/resume")

    await world.until(lambda: "Llegará el viernes." in world.telegram.texts(1001))
    await world.until(lambda: any(call[0] == "editMessageText" for call in world.telegram.calls))
    assert world.telegram.texts(1001).count("Llegará el viernes.") == 1
    await world.until(lambda: "▶️ tg goes on: what waited goes now." in in_channel(world))
    _, page = await console.get("/admin/audit")
    assert page.index("resumed") < page.index("paused")


async def test_two_who_see_the_same_change_tell_it_once(world: Any) -> None:
    told: list[str] = []

    async def changed(name: str, pause: Pause | None) -> None:
        told.append(name if pause else f"{name} goes on")

    store, beside = world.gateway.store, beside_of(world.settings().gateway)
    pauses = Pauses(changed)
    for paused in (True, False):
        await asyncio.to_thread(write_pause, beside, "elsewhere", paused=paused, who="ines", at=utc())
        await asyncio.gather(pauses.refresh(store), pauses.refresh(store))

    assert told == ["elsewhere", "elsewhere goes on"]


async def test_by_command_too(make_world: Callable[..., Awaitable[Any]], capsys: pytest.CaptureFixture[str]) -> None:
    world = await make_world()
    world.folder.mkdir(exist_ok=True)
    file = world.folder / "dragoman.toml"
    file.write_text(world.text(world._port))
    for action, told in (
        ("pause", "tg: paused: what is answered there waits, what customers write still comes"),
        ("pause", "tg: is paused already"),
        ("list", "in the file, paused:"),
        ("resume", "tg: goes on"),
        ("resume", "tg: is not paused already"),
    ):
        name = () if action == "list" else ("tg",)
        assert main(["channels", action, *name, "-c", str(file)]) == 0
        assert told.replace("the file", str(file)) in capsys.readouterr().out
    assert main(["channels", "pause", "nobody", "-c", str(file)]) == 2
    assert "there is no channel nobody" in capsys.readouterr().err


async def test_a_channel_that_was_removed_comes_back_unpaused(world: Any, sign_in: Any, browser: Any) -> None:
    console = await sign_in.console(world, browser)
    fields = {"field__token": "43:second", "field__api_base": world.telegram_url, "field__mode": "webhook"}
    sealed = {"id": "shop", **fields}
    world.telegram.token = "43:second"
    status, page = await console.send("/admin/channels/add/telegram", **sealed)
    assert "is kept" in page, page
    await console.send("/admin/channels/shop/pause")
    await world.until(lambda: any("shop was paused" in text for text in in_channel(world)))
    await console.send("/admin/channels/shop/remove")
    await world.until(lambda: "shop" not in world.gateway.pauses.now)
    await console.send("/admin/channels/add/telegram", **sealed)

    _, page = await console.get("/admin/channels/shop")
    assert (status, "Paused" in page) == (200, False)
    assert not any("shop goes on" in text for text in in_channel(world))


async def test_a_channel_that_is_not_there_is_not_paused(console: Any) -> None:
    status, _ = await console.send("/admin/channels/nobody/pause")
    assert status == 404
