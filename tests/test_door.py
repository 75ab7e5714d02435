"""The console's door: who comes in, by what, and that nobody else sees or changes anything."""

import re
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import aiohttp
import pytest

from adapters import KINDS
from adapters.desk_setup import FIELDS as DESK
from config.credentials import Field
from gateway.admin.door import LINK, LINK_LASTS, SESSION_LASTS, TRIES, Door, make_link
from gateway.admin.entries import Entry
from gateway.admin.forms import TABLES
from gateway.admin.words import LANGUAGES, pick, words
from gateway.store.choose import beside
from gateway.store.contract import StoreError

OPEN = {
    "/admin/enter/{token}",
    "/admin/slack",
    "/admin/slack/back",
    "/admin/static/{name}",
    "/admin/language/{language}",
}
"""What anybody may ask for."""


async def test_a_link_lets_in_once(sign_in: Any, world: Any, browser: aiohttp.ClientSession) -> None:
    way = sign_in.link(world)
    for _ in range(2):
        async with browser.get(way) as looked:
            assert looked.status == 200
    async with browser.post(way, allow_redirects=False) as entered:
        assert (entered.status, entered.headers["Location"]) == (303, "/admin/")
        cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    async with browser.get(f"{world.url}/admin/") as seen:
        assert seen.status == 200
        assert "ines" in await seen.text()
    async with aiohttp.ClientSession() as other, other.post(way, allow_redirects=False) as again:
        assert again.status == 403
        assert "Set-Cookie" not in again.headers


async def test_a_link_lets_in_one_of_two_who_come_at_once(
    make_world: Callable[..., Awaitable[Any]], either_store: str
) -> None:
    world = await make_world(store=either_store)
    door = Door(world.gateway.store, lambda: datetime.now(UTC))
    token = make_link(beside(world.settings().gateway), "ines", datetime.now(UTC)).rpartition("/")[2]

    entered = [await door.enter(token), await door.enter(token)]

    assert [each is not None for each in entered] == [True, False]


async def test_links_and_sessions_end(world: Any) -> None:
    now = datetime.now(UTC)
    clock = [now]
    door = Door(world.gateway.store, lambda: clock[0])
    first, second = (make_link(beside(world.settings().gateway), "ines", now).rpartition("/")[2] for _ in range(2))
    entered = await door.enter(first)
    assert entered
    clock[0] = now + LINK_LASTS
    assert not await door.leads_in(second)
    assert await door.enter(second) is None
    assert await door.session(entered[0])
    clock[0] = now + SESSION_LASTS
    assert await door.session(entered[0]) is None
    third = make_link(beside(world.settings().gateway), "ines", clock[0]).rpartition("/")[2]
    assert await door.enter(third)
    assert await world.gateway.store.docs(LINK) == {}
    assert len(await world.gateway.store.docs("session")) == 1


async def test_whoever_is_out_sees_and_changes_nothing(world: Any) -> None:
    routes = [
        (route.method, route.resource.canonical)
        for route in world.gateway.app.router.routes()
        if route.resource.canonical.startswith("/admin")
    ]
    tried = 0
    async with aiohttp.ClientSession() as stranger:
        for method, path in routes:
            if path in OPEN or path == "/admin":
                continue
            url = world.url + re.sub(r"\{\w+\}", "tg", path)
            async with stranger.request(method, url, allow_redirects=False) as answer:
                assert answer.status == 401, (method, path)
                assert "dragoman admin link" in (await answer.text() if method != "HEAD" else "dragoman admin link")
            tried += 1
    assert tried > 2


async def test_a_form_that_is_not_ours_changes_nothing(
    sign_in: Any, world: Any, browser: aiohttp.ClientSession
) -> None:
    proof = await sign_in(world, browser)
    leave = f"{world.url}/admin/leave"

    for form in ({}, {"proof": "guessed"}, {"proof": "ñ"}):
        async with browser.post(leave, data=form) as refused:
            assert refused.status == 403
    async with browser.post(leave, data={"proof": proof}, headers={"Sec-Fetch-Site": "cross-site"}) as foreign:
        assert foreign.status == 403
    async with browser.get(f"{world.url}/admin/") as still:
        assert still.status == 200
    async with browser.post(leave, data={"proof": proof}) as left:
        assert left.status == 200
    async with browser.get(f"{world.url}/admin/") as out:
        assert out.status == 401


