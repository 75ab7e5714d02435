"""The console's page of figures: those of `dragoman report`, counted by that command beside the gateway."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from gateway.admin.command import run_command
from gateway.admin.running import Running
from gateway.admin.site import Site, page_routes
from gateway.admin.told import tell
from gateway.admin.visit import Visit
from routing.languages import language_name

PAGE = "/admin/reports"
SPANS = ("1d", "7d", "30d", "90d")
FRESH = timedelta(minutes=5)
"""How old figures may be; counting reads everything that was ever said."""

GROUPS = ("channel", "language", "skill", "agent")
Rows = Sequence[Mapping[str, Any]]
log = logging.getLogger("dragoman.console")


class Reports:
    """Shows figures, and has them counted where they are old; counting is another process's, so that nobody waits."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._known: dict[str, tuple[datetime, Rows]] = {}
        self._counting: set[str] = set()
        self._failed: dict[str, str] = {}

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give its addresses."""
        return page_routes(site, [(PAGE, self._show), (PAGE + "/figures", self._figures)], [])

    async def _show(self, visit: Visit) -> web.StreamResponse:
        return visit.page("reports.html", spans=SPANS, **self._facts(visit))

    async def _figures(self, visit: Visit) -> web.StreamResponse:
        return visit.page("report_figures.html", **self._facts(visit))

    def _facts(self, visit: Visit) -> Mapping[str, Any]:
        since = visit.http.query.get("since", "7d")
        if since not in SPANS:
            raise web.HTTPNotFound
        at, rows = self._known.get(since, (None, ()))
        if (at is None or self._running.clock() - at > FRESH) and since not in self._counting:
            self._counting.add(since)
            self._running.spawn(self._count(since))
        return {
            "since": since,
            "at": at,
            "failed": self._failed.get(since, ""),
            "all": next((row for row in rows if row["group"] == "all"), None),
            "groups": {group: self._named(visit.language, group, rows) for group in GROUPS},
        }

    def _named(self, language: str, group: str, rows: Rows) -> list[tuple[str, Mapping[str, Any]]]:
        """Give a group's rows by the names that people know."""
        policy = self._running.settings.policy

        def called(tag: str) -> str:
            return tell(language, language_name(tag))

        spell = {"agent": policy.name_of, "language": called}.get(group, str)
        named = [(spell(row["name"]) if row["name"] else "–", row) for row in rows if row["group"] == group]
        return sorted(named, key=lambda each: -each[1]["conversations"])

    async def _count(self, since: str) -> None:
        try:
            file = self._running.settings.file
            status, out, err = await run_command(file, "report", "--since", since, "--format", "json")
            if status:
                self._failed[since] = err.strip()
                log.error("report.failed", extra={"error": self._failed[since]})
                return
            self._failed.pop(since, None)
            self._known[since] = self._running.clock(), [json.loads(line) for line in out.splitlines()]
        finally:
            self._counting.discard(since)
