"""The console's first page: what works, what waits, and what went wrong."""

from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit


class Overview:
    """Says how the gateway is."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give its address."""
        return page_routes(site, [("/admin/", self._show)], [("/admin/try", self._try)])

    async def _try(self, visit: Visit) -> web.StreamResponse:
        await self._running.checkup.try_all()
        return visit.leave_for("/admin/")

    async def _show(self, visit: Visit) -> web.StreamResponse:
        running = self._running
        return visit.page(
            "overview.html",
            problems=await running.problems(),
            checks=sorted(running.checkup.results.values(), key=lambda each: each[0].what),
            stats=running.store.stats(),
            behind=max(running.store.oldest().values(), default=0),
            queued=len(await running.store.queued(1000)),
        )