async def test_a_store_that_does_not_answer_is_named_and_lets_nobody_in(
    sign_in: Any, world: Any, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: str) -> bytes:
        raise StoreError("the disk is gone")

    way = sign_in.link(world)
    proof = await sign_in(world, browser)
    monkeypatch.setattr(world.gateway.store, "get_doc", broken)

    for method, url in (
        ("get", way),
        ("post", way),
        ("get", f"{world.url}/admin/"),
        ("post", f"{world.url}/admin/leave"),
    ):
        async with browser.request(method, url, data={"proof": proof} if method == "post" else None) as answer:
            assert (answer.status, "the disk is gone" in await answer.text()) == (503, True), (method, url)


async def test_tries_are_counted(world: Any, browser: aiohttp.ClientSession) -> None:
    statuses = []
    for number in range(TRIES + 2):
        async with browser.get(f"{world.url}/admin/enter/guess{number}") as answer:
            statuses.append(answer.status)

    assert statuses == [403] * TRIES + [429, 429]


async def test_tries_are_forgotten_after_a_while(world: Any) -> None:
    clock = [datetime.now(UTC)]
    door = Door(world.gateway.store, lambda: clock[0])
    for _ in range(TRIES + 1):
        door.may_try("192.0.2.1")
    assert not door.may_try("192.0.2.1")
    assert door.may_try("192.0.2.2")
    clock[0] += timedelta(minutes=1)
    assert door.may_try("192.0.2.1")


async def test_pages_may_run_and_be_framed_by_nothing_of_others(
    sign_in: Any, world: Any, browser: aiohttp.ClientSession
) -> None:
    await sign_in(world, browser)
    for path in ("/admin/", "/admin/static/admin.css", "/admin/enter/x"):
        async with browser.get(world.url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Strict-Transport-Security"]


async def test_nothing_kept_lets_anybody_in(
    sign_in: Any, world: Any, browser: aiohttp.ClientSession, kept: Callable[..., str]
) -> None:
    token = sign_in.link(world).rpartition("/")[2]
    async with browser.post(f"{world.url}/admin/enter/{token}") as answer:
        assert answer.status == 200
    session = answer.history[0].cookies["dragoman_session"].value

    everything = kept(world.folder / "data" / "dragoman.db")

    assert token not in everything
    assert session not in everything


async def test_static_files_are_those_of_the_console(world: Any, browser: aiohttp.ClientSession) -> None:
    for name in ("admin.css/..", "%2e%2e%2fdoor.py", "nothing.css", "..%2fwords%2fes.toml"):
        async with browser.get(f"{world.url}/admin/static/{name}") as answer:
            assert answer.status in (401, 404)


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "nl, pt-BR;q=0.7, de;q=0.8", "de"),
        ("fr", "es", "fr"),
        ("xx", "tlh;q=1, pt;q=0.1", "pt"),
        ("", "de;q=oops, ;;, *", "de"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers(chosen: str, accepted: str, language: str) -> None:
    assert pick(chosen, accepted) == language


async def test_a_language_is_chosen(sign_in: Any, world: Any, browser: aiohttp.ClientSession) -> None:
    await sign_in(world, browser)
    async with browser.get(f"{world.url}/admin/language/de") as answer:
        page = await answer.text()
    assert '<html lang="de">' in page
    assert "Übersicht" in page
    async with browser.get(f"{world.url}/admin/language/xx") as answer:
        assert answer.status == 404


def in_templates() -> set[str]:
    texts: set[str] = set()
    for file in (files("gateway.admin") / "templates").iterdir():
        text = file.read_text(encoding="utf-8")
        texts |= {found[2] for found in re.finditer(r"""_\((["'])(.*?)\1""", text)}
    forms: list[Collection[Field | Entry]] = [*KINDS.values(), DESK, *(table.entries for table in TABLES.values())]
    titles = {table.title for table in TABLES.values()}
    return texts | titles | {text for fields in forms for each in fields for text in (each.label, each.help) if text}


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_every_text_of_the_console_is_there_in_every_language(language: str) -> None:
    known = words(language)
    wanted = in_templates()

    assert wanted - known.keys() == set()
    for text in wanted:
        assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(re.findall(r"%\(\w+\)s", known[text])), text
