"""The demo in a real browser: type, answer, see it arrive."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect

from gateway.demo import open_demo

ROOT = Path(__file__).parent.parent
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """Open the page of a fresh demo; an error in its console fails the test."""
    if not BROWSER:
        if os.environ.get("CI"):
            pytest.fail("CI installs chromium")
        pytest.skip("there is no chromium: apt install chromium")
    faults: list[str] = []
    async with open_demo() as gateway, TestServer(gateway.app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 1280, "height": 900})
        opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        await opened.goto(str(server.make_url("/")))
        await expect(opened.locator("#threads")).to_contain_text("No conversation yet")
        yield opened
        await browser.close()
    assert faults == []


async def test_one_click_plays_a_first_exchange(page: Page) -> None:
    await page.locator("#play").click()

    await expect(page.locator("#threads")).to_contain_text("Where is my order A-1042?")
    await expect(page.locator("#threads")).to_contain_text("Spanish · phrasebook: Hola, ¿dónde está mi pedido A-1042?")
    await expect(page.locator("#chat")).to_contain_text("Llegará el viernes.", timeout=20_000)
    await expect(page.locator("#chat")).to_contain_text("¡De nada!", timeout=20_000)
    if shots := os.environ.get("SCREENSHOTS"):
        await page.wait_for_timeout(1500)
        await page.screenshot(path=f"{shots}/demo.png")


async def test_it_opens_the_console(page: Page) -> None:
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Admin console").click()
    console = await opened.value
    await console.get_by_role("button", name="Sign in").click()

    await expect(console.locator("main")).to_contain_text("Everything works.")


async def test_the_exchange_may_be_played_again(page: Page) -> None:
    posts = page.locator(".thread", has_text="Lucía").locator(".post", has_text="Your order A-1042 is on its way.")
    for count in (2, 4):
        await expect(page.locator("#play")).to_be_enabled(timeout=20_000)
        await page.locator("#play").click()
        await expect(posts).to_have_count(count, timeout=20_000)

    await expect(page.locator(".thread")).to_have_count(1)


async def test_type_answer_see_it_arrive(page: Page) -> None:
    await page.get_by_role("button", name="Jonas").click()
    await page.locator("#words").fill("Wo ist meine Bestellung?")
    await page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Jonas")
    await expect(thread).to_contain_text("Where is my order?")
    await expect(thread).to_contain_text("German")
    await expect(thread.locator(".mention").first).to_have_text("@Mia")
    await expect(thread).to_contain_text("speaks de")
    await thread.get_by_label("Answer", exact=True).fill("It will arrive tomorrow.")
    await thread.get_by_role("button", name="Send", exact=True).click()

    await expect(page.locator("#chat")).to_contain_text("Es kommt morgen an.")
    await expect(thread).to_contain_text("✅")
    await expect(thread).to_contain_text("Sent in German · phrasebook: Es kommt morgen an.")


async def test_a_message_says_where_it_has_been(page: Page) -> None:
    await page.get_by_role("button", name="Jonas").click()
    await page.locator("#words").fill("Wo ist meine Bestellung?")
    await page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Jonas")
    await expect(thread).to_contain_text("Where is my order?")
    await thread.get_by_label("About this message").first.select_option("Where has it been?")

    await expect(thread.locator(".whisper")).to_contain_text("translated by phrasebook")


async def test_a_command_is_answered_and_the_home_takes_an_agent_away(page: Page) -> None:
    says = page.locator("#app-says")
    await page.get_by_label("Agent who asks").select_option("Mia")
    await page.get_by_role("button", name="Run").click()
    await expect(says).to_contain_text("Only visible to Mia")
    await expect(says).to_contain_text("Available")
    await page.get_by_role("button", name="Home", exact=True).click()
    await expect(says).to_contain_text("as Mia sees it")
    await says.get_by_role("button", name="Away for an hour").click()
    await expect(says).to_contain_text("Away until")
    await says.get_by_role("button", name="I'm back").click()
    await expect(says).to_contain_text("Available")
    await says.get_by_role("button", name="Close").click()

    await expect(says).to_be_empty()


async def test_a_saved_reply_is_made_in_a_form(page: Page) -> None:
    says, form = page.locator("#app-says"), page.locator("dialog")
    await page.get_by_label("Slash command").fill("/dragoman replies")
    await page.get_by_role("button", name="Run").click()
    await says.get_by_role("button", name="New…").click()
    await form.get_by_label("Name").fill("hours")
    await form.get_by_label("Text").fill("We are here from {nine} to five.")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("There is no {nine}")
    await form.get_by_label("Text").fill("We are here from nine to five.")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_have_count(0)
    await page.get_by_role("button", name="Run").click()

    await expect(says).to_contain_text("!reply hours")


async def test_a_photo_goes_into_the_thread_and_a_picture_back(page: Page) -> None:
    await page.get_by_role("button", name="Émile").click()
    await page.get_by_role("button", name="Send a photo").click()
    thread = page.locator(".thread", has_text="Émile")
    await expect(thread.locator("img")).to_have_count(1, timeout=15_000)
    await thread.get_by_label("Send a picture").click()

    await expect(page.locator("#chat img")).to_have_count(2, timeout=15_000)
    await expect(thread).to_contain_text("✅")
    await page.get_by_role("button", name="Read all").click()
    await expect(thread).to_contain_text("👀")
    if shots := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{shots}/photos.png")


async def test_after_24_hours_an_answer_waits_and_a_template_goes(page: Page) -> None:
    await page.locator("#words").fill("Hola, ¿dónde está mi pedido A-1042?")
    await page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Lucía")
    await expect(thread).to_contain_text("Where is my order A-1042?")
    await page.get_by_role("button", name="Let 24 hours pass").click()
    await thread.get_by_label("Answer", exact=True).fill("It will arrive on Friday.")
    await thread.get_by_role("button", name="Send", exact=True).click()
    await expect(thread).to_contain_text("Not sent yet")
    await thread.locator(".whisper").get_by_role("button", name="news").click()
    await expect(page.locator("#chat")).to_contain_text("Tenemos novedades sobre su pedido.")
    if shots := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{shots}/window.png")
    await page.locator("#words").fill("Hola")
    await page.locator("#words").press("Enter")

    await expect(page.locator("#chat")).to_contain_text("Llegará el viernes.")


async def test_what_no_engine_knows_is_shown_as_written(page: Page) -> None:
    await page.get_by_role("button", name="Émile").click()
    await page.locator("#words").fill("Ma tortue a mangé <b>le colis</b> & je ne sais pas quoi faire")
    await page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Émile")

    await expect(thread).to_contain_text("Ma tortue a mangé <b>le colis</b> & je ne sais pas quoi faire")
    await expect(thread).to_contain_text("Shown as written, in French")
    await expect(page.locator("#engines")).to_contain_text("phrasebook")


async def test_buttons_work_and_a_note_stays_at_the_desk(page: Page) -> None:
    await page.get_by_role("button", name="Beatriz").click()
    await page.locator("#say button").first.click()
    thread = page.locator(".thread", has_text="Beatriz")
    await expect(thread).to_contain_text("Where is my order?")
    await thread.get_by_label("Answer", exact=True).fill("// she has written before")
    await thread.get_by_role("button", name="Send", exact=True).click()
    await expect(thread).to_contain_text("she has written before")
    await thread.get_by_role("button", name="Assign…", exact=True).click()
    await thread.locator(".whisper").get_by_role("button", name="Mia", exact=True).click()
    await expect(thread.locator(".card .mention")).to_have_text("@Mia")
    await thread.get_by_role("button", name="Close", exact=True).click()
    await expect(thread).to_contain_text("closed")

    await expect(page.locator("#chat")).not_to_contain_text("she has written before")


async def test_a_saved_reply_goes_in_the_customers_language(page: Page) -> None:
    await page.locator("#people button", has_text="Jonas").click()
    await page.locator("#say button", has_text="Wo ist meine Bestellung?").click()
    await page.locator(".thread button", has_text="!reply returns").click()

    await expect(page.locator("#chat")).to_contain_text(
        "Hallo Jonas, Sie können es innerhalb von 30 Tagen zurückgeben."
    )
    await expect(page.locator(".thread")).to_contain_text("saved reply returns")


async def test_a_translation_is_put_right_in_a_form(page: Page) -> None:
    await page.locator("#people button", has_text="Jonas").click()
    await page.locator("#say button", has_text="Wo ist meine Bestellung?").click()
    thread = page.locator(".thread")
    await expect(thread).to_contain_text("Where is my order?")
    await thread.get_by_role("button", name="Fix", exact=True).click()
    await expect(page.locator("dialog textarea")).to_have_value("Where is my order?")
    await page.locator("dialog textarea").fill("What became of my order?")
    await page.locator("dialog .primary").click()

    await expect(thread).to_contain_text("What became of my order?")
    await expect(page.locator("dialog")).to_have_count(0)


async def test_it_fits_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 375, "height": 800})
    await page.locator("#say button").first.click()
    await expect(page.locator("#threads")).to_contain_text("Where is my order?")

    assert await page.evaluate("document.documentElement.scrollWidth") <= 375
    if shots := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{shots}/phone.png")


def test_the_command_says_where_it_is_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "gateway", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert found
        with urllib.request.urlopen(found[0], timeout=10) as answer:  # noqa: S310 - our own address
            assert b"Dragoman" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
