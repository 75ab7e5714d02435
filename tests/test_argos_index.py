"""Argos packages from an index: fetched, gone on with, tried, and put into place wholly or not at all."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.__main__ import main
from translation.argos import Argos, try_out
from translation.argos_index import ArgosIndex
from translation.contract import Pair
from translation.download import Downloads
from translation.models import ModelError
from translation.packages import PackageError, Packages

TINY = Path(__file__).parent / "fixtures" / "argos"
ES_EN = Pair("es", "en")
CONFIGURATION = """
[desk]
kind = "slack"
channel = "C0SUPPORT"
bot_token = "xoxb-1"
app_token = "xapp-1"
"""
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


def listed(name: str = "tiny-es-en", **over: Any) -> dict[str, Any]:
    _, source, target = name.split("-")
    return {
        "package_version": "1.9",
        "argos_version": "1.9.0",
        "from_code": source,
        "to_code": target,
        "type": "translate",
        "links": [f"v1/{name}.argosmodel"],
        **over,
    }


class Publisher:
    """An index, and packages at their places."""

    def __init__(self) -> None:
        self.entries: list[Any] = [listed("tiny-es-en"), listed("tiny-en-es")]
        self.files = {f"{name}.argosmodel": (TINY / f"{name}.argosmodel").read_bytes() for name in _NAMES}
        self.faults: list[Fault] = []
        self.ranges: list[str] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/index.json":
            return web.json_response(self.entries)
        self.ranges.append(request.headers.get("Range", ""))
        assert request.headers["Accept-Encoding"] == "identity"
        if self.faults:
            return await self.faults.pop(0)(request)
        body = self.files.get(request.path.rpartition("/")[2])
        if body is None:
            return web.Response(status=404)
        begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if begin >= len(body):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
        span = {"Content-Range": f"bytes {begin}-{len(body) - 1}/{len(body)}"} if begin else {}
        return web.Response(body=body[begin:], status=206 if begin else 200, headers=span)


_NAMES = ("tiny-es-en", "tiny-en-es")


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    app = web.Application()
    app.router.add_get("/{path:.*}", publisher.serve)
    async with TestServer(app) as server:
        publisher.url = str(server.make_url("/index.json"))
        yield publisher


@pytest.fixture
async def index(publisher: Publisher) -> AsyncIterator[ArgosIndex]:
    async with aiohttp.ClientSession() as session:
        yield ArgosIndex(publisher.url, Downloads(session, pause=0))


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "packages")


async def get(index: ArgosIndex, packages: Packages) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    await index.install(packages, (await index.offers())[ES_EN], lambda *each: told.append(each), try_out)
    return told


def left(packages: Packages) -> list[str]:
    """What is there of packages, also in part."""
    return sorted(each.name for each in packages.folder.glob("**/*.argosmodel"))


async def test_what_is_installed_translates(publisher: Publisher, index: ArgosIndex, packages: Packages) -> None:
    told = await get(index, packages)

    size = len(publisher.files["tiny-es-en.argosmodel"])
    assert told[-1] == (size, size)
    assert packages.inventory().packages.keys() == {ES_EN}
    assert left(packages) == []
    argos = Argos(packages)
    (rendering,) = await argos.translate(["el pedido"], source="es", target="en")
    await argos.close()
    assert rendering is not None


async def test_the_newest_package_of_a_direction_is_chosen(publisher: Publisher, index: ArgosIndex) -> None:
    publisher.entries += [
        listed(package_version="1.10", links=["newest"]),
        listed(package_version="1.0", links=["oldest"]),
        listed(package_version="2.0", links=["detector"], type="sbd"),
        listed(package_version="3.0", links=[]),
        {"from_code": "es"},
        "nonsense",
        listed(from_code="pb", to_code="en", links=["brazil"]),
    ]

    offers = await index.offers()

    assert offers[ES_EN].links == ("newest",)
    assert offers.keys() == {ES_EN, Pair("en", "es"), Pair("pt-br", "en")}


async def test_a_broken_download_is_gone_on_with(publisher: Publisher, index: ArgosIndex, packages: Packages) -> None:
    body = publisher.files["tiny-es-en.argosmodel"]

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        async with asyncio.timeout(10):
            while sum(each.stat().st_size for each in packages.folder.glob(".packed/*")) < len(body) // 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert request.transport is not None
        request.transport.close()
        return response

    publisher.faults.append(half)
    await get(index, packages)

    first, second = publisher.ranges
    assert (first, second) == ("", f"bytes={len(body) // 2}-")
    assert packages.inventory().packages.keys() == {ES_EN}


async def test_the_next_place_is_tried_where_one_has_it_not(
    publisher: Publisher, index: ArgosIndex, packages: Packages
) -> None:
    publisher.entries[0] = listed(links=["v1/gone.argosmodel", f"{publisher.url}/../tiny-es-en.argosmodel"])
    await get(index, packages)

    assert packages.inventory().packages.keys() == {ES_EN}


async def test_a_package_that_no_place_has_is_told(publisher: Publisher, index: ArgosIndex, packages: Packages) -> None:
    publisher.entries[0] = listed(links=["v1/gone.argosmodel"])

    with pytest.raises(ModelError, match=r"v1/gone\.argosmodel: answered 404"):
        await get(index, packages)


def _without_model(file: Path) -> bytes:
    """Give a package whose model is no model."""
    made = file.with_suffix(".made")
    with zipfile.ZipFile(TINY / "tiny-es-en.argosmodel") as pack, zipfile.ZipFile(made, "w") as out:
        for name in pack.namelist():
            out.writestr(name, b"no model" if name.endswith("model.bin") else pack.read(name))
    return made.read_bytes()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda body, path: body[: len(body) // 2], "isn't a whole zip archive", id="cut"),
        pytest.param(lambda body, path: b"<html>", "isn't a whole zip archive", id="another file"),
        pytest.param(lambda body, path: _without_model(path), "doesn't work here", id="no model"),
        pytest.param(
            lambda body, path: (TINY / "tiny-en-es.argosmodel").read_bytes(), "not es → en", id="another direction"
        ),
    ],
)
async def test_what_is_no_good_package_leaves_what_was_there(
    publisher: Publisher,
    index: ArgosIndex,
    packages: Packages,
    tmp_path: Path,
    damage: Callable[[bytes, Path], bytes],
    says: str,
) -> None:
    await get(index, packages)
    before = packages.inventory().packages[ES_EN]
    publisher.files["tiny-es-en.argosmodel"] = damage(publisher.files["tiny-es-en.argosmodel"], tmp_path / "p")

    with pytest.raises(PackageError, match=says):
        await get(index, packages)

    assert packages.inventory().packages[ES_EN] == before
    assert left(packages) == []


async def test_an_index_that_is_none_is_told(publisher: Publisher, packages: Packages) -> None:
    publisher.entries = {"data": []}  # type: ignore[assignment]  # what an index isn't
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ModelError, match="no index of Argos packages"):
            await ArgosIndex(publisher.url, Downloads(session, pause=0)).offers()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ARGOS_PACKAGES_DIR", str(tmp_path / "argostranslate"))
    (tmp_path / "index.json").write_text(json.dumps([listed("tiny-es-en"), listed("tiny-en-es")]))
    (tmp_path / "v1").symlink_to(TINY)
    (tmp_path / "dragoman.toml").write_text(
        f'{CONFIGURATION}[translation]\nengines = ["argos"]\n[translation.argos]\nindex = "index.json"\n'
    )

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["languages", *arguments, "-c", str(tmp_path / "dragoman.toml")])
        return status, "".join(capsys.readouterr())

    return run


def test_a_language_is_installed_from_an_index_on_disk(shell: Any) -> None:
    status, said = shell("install", "es")

    assert (status, said.count(": installed; a running gateway has it already")) == (0, 2)
    assert [line.split("(")[0] for line in shell("list")[1].splitlines()] == ["argos    en → es ", "argos    es → en "]


def test_what_the_index_has_no_package_for_is_told(shell: Any, tmp_path: Path) -> None:
    status, said = shell("install", "fr", "--engine", "argos")

    assert status == 1
    assert f"{tmp_path}/index.json: there is no model fr → en, en → fr; languages with models: en es" in said
