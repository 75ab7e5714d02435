"""All of the console's pages."""

from aiohttp import web

from gateway.admin.overview import Overview
from gateway.admin.running import Running
from gateway.admin.site import Site


def console_routes(running: Running) -> list[web.RouteDef]:
    """Give the console's addresses."""
    secure = running.settings.gateway.public_url.startswith("https://")
    site = Site(running.store, running.clock, secure=secure)
    return [*site.own_routes(), *Overview(running).routes(site)]
