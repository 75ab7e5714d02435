"""Languages in the console: installed while the gateway runs, a sentence tried, and removed again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from benchmarks.firefox_model import SPANISH, make_model
from translation.contract import Pair

PAGE = "/admin/languages"
ENGLISH = {english: spanish for spanish, english in SPANISH.items() if english}


@pytest.fixture
async def console(make_world: Callable[..., Awaitable[Any]], sign_in: Any, browser: Any, tmp_path: Any) -> Any:
    """Sign in to the console of a world that has a mirror with models of Spanish."""
    (folder := tmp_path / "published").mkdir()
    records = make_model(SPANISH).records(Pair("es", "en"), folder)
    records += make_model(ENGLISH).records(Pair("en", "es"), folder)
    (folder / "records.json").write_text(json.dumps({"data": records}))
    world = await make_world(extra=f'[translation.firefox]\nmirror = "{folder}"\n')
    (world.folder / "dragoman.toml").write_text(world.text(world._port) + world.extra)
    return await sign_in.console(world, browser)


async def done(console: Any) -> str:
    async with asyncio.timeout(30):
        while "is being installed" in (page := (await console.get(f"{PAGE}/progress"))[1]):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return str(page)


async def test_a_language_is_installed_and_removed(console: Any) -> None:
    status, page = await console.get(PAGE)
    assert (status, "no model is in" in page) == (200, True)
    status, page = await console.send(f"{PAGE}/install", language="es")
    assert (status, "Spanish is being installed" in page) == (200, True)
    _, page = await console.send(f"{PAGE}/install", language="fr")
    assert "wait for it" in page

    page = await done(console)

    assert "firefox es → en" in page
    assert "es → en" in (await console.get(PAGE))[1]
    _, page = await console.send(f"{PAGE}/remove", language="es")
    assert "It is removed." in page
    assert "no model is in" in page


async def test_what_cannot_be_installed_or_removed_is_told(console: Any) -> None:
    status, page = await console.send(f"{PAGE}/install", language="not a language!")
    assert status == 422
    await console.send(f"{PAGE}/install", language="zu")
    assert "there is no model zu" in await done(console)
    status, page = await console.send(f"{PAGE}/remove", language="zu")
    assert (status, "nothing of ours is installed for zu" in page) == (422, True)


async def test_a_sentence_is_tried_there_and_back(console: Any) -> None:
    _, page = await console.get(f"{PAGE}?text=Where+is+my+order%3F&from=en&to=es")
    assert "¿Dónde está mi pedido?" in page
    assert "phrasebook" in page
    _, page = await console.get(f"{PAGE}?text=qwertyuiop&from=en&to=zu")
    assert 'class="bad"' in page
