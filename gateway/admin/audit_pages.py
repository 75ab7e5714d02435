"""The console's page about who changed what, and having it back."""

import asyncio

from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.audit import BACK_WITHIN, Audited

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
        audited, name = Audited(self._running.beside), visit.form.get("entry", "")
        entry = await asyncio.to_thread(audited.restore, name, who=visit.who, at=self._running.clock())
        self._running.checkup.forget(f"channels.{entry.key}")
        await self._running.take_up()
        return visit.leave_for(LIST, said="restored")
