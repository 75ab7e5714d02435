"""The console's page about who changed what, and having it back."""

import asyncio

from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.audit import BACK_WITHIN, Audited, Entry
from gateway.settings_book import KIND, SettingsBook

LIST = "/admin/audit"
SHOWN = 200
"""How many entries are shown, the latest first."""


class AuditPages:
    """Shows what was changed, never the values."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give its addresses."""
        return page_routes(site, [(LIST, self._list)], [(LIST + "/restore", self._restore)])

    async def _list(self, visit: Visit) -> web.StreamResponse:
        entries = await asyncio.to_thread(Audited(self._running.beside).entries)
        return visit.page(
            "audit.html", entries=list(entries.items())[:SHOWN], since=self._running.clock() - BACK_WITHIN
        )

    async def _restore(self, visit: Visit) -> web.StreamResponse:
        entry = await asyncio.to_thread(self._undo, visit.form.get("entry", ""), visit.who)
        self._running.checkup.forget(f"channels.{entry.key}")
        await self._running.take_up()
        return visit.leave_for(LIST, said="restored")

    def _undo(self, name: str, who: str) -> Entry:
        """Undo a change, unless the configuration would be none then."""
        running, now = self._running, self._running.clock()
        audited = Audited(running.beside)
        entry = audited.entry(name, now)
        if entry.kind == KIND:
            book = SettingsBook(running.settings, running.beside, running.key, who, running.clock)
            book.check_sealed(entry.key, entry.before)
        audited.restore(entry, who=who, at=now)
        return entry
