"""Coming in by Slack: agents who are named as admins need no link."""

import hmac
import secrets

from aiohttp import web

from adapters.contract import SendError
from adapters.http import open_session
from adapters.slack_sign_in import SlackSignIn
from gateway.admin.running import Running
from gateway.admin.site import Site

PATH = "/admin/slack"
COOKIE = "dragoman_slack"
"""What a browser keeps between leaving for Slack and coming back: nobody else can finish what it began."""

WITHIN = 600
"""Seconds that signing in may take."""


class SlackDoor:
    """Sends people to Slack to say who they are, and lets in who may come."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self, site: Site) -> list[web.RouteDef]:
        """Give the addresses that anybody may ask for."""

        async def leave(http: web.Request) -> web.StreamResponse:
            return await self._leave(http, site)

        async def come_back(http: web.Request) -> web.StreamResponse:
            return await self._come_back(http, site)

        return [web.get(PATH, site.open(leave)), web.get(f"{PATH}/back", site.open(come_back))]

    async def _leave(self, http: web.Request, site: Site) -> web.StreamResponse:
        visit, way = await site.visit(http), self._way()
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        answer = visit.leave_for_elsewhere(way.address(state, nonce))
        answer.set_cookie(
            COOKIE,
            f"{state}.{nonce}",
            path=PATH,
            max_age=WITHIN,
            httponly=True,
            samesite="Lax",
            secure=site.secure,
        )
        return answer

    async def _come_back(self, http: web.Request, site: Site) -> web.StreamResponse:
        visit, way = await site.visit(http), self._way()
        if not site.door.may_try(http.remote or ""):
            return visit.page("too_often.html", status=429)
        state, _, nonce = http.cookies.get(COOKIE, "").partition(".")
        if not state or not hmac.compare_digest(state.encode(), http.query.get("state", "").encode()):
            return visit.page("signed_out.html", status=403, refused="this sign-in wasn't begun in this browser")
        try:
            async with open_session() as session:
                agent = await way.who(http.query.get("code", ""), nonce, session)
        except SendError as error:
            return visit.page("signed_out.html", status=403, refused=f"{error}. {error.advice}".strip())
        known = self._running.settings.policy.agent(agent)
        if known is None or not known.admin:
            told = f"{agent} isn't named as an admin: `admin = true` under [[agents]], or in the console, names one"
            return visit.page("signed_out.html", status=403, refused=told)
        answer = await site.let_in(visit, known.name, agent=agent)
        answer.del_cookie(COOKIE, path=PATH)
        return answer

    def _way(self) -> SlackSignIn:
        settings = self._running.settings
        if not settings.slack_sign_in:
            raise web.HTTPNotFound
        return SlackSignIn(
            client_id=settings.desk.client_id,
            client_secret=settings.desk.client_secret,
            bot_token=settings.desk.bot_token,
            api_base=settings.desk.api_base,
            back=f"{settings.gateway.public_url}{PATH}/back",
        )
