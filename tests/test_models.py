"""Getting models: chosen, fetched, verified, tried and put into place; or, whatever happens, left as it was."""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.firefox_model import SPANISH, Made, make_model
from translation.contract import Pair
from translation.download import Downloads
from translation.fetch import Source, install, installed, mirror
from translation.firefox import Firefox
from translation.models import ModelError, Models
from translation.records import needed, offers

ES_EN, EN_ES = Pair("es", "en"), Pair("en", "es")
ENGLISH = {english: spanish for spanish, english in SPANISH.items() if english}
NIGHTLY = {"version": "3.0a1", "filter_expression": "env.channel == 'nightly'"}


class Publisher:
    """Models as Mozilla publishes them: an index of records, and files at their locations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.faults: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []
        self.url = ""

    def publish(self, made: Made, pair: Pair, **over: Any) -> list[dict[str, Any]]:
        """Add a model; `over` are fields of its records that are otherwise."""
        records = made.records(pair, self.folder, **over)
        self.records += records
        return records

    def file(self, record: dict[str, Any]) -> Path:
        return self.folder / str(record["attachment"]["location"])

    def write_index(self) -> None:
        (self.folder / "records.json").write_text(json.dumps({"data": self.records}))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Range", "")))
        if request.path == "/records.json":
            return web.json_response({"data": self.records})
        if self.faults:
            return await self.faults.pop(0)(request)
        file = self.folder / request.path.lstrip("/")
        return web.FileResponse(file) if file.exists() else web.Response(status=404)

    def half(self, record: dict[str, Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Break off in the middle of a file, once that much of it has arrived."""
        arrived = self.folder.parent / "models" / ".packed" / record["attachment"]["hash"]

        async def answer(request: web.Request) -> web.StreamResponse:
            data = self.file(record).read_bytes()
            response = web.StreamResponse(headers={"Content-Length": str(len(data))})
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            async with asyncio.timeout(10):
                while not arrived.exists() or arrived.stat().st_size < len(data) // 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert request.transport is not None
            request.transport.close()
            return response

        return answer


async def busy(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


@pytest.fixture
async def publisher(tmp_path: Path) -> AsyncIterator[Publisher]:
    (tmp_path / "published").mkdir()
    publisher = Publisher(tmp_path / "published")
    app = web.Application()
    app.router.add_get("/{path:.*}", publisher.serve)
    async with TestServer(app) as server:
        publisher.url = str(server.make_url("")).rstrip("/")
        yield publisher


@pytest.fixture
async def source(publisher: Publisher) -> AsyncIterator[Source]:
    async with aiohttp.ClientSession() as session:
        yield Source(publisher.url, Downloads(session, pause=0))


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path / "models")


async def get(models: Models, source: Source, pair: Pair = ES_EN) -> None:
    await install(models, source, (await source.offers())[pair])


async def say(models: Models, text: str, pair: Pair = ES_EN) -> str | None:
    firefox = Firefox(models, workers=1)
    try:
        (rendering,) = await firefox.translate([text], source=pair.source, target=pair.target)
    finally:
        await firefox.close()
    return rendering.text if rendering else None


def left(models: Models) -> list[str]:
    """What is in the folder beside what was fetched in part."""
    return sorted(place.name for place in models.folder.iterdir() if place.name != ".packed")


async def test_what_is_installed_translates(publisher: Publisher, source: Source, models: Models) -> None:
    publisher.publish(make_model(SPANISH), ES_EN)
    told: list[tuple[Pair, str, int, int]] = []

    offer = (await source.offers())[ES_EN]
    assert not installed(models, offer)
    model = await install(models, source, offer, lambda *each: told.append(each))

    assert installed(models, offer)
    assert await say(models, "Hola, mi pedido") == "Hello, my order"
    assert (model.version, model.architecture, model.licence) == ("3.0", "base-memory", "MPL-2.0")
    assert {what for _, what, done, size in told if done == size} == {"model", "source", "lex"}
    assert left(models) == sorted([model.folder, "es-en.json"])
    assert not list((models.folder / ".packed").iterdir())


