"""The console's page about the phrasebook: what the gateway knows word for word, and how each language says it."""

from aiohttp import web

from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.visit import Visit
from gateway.search import plain
from translation.phrasebook import Phrasebook

PAGE = "/admin/languages/phrases"
SHOWN = 100
"""How many are shown."""


class PhrasePages:
    """Shows phrases in the desk's language and another one's."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give its address."""
        return page_routes(site, [(PAGE, self._show)], [])

    async def _show(self, visit: Visit) -> web.StreamResponse:
        asked = self._running.chain.engines.get(Phrasebook.name)
        book = asked if isinstance(asked, Phrasebook) else Phrasebook({})
        query = visit.http.query
        languages = sorted({pair.source for pair in book.pairs()})
        mine = self._running.settings.policy.desk_language.partition("-")[0]
        mine = mine if mine in languages else "en"
        other = query.get("language", "")
        if other not in languages:
            other = next((each for each in languages if each != mine), "")
        wanted = plain(query.get("find", ""))
        keys, rows = book.keys(), []
        for key in keys:
            ours, theirs = book.wordings(key, mine), book.wordings(key, other)
            if any(wanted in plain(wording) for wording in (*ours, *theirs)):
                rows.append((ours[0], theirs[0], len(theirs)))
        return visit.page(
            "phrases.html",
            rows=rows[:SHOWN],
            more=max(len(rows) - SHOWN, 0),
            find=query.get("find", ""),
            languages_known=languages,
            mine=mine,
            other=other,
        )
