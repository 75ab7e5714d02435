"""The console's pages about customers' channels: add, try, change, pause, remove, and what each heard last."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from aiohttp import web

from adapters import KINDS
from adapters.contract import Called, Found, Pictured, SendError
from config.credentials import Field, Unreadable
from config.settings import CHANNEL_ID, ChannelSettings
from config.tables import ConfigError
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.state import state_of_channel
from gateway.admin.told import tell
from gateway.admin.visit import HEADERS, Visit
from gateway.channel_book import ChannelBook, examine_fields, filled_in
from gateway.heard import Contact
from gateway.pauses import write_pause

NAMES = {
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "slack": "Slack",
    "line": "LINE",
}
"""What the kinds are called."""

LIST = "/admin/channels"
PICTURES, LARGEST = ("image/jpeg", "image/png", "image/webp"), 1024 * 1024
NO_PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
NOTHING_FOUND: Mapping[str, Found] = {}


class Channels:
    """Shows and changes channels; those of the file are changed there."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        return page_routes(
            site,
            [
                (LIST, self._list),
                (LIST + "/add/{kind}", self._ask),
                (LIST + "/{name}", self._show),
                (LIST + "/{name}/state", self._state),
                (LIST + "/{name}/picture", self._picture),
                (LIST + "/{name}/change", self._ask_again),
            ],
            [
                (LIST + "/add/{kind}", self._add),
                (LIST + "/add/{kind}/check", self._check),
                (LIST + "/{name}/change", self._change),
                (LIST + "/{name}/try", self._try),
                (LIST + "/{name}/pause", self._pause),
                (LIST + "/{name}/resume", self._resume),
                (LIST + "/{name}/remove", self._remove),
            ],
        )

    async def _list(self, visit: Visit) -> web.StreamResponse:
        running = self._running
        stored = await asyncio.to_thread(self._book(visit).stored)
        heard = await running.heard.all(running.store)
        kinds = {name: each.kind for name, each in running.settings.channels.items()}
        kinds |= {name: running.channels[name].kind for name in stored if name in running.channels}
        rows = [
            (name, NAMES.get(kinds.get(name, ""), "?"), state_of_channel(running, name), heard.get(name, Contact()))
            for name in dict.fromkeys((*running.settings.channels, *stored))
        ]
        return visit.page("channels.html", rows=rows, kinds=NAMES, paused=running.paused)

    async def _show(self, visit: Visit) -> web.StreamResponse:
        name = visit["name"]
        kept = await asyncio.to_thread(self._kept, visit, name)
        if kept is None:
            raise web.HTTPNotFound
        return visit.page("channel.html", name=name, kept=kept, **await self._facts(name, kept))

    async def _state(self, visit: Visit) -> web.StreamResponse:
        """Give the part of the page that is kept up to date in place."""
        name = visit["name"]
        kept = await asyncio.to_thread(self._kept, visit, name)
        if kept is None:
            raise web.HTTPNotFound
        return visit.page("channel_state.html", name=name, **await self._facts(name, kept))

    async def _facts(self, name: str, kept: ChannelSettings | str) -> Mapping[str, Any]:
        running = self._running
        public = running.settings.gateway.public_url
        return {
            "state": state_of_channel(running, name),
            "heard": (await running.heard.all(running.store)).get(name, Contact()),
            "taken_up": name in running.channels,
            "pause": running.paused.get(name),
            "pictured": isinstance(running.channels.get(name), Pictured),
            "kind": NAMES[kept.kind] if isinstance(kept, ChannelSettings) else "",
            "in_file": name in running.settings.channels,
            "file": running.settings.file,
            "webhook": f"{public}/webhooks/{name}" if public and self._is_called(name) else "",
            "fields": KINDS[kept.kind] if isinstance(kept, ChannelSettings) else (),
        }

    async def _picture(self, visit: Visit) -> web.StreamResponse:
        """Give the picture that customers see, an empty one where there is none."""
        channel: object = self._running.channels.get(visit["name"])
        if not isinstance(channel, Pictured):
            raise web.HTTPNotFound
        body, mime = NO_PICTURE, "image/svg+xml"
        with contextlib.suppress(SendError):
            async with channel.picture() as content:
                if content.mime in PICTURES and content.size <= LARGEST:
                    body, mime = await asyncio.to_thread(content.file.read), content.mime
        return web.Response(body=body, content_type=mime, headers=HEADERS)

    def _is_called(self, name: str) -> bool:
        """Say whether a channel's platform calls us, as far as that is known: a polled one doesn't."""
        channel: object = self._running.channels.get(name)
        return not isinstance(channel, Called) or channel.waits_for_calls

    async def _ask(self, visit: Visit) -> web.StreamResponse:
        kind = self._kind(visit)
        name = await asyncio.to_thread(_free_name, self._book(visit), kind)
        return self._form(visit, kind, name, {field.name: field.default or "" for field in KINDS[kind]})

    async def _add(self, visit: Visit) -> web.StreamResponse:
        kind, name = self._kind(visit), visit.form.get("id", "").strip()
        fields = {"kind": kind, **_given(visit.form, kind)}
        book = self._book(visit)
        wrong = "" if CHANNEL_ID.fullmatch(name) else "a channel's id is made of letters, digits, - and _, at most 32"
        if not wrong and await asyncio.to_thread(book.taken, name):
            wrong = f"there is a channel {name} already"
        try:
            check = None if wrong else await book.try_fields(name, fields)
            if check and check.works:
                await asyncio.to_thread(book.add, name, fields)
                await self._running.take_up()
                return visit.leave_for(f"{LIST}/{name}", said="added")
            wrong = wrong or (check.said if check else "")
        except ConfigError as error:
            wrong = str(error)
        return self._form(visit, kind, name, fields, wrong=wrong, found=await self._examine(name, kind, fields))

    async def _check(self, visit: Visit) -> web.StreamResponse:
        """Say about each thing that was pasted what the platform says, while the form is still being filled in."""
        kind = self._kind(visit)
        given = _given(visit.form, kind)
        if visit.form.get("kept"):
            with contextlib.suppress(ConfigError, Unreadable):
                was = await asyncio.to_thread(self._book(visit).fields, visit.form["kept"])
                given = filled_in(KINDS[kind], given, was)
        found = await self._examine("new", kind, given)
        verdicts = {
            name: {"works": each.works, "told": tell(visit.language, each.told)} for name, each in found.items()
        }
        return web.json_response({"fields": verdicts})

    @staticmethod
    async def _examine(name: str, kind: str, fields: Mapping[str, str]) -> Mapping[str, Found]:
        try:
            return await examine_fields(name, kind, fields)
        except ConfigError:
            return {}

    async def _ask_again(self, visit: Visit) -> web.StreamResponse:
        fields = await self._stored_fields(visit)
        kind = fields["kind"]
        shown = {each.name: "" if each.secret else fields.get(each.name, each.default or "") for each in KINDS[kind]}
        return self._form(visit, kind, visit["name"], shown, changes=True)

    async def _change(self, visit: Visit) -> web.StreamResponse:
        name, was = visit["name"], await self._stored_fields(visit)
        kind = was["kind"]
        given = _given(visit.form, kind)
        book, fields = self._book(visit), given
        try:
            fields = {"kind": kind, **filled_in(KINDS[kind], given, was)}
            check = await book.try_fields(name, fields)
            if check.works:
                await asyncio.to_thread(book.change, name, fields)
                self._running.checkup.forget(f"channels.{name}")
                await self._running.take_up()
                return visit.leave_for(f"{LIST}/{name}", said="changed")
            wrong = check.said
        except ConfigError as error:
            wrong = str(error)
        found = await self._examine(name, kind, fields)
        return self._form(visit, kind, name, given, wrong=wrong, changes=True, found=found)

    async def _try(self, visit: Visit) -> web.StreamResponse:
        await self._running.checkup.try_channel(visit["name"])
        return visit.leave_for(f"{LIST}/{visit['name']}")

    async def _pause(self, visit: Visit) -> web.StreamResponse:
        return await self._set_pause(visit, paused=True)

    async def _resume(self, visit: Visit) -> web.StreamResponse:
        return await self._set_pause(visit, paused=False)

    async def _set_pause(self, visit: Visit, *, paused: bool) -> web.StreamResponse:
        running, name = self._running, visit["name"]
        if await asyncio.to_thread(self._kept, visit, name) is None:
            raise web.HTTPNotFound
        at = running.clock()
        await asyncio.to_thread(write_pause, running.beside, name, paused=paused, who=visit.who, at=at)
        await running.take_up()
        return visit.leave_for(f"{LIST}/{name}")

    async def _remove(self, visit: Visit) -> web.StreamResponse:
        try:
            await asyncio.to_thread(self._book(visit).remove, visit["name"])
        except ConfigError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        self._running.checkup.forget(f"channels.{visit['name']}")
        return visit.leave_for(LIST, said="removed")

    def _form(
        self,
        visit: Visit,
        kind: str,
        name: str,
        values: Mapping[str, str],
        *,
        wrong: str = "",
        changes: bool = False,
        found: Mapping[str, Found] = NOTHING_FOUND,
    ) -> web.Response:
        needed, others = _parted(KINDS[kind])
        return visit.page(
            "channel_form.html",
            status=422 if wrong else 200,
            called=NAMES[kind],
            kind=kind,
            name=name,
            values=values,
            needed=needed,
            others=others,
            wrong=wrong,
            changes=changes,
            found=found,
            kept={each.name: True for each in KINDS[kind] if each.secret} if changes else {},
        )

    def _kept(self, visit: Visit, name: str) -> ChannelSettings | str | None:
        """Give a channel's fields, or why they can't be read; None where there is none."""
        if known := self._running.settings.channels.get(name):
            return known
        book = self._book(visit)
        if name not in book.stored():
            return None
        try:
            return book.opened(name)
        except (ConfigError, Unreadable) as error:
            return str(error)

    async def _stored_fields(self, visit: Visit) -> dict[str, str]:
        try:
            return await asyncio.to_thread(self._book(visit).fields, visit["name"])
        except (ConfigError, Unreadable) as error:
            raise web.HTTPNotFound(text=str(error)) from error

    def _book(self, visit: Visit) -> ChannelBook:
        return ChannelBook(self._running.settings, visit.who, self._running.clock)

    @staticmethod
    def _kind(visit: Visit) -> str:
        if (kind := visit["kind"]) not in KINDS:
            raise web.HTTPNotFound
        return kind


def _given(form: Mapping[str, str], kind: str) -> dict[str, str]:
    """Read a form's fields; what is pasted often brings spaces and line ends with it."""
    return {field.name: form.get(f"field.{field.name}", field.default or "").strip() for field in KINDS[kind]}


def _parted(fields: Collection[Field]) -> tuple[list[Field], list[Field]]:
    """Part what must be given from what may stay as it is."""
    return [each for each in fields if each.default is None], [each for each in fields if each.default is not None]


def _free_name(book: ChannelBook, kind: str) -> str:
    """Suggest an id that nobody has yet."""
    number, name = 1, kind
    while book.taken(name):
        number += 1
        name = f"{kind}{number}"
    return name
