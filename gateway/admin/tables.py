"""The console's pages about tables of the configuration that are kept in the store, such as agents and skills."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from adapters.desk_setup import SlackPerson, people_at
from adapters.http import open_session
from config.credentials import Unreadable
from config.joined import Stored, tables_in
from config.tables import ConfigError
from gateway.admin.entries import YES, read_form, show_table
from gateway.admin.forms import TABLES
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.commands import Finding, route
from gateway.settings_book import SettingsBook
from translation.detect import Detector


class TablePages:
    """Shows and changes one kind of table at `/admin/{page}`."""

    def __init__(self, running: Running, page: str) -> None:
        self._running = running
        self._page = page
        self._path = f"/admin/{page}"
        self._table = TABLES[page]

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        if self._table.one:
            return page_routes(site, [(self._path, self._ask)], [(self._path, self._save)])
        changes = [(self._path + "/edit", self._save), (self._path + "/remove", self._remove)]
        if self._page == "agents":
            changes.append((self._path + "/standing", self._set_standing))
        return page_routes(site, [(self._path, self._list), (self._path + "/edit", self._ask)], changes)

    async def _list(self, visit: Visit) -> web.StreamResponse:
        book = self._book(visit)
        stored = await asyncio.to_thread(book.stored)
        kept = {place: table for place, table in stored.items() if place.startswith(f"{self._table.kind}/")}
        rows = [(str(each.get(self._table.key, "")), self._shown(each), False) for each in self._in_file()]
        known = {id_ for id_, _, _ in rows}
        rows += [
            (place.partition("/")[2], self._shown(table), True)
            for place, table in kept.items()
            if place.partition("/")[2] not in known
        ]
        standing = {each.agent: each for each in self._running.store.roster()} if self._page == "agents" else {}
        return visit.page("tables.html", table=self._table, path=self._path, rows=rows, standing=standing)

    async def _people(self) -> Sequence[SlackPerson]:
        """List who could be an agent: who is in the desk's channel, and isn't one yet."""
        settings = self._running.settings
        if not settings.desk.bot_token:
            return ()
        async with open_session() as session:
            people = await people_at(settings.desk, session)
        return [each for each in people if settings.policy.agent(each.id) is None]

    async def _set_standing(self, visit: Visit) -> web.StreamResponse:
        """Have an agent be away, or back: the queue is then worked on."""
        running, agent = self._running, visit.form.get("id", "")
        if running.settings.policy.agent(agent) is None:
            raise web.HTTPNotFound
        away = visit.form.get("away") == YES
        await running.store.set_away(agent, away=away)
        if not away:
            await running.freed(f"back:{agent}:{running.clock().isoformat()}")
        return visit.leave_for(self._path)

    async def _decide(self, visit: Visit) -> Sequence[Finding]:
        """Say who would get a conversation that an admin thinks of, and why; nothing where they think of none."""
        query, settings = visit.http.query, self._running.settings
        text = query.get("text", "").strip()
        if self._page != "routing" or not (text or query.get("language")):
            return ()
        language = query.get("language", "").strip() or Detector().listen(text).language
        asked = {"language": language, "text": text, "channel": query.get("channel", "")}
        return await asyncio.to_thread(route, settings, **asked)

    async def _ask(self, visit: Visit) -> web.StreamResponse:
        decided = await self._decide(visit)
        people = await self._people() if self._page == "agents" else ()
        stored = await asyncio.to_thread(self._book(visit).stored)
        id_ = visit.http.query.get("id", "")
        found = stored.get(self._table.place(id_))
        if found is None and id_:
            raise web.HTTPNotFound
        return self._form(
            visit, show_table(self._table.entries, found or {}), id_, stored, decided=decided, people=people
        )

    async def _save(self, visit: Visit) -> web.StreamResponse:
        book, was = self._book(visit), visit.form.get("id", "")
        try:
            table = read_form(self._table.entries, visit.form)
            id_ = "" if self._table.one else str(table[self._table.key])
            if not self._table.one and id_ != was:
                await self._refuse_taken(book, id_)
            if was and id_ != was:
                await asyncio.to_thread(book.check, self._table.place(was), None)
            table = {**await asyncio.to_thread(self._others, book), **table}
            await asyncio.to_thread(book.put, self._table.place(id_), table or None)
            if was and id_ != was:
                await asyncio.to_thread(book.put, self._table.place(was), None)
        except (ConfigError, Unreadable) as error:
            typed = {entry.name: visit.form.get(f"field.{entry.name}", "") for entry in self._table.entries}
            return self._form(visit, typed, was, {}, wrong=str(error))
        await self._running.take_up()
        return visit.leave_for(self._path, said="changed")

    def _others(self, book: SettingsBook) -> Mapping[str, Any]:
        """Give what is kept at the same place and another page changes."""
        if not self._table.one:
            return {}
        mine = {entry.name for entry in self._table.entries}
        return {name: value for name, value in book.stored().get(self._table.kind, {}).items() if name not in mine}

    async def _remove(self, visit: Visit) -> web.StreamResponse:
        id_ = visit.form.get("id", "")
        try:
            await asyncio.to_thread(self._book(visit).put, self._table.place(id_), None)
        except ConfigError as error:
            stored = await asyncio.to_thread(self._book(visit).stored)
            shown = show_table(self._table.entries, stored.get(self._table.place(id_), {}))
            return self._form(visit, shown, id_, stored, wrong=str(error))
        await self._running.take_up()
        return visit.leave_for(self._path, said="removed")

    async def _refuse_taken(self, book: SettingsBook, id_: str) -> None:
        place = self._table.place(id_)
        if book.is_in_file(place):
            raise ConfigError(f"{id_} stands in {self._running.settings.file}: change it there")
        if place in await asyncio.to_thread(book.stored):
            raise ConfigError(f"there is {id_} already")

    def _in_file(self) -> Sequence[Mapping[str, Any]]:
        """Give what the file has of this kind, as it stands there."""
        return tables_in(self._running.settings.written, self._table.kind)

    def _shown(self, table: Mapping[str, Any]) -> dict[str, str]:
        return show_table(self._table.entries, table)

    def _form(
        self,
        visit: Visit,
        values: Mapping[str, str],
        id_: str,
        stored: Stored,
        *,
        wrong: str = "",
        decided: Sequence[Finding] = (),
        people: Sequence[SlackPerson] = (),
    ) -> web.Response:
        return visit.page(
            "table_form.html",
            status=422 if wrong else 200,
            table=self._table,
            path=self._path,
            values=values,
            id=id_,
            wrong=wrong,
            decided=decided,
            people=people,
            asked=visit.http.query,
            removable=bool(id_) and self._table.place(id_) in stored,
        )

    def _book(self, visit: Visit) -> SettingsBook:
        running = self._running
        return SettingsBook(running.settings, running.beside, running.key, visit.who, running.clock)
