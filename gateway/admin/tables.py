"""The console's pages about agents, skills and the glossary: tables of the configuration, kept in the store."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from adapters.desk_setup import SlackPerson, people_at
from adapters.http import open_session
from config.credentials import Unreadable
from config.joined import Stored, tables_in
from config.tables import ConfigError
from gateway.admin.entries import (
    YES,
    Entry,
    flag,
    read_by_language,
    read_form,
    read_lines,
    read_list,
    read_lists_by_language,
    read_number,
    read_terms,
    read_texts,
    show_by_language,
    show_lines,
    show_list,
    show_lists_by_language,
    show_table,
    show_terms,
    show_texts,
)
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.commands import Finding, route
from gateway.settings_book import SettingsBook
from translation.detect import Detector

AGENT = (
    Entry(name="slack_user_id", label="Slack member id", help="Their profile, …, Copy member ID", required=True),
    Entry(name="name", label="Name", help="As colleagues call them", required=True),
    Entry(
        name="languages",
        label="Languages",
        help="Codes, such as en, es; the first is the one they read by default",
        read=read_list,
        show=show_list,
    ),
    Entry(name="skills", label="Skills", help="Names, with commas", read=read_list, show=show_list),
    Entry(
        name="capacity",
        label="Capacity",
        help="How many conversations at a time; 4 where it is empty",
        read=read_number,
    ),
    flag("admin", "May come into this console with Slack"),
)
SKILL = (
    Entry(name="name", label="Name", help="One word, such as billing", required=True),
    Entry(
        name="keywords",
        label="Keywords",
        help="Words that suggest it, a language a line, such as es: factura, reembolso",
        read=read_lists_by_language,
        show=show_lists_by_language,
        rows=4,
    ),
    Entry(
        name="menu",
        label="In the menu",
        help="What customers choose by, a language a line, such as es: Facturas y reembolsos",
        read=read_by_language,
        show=show_by_language,
        rows=4,
    ),
    Entry(
        name="channels", label="Channels", help="Who writes on one of these asks for it", read=read_list, show=show_list
    ),
    Entry(name="links", label="Links", help="Who came by such a link asks for it", read=read_list, show=show_list),
)
GLOSSARY = (
    Entry(
        name="keep",
        label="Never translated",
        help="A name a line, such as AirFryer X2",
        read=read_lines,
        show=show_lines,
        rows=8,
    ),
    Entry(
        name="terms",
        label="Translated just so",
        help="A thing a line, such as en: gift card; es: tarjeta regalo",
        read=read_terms,
        show=show_terms,
        rows=8,
    ),
)
ROUTING = (
    Entry(name="default_skill", label="The skill that everybody has", help="general where it is empty"),
    Entry(
        name="reopen_window",
        label="A message reopens a closed conversation within",
        help="Such as 24h or 7d; 24h where it is empty",
    ),
)
RULES = (
    flag("only_assignee", "Only the assignee answers", "What somebody else writes is held, and they are asked"),
    flag("confirm", "Every answer is shown before it goes", "Translated, and with its meaning back"),
    Entry(
        name="undo",
        label="Seconds for which an answer waits",
        help="Deleting or editing it meanwhile stops or changes it",
        read=read_number,
    ),
    flag("direct_messages", "Agents are also told directly", "In a direct message, what becomes theirs"),
    flag("slack_presence", "Slack's presence counts", "Whom Slack shows as away gets no new conversation"),
    Entry(name="call_link", label="Where !call leads", help="Such as https://meet.jit.si/{room}"),
    Entry(name="name", label="What agents call the first channel", help="In !move; main where it is empty"),
    Entry(name="escalation", label="Where !escalate leads", help="What agents call that channel"),
)
ROOM = (
    Entry(name="name", label="What agents call it", help="In !move; one word", required=True),
    Entry(name="channel", label="The channel's id", help="At the bottom of the channel's details", required=True),
    Entry(name="skills", label="Skills", help="Names, with commas", read=read_list, show=show_list),
    Entry(name="languages", label="Languages", help="Codes, with commas", read=read_list, show=show_list),
    Entry(name="channels", label="Channels", help="Customers' channels, with commas", read=read_list, show=show_list),
    Entry(
        name="priorities",
        label="Priorities",
        help="Conversations open there that fit all that is given; "
        "with nothing given, only !move and !escalate lead there",
        read=read_list,
        show=show_list,
    ),
)
REPLY = (
    Entry(name="name", label="Name", help="As in !reply NAME", required=True),
    Entry(
        name="text",
        label="Text",
        help="A language a line, such as en: Hello {name}; a line that begins with a space goes on with it",
        read=read_texts,
        show=show_texts,
        rows=8,
        required=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A kind of table: its form, and the key by which one is named; `one` says that there is only one of it."""

    kind: str
    title: str
    entries: tuple[Entry, ...]
    key: str = ""

    @property
    def one(self) -> bool:
        """Say whether there is only one of it."""
        return not self.key

    def place(self, id_: str) -> str:
        """Name the place where one is kept."""
        return self.kind if self.one else f"{self.kind}/{id_}"


TABLES = {
    "agents": Table(kind="agent", title="Agents", entries=AGENT, key="slack_user_id"),
    "skills": Table(kind="skill", title="Skills", entries=SKILL, key="name"),
    "glossary": Table(kind="glossary", title="Glossary", entries=GLOSSARY),
    "routing": Table(kind="routing", title="Routing", entries=ROUTING),
    "desk/rules": Table(kind="desk", title="Rules of the desk", entries=RULES),
    "desk/channels": Table(kind="room", title="Further channels of the desk", entries=ROOM, key="name"),
    "desk/replies": Table(kind="reply", title="Saved replies", entries=REPLY, key="name"),
}


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
