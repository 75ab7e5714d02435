"""All of the console's pages."""

from typing import Protocol

from aiohttp import web

from gateway.admin.audit_pages import AuditPages
from gateway.admin.channels import Channels
from gateway.admin.conversations import Conversations
from gateway.admin.desk import DeskPages
from gateway.admin.forms import TABLES
from gateway.admin.language_pages import LanguagePages
from gateway.admin.letters import Letters
from gateway.admin.memory import MemoryPages
from gateway.admin.overview import Overview
from gateway.admin.phrases import PhrasePages
from gateway.admin.reports import Reports
from gateway.admin.running import Running
from gateway.admin.site import Site
from gateway.admin.slack_door import SlackDoor
from gateway.admin.tables import TablePages


class Pages(Protocol):
    """Pages about one thing."""

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give their addresses."""


def console_routes(running: Running) -> list[web.RouteDef]:
    """Give the console's addresses."""
    secure = running.settings.gateway.public_url.startswith("https://")
    site = Site(
        running.store,
        running.clock,
        secure=secure,
        is_admin=lambda agent: (known := running.settings.policy.agent(agent)) is not None and known.admin,
        by_slack=lambda: running.settings.slack_sign_in,
    )
    pages: tuple[Pages, ...] = (
        Overview(running),
        DeskPages(running),
        Channels(running),
        *(TablePages(running, page) for page in TABLES),
        Conversations(running),
        LanguagePages(running),
        MemoryPages(running),
        PhrasePages(running),
        Reports(running),
        Letters(running),
        AuditPages(running),
        SlackDoor(running),
    )
    return [*site.own_routes(), *(route for each in pages for route in each.routes(site))]
