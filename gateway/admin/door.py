"""Who may come in: a link that works once, and a session that ends by itself; of either only a digest is kept."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from gateway.store.contract import Beside, Store

LINK, SESSION = "sign_in", "session"
"""The kinds of document that links and sessions are kept as, each under its token's digest."""

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
TRIES, TRIES_WITHIN = 10, timedelta(minutes=1)
"""How often one address may try to come in."""

PATH = "/admin/enter/"


class Link(msgspec.Struct, frozen=True):
    """A way in, for whom and until when."""

    who: str
    until: datetime


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who is in; `proof` stands in each form of theirs, so that no other site can send one.

    `agent` is who came by Slack: they are in as long as they are named as an admin.
    """

    who: str
    until: datetime
    proof: str
    agent: str = ""


_read_link = msgspec.json.Decoder(Link).decode
_read_session = msgspec.json.Decoder(Session).decode
_write = msgspec.json.Encoder().encode


def make_link(beside: Beside, who: str, now: datetime) -> str:
    """Make a sign-in link's path, good once and for LINK_LASTS.

    Raises:
        StoreError: it can't be kept.
    """
    token = secrets.token_urlsafe(32)
    beside.write_docs(LINK, {_digest(token): _write(Link(who, now + LINK_LASTS))})
    return PATH + token


class Door:
    """Lets people in, knows them, and lets them out."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._tries: dict[str, list[datetime]] = {}

    def may_try(self, address: str) -> bool:
        """Say whether somebody may try a link, and count it."""
        since = self._clock() - TRIES_WITHIN
        self._tries = {each: kept for each, at in self._tries.items() if (kept := [one for one in at if one > since])}
        tries = self._tries.setdefault(address, [])
        tries.append(self._clock())
        return len(tries) <= TRIES

    async def leads_in(self, token: str) -> bool:
        """Say whether a link still works; it isn't used up by being looked at."""
        return await self._link(token) is not None

    async def enter(self, token: str) -> tuple[str, Session] | None:
        """Use a link up, and give the session and its token; None where it doesn't work, or has been used."""
        link = await self._link(token)
        if link is None or not await self._store.drop_doc(LINK, _digest(token)):
            return None
        return await self.let_in(link.who)

    async def let_in(self, who: str, *, agent: str = "") -> tuple[str, Session]:
        """Begin a session, and give its token and it."""
        await self._sweep()
        session = Session(who, self._clock() + SESSION_LASTS, secrets.token_urlsafe(32), agent)
        made = secrets.token_urlsafe(32)
        await self._store.put_doc(SESSION, _digest(made), _write(session))
        return made, session

    async def session(self, token: str) -> Session | None:
        """Give whose session it is, None where it is nobody's or over."""
        body = await self._store.get_doc(SESSION, _digest(token)) if token else None
        session = _read_session(body) if body else None
        return session if session and session.until > self._clock() else None

    async def leave(self, token: str) -> None:
        """End a session."""
        await self._store.drop_doc(SESSION, _digest(token))

    async def _link(self, token: str) -> Link | None:
        body = await self._store.get_doc(LINK, _digest(token))
        link = _read_link(body) if body else None
        return link if link and link.until > self._clock() else None

    async def _sweep(self) -> None:
        """Forget what is over."""
        now = self._clock()
        for key, body in (await self._store.docs(LINK)).items():
            if _read_link(body).until <= now:
                await self._store.drop_doc(LINK, key)
        for key, body in (await self._store.docs(SESSION)).items():
            if _read_session(body).until <= now:
                await self._store.drop_doc(SESSION, key)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
