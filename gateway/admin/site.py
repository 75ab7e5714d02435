"""The console's addresses, and what each is kept behind: a session, and for what changes anything a form of ours."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.resources import files

from aiohttp import web

from config.credentials import Unreadable
from config.tables import ConfigError
from gateway.admin.door import SESSION_LASTS, Door
from gateway.admin.visit import HEADERS, Page, Visit
from gateway.admin.words import LANGUAGES, pick
from gateway.store.contract import Store, StoreError

COOKIE, LANGUAGE_COOKIE = "dragoman_session", "dragoman_language"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
YEAR = 365 * 24 * 3600
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Lets people in and gives them pages; `secure` says that browsers come by https only.

    `is_admin` says of an agent whether they may be in, `by_slack` that there is a way in by Slack.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        secure: bool,
        is_admin: Callable[[str], bool],
        by_slack: Callable[[], bool],
    ) -> None:
        self.door = Door(store, clock)
        self.secure = secure
        self._is_admin = is_admin
        self._by_slack = by_slack

    def own_routes(self) -> list[web.RouteDef]:
        """Give the addresses that anybody may ask for."""
        return [
            web.get("/admin", self._to_the_console),
            web.get("/admin/enter/{token}", _guarded(self._ask_in)),
            web.post("/admin/enter/{token}", _guarded(self._come_in)),
            web.get("/admin/static/{name}", self._static),
            web.get("/admin/language/{language}", self._choose_language),
            web.post("/admin/leave", self.change(self._go_out)),
        ]

    def open(self, handler: Handler) -> Handler:
        """Make a handler for what anybody may ask for."""
        return _guarded(handler)

    def show(self, page: Page) -> Handler:
        """Make a handler that gives a page to those who are in, and asks others to sign in."""

        async def handler(http: web.Request) -> web.StreamResponse:
            visit = await self.visit(http)
            return await page(visit) if visit.session else visit.page("signed_out.html", status=401)

        return _guarded(handler)

    def change(self, page: Page) -> Handler:
        """Make a handler for a form of ours, filled in by somebody who is in."""

        async def handler(http: web.Request) -> web.StreamResponse:
            visit = await self.visit(http)
            if visit.session is None:
                return visit.page("signed_out.html", status=401)
            proof = str((await http.post()).get("proof", ""))
            if _is_foreign(http) or not hmac.compare_digest(proof.encode(), visit.session.proof.encode()):
                return visit.page("refused.html", status=403)
            form = {name: value for name, value in (await http.post()).items() if isinstance(value, str)}
            return await page(replace(visit, form=form))

        return _guarded(handler)

    async def visit(self, http: web.Request) -> Visit:
        """See who asks."""
        session = await self.door.session(http.cookies.get(COOKIE, ""))
        if session and session.agent and not self._is_admin(session.agent):
            session = None
        return Visit(http=http, language=_language(http), session=session, by_slack=self._by_slack())

    async def _to_the_console(self, http: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/admin/", headers=HEADERS)

    async def _ask_in(self, http: web.Request) -> web.StreamResponse:
        """Show a button that signs in: what only looks at a link, as chats do, doesn't use it up."""
        visit = await self.visit(http)
        if not self.door.may_try(http.remote or ""):
            return visit.page("too_often.html", status=429)
        if not await self.door.leads_in(visit["token"]):
            return visit.page("signed_out.html", status=403, spent=True)
        return visit.page("enter.html")

    async def _come_in(self, http: web.Request) -> web.StreamResponse:
        visit = await self.visit(http)
        if not self.door.may_try(http.remote or ""):
            return visit.page("too_often.html", status=429)
        entered = None if _is_foreign(http) else await self.door.enter(visit["token"])
        if entered is None:
            return visit.page("signed_out.html", status=403, spent=True)
        return self._into(visit, entered[0])

    async def let_in(self, visit: Visit, who: str, *, agent: str) -> web.Response:
        """Let somebody in who has shown who they are."""
        token, _ = await self.door.let_in(who, agent=agent)
        return self._into(visit, token)

    def _into(self, visit: Visit, token: str) -> web.Response:
        answer = visit.leave_for("/admin/")
        lasts = int(SESSION_LASTS.total_seconds())
        answer.set_cookie(
            COOKIE, token, path="/admin", max_age=lasts, httponly=True, samesite="Lax", secure=self.secure
        )
        return answer

    async def _go_out(self, visit: Visit) -> web.StreamResponse:
        await self.door.leave(visit.http.cookies.get(COOKIE, ""))
        answer = visit.page("signed_out.html")
        answer.del_cookie(COOKIE, path="/admin")
        return answer

    async def _choose_language(self, http: web.Request) -> web.StreamResponse:
        language = http.match_info["language"]
        if language not in LANGUAGES:
            raise web.HTTPNotFound
        answer = web.Response(status=303, headers={**HEADERS, "Location": "/admin/"})
        answer.set_cookie(LANGUAGE_COOKIE, language, path="/admin", max_age=YEAR, samesite="Lax", secure=self.secure)
        return answer

    async def _static(self, http: web.Request) -> web.StreamResponse:
        name = http.match_info["name"]
        file = files("gateway.admin") / "static" / name
        suffix = name[name.rfind(".") :]
        if "/" in name or suffix not in TYPES or not file.is_file():
            raise web.HTTPNotFound
        headers = {**HEADERS, "Cache-Control": "no-cache"}
        return web.Response(text=file.read_text(encoding="utf-8"), content_type=TYPES[suffix], headers=headers)


def _guarded(handler: Handler) -> Handler:
    """Have a handler say what can't be read or written just now."""

    async def guarded(http: web.Request) -> web.StreamResponse:
        try:
            return await handler(http)
        except (StoreError, ConfigError, Unreadable) as error:
            return Visit(http=http, language=_language(http)).page("broken.html", status=503, why=str(error))

    return guarded


def _language(http: web.Request) -> str:
    return pick(http.cookies.get(LANGUAGE_COOKIE, ""), http.headers.get("Accept-Language", ""))


def _is_foreign(http: web.Request) -> bool:
    """Say whether a browser tells that another site sent this."""
    return http.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def page_routes(
    site: Site, shown: Sequence[tuple[str, Page]], changes: Sequence[tuple[str, Page]]
) -> list[web.RouteDef]:
    """Give the addresses of pages, and of what changes something."""
    return [
        *(web.get(path, site.show(page)) for path, page in shown),
        *(web.post(path, site.change(page)) for path, page in changes),
    ]
