"""The console's page about what could not be delivered, and what broke us: why, again, or never mind."""

import asyncio

from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.commands import words_of

LIST = "/admin/letters"
SHOWN = 200
"""How many are shown, the latest first."""


class Letters:
    """Shows what was set apart, and does with it what an admin says."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give its addresses."""
        return page_routes(site, [(LIST, self._list)], [(LIST + "/again", self._again), (LIST + "/drop", self._drop)])

    async def _list(self, visit: Visit) -> web.StreamResponse:
        every = await asyncio.to_thread(self._running.beside.letters)
        ours = sorted((each for each in every if each.mailbox), key=lambda each: each.at, reverse=True)
        rows = [(each, type(each.what).__name__, words_of(each)) for each in ours[:SHOWN]]
        return visit.page("letters.html", rows=rows, more=max(len(ours) - SHOWN, 0))

    async def _again(self, visit: Visit) -> web.StreamResponse:
        done = await asyncio.to_thread(self._running.beside.want_again, visit.form.get("id", ""))
        return visit.leave_for(LIST, said="again" if done else "gone")

    async def _drop(self, visit: Visit) -> web.StreamResponse:
        done = await asyncio.to_thread(self._running.beside.drop_letter, visit.form.get("id", ""))
        return visit.leave_for(LIST, said="dropped" if done else "gone")
