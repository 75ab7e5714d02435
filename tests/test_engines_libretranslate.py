"""LibreTranslate: what is sent, and a server that refuses, stalls or talks nonsense."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from translation.contract import EngineError, Pair
from translation.libretranslate import LibreTranslate

LANGUAGES = [
    {"code": "pb", "name": "Portuguese", "targets": ["en", "zh-Hant", "pb"]},
    {"code": "en", "name": "English", "targets": ["pt-BR"]},
]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A server whose answers a test sets; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.languages: Answer = self.list
        self.translate: Answer = self.echo

    async def list(self, http: web.Request) -> web.StreamResponse:
        return web.json_response(LANGUAGES)

    async def echo(self, http: web.Request) -> web.StreamResponse:
        self.asked.append(await http.json())
        return web.json_response({"translatedText": self.asked[-1]["q"]})

    async def answer_languages(self, http: web.Request) -> web.StreamResponse:
        return await self.languages(http)

    async def answer_translate(self, http: web.Request) -> web.StreamResponse:
        return await self.translate(http)


def say(status: int = 200, text: str = "", **headers: str) -> Answer:
    async def answer(http: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def stall(http: web.Request) -> web.StreamResponse:
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def url(server: Server) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.get("/languages", server.answer_languages), web.post("/translate", server.answer_translate)])
    async with TestServer(app, handler_cancellation=True) as running:
        yield str(running.make_url("/"))


@pytest.fixture
async def engine(url: str) -> AsyncIterator[LibreTranslate]:
    engine = LibreTranslate(url, api_key="key", limit=timedelta(seconds=30))
    yield engine
    await engine.close()


async def test_sends_the_servers_own_codes_and_the_key(engine: LibreTranslate, server: Server) -> None:
    answers = await engine.translate(["Olá", " ", "&amp;"], source="pt-br", target="zh-tw")

    assert [answer and answer.text for answer in answers] == ["Olá", " ", None]
    assert server.asked == [
        {"q": ["Olá"], "source": "pb", "target": "zh-Hant", "format": "text", "api_key": "key"},
    ]


async def test_long_lists_go_in_parts(engine: LibreTranslate, server: Server) -> None:
    texts = [str(n) for n in range(40)]

    answers = await engine.translate(texts, source="en", target="pt-br")

    assert [answer and answer.text for answer in answers] == texts
    assert [len(asked["q"]) for asked in server.asked] == [16, 16, 8]


async def test_languages_are_asked_in_the_background(engine: LibreTranslate) -> None:
    assert not engine.pairs()
    await next(task for task in asyncio.all_tasks() if task.get_name() == "libretranslate languages")
    assert set(engine.pairs()) == {Pair("pt-br", "en"), Pair("pt-br", "zh-hant"), Pair("en", "pt-br")}


async def test_a_silent_server_holds_nobody_up(engine: LibreTranslate, server: Server) -> None:
    server.languages = stall

    assert not engine.pairs()
    assert not engine.pairs()
    await engine.close()


async def test_after_a_failure_languages_are_asked_again(engine: LibreTranslate, server: Server) -> None:
    await engine.probe()
    server.translate = say(500, "Out of memory")
    with pytest.raises(EngineError, match=r"answered 500: see its log \(it said: Out of memory\)"):
        await engine.translate(["Hi"], source="en", target="pt-br")
    server.translate = server.echo

    assert not engine.pairs()
    (answer,) = await engine.translate(["Hi"], source="en", target="pt-br")
    assert answer is not None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(say(403, "no"), "answered 403: its `api_key` is missing or wrong", id="forbidden"),
        pytest.param(say(429), "allows no more requests", id="too many"),
        pytest.param(say(301, Location="/x"), "answered 301: is `url` right", id="redirect"),
        pytest.param(say(text="<html>"), "answered what libretranslate wouldn't", id="a web page"),
        pytest.param(say(text='{"translatedText": "x"}'), "wouldn't", id="not a list"),
        pytest.param(say(text='{"translatedText": []}'), "wouldn't", id="too few"),
        pytest.param(say(text='{"translatedText": [5]}'), "wouldn't", id="not text"),
        pytest.param(say(text="[" * 100_000), "wouldn't", id="deep"),
        pytest.param(say(text=" " * 5_000_000), "wouldn't", id="huge"),
    ],
)
async def test_faults_are_errors_that_name_the_server(
    engine: LibreTranslate, server: Server, url: str, answer: Answer, says: str
) -> None:
    server.translate = answer

    with pytest.raises(EngineError, match=says) as caught:
        await engine.translate(["Hi"], source="en", target="pt-br")
    assert url.rstrip("/") in str(caught.value)


async def test_a_stalled_server_is_an_error_in_time(server: Server, url: str) -> None:
    server.translate = stall
    engine = LibreTranslate(url, api_key="key", limit=timedelta(milliseconds=300))

    with pytest.raises(EngineError, match=r"didn't answer within 0\.3 s"):
        await engine.translate(["Hi"], source="en", target="pt-br")
    await engine.close()


@pytest.mark.parametrize("languages", ["{}", "[{}]", "[5]", "5", "null"])
async def test_odd_languages_are_an_error(engine: LibreTranslate, server: Server, languages: str) -> None:
    server.languages = say(text=languages)

    with pytest.raises(EngineError):
        await engine.probe()


async def test_a_server_that_isnt_there_is_an_error(unused_tcp_port: int) -> None:
    engine = LibreTranslate(f"http://127.0.0.1:{unused_tcp_port}")

    with pytest.raises(EngineError, match=f"127.0.0.1:{unused_tcp_port} can't be reached .* does it run"):
        await engine.probe()
    await engine.close()


async def test_half_an_emoji_becomes_a_question_mark(engine: LibreTranslate, server: Server) -> None:
    server.translate = say(text='{"translatedText": ["a\\ud83d"]}')

    (answer,) = await engine.translate(["Hi"], source="en", target="pt-br")

    assert answer is not None
    assert answer.text == "a?"
