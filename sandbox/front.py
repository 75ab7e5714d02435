"""A simulated reverse proxy: the address that the world calls, in front of a gateway."""

import aiohttp
from aiohttp import web

KEPT = ("Content-Type", "X-Hub-Signature-256", "X-Telegram-Bot-Api-Secret-Token", "Range")


class Front:
    """Passes every call on to the gateway at `target`, "" where it isn't known yet; `broken` says that it can't."""

    def __init__(self) -> None:
        self.target = ""
        self.broken = False
        self.app = web.Application(client_max_size=4 * 1024 * 1024)
        self.app.router.add_route("*", "/{path:.*}", self._pass_on)

    async def _pass_on(self, http: web.Request) -> web.StreamResponse:
        if self.broken or not self.target:
            return web.Response(status=502, text="Bad Gateway")
        headers = {name: http.headers[name] for name in KEPT if name in http.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                http.method, self.target + http.path_qs, data=await http.read(), headers=headers, allow_redirects=False
            ) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), headers=_back(answer))


def _back(answer: aiohttp.ClientResponse) -> dict[str, str]:
    names = ("Content-Type", "Content-Disposition", "Location", "Retry-After")
    return {name: answer.headers[name] for name in names if name in answer.headers}
