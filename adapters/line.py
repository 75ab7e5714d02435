"""A LINE official account that customers write to. https://developers.line.biz/en/reference/messaging-api/"""

import base64
import hmac
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import aiohttp
from yarl import URL

from adapters.contract import (
    Capabilities,
    Content,
    Forged,
    Malformed,
    Outbound,
    Question,
    Rejected,
    Request,
    SendError,
    Sent,
    Unauthorised,
    Unavailable,
    Uncertain,
    Unreachable,
)
from adapters.http import an_id, clean, exchange, read_json
from adapters.media import Hosts, fetch, fetch_picture
from adapters.odd import unrecognised
from config.credentials import Field, token_field
from config.settings import ChannelSettings
from routing.contents import File, contact
from routing.events import CustomerDeleted, CustomerLeft, CustomerReturned, CustomerWrote, Event

Json = Mapping[str, Any]
FILES = {"image": "photo", "video": "video", "audio": "audio", "file": "file"}
SILENT = frozenset({"join", "leave", "memberJoined", "memberLeft", "videoPlayComplete", "accountLink", "beacon"})
"""What is no message, and nothing that an agent should see."""


class Line:
    """An official account; `session` carries its calls."""

    kind: ClassVar[str] = "line"
    fields: ClassVar[tuple[Field, ...]] = (
        token_field("channel_secret", "Channel secret", where="LINE Developers: Basic settings"),
        token_field("access_token", "Channel access token", where="LINE Developers: Messaging API"),
        Field(name="api_base", label="API address", default="https://api.line.me"),
        Field(name="data_base", label="Address of files", default="https://api-data.line.me"),
    )
    # https://developers.line.biz/en/docs/messaging-api/text-character-count and …/retrying-api-request
    capabilities: ClassVar[Capabilities] = Capabilities(max_text=5000, remembers=timedelta(hours=24))
    waits_for_calls: ClassVar[bool] = True

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        self.id = settings.id
        self._secret = settings.secrets["channel_secret"]
        self._base = settings.values["api_base"].rstrip("/")
        self._session = session
        self._headers = {"Authorization": f"Bearer {settings.secrets['access_token'].reveal()}"}
        self._hosts = Hosts(URL(settings.values["data_base"]), headers=self._headers)

    def verify(self, request: Request) -> None:
        """Hold LINE's signature against the body."""
        digest = base64.b64encode(hmac.digest(self._secret.reveal().encode(), request.body, "sha256"))
        if not self._secret or not hmac.compare_digest(request.headers.get("x-line-signature", "").encode(), digest):
            raise Forged("wrong or missing signature")

    def parse(self, request: Request) -> Sequence[Event]:
        """Read what people did."""
        body = read_json(request.body)
        if not isinstance(body, dict) or not isinstance(body.get("events"), list):
            raise Malformed("this isn't LINE's: it has no events")
        read = [self._read(each, request.at) for each in body["events"] if _type(each) not in SILENT]
        return list({event.id: event for event in read}.values())

    def _read(self, event: Any, at: datetime) -> Event:
        try:
            source, when = event["source"], datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            to = contact(self.id, an_id(source.get("groupId") or source.get("roomId") or source["userId"]))
            return READERS[event["type"]](event, to, when)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            return unrecognised(self.id, f"line {_type(event) or 'unknown'}", event, at)

    async def send(self, message: Outbound) -> Sent:
        """Send text, by a name by which LINE takes it once however often it comes."""
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, message.order))
        body = {"to": message.peer, "messages": [{"type": "text", "text": message.text}]}
        told = await self._call("POST", "message/push", body, name)
        try:
            return Sent(an_id(told["sentMessages"][0]["id"]))
        except (KeyError, IndexError, TypeError, ValueError):
            return Sent(name)

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch what came with a message."""
        return fetch(self._session, str(self._hosts.base / f"v2/bot/message/{file.ref}/content"), self._hosts)

    async def name_of(self, peer: str) -> str:
        """Ask what a customer is called; groups have no name of their own here."""
        return clean((await self._profile(peer)).get("displayName"))

    @asynccontextmanager
    async def portrait(self, peer: str) -> AsyncIterator[Content]:
        """Fetch the picture of a customer, which is on LINE's own hosts and wants no token."""
        url = clean((await self._profile(peer)).get("pictureUrl"))
        async with fetch_picture(self._session, url, Hosts(self._hosts.base, ("line-scdn.net",))) as content:
            yield content

    async def _profile(self, peer: str) -> Mapping[str, Any]:
        return await self._call("GET", f"profile/{peer}") if peer.startswith("U") else {}

    async def hook(self, url: str) -> None:
        """Have LINE call an address."""
        await self._call("PUT", "channel/webhook/endpoint", {"endpoint": url})

    def questions(self) -> Sequence[Question]:
        """Give what LINE can be asked: whose token it is."""
        return (Question("access_token", ("access_token",), self.probe),)

    async def probe(self) -> str:
        """Ask which account it is."""
        told = await self._call("GET", "info")
        return f"{clean(told.get('displayName')) or '?'} ({clean(told.get('basicId')) or '?'})"

    async def reach(self, url: str) -> None:
        """Have LINE call us, and say what it met. https://developers.line.biz/en/reference/messaging-api/"""
        try:
            told = await self._call("POST", "channel/webhook/test", {})
        except SendError:
            return
        if told.get("success") is False:
            why = clean(told.get("detail")) or clean(told.get("reason")) or f"status {told.get('statusCode')}"
            raise SendError(f"LINE can't call {url}: {why}", "Check gateway.public_url, and what stands before it.")

    async def _call(self, method: str, path: str, body: Json | None = None, name: str = "") -> Json:
        headers = {**self._headers, **({"X-Line-Retry-Key": name} if name else {})}
        call = self._session.request(method, f"{self._base}/v2/bot/{path}", json=body, headers=headers)
        status, _, told = await exchange(call, "LINE")
        if status in (200, 409) and told is not None:
            return told
        raise explain(status, clean((told or {}).get("message")))


