"""The console's page about what agents corrected: found, added, removed, and exchanged with translators' tools."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from aiohttp import web

from config.settings import LANGUAGE
from gateway import memory_commands
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import HEADERS, Visit
from gateway.audit import Audited
from gateway.corrections import KIND, read
from gateway.search import plain
from translation.memory import Correction
from translation.protect import missing
from translation.tmx import TmxError

PAGE = "/admin/languages/memory"
SHOWN = 100
"""How many are shown."""


class MemoryPages:
    """Shows corrections and changes them; every replica has a change within two seconds."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        return page_routes(
            site,
            [(PAGE, self._show), (PAGE + "/export", self._export)],
            [(PAGE + "/add", self._add), (PAGE + "/remove", self._remove), (PAGE + "/import", self._import)],
        )

    async def _show(self, visit: Visit) -> web.StreamResponse:
        return await self._page(visit)

    async def _page(self, visit: Visit, wrong: Sequence[str] = ()) -> web.Response:
        wanted = plain(visit.http.query.get("find", ""))
        stored = await asyncio.to_thread(self._corrections)
        found = [each for each in stored if wanted in plain(f"{each.text} {each.fix}")]
        return visit.page(
            "memory.html",
            status=422 if wrong else 200,
            found=found[:SHOWN],
            more=max(len(found) - SHOWN, 0),
            find=visit.http.query.get("find", ""),
            wrong=wrong,
            given=visit.form,
        )

    def _corrections(self) -> Sequence[Correction]:
        return sorted(
            read(self._running.beside.docs(KIND)), key=lambda each: (each.source, each.target, each.text.casefold())
        )

    async def _add(self, visit: Visit) -> web.StreamResponse:
        source, target, text, fix = (visit.form.get(each, "").strip() for each in ("from", "to", "text", "fix"))
        for tag in (source, target):
            if not LANGUAGE.fullmatch(tag):
                return await self._page(visit, [f"{tag!r} is no language's code, such as es or pt-BR"])
        if not text or not fix:
            return await self._page(visit, ["give a text, and its right translation"])
        if lost := missing(text, fix):
            return await self._page(visit, [f"the translation hasn't {', '.join(lost[:3])} just as the text has"])
        made = Correction(source=source, target=target, text=text, fix=fix, by=visit.who)
        await asyncio.to_thread(self._write, visit, made, msgspec.json.encode(made))
        return visit.leave_for(PAGE, said="added")

    async def _remove(self, visit: Visit) -> web.StreamResponse:
        key = visit.form.get("key", "")
        found = [each for each in await asyncio.to_thread(self._corrections) if each.key == key]
        for each in found:
            await asyncio.to_thread(self._write, visit, each, None)
        return visit.leave_for(PAGE, said="removed" if found else "")

    def _write(self, visit: Visit, correction: Correction, body: bytes | None) -> None:
        Audited(self._running.beside).write(
            KIND,
            correction.key,
            body,
            who=visit.who,
            did="changed" if body else "removed",
            fields=(f"{correction.source} → {correction.target}",),
            at=self._running.clock(),
        )

    async def _export(self, _: Visit) -> web.StreamResponse:
        def written() -> bytes:
            with TemporaryDirectory() as folder:
                memory_commands.export(self._running.beside, file := Path(folder) / "memory.tmx")
                return file.read_bytes()

        headers = {**HEADERS, "Content-Disposition": "attachment; filename=memory.tmx"}
        return web.Response(
            body=await asyncio.to_thread(written), content_type="application/x-tmx+xml", headers=headers
        )

    async def _import(self, visit: Visit) -> web.StreamResponse:
        given = (await visit.http.post()).get("file")
        if not isinstance(given, web.FileField):
            return await self._page(visit, ["choose a file"])

        def taken() -> Sequence[str]:
            with TemporaryDirectory() as folder:
                (file := Path(folder) / "memory.tmx").write_bytes(given.file.read())
                done = list(memory_commands.take(self._running.beside, file))
                return [each.text.replace(f"{folder}/", "") for each in done if not each.good]

        try:
            left_out = await asyncio.to_thread(taken)
        except TmxError as error:
            return await self._page(visit, [str(error).rpartition("/")[2]])
        note = partial(Audited(self._running.beside).note, who=visit.who, did="imported", at=self._running.clock())
        await asyncio.to_thread(note, "memory")
        return await self._page(visit, left_out) if left_out else visit.leave_for(PAGE, said="imported")
