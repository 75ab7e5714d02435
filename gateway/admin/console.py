"""All of the console's pages."""

from aiohttp import web

from gateway.admin.audit_pages import AuditPages
from gateway.admin.channels import Channels
from gateway.admin.desk import DeskPages
from gateway.admin.overview import Overview
from gateway.admin.running import Running
from gateway.admin.site import Site
from gateway.manifest import manifest


def console_routes(running: Running) -> list[web.RouteDef]:
    """Give the console's addresses."""
    secure = running.settings.gateway.public_url.startswith("https://")
    site = Site(running.store, running.clock, secure=secure)
    pages = (Overview(running), Channels(running), DeskPages(running, manifest()), AuditPages(running))
    return [*site.own_routes(), *(route for each in pages for route in each.routes(site))]