def explain(status: int, said: str) -> SendError:
    """Say what a refusal asks us to do. https://developers.line.biz/en/reference/messaging-api/#status-codes"""
    if status == 429 and "You have reached your monthly limit" not in said:
        return Unavailable("LINE asks us to slow down", timedelta(seconds=5))
    if status in (401, 403, 429):
        return Unauthorised(f"LINE refuses it: {said}", "Check the access token, and the account's plan.")
    if status >= 500 or status < 400:
        return Uncertain(f"LINE answered with status {status}")
    gone = status == 400 and said == "Failed to send messages"
    return Unreachable("LINE can't reach this customer") if gone else Rejected(f"LINE refuses it: {said or status}")


def _message(event: Json, to: str, at: datetime) -> Event:
    it = event["message"]
    id_, kind = an_id(it["id"]), an_id(it["type"])
    elsewhere = clean((it.get("contentProvider") or {}).get("originalContentUrl"))
    file = File(ref=id_, kind=FILES.get(kind, ""), name=clean(it.get("fileName")), size=int(it.get("fileSize") or 0))
    where = f"https://maps.google.com/?q={it['latitude']},{it['longitude']}" if kind == "location" else elsewhere
    words = [FILES.get(kind, kind), *(clean(it.get(key)) for key in ("fileName", "title", "address")), where]
    mentioned = (it.get("mention") or {}).get("mentionees") or ()
    return CustomerWrote(
        id=f"{to}:{id_}",
        to=to,
        at=at,
        message=id_,
        text=clean(it["text"]) if kind == "text" else "",
        attachment="" if kind == "text" else f"[{' '.join(filter(None, words))}]",
        files=(file,) if file.kind and not elsewhere else (),
        album=clean((it.get("imageSet") or {}).get("id")),
        reply_to=clean(it.get("quotedMessageId")),
        follows=event["source"]["type"] != "user" and not any(each.get("isSelf") for each in mentioned),
    )


def _postback(event: Json, to: str, at: datetime) -> Event:
    id_, pressed = an_id(event["webhookEventId"]), clean(event["postback"]["data"])
    return CustomerWrote(id=f"{to}:{id_}", to=to, at=at, message=id_, attachment=f"[pressed the button {pressed}]")


READERS: Mapping[str, Callable[[Json, str, datetime], Event]] = {
    "message": _message,
    "postback": _postback,
    "unsend": lambda event, to, at: CustomerDeleted(
        id=f"{to}:{event['unsend']['messageId']}:unsent", to=to, at=at, message=an_id(event["unsend"]["messageId"])
    ),
    "follow": lambda event, to, at: CustomerReturned(id=f"{to}:{an_id(event['webhookEventId'])}", to=to, at=at),
    "unfollow": lambda event, to, at: CustomerLeft(id=f"{to}:{an_id(event['webhookEventId'])}", to=to, at=at),
}


def _type(event: object) -> str:
    return clean(event.get("type")) if isinstance(event, dict) else ""
