"""What every translation engine promises, held against each."""

import asyncio
import math
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.firefox_model import SPANISH, make_model
from benchmarks.spans import sentences
from sandbox.translators import KEY, MODEL, REGION, TranslatorsSandbox
from translation.apertium import Apertium
from translation.argos import Argos
from translation.azure import Azure
from translation.chain import Chain, Untranslated
from translation.contract import Engine, EngineError, Pair
from translation.deepl import DeepL
from translation.firefox import Firefox
from translation.google import Google
from translation.libretranslate import LibreTranslate
from translation.models import Models
from translation.openai import OpenAI
from translation.packages import Packages

PACKAGES = Path(__file__).parent / "fixtures" / "argos"
ORDERS = [f"¿Dónde está mi pedido {number}?" for number in (4821, 7390, 1156, 90210, 3333, 6074)]
ODD = [
    "",
    " ",
    "\n\n",
    "👍🏽",
    "12345",
    "Hola\x00amigo",
    "Hola \ud800 amigo",
    "n\u0303 a\u0301",
    "\u202eHola\u202c\u200b",
    "^casa$ [[w]] \\ {x} <b>no</b> @ / ~ * # %s",
    "مرحبا 中文。你好！ नमस्ते।",
    "ﷺ" * 50,
    "&amp; &lt;b&gt;",
    "!" * 3000,
    "a" * 5000,
]

Open = Callable[[AsyncExitStack, Path], Awaitable[Engine]]


async def argos(stack: AsyncExitStack, folder: Path) -> Engine:
    packages = Packages(folder)
    for file in PACKAGES.glob("*.argosmodel"):
        packages.install(file)
    # What a small model says by 8-bit arithmetic differs from processor to processor.
    return Argos(packages, compute_type="float32")


async def apertium(stack: AsyncExitStack, folder: Path) -> Engine:
    if shutil.which("apertium") is None:
        if os.environ.get("CI"):
            pytest.fail("CI installs apertium and apertium-eng-spa")
        pytest.skip("apertium isn't installed: apt install apertium-eng-spa")
    return Apertium()


async def libretranslate(stack: AsyncExitStack, folder: Path) -> Engine:
    async def languages(http: web.Request) -> web.Response:
        return web.json_response([{"code": "es", "name": "Spanish", "targets": ["es", "en"]}])

    async def translate(http: web.Request) -> web.Response:
        body: dict[str, Any] = await http.json()
        return web.json_response({"translatedText": [f"[{body['target']}] {text}" for text in body["q"]]})

    app = web.Application(client_max_size=2**22)
    app.add_routes([web.get("/languages", languages), web.post("/translate", translate)])
    server = await stack.enter_async_context(TestServer(app))
    return LibreTranslate(str(server.make_url("")))


async def firefox(stack: AsyncExitStack, folder: Path) -> Engine:
    models = Models(folder)
    make_model(SPANISH).put(models, Pair("es", "en"))
    return Firefox(models, workers=2)


async def services(stack: AsyncExitStack) -> str:
    return str((await stack.enter_async_context(TestServer(TranslatorsSandbox().app))).make_url(""))


async def deepl(stack: AsyncExitStack, folder: Path) -> Engine:
    return DeepL(KEY, url=await services(stack))


async def google(stack: AsyncExitStack, folder: Path) -> Engine:
    return Google(KEY, url=await services(stack))


async def azure(stack: AsyncExitStack, folder: Path) -> Engine:
    return Azure(KEY, region=REGION, url=await services(stack))


async def openai(stack: AsyncExitStack, folder: Path) -> Engine:
    return OpenAI(KEY, model=MODEL, url=await services(stack))


REMOTE: dict[str, Open] = {"deepl": deepl, "google": google, "azure": azure, "openai": openai}
LOCAL: dict[str, Open] = {"argos": argos, "firefox": firefox, "apertium": apertium}
ENGINES = {**LOCAL, **REMOTE, "libretranslate": libretranslate}


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        opened = await ENGINES[request.param](stack, tmp_path)
        stack.push_async_callback(opened.close)
        assert opened.name == request.param
        yield opened


