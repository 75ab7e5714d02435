"""Languages in the console: installed while the gateway runs, a sentence tried, and removed again."""

import asyncio
import json
import re
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


MEMORY = f"{PAGE}/memory"
GIFT = {"from": "es", "to": "en", "text": "Mi vale 77 no va", "fix": "My gift card 77 fails"}


async def test_corrections_are_added_used_found_removed_and_had_back(console: Any) -> None:
    status, page = await console.send(f"{MEMORY}/add", **GIFT)
    assert (status, "It is remembered" in page, "My gift card 77 fails" in page) == (200, True, True)
    await console.world.gateway.bridge.corrections.refresh()
    assert "My gift card 42 fails" in (await console.get(f"{PAGE}?text=Mi+vale+42+no+va&from=es&to=en"))[1]
    assert "My gift card 77 fails" in (await console.get(f"{MEMORY}?find=GIFT"))[1]
    assert "My gift card 77 fails" not in (await console.get(f"{MEMORY}?find=parcel"))[1]

    key = re.findall(r'name="key" value="(\w+)"', (await console.get(MEMORY))[1])[0]
    _, page = await console.send(f"{MEMORY}/remove", key=key)
    assert ("It is forgotten" in page, "My gift card" in page) == (True, False)
    _, page = await console.get("/admin/audit")
    assert page.index("removed") < page.index("changed")
    entry = re.findall(r'name="entry" value="([^"]+)"', page)[0]
    await console.send("/admin/audit/restore", entry=entry)
    assert "My gift card 77 fails" in (await console.get(MEMORY))[1]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"from": "Spanish!"}, "is no language"),
        ({"fix": ""}, "give a text"),
        ({"fix": "My gift card fails"}, "hasn&#39;t 77 just as the text has"),
    ],
)
async def test_a_correction_that_would_lose_something_is_refused(
    console: Any, wrong: dict[str, str], told: str
) -> None:
    status, page = await console.send(f"{MEMORY}/add", **GIFT | wrong)
    assert (status, told in page) == (422, True)
    assert "There is none." in (await console.get(MEMORY))[1]


async def test_a_correction_that_cannot_be_read_hides_no_other(console: Any) -> None:
    await console.world.gateway.store.put_doc("correction", "broken", b"{")
    await console.send(f"{MEMORY}/add", **GIFT)
    status, page = await console.get(MEMORY)
    assert (status, "My gift card 77 fails" in page) == (200, True)
    async with console.browser.get(console.world.url + f"{MEMORY}/export") as answer:
        assert "My gift card 77 fails" in await answer.text()


async def test_corrections_go_to_translators_and_come_back(console: Any) -> None:
    await console.send(f"{MEMORY}/add", **GIFT)
    async with console.browser.get(console.world.url + f"{MEMORY}/export") as answer:
        file = await answer.text()
    assert "My gift card 77 fails" in file
    await console.upload(f"{MEMORY}/import", "file", file.replace("gift card 77", "voucher 77"))
    assert "My voucher 77 fails" in (await console.get(MEMORY))[1]

    status, page = await console.upload(f"{MEMORY}/import", "file", file.replace("gift card 77", "gift card"))
    assert (status, "left out:" in page) == (422, True)
    status, page = await console.upload(f"{MEMORY}/import", "file", "<html/>")
    assert (status, "memory.tmx: it is &lt;html&gt;, not TMX" in page) == (422, True)
    status, page = await console.send(f"{MEMORY}/import")
    assert (status, "choose a file" in page) == (422, True)
    assert "imported" in (await console.get("/admin/audit"))[1]


async def test_phrases_are_shown_and_found(console: Any) -> None:
    _, page = await console.get(f"{PAGE}/phrases?language=es&find=donde+esta+mi+pedido")
    assert "¿Dónde está mi pedido?" in page
    assert "Where is my order?" in page
    assert "refund" not in page
    _, page = await console.get(f"{PAGE}/phrases")
    assert "And " in page
