"""The demo in a real browser: type, answer, see it arrive."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "gateway", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        yield found[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not BROWSER:
        if os.environ.get("CI"):
            pytest.fail("CI installs chromium")
        pytest.skip("there is no chromium: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Open the page; an error in its console fails the test."""
    faults: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(address)
    yield opened
    try:
        opened.close()
    except Error as error:
        faults.append(str(error))
    assert faults == []


def test_one_click_plays_a_first_exchange(page: Page) -> None:
    expect(page.locator("#threads")).to_contain_text("No conversation yet")
    page.locator("#play").click()

    expect(page.locator("#threads")).to_contain_text("Where is my order A-1042?")
    expect(page.locator("#threads")).to_contain_text("Spanish · phrasebook: Hola, ¿dónde está mi pedido A-1042?")
    expect(page.locator("#chat")).to_contain_text("Llegará el viernes.")
    expect(page.locator("#chat")).to_contain_text("¡De nada!", timeout=20_000)
    if shots := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{shots}/demo.png")


def test_type_answer_see_it_arrive(page: Page) -> None:
    page.get_by_role("button", name="Jonas").click()
    page.locator("#words").fill("Wo ist meine Bestellung?")
    page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Jonas")
    expect(thread).to_contain_text("Where is my order?")
    expect(thread).to_contain_text("German")
    expect(thread.locator(".mention").first).to_have_text("@Mia")
    expect(thread).to_contain_text("speaks de")
    thread.get_by_label("Answer", exact=True).fill("It will arrive tomorrow.")
    thread.get_by_role("button", name="Send", exact=True).click()

    expect(page.locator("#chat")).to_contain_text("Es kommt morgen an.")
    expect(thread).to_contain_text("✅")
    expect(thread).to_contain_text("Sent in German · phrasebook: Es kommt morgen an.")


def test_what_no_engine_knows_is_shown_as_written(page: Page) -> None:
    page.get_by_role("button", name="Émile").click()
    page.locator("#words").fill("Ma tortue a mangé <b>le colis</b> & je ne sais pas quoi faire")
    page.locator("#words").press("Enter")
    thread = page.locator(".thread", has_text="Émile")

    expect(thread).to_contain_text("Ma tortue a mangé <b>le colis</b> & je ne sais pas quoi faire")
    expect(thread).to_contain_text("Shown as written, in French")
    expect(page.locator("#engines")).to_contain_text("phrasebook")


def test_buttons_work_and_a_note_stays_at_the_desk(page: Page) -> None:
    page.get_by_role("button", name="Beatriz").click()
    page.locator("#say button").first.click()
    thread = page.locator(".thread", has_text="Beatriz")
    expect(thread).to_contain_text("Where is my order?")
    thread.get_by_label("Answer", exact=True).fill("// she has written before")
    thread.get_by_role("button", name="Send", exact=True).click()
    expect(thread).to_contain_text("she has written before")
    thread.get_by_role("button", name="Assign…", exact=True).click()
    thread.locator(".whisper").get_by_role("button", name="Mia", exact=True).click()
    expect(thread.locator(".card .mention")).to_have_text("@Mia")
    thread.get_by_role("button", name="Close", exact=True).click()
    expect(thread).to_contain_text("closed")

    expect(page.locator("#chat")).not_to_contain_text("she has written before")


def test_the_exchange_may_be_played_again(page: Page) -> None:
    posts = page.locator(".thread", has_text="Lucía").locator(".post", has_text="Your order A-1042 is on its way.")
    expect(page.locator("#threads > *")).not_to_have_count(0)
    for _ in range(2):
        before = posts.count()
        expect(page.locator("#play")).to_be_enabled(timeout=20_000)
        page.locator("#play").click()
        expect(posts).to_have_count(before + 2, timeout=20_000)
        expect(page.locator("#play")).to_be_enabled(timeout=20_000)


def test_it_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    expect(page.locator("#connection")).to_have_text("connected")

    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    if shots := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{shots}/phone.png")
