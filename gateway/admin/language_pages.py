"""The console's page about languages: what is installed, getting and removing it, and trying a sentence."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from config.settings import LANGUAGE
from config.tables import ConfigError
from gateway.admin.command import run_command
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.language_commands import list_languages, remove
from routing.languages import language_name
from translation.chain import Untranslated
from translation.models import ModelError
from translation.packages import PackageError, tag

PAGE = "/admin/languages"
ENGINES = ("firefox", "argos")
LONGEST = 2000
"""How many characters of a sentence are tried."""

log = logging.getLogger("dragoman.console")


class LanguagePages:
    """Installs models beside the gateway's work, one language after the other, and says how far it is."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._getting = ""
        self._progress: dict[str, tuple[int, int]] = {}
        self._told: list[Mapping[str, Any]] = []
        self._failed = ""

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        return page_routes(
            site,
            [(PAGE, self._show), (PAGE + "/progress", self._show_progress)],
            [(PAGE + "/install", self._install), (PAGE + "/remove", self._remove)],
        )

    async def _show(self, visit: Visit) -> web.StreamResponse:
        return await self._page(visit)

    async def _page(self, visit: Visit, *, wrong: str = "") -> web.Response:
        listed = await asyncio.to_thread(lambda: list(list_languages(self._running.settings)))
        return visit.page(
            "languages.html",
            status=422 if wrong else 200,
            listed=listed,
            wrong=wrong,
            tried=await self._try(visit),
            asked=visit.http.query,
            desk=self._running.settings.policy.desk_language,
            **self._facts(),
        )

    async def _show_progress(self, visit: Visit) -> web.StreamResponse:
        return visit.page("language_progress.html", **self._facts())

    def _facts(self) -> Mapping[str, Any]:
        return {"getting": self._getting, "progress": self._progress, "lines": self._told, "failed": self._failed}

    async def _try(self, visit: Visit) -> Mapping[str, str]:
        """Translate a sentence that an admin thinks of, there and back."""
        query = visit.http.query
        text, source, target = (query.get(name, "").strip() for name in ("text", "from", "to"))
        if not (text and source and target):
            return {}
        chain = self._running.chain
        made = await chain.translate(text[:LONGEST], source=source, target=target)
        if isinstance(made, Untranslated):
            return {"wrong": made.why}
        back = await chain.translate(made.text, source=target, target=source)
        meaning = "" if isinstance(back, Untranslated) else back.text
        return {"text": made.text, "engine": made.engine, "back": meaning}

    async def _install(self, visit: Visit) -> web.StreamResponse:
        language = tag(visit.form.get("language", "").strip())
        if not LANGUAGE.fullmatch(language):
            return await self._page(visit, wrong=f"{language!r} is no language's code, such as es or pt-BR")
        if self._getting:
            return await self._page(visit, wrong=f"{language_name(self._getting)} is being installed: wait for it")
        self._getting, self._told, self._failed = language, [], ""
        self._progress.clear()
        self._running.spawn(self._get(language, visit.form.get("engine", "")))
        return visit.leave_for(PAGE)

    async def _get(self, language: str, engine: str) -> None:
        asked = ("--engine", engine) if engine in ENGINES else ()
        try:
            file = self._running.settings.file
            command = ("languages", "install", language, "--json", "--progress", *asked)
            status, out, err = await run_command(file, *command, tell=self._tell)
            self._told = [json.loads(line) for line in out.splitlines()]
            if status:
                self._failed = err.strip().splitlines()[-1] if err.strip() else "it wasn't installed"
                log.error("language.not_installed", extra={"language": language, "error": self._failed})
        finally:
            self._getting = ""
            self._progress.clear()

    def _tell(self, line: str) -> None:
        """Note how far it is, where the command says so."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            self._progress[str(told["progress"])] = int(told["done"]), int(told["size"])

    async def _remove(self, visit: Visit) -> web.StreamResponse:
        language = tag(visit.form.get("language", "").strip())
        try:
            await asyncio.to_thread(lambda: list(remove(self._running.settings, [language])))
        except (ConfigError, ModelError, PackageError) as error:
            return await self._page(visit, wrong=str(error))
        return visit.leave_for(PAGE, said="removed")
