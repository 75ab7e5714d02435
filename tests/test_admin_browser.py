"""The console in a real browser: set up by hand, wide and at a phone's width, light and dark, free of barriers."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.async_api import Browser, Page, async_playwright, expect

from gateway.admin.words import LANGUAGES

ROOT = Path(__file__).parent.parent
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
PAGES: tuple[str, ...] = (
    "",
    "desk",
    "desk/change",
    "channels",
    "channels/tg",
    "channels/add/whatsapp",
    "agents",
    "agents/edit",
    "skills",
)
PAGES += ("skills/edit", "routing?text=Hola", "glossary", "conversations", "conversations/show?contact=tg/1001")
PAGES += (
    "desk/rules",
    "languages",
    "languages/memory",
    "languages/phrases",
    "reports",
    "letters",
    "audit",
)
LARGEST = 100_000
"""How many bytes a page may have, with all that it needs."""


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser."""
    if not BROWSER:
        if os.environ.get("CI"):
            pytest.fail("CI installs chromium")
        pytest.skip("there is no chromium: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def signed_in(chromium: Browser, url: str, **more: Any) -> tuple[Page, list[str]]:
    """Sign in by a link; gives the page, and what its console says is wrong."""
    faults: list[str] = []
    page = await (await chromium.new_context(**more)).new_page()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(url)
    await page.locator("main button").click()
    await expect(page.locator("nav")).to_be_visible()
    return page, faults


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (375, "dark")], ids=["wide and light", "a phone and dark"]
)
async def test_every_page_is_free_of_barriers_fits_and_is_small(
    width: int, scheme: Literal["light", "dark"], chromium: Browser, world: Any, sign_in: Any
) -> None:
    page, faults = await signed_in(
        chromium, sign_in.link(world), viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    await world.slack.write("U0BEN", "// a note", thread=await world.thread())
    await world.settled()
    (world.folder / "dragoman.toml").write_text(world.text(world._port))
    shots, sizes = os.environ.get("SCREENSHOTS"), list[int]()
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    for path in PAGES:
        sizes.clear()
        await page.goto(f"{world.url}/admin/{path}")
        violations = (await Axe().run(page)).response["violations"]
        assert [(path, each["id"], each["nodes"][0]["html"]) for each in violations] == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert sum(sizes) < LARGEST
        if shots:
            await page.screenshot(
                path=f"{shots}/{width}-{re.sub(r'[^a-z]+', '-', path) or 'overview'}.png", full_page=True
            )
    assert faults == []


PICTURES = {"desk": "desk/change", "whatsapp": "channels/add/whatsapp"}


async def test_the_guide_has_pictures_of_pages_that_there_are(
    chromium: Browser, world_at_rest: Any, sign_in: Any, tmp_path: Path
) -> None:
    world = world_at_rest
    world.text = lambda port: f"[gateway]\nport = {port}\n"
    await world.start(ready=False)
    page, faults = await signed_in(chromium, sign_in.link(world), viewport={"width": 900, "height": 700})
    for name, path in PICTURES.items():
        await page.goto(f"{world.url}/admin/{path}")
        picture = Path(os.environ.get("DOCS", tmp_path)) / f"console-{name}.png"
        await page.screenshot(path=picture)
        assert (ROOT / "docs" / picture.name).exists()
    await world.stop()
    assert faults == []


async def test_the_console_speaks_the_browsers_language(chromium: Browser, world: Any, sign_in: Any) -> None:
    headings = set()
    for language in LANGUAGES:
        page, faults = await signed_in(chromium, sign_in.link(world), locale=language)
        await page.goto(f"{world.url}/admin/channels")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        headings.add(await page.locator("h1").inner_text())
        assert faults == []

    assert len(headings) == len(LANGUAGES)


async def test_telegram_in_two_actions(chromium: Browser, world: Any, sign_in: Any) -> None:
    page, faults = await signed_in(chromium, sign_in.link(world))
    world.telegram.token = "43:AAHreal"
    await page.goto(f"{world.url}/admin/channels/add/telegram")
    await page.locator("summary").click()
    await page.get_by_label("API address").fill(world.telegram_url)

    await page.get_by_label("Bot token").fill("43:AAHwrong")
    await page.get_by_label("Bot token").blur()
    await expect(page.locator("[id='verdict.token']")).to_contain_text("Telegram", timeout=2000)
    await page.get_by_label("Bot token").fill("43:AAHreal")
    await page.get_by_label("Bot token").blur()
    await expect(page.locator("[id='verdict.token']")).to_contain_text("@", timeout=2000)
    await page.get_by_role("button", name="Try and add").click()
    await expect(page.locator("main")).to_contain_text("It works, and is kept")
    await expect(page.locator("main")).to_contain_text("Nothing came yet")
    await world.customer().write("Hola")
    await expect(page.locator("main")).to_contain_text("A message came:", timeout=10_000)
    assert faults == []


async def test_it_works_by_keyboard_and_without_scripts(chromium: Browser, world: Any, sign_in: Any) -> None:
    page, _ = await signed_in(chromium, sign_in.link(world), java_script_enabled=False)
    await page.goto(f"{world.url}/admin/agents/edit")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.get_by_label("Slack member id").focus()
    for text in ("U0ZOE", "Zoë", "fr, en"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(page.locator("main")).to_contain_text("It is kept, and in force.")
    await expect(page.locator("table")).to_contain_text("Zoë")
