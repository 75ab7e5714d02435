"""What platforms call: by the time they read 200, what they told is on disk."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from adapters.contract import Asked, Challenged, Channel, Forged, Malformed, Request
from adapters.desk import Desk
from adapters.odd import ELSEWHERE
from gateway.heard import Heard
from gateway.measures import RECEIVED, REFUSED, count
from gateway.store.contract import Store, StoreError
from routing.contents import channel_of
from routing.events import CustomerWrote, Event, Unrecognised

CHANNELS: web.AppKey[Mapping[str, Channel]] = web.AppKey("channels")
DESK: web.AppKey[Desk] = web.AppKey("desk")
STORE: web.AppKey[Store] = web.AppKey("store")
HEARD: web.AppKey[Heard] = web.AppKey("heard")

MAX_BODY = 3 * 1024 * 1024
"""Bytes a call may bring; Meta's largest batch is 3 MB."""

DESK_NAME = "desk"
"""What logs, measures and what was heard call the desk's Slack."""

RETRY_AFTER = "5"
log = logging.getLogger("dragoman.webhooks")


def routes() -> list[web.RouteDef]:
    """Give the addresses that platforms call."""
    return [
        web.get("/webhooks/{channel}", challenge),
        web.post("/webhooks/{channel}", receive),
        web.post("/slack/events", receive_desk),
    ]


async def challenge(http: web.Request) -> web.Response:
    """Answer a platform's handshake: the challenge as plain text, else 403."""
    channel = _channel(http)
    if not isinstance(channel, Challenged):
        raise web.HTTPForbidden
    try:
        return web.Response(text=channel.challenge(await _request(http)))
    except Forged as error:
        raise web.HTTPForbidden from error


def shorten(runner: web.AppRunner, app: web.Application) -> None:
    """Let calls of the channels' platforms reach `take` before they are routed, which is a fifth of what one costs."""
    channels, store, heard = app[CHANNELS], app[STORE], app[HEARD]
    if (server := runner.server) is None:
        raise RuntimeError("the runner has to be set up first")
    route = server.request_handler

    async def serve(http: web.BaseRequest) -> web.StreamResponse:
        channel = channels.get(http.path.removeprefix("/webhooks/"))
        if channel is None or http.method != "POST" or "Expect" in http.headers:
            return await route(http)
        return await take(http, channel, channels, store, heard)

    server.request_handler = serve


async def receive(http: web.Request) -> web.Response:
    """Take a webhook call that was routed."""
    return await take(http, _channel(http), http.app[CHANNELS], http.app[STORE], http.app[HEARD])


async def take(
    http: web.BaseRequest, channel: Channel, channels: Mapping[str, Channel], store: Store, heard: Heard
) -> web.Response:
    """Take one webhook call; by the time we answer 200, its events are on disk."""
    request = await _request(http)
    try:
        channel.verify(request)
        events = channel.parse(request)
    except Forged as error:
        heard.note_refused(channel.id, str(error))
        raise _refused(web.HTTPUnauthorized(), channel.id, error) from error
    except Malformed as error:
        heard.note_refused(channel.id, str(error))
        raise _refused(web.HTTPBadRequest(text=str(error)), channel.id, error) from error
    except Asked as asked:
        return web.json_response(asked.answer)
    if any(map(_is_elsewhere, events)):
        events = await _share(request, channel, channels, store, events)
    await keep(store, channel.id, events)
    heard.note(channel.id)
    return web.Response()


async def _share(
    request: Request, channel: Channel, channels: Mapping[str, Channel], store: Store, events: Sequence[Event]
) -> Sequence[Event]:
    """Have other channels take what is for their accounts, and give the rest: Meta's apps have one address for all."""
    known = {_item(event) for event in events}
    nobodys = {_item(event) for event in events if _is_elsewhere(event)}
    for other in [each for each in channels.values() if each.kind == channel.kind and each is not channel]:
        with contextlib.suppress(Forged):
            other.verify(request)
            theirs = other.parse(request)
            nobodys &= {_item(event) for event in theirs if _is_elsewhere(event)}
            await keep(
                store, other.id, [each for each in theirs if not _is_elsewhere(each) and _item(each) not in known]
            )
    return [event for event in events if not _is_elsewhere(event) or _item(event) in nobodys]


def _is_elsewhere(event: Event) -> bool:
    return isinstance(event, Unrecognised) and event.kind.endswith(ELSEWHERE)


def _item(event: Event) -> str:
    """Name an item of a call whichever channel has read it."""
    return event.id.partition(":")[2]


async def receive_desk(http: web.Request) -> web.Response:
    """Take one call of the desk's Slack: an event, or something pressed, typed or submitted."""
    desk = http.app[DESK]
    request = await _request(http)
    try:
        desk.verify(request)
        if http.content_type == "application/x-www-form-urlencoded":
            return await _interact(desk, request)
        if (challenge := desk.challenge(request)) is not None:
            return web.json_response({"challenge": challenge})
        events = desk.parse(request)
    except Forged as error:
        raise _refused(web.HTTPUnauthorized(), DESK_NAME, error) from error
    except Malformed as error:
        raise _refused(web.HTTPBadRequest(text=str(error)), DESK_NAME, error) from error
    await keep_desk(http.app[STORE], http.app[HEARD], events)
    return web.Response()


async def keep_desk(store: Store, heard: Heard, events: Sequence[Event]) -> None:
    """Have the store take what the desk's Slack told, which may be what customers wrote there."""
    await keep(store, DESK_NAME, events)
    for source in {DESK_NAME, *(channel_of(event.to) for event in events if isinstance(event, CustomerWrote))}:
        heard.note(source)


async def keep(store: Store, source: str, events: Sequence[Event]) -> None:
    """Have the store take events, or tell the platform to send them again."""
    if not events:
        return
    try:
        fresh = await store.append(events)
    except StoreError as error:
        log.error("webhook.store_failed", extra={"channel": source, "error": str(error)})
        raise web.HTTPServiceUnavailable(headers={"Retry-After": RETRY_AFTER}) from error
    for event, is_new in zip(events, fresh, strict=True):
        kind = "duplicate" if not is_new else type(event).__name__
        count(RECEIVED, source, kind)
        if isinstance(event, Unrecognised):
            log.info("webhook.unrecognised", extra={"channel": source, "kind": event.kind, "event_id": event.id})


async def keep_trying(store: Store, source: str, events: Sequence[Event]) -> None:
    """Have the store take events that no platform waits to send again."""
    while True:
        try:
            return await keep(store, source, events)
        except web.HTTPServiceUnavailable:
            await asyncio.sleep(1)


async def _interact(desk: Desk, request: Request) -> web.Response:
    status, body = await desk.interact(request.body)
    if status != 200:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": RETRY_AFTER})
    return web.json_response(body) if isinstance(body, dict) else web.Response(text=body)


def _channel(http: web.Request) -> Channel:
    channel = http.app[CHANNELS].get(http.match_info["channel"])
    if channel is None:
        raise web.HTTPNotFound
    return channel


async def _request(http: web.BaseRequest) -> Request:
    """Read a call whole; aiohttp answers 413 for one that is too large."""
    try:
        body = await http.read()
    except ConnectionResetError as error:
        raise web.HTTPBadRequest(text="the call broke off") from error
    return Request(headers=http.headers, query=http.query, body=body, at=datetime.now(UTC))


def _refused(answer: web.HTTPException, source: str, error: Exception) -> web.HTTPException:
    count(REFUSED, source, str(answer.status))
    log.warning("webhook.refused", extra={"channel": source, "status": answer.status, "error": str(error)})
    return answer
