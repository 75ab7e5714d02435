"""The console's page about the desk: the app's manifest, its tokens, and the channel where agents work."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from adapters.contract import Found
from adapters.desk_setup import FIELDS, SlackChannel, examine_desk
from adapters.http import open_session
from adapters.slack import Slack
from config.tables import ConfigError
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.state import state_of
from gateway.admin.told import tell
from gateway.admin.visit import Visit
from gateway.channel_book import filled_in
from gateway.heard import Contact
from gateway.manifest import manifest
from gateway.settings_book import SettingsBook
from gateway.webhooks import DESK_NAME

PAGE = "/admin/desk"
CREATE = "https://api.slack.com/apps?new_app=1&manifest_json="


class DeskPages:
    """Sets the desk up, and says how it is."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        return page_routes(
            site,
            [(PAGE, self._show), (PAGE + "/state", self._state), (PAGE + "/change", self._ask)],
            [(PAGE + "/change", self._change), (PAGE + "/check", self._check), (PAGE + "/try", self._try)],
        )

    async def _show(self, visit: Visit) -> web.StreamResponse:
        if not self._running.settings.desk.bot_token:
            return visit.leave_for(PAGE + "/change")
        return visit.page("desk.html", **await self._facts())

    async def _state(self, visit: Visit) -> web.StreamResponse:
        return visit.page("desk_state.html", **await self._facts())

    async def _facts(self) -> Mapping[str, Any]:
        running = self._running
        desk = running.settings.desk
        return {
            "state": state_of(running, "desk"),
            "scopes": state_of(running, "desk scopes"),
            "problem": running.desk.problem,
            "desk": desk,
            "policy": running.settings.policy,
            "file": running.settings.file,
            "heard": (await running.heard.all(running.store)).get(DESK_NAME, Contact()),
        }

    async def _ask(self, visit: Visit) -> web.StreamResponse:
        stored = (await asyncio.to_thread(self._book(visit).stored)).get("desk", {})
        shown = {each.name: "" if each.secret else str(stored.get(each.name, each.default or "")) for each in FIELDS}
        return self._form(visit, shown, {}, [], kept=stored)

    async def _check(self, visit: Visit) -> web.StreamResponse:
        """Say about each thing that was pasted what Slack says, while the form is still being filled in."""
        given = self._given(visit)
        with contextlib.suppress(ConfigError):
            given = filled_in(FIELDS, given, (await asyncio.to_thread(self._book(visit).stored)).get("desk", {}))
        found, channels = await self._examine(given)
        verdicts = {
            name: {"works": each.works, "told": tell(visit.language, each.told)} for name, each in found.items()
        }
        listed = [{"id": each.id, "name": each.name, "joined": each.joined} for each in channels]
        return web.json_response({"fields": verdicts, "choices": {"channel": listed}})

    async def _change(self, visit: Visit) -> web.StreamResponse:
        book, given = self._book(visit), self._given(visit)
        stored = (await asyncio.to_thread(book.stored)).get("desk", {})
        try:
            given = filled_in(FIELDS, given, stored)
            table = {**stored, **{name: value for name, value in given.items() if value}}
            await asyncio.to_thread(book.check, "desk", {"channel": "C0LATER", **table})
        except ConfigError as error:
            return self._form(visit, given, {}, [], kept=stored, wrong=str(error))
        found, channels = await self._examine(given)
        works = all(each.works for each in found.values())
        if not given["channel"] or not works:
            return self._form(visit, given, found, channels, kept=stored, wrong="choose" if works else "")
        await asyncio.to_thread(book.put, "desk", table)
        await self._running.take_up()
        return visit.leave_for(PAGE, said="changed")

    async def _try(self, visit: Visit) -> web.StreamResponse:
        await self._running.checkup.try_desk()
        return visit.leave_for(PAGE)

    @staticmethod
    def _given(visit: Visit) -> dict[str, str]:
        return {field.name: visit.form.get(f"field.{field.name}", field.default or "").strip() for field in FIELDS}

    @staticmethod
    async def _examine(given: Mapping[str, str]) -> tuple[Mapping[str, Found], list[SlackChannel]]:
        async with open_session() as session:
            return await examine_desk(given, session)

    def _form(
        self,
        visit: Visit,
        values: Mapping[str, str],
        found: Mapping[str, Found],
        channels: list[SlackChannel],
        *,
        kept: Mapping[str, object],
        wrong: str = "",
    ) -> web.Response:
        token = self._running.settings.desk.bot_token
        guests = any(isinstance(each, Slack) and each.shares(token) for each in self._running.channels.values())
        asked = manifest(self._running.settings, guests=guests)
        secret = {field.name for field in FIELDS if field.secret}
        typed = {name: visit.form.get(f"field.{name}", "" if name in secret else each) for name, each in values.items()}
        return visit.page(
            "desk_form.html",
            status=422 if wrong or any(not each.works for each in found.values()) else 200,
            fields=[field for field in FIELDS if field.name in ("bot_token", "app_token")],
            others=[field for field in FIELDS if field.name not in ("bot_token", "app_token", "channel")],
            values=typed,
            found=found,
            channels=channels,
            kept=kept,
            wrong=wrong,
            manifest=asked,
            create=CREATE + quote(json.dumps(json.loads(asked), separators=(",", ":"))),
            in_file=[field.name for field in FIELDS if field.name in self._running.settings.written.get("desk", {})],
        )

    def _book(self, visit: Visit) -> SettingsBook:
        running = self._running
        return SettingsBook(running.settings, running.beside, running.key, visit.who, running.clock)