async def test_vocabularies_of_their_own_are_each_put_to_use(
    publisher: Publisher, source: Source, models: Models
) -> None:
    publisher.publish(make_model(SPANISH), ES_EN, split=True)

    await get(models, source)

    assert await say(models, "Hola") == "Hello"


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        pytest.param([{"architecture": "tiny"}, {"architecture": "base-memory"}], ("base-memory", "3.0"), id="better"),
        pytest.param([{"architecture": "base"}, {"architecture": "tiny"}], ("base", "3.0"), id="next best"),
        pytest.param([{"version": "3.9"}, {"version": "3.10"}], ("base-memory", "3.10"), id="newer"),
        pytest.param([{}, NIGHTLY], ("base-memory", "3.0"), id="not what is for Nightly"),
        pytest.param(
            [{}, {"version": "3.1", "filter_expression": "os == 'Android'"}], ("base-memory", "3.0"), id="Android"
        ),
        pytest.param([{}, {"version": "4.0"}], ("base-memory", "3.0"), id="not a format that it can't read"),
    ],
)
def test_the_best_whole_model_for_everybody_is_chosen(
    publisher: Publisher, others: list[dict[str, str]], chosen: tuple[str, str]
) -> None:
    for over in others:
        publisher.publish(make_model(SPANISH), ES_EN, **over)

    offer = offers(publisher.records)[ES_EN]

    assert (offer.architecture, offer.version) == chosen
    assert {record.version for record in offer.records.values()} == {chosen[1]}


@pytest.mark.parametrize("absent", ["model", "vocab", "lex"])
def test_a_model_that_lacks_a_file_is_none(publisher: Publisher, absent: str) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)

    assert offers(records)
    assert not offers([record for record in records if record["fileType"] != absent])


@pytest.mark.parametrize(
    "location",
    ["../../evil", "/etc/evil", "a/../../b", "", "a//b", "https://evil.example/x"],
)
def test_a_location_that_leads_elsewhere_is_no_offer(publisher: Publisher, location: str) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)
    records[0]["attachment"]["location"] = location

    assert not offers(records)


@pytest.mark.parametrize("key", ["fileType", "sourceLanguage", "version", "attachment", "decompressedHash"])
def test_a_record_without_what_it_must_have_is_passed_over(publisher: Publisher, key: str) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)
    del records[0][key]

    assert not offers(records)


def test_a_pair_without_its_own_models_goes_through_english(publisher: Publisher) -> None:
    for pair in (ES_EN, EN_ES, Pair("de", "en"), Pair("en", "de")):
        publisher.publish(make_model(SPANISH), pair)
    there = offers(publisher.records)

    assert needed("es", "en", there) == [ES_EN, EN_ES]
    assert needed("es", "de", there) == [ES_EN, Pair("en", "de"), Pair("de", "en"), EN_ES]
    with pytest.raises(ModelError, match="there is no model xx → en, en → xx; languages with models: de en es"):
        needed("xx", "en", there)


async def test_a_broken_download_is_gone_on_with(publisher: Publisher, source: Source, models: Models) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)
    publisher.faults = [publisher.half(records[0]), busy]

    await get(models, source)

    first = [asked for path, asked in publisher.asked if path == f"/{records[0]['attachment']['location']}"]
    assert first[0] == ""
    assert set(first[1:]) == {f"bytes={publisher.file(records[0]).stat().st_size // 2}-"}
    assert await say(models, "Hola") == "Hello"


async def test_what_was_fetched_is_kept_for_the_next_install(
    publisher: Publisher, source: Source, models: Models
) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)
    publisher.faults = [publisher.half(records[0]), *[busy] * 3]
    with pytest.raises(ModelError, match=r"answered 503 .*; tried 4 times. What is there of it is kept"):
        await get(models, source)
    assert not models.inventory().models

    publisher.asked.clear()
    await get(models, source)

    assert publisher.asked[1][1].startswith("bytes=")
    assert models.inventory().models


async def test_a_server_that_cannot_go_on_begins_again(publisher: Publisher, source: Source, models: Models) -> None:
    records = publisher.publish(make_model(SPANISH), ES_EN)

    async def whole(request: web.Request) -> web.StreamResponse:
        return web.Response(body=publisher.file(records[0]).read_bytes())

    publisher.faults = [publisher.half(records[0]), whole]

    await get(models, source)

    assert await say(models, "Hola") == "Hello"


def altered(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(
            lambda file: file.write_bytes(altered(file.read_bytes())), "isn't the file that its", id="altered"
        ),
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-9]), "it has less than|ended after", id="cut"),
        pytest.param(
            lambda file: file.write_bytes(file.read_bytes() + b"more"), "isn't the file that its", id="longer"
        ),
        pytest.param(lambda file: file.unlink(), "answered 404", id="not there"),
    ],
)
async def test_a_file_that_is_not_what_its_record_says_changes_nothing(
    publisher: Publisher, source: Source, models: Models, spoil: Callable[[Path], Any], says: str
) -> None:
    publisher.publish(make_model({"hola": "hi"}), ES_EN)
    await get(models, source)
    before = left(models)
    publisher.records.clear()
    spoil(publisher.file(publisher.publish(make_model(SPANISH), ES_EN)[0]))

    with pytest.raises(ModelError, match=says):
        await get(models, source)

    assert left(models) == before
    assert await say(models, "Hola") == "Hi"


