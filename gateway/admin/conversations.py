"""The console's pages about conversations: found, read in both languages, given away, and erased."""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import HEADERS, Visit
from gateway.conversation_commands import FORGET
from gateway.search import search
from gateway.store.contract import StoreError
from gateway.transcript import read_transcript
from routing.conversation import Conversation, Status

LIST = "/admin/conversations"
AT_A_TIME = 50
LATEST = 200
"""How many of a contact's latest events are shown; an export has all."""

WITHIN = 15.0
"""Seconds that erasing may take."""


class Conversations:
    """Shows conversations."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""
        return page_routes(
            site,
            [(LIST, self._list), (LIST + "/show", self._show), (LIST + "/export", self._export)],
            [(LIST + "/forget", self._forget)],
        )

    async def _list(self, visit: Visit) -> web.StreamResponse:
        query = visit.http.query
        wanted, status = query.get("find", "").strip(), query.get("status", "")
        before = int(query["before"]) if query.get("before", "").isdecimal() else 0
        beside = self._running.beside
        found: Sequence[tuple[Conversation, int]]
        if wanted:
            found = await asyncio.to_thread(search, beside, wanted, AT_A_TIME)
        else:
            latest = await asyncio.to_thread(beside.latest, AT_A_TIME, before, status)
            found = [(each, each.number) for each in latest]
        return visit.page(
            "conversations.html",
            found=found,
            find=wanted,
            state=status,
            statuses=[each.value for each in Status if each is not Status.NEW],
            more=found[-1][1] if len(found) == AT_A_TIME and not wanted else 0,
            policy=self._running.settings.policy,
        )

    async def _show(self, visit: Visit) -> web.StreamResponse:
        running, contact = self._running, visit.http.query.get("contact", "")
        conversation = await self._one(contact)
        thread = await running.store.thread(contact, conversation.number)
        return visit.page(
            "conversation.html",
            each=conversation,
            turns=await read_transcript(running.store, contact, running.settings.policy, LATEST),
            link=running.desk.link(thread) if thread else "",
            policy=running.settings.policy,
            desk_language=running.settings.policy.desk_language,
        )

    async def _export(self, visit: Visit) -> web.StreamResponse:
        contact = visit.http.query.get("contact", "")
        conversation = await self._one(contact)
        events = await asyncio.to_thread(self._running.beside.history, contact)
        kept = (("conversation", conversation), *(("event", event) for event in events))
        lines = [msgspec.json.encode({"kind": kind, **msgspec.to_builtins(what)}) for kind, what in kept]
        name = quote(f"{contact.replace('/', '-')}.jsonl")
        headers = {**HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.Response(body=b"\n".join(lines) + b"\n", content_type="application/jsonl", headers=headers)

    async def _forget(self, visit: Visit) -> web.StreamResponse:
        """Have whichever replica has the contact erase it, and wait until it has."""
        contact = visit.form.get("contact", "")
        conversation = await self._one(contact)
        if visit.form.get("sure", "").lstrip("#") != str(conversation.number):
            return visit.leave_for(f"{LIST}/show", contact=contact, said="not_sure")
        store = self._running.store
        await store.put_doc(FORGET, contact, b"")
        for _ in range(int(WITHIN / 0.1)):
            await asyncio.sleep(0.1)
            if await store.get_doc(FORGET, contact):
                await store.drop_doc(FORGET, contact)
                return visit.leave_for(LIST, said="forgotten")
        raise StoreError(f"{contact} wasn't erased in time: it is, as soon as nobody works on it")

    async def _one(self, contact: str) -> Conversation:
        found = await self._running.store.conversation(contact) if contact else None
        if found is None:
            raise web.HTTPNotFound
        return found