async def test_probe_says_what_works_and_then_pairs_are_known(engine: Engine) -> None:
    said = await engine.probe()

    assert engine.name in said
    assert "\n" not in said
    assert Pair("es", "en") in engine.pairs()
    assert all(pair.source != pair.target for pair in engine.pairs())


async def test_what_must_survive_survives_every_engine(engine: Engine) -> None:
    await engine.probe()
    chain = Chain([engine])
    spanish = [sentence for sentence in sentences(800, seed=11) if sentence.language == "es"]

    made = [await chain.translate(sentence.text, source="es", target="en") for sentence in spanish]

    harm = [
        sentence.damage(output.text)
        for sentence, output in zip(spanish, made, strict=True)
        if not isinstance(output, Untranslated)
    ]
    assert len(harm) > len(spanish) * 0.7
    assert not any(harm), harm


async def test_a_batch_comes_back_in_order(engine: Engine) -> None:
    renderings = await engine.translate(ORDERS, source="es", target="en")

    assert len(renderings) == len(ORDERS)
    for text, rendering in zip(ORDERS, renderings, strict=True):
        assert rendering is not None
        assert text.split()[-1].rstrip("?") in rendering.text
        assert 0 < rendering.score <= 1


async def test_no_texts_give_no_renderings(engine: Engine) -> None:
    assert list(await engine.translate([], source="es", target="en")) == []


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text)[:20])
async def test_odd_text_harms_neither_itself_nor_its_neighbour(engine: Engine, text: str) -> None:
    odd, plain = await engine.translate([text, ORDERS[0]], source="es", target="en")

    assert odd is None or (0 <= odd.score <= 1 and not math.isnan(odd.score))
    assert odd is None or odd.text.encode().decode() == odd.text
    assert plain is not None
    assert "4821" in plain.text


async def test_nothing_to_translate_stays_as_it_is(engine: Engine) -> None:
    renderings = await engine.translate(["", "  ", "\n"], source="es", target="en")

    assert [rendering and rendering.text for rendering in renderings] == ["", "  ", "\n"]


async def test_a_very_long_text_is_answered(engine: Engine) -> None:
    (rendering,) = await engine.translate(["Mi pedido no ha llegado. " * 400], source="es", target="en")

    assert rendering is not None
    assert len(rendering.text) > 400 * len("order")


async def test_callers_at_the_same_time_get_their_own_answers(engine: Engine) -> None:
    numbers = range(1000, 1060)

    answers = await asyncio.gather(
        *(engine.translate([f"Mi pedido {n} no ha llegado."], source="es", target="en") for n in numbers)
    )

    assert [str(n) in answer[0].text if answer[0] else False for n, answer in zip(numbers, answers, strict=True)] == [
        True
    ] * len(numbers)


async def test_a_caller_who_leaves_disturbs_nobody(engine: Engine) -> None:
    staying = asyncio.create_task(engine.translate(ORDERS, source="es", target="en"))
    leaving = [asyncio.create_task(engine.translate(ORDERS * 5, source="es", target="en")) for _ in range(5)]
    await asyncio.sleep(0)
    for turn, task in enumerate(leaving):
        for _ in range(turn):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)

    for answers in (await staying, await engine.translate(ORDERS, source="es", target="en")):
        assert ["4821" in answers[0].text if answers[0] else False, len(answers)] == [True, len(ORDERS)]


async def test_a_region_is_served_by_its_language(engine: Engine) -> None:
    (rendering,) = await engine.translate([ORDERS[0]], source="es-mx", target="en-gb")

    assert rendering is not None


async def test_a_pair_it_lacks_is_an_error_that_names_engine_and_pair(engine: Engine) -> None:
    with pytest.raises(EngineError, match=f"{engine.name}.*xx → en"):
        await engine.translate(["Hola"], source="xx", target="en")


async def test_closing_twice_is_closing_once(engine: Engine) -> None:
    await engine.translate(["Hola."], source="es", target="en")
    await engine.close()
    await engine.close()

    with pytest.raises(EngineError, match=engine.name):
        await engine.translate(["Hola."], source="es", target="en")