@pytest.mark.parametrize(
    ("made", "over", "says"),
    [
        pytest.param(Made(struct.pack("<2Q", 1, 2**40), b"v", b"l"), {}, "ended with signal 6", id="aborts its reader"),
        pytest.param(Made(b"garbage", b"v", b"l"), {}, "it can't be loaded", id="no model"),
        pytest.param(Made(make_model(SPANISH).model, b"", b""), {}, "can't be loaded|nothing", id="no vocabulary"),
        pytest.param(
            make_model(SPANISH), {"decompressedHash": "0" * 64}, "can't be unpacked: its SHA-256", id="other content"
        ),
        pytest.param(make_model(SPANISH), {"packed": b"no zstd"}, "can't be unpacked", id="not compressed"),
    ],
)
async def test_a_model_that_does_not_work_is_not_installed(
    publisher: Publisher, source: Source, models: Models, made: Made, over: dict[str, Any], says: str
) -> None:
    publisher.publish(made, ES_EN, **over)

    with pytest.raises(ModelError, match=f"es → en .*({says})"):
        await get(models, source)

    assert left(models) == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"data": 5}'])
async def test_an_index_that_is_none_is_told(publisher: Publisher, body: bytes, tmp_path: Path) -> None:
    (tmp_path / "records.json").write_bytes(body)

    async with aiohttp.ClientSession() as session:
        with pytest.raises(ModelError, match=r"records.json is no index of models"):
            await Source(str(tmp_path), Downloads(session)).offers()


async def test_a_place_that_does_not_answer_is_named(unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(
            ModelError,
            match=rf"http://127.0.0.1:{unused_tcp_port}/records.json: .*; tried 4 times. A machine without a network",
        ):
            await Source(f"http://127.0.0.1:{unused_tcp_port}", Downloads(session, pause=0)).offers()


async def test_a_mirror_serves_other_machines(
    publisher: Publisher, source: Source, models: Models, tmp_path: Path
) -> None:
    publisher.publish(make_model(SPANISH), ES_EN)
    publisher.publish(make_model(ENGLISH), EN_ES)
    publisher.publish(make_model(SPANISH), ES_EN, **NIGHTLY)
    there = await source.offers()
    (copy := tmp_path / "copy").mkdir()
    await mirror(source, copy, [there[ES_EN]])
    await mirror(source, copy, there.values())
    await mirror(source, copy, there.values())

    assert len(json.loads((copy / "records.json").read_text())["data"]) == 6
    async with aiohttp.ClientSession() as session:
        for pair in (ES_EN, EN_ES):
            await get(models, Source(str(copy), Downloads(session)), pair)

    assert await say(models, "Hello, my order", EN_ES) == "Hola, mi pedido"


async def test_a_mirror_of_itself_stays_whole(publisher: Publisher, models: Models) -> None:
    publisher.publish(make_model(SPANISH), ES_EN)
    publisher.write_index()
    async with aiohttp.ClientSession() as session:
        source = Source(str(publisher.folder), Downloads(session))
        await mirror(source, publisher.folder, (await source.offers()).values())
        await get(models, source)

    assert await say(models, "Hola") == "Hello"


async def test_an_install_that_is_killed_leaves_what_was_there(
    publisher: Publisher, source: Source, models: Models
) -> None:
    publisher.publish(make_model({"hola": "hi"}), ES_EN)
    await get(models, source)
    publisher.records.clear()
    publisher.publish(make_model(SPANISH), ES_EN)
    publisher.write_index()
    code = f"""
import asyncio, aiohttp, os, signal
from pathlib import Path
from translation import fetch
from translation.contract import Pair
from translation.download import Downloads
from translation.models import Models

models = Models(Path({str(models.folder)!r}))
models.place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with aiohttp.ClientSession() as session:
        source = fetch.Source({str(publisher.folder)!r}, Downloads(session))
        await fetch.install(models, source, (await source.offers())[Pair("es", "en")])

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == -signal.SIGKILL

    assert await say(models, "Hola") == "Hi"
    for place in models.folder.iterdir():
        os.utime(place, (0, 0))
    await get(models, source)
    assert await say(models, "Hola") == "Hello"
    assert not list(models.folder.glob(".incoming-*"))
