"""Customers' faces: at an address that nobody can guess, a pattern for want of a picture, gone with the customer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import filetype
import pytest
from aiohttp import web

from gateway.pattern import pattern
from gateway.store.contract import StoreError

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def face(world: Any, text: str) -> str:
    """Give the picture's address on the post that shows a text, "" for none."""
    post = await world.shown(await world.thread(), text)
    return str(post.get("icons", {}).get("image_48", ""))


async def test_what_a_customer_says_shows_their_face(world: Any, session: aiohttp.ClientSession) -> None:
    world.telegram.pictures["1001"] = world.telegram.add_file(PHOTO)
    await world.customer().write("Hello")
    address = await face(world, "Hello")

    async with session.get(address) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PHOTO)
        assert answer.headers["Cache-Control"] == "private, max-age=86400"
    assert "1001" not in address
    assert world.telegram.token not in address
    calls = len(world.telegram.calls)
    async with session.get(address) as answer:
        assert await answer.read() == PHOTO
    assert len(world.telegram.calls) == calls


async def test_the_card_shows_whose_it_is(world: Any) -> None:
    await world.customer().write("Hello")
    card = world.slack.posts[await world.thread()]

    assert (card["username"], card["icons"]["image_48"]) == ("Lucía", await face(world, "Hello"))


async def test_what_slack_takes_under_no_other_name_is_the_apps_and_says_whose_it_is(
    world: Any, words: Callable[[Any], str]
) -> None:
    refused: list[str] = []

    def refuse(method: str, sent: Any) -> web.Response | None:
        if method == "chat.postMessage" and sent.get("username"):
            refused.append(sent["username"])
            return web.json_response({"ok": False, "error": "invalid_arguments"})
        return None

    world.slack.fault = refuse
    await world.customer().write("Hello")

    thread = await world.thread()
    post = await world.shown(thread, "Hello")
    assert ("username" in world.slack.posts[thread], "username" in post) == (False, False)
    assert "*Lucía*" in words(post)
    assert refused == ["Lucía", "Lucía"]


async def test_it_is_the_same_address_each_time(world: Any) -> None:
    await world.customer().write("One")
    first = await face(world, "One")
    await world.customer().write("Two")
    assert await face(world, "Two") == first


async def test_who_shows_none_has_a_pattern_of_their_own(world: Any, session: aiohttp.ClientSession) -> None:
    await world.customer().write("Hello")
    async with session.get(await face(world, "Hello")) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert await answer.read() == pattern("tg/1001 ")
        assert answer.headers["Cache-Control"] == "private, max-age=600"


async def test_a_picture_is_asked_for_again_after_a_day_and_a_missing_one_soon(
    world: Any, session: aiohttp.ClientSession
) -> None:
    now = 0.0
    world.gateway._faces._clock = lambda: now
    await world.customer().write("Hello")
    address = await face(world, "Hello")

    async def shown() -> bytes:
        async with session.get(address) as answer:
            return bytes(await answer.read())

    assert await shown() == pattern("tg/1001 ")
    world.telegram.pictures["1001"] = world.telegram.add_file(PHOTO)
    assert await shown() == pattern("tg/1001 ")
    now = 601
    assert await shown() == PHOTO
    del world.telegram.pictures["1001"]
    now += 86_000
    assert await shown() == PHOTO
    now += 500
    assert await shown() == pattern("tg/1001 ")


async def test_a_store_that_does_not_answer_is_asked_again(
    world: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: str) -> None:
        raise StoreError("the store is gone")

    await world.customer().write("Hello")
    address = await face(world, "Hello")
    monkeypatch.setattr(world.gateway._faces, "_store", SimpleNamespace(conversation=down))
    async with session.get(address) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_a_picture_that_is_none_is_not_passed_on(world: Any, session: aiohttp.ClientSession) -> None:
    world.telegram.pictures["1001"] = world.telegram.add_file(b"<html><script>alert(1)</script></html>")
    await world.customer().write("Hello")
    async with session.get(await face(world, "Hello")) as answer:
        assert await answer.read() == pattern("tg/1001 ")


async def test_whoever_makes_an_address_up_gets_nothing(world: Any, session: aiohttp.ClientSession) -> None:
    await world.customer().write("Hello")
    address = await face(world, "Hello")
    for wrong in (address[:-2], address[:-4] + "AAAA", f"{world.url}/faces/x", f"{world.url}/faces/%C3%A9"):
        async with session.get(wrong) as answer:
            assert answer.status == 404


async def test_who_is_forgotten_has_no_face(world: Any, session: aiohttp.ClientSession) -> None:
    await world.customer().write("Hello")
    address = await face(world, "Hello")
    await world.settled()
    async with session.get(address) as answer:
        assert answer.status == 200
    await world.gateway.store.forget("tg/1001")
    async with session.get(address) as answer:
        assert answer.status == 404
    assert world.gateway._faces._kept == {}


async def test_no_face_where_the_app_may_not_or_slack_could_not_get_it(
    make_world: Callable[..., Awaitable[Any]],
) -> None:
    world = await make_world()
    world.slack.scopes.remove("chat:write.customize")
    await world.gateway.desk.probe()
    await world.customer().write("Hello")
    assert await face(world, "Hello") == ""


def test_patterns_are_pictures_and_tell_one_from_the_other() -> None:
    made = {pattern(f"wa/4670000{number}") for number in range(500)}
    assert len(made) > 490
    assert {filetype.guess_mime(each) for each in made} == {"image/png"}
    assert pattern("wa/1") == pattern("wa/1")
