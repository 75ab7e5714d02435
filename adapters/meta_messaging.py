"""What Messenger and Instagram share: both speak of people who message an account.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from adapters.contract import Content, Malformed, Outbound, Request, Sent, Uncertain
from adapters.http import an_id, clean, read_json
from adapters.media import Hosts, fetch, fetch_picture
from adapters.meta import Failures, MetaChannel
from adapters.odd import ELSEWHERE, unrecognised
from config.settings import ChannelSettings
from routing.contents import File, contact
from routing.events import (
    AnsweredElsewhere,
    CustomerDeleted,
    CustomerEdited,
    CustomerWrote,
    Event,
    PlatformNoted,
    ReceiptCame,
    Unrecognised,
)

MEDIA_HOSTS = ("fbcdn.net", "fbsbx.com", "cdninstagram.com")
"""Where the files of Messenger and Instagram are; no token goes there."""

Json = Mapping[str, Any]
BROKEN = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
THUMBS = frozenset({"369239263222822", "369239343222814", "369239383222810"})
LOST = "Another app answers this customer now: what is written here may not reach them until they write again."
BACK = "Dragoman answers this customer again."


def kind_of(message: Outbound) -> dict[str, str]:
    """Say what a message of Messenger or Instagram is: an answer, or a person's after 24 hours."""
    if message.late:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return {"messaging_type": "RESPONSE"}


class MessagingChannel(MetaChannel):
    """What both have in common; `object_` is what Meta calls it, `account` and `access` name its fields."""

    def __init__(
        self,
        settings: ChannelSettings,
        session: aiohttp.ClientSession,
        *,
        object_: str,
        account: str,
        access: str,
        failures: Failures,
    ) -> None:
        super().__init__(settings, session, access=access, failures=failures)
        self._object = object_
        self._account = settings.values[account]
        self._reader = MessagingReader(settings.id, settings.kind, self._account, settings.values["app_id"])
        self._hosts = Hosts(URL(settings.values["api_base"]), media=MEDIA_HOSTS)

    def parse(self, request: Request) -> Sequence[Event]:
        """Read what people and other programs did."""
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("object") != self._object:
            raise Malformed(f"this is another platform's: its object isn't {self._object}")
        return self._reader.read(body, request.at)

    @asynccontextmanager
    async def portrait(self, peer: str) -> AsyncIterator[Content]:
        """Fetch the picture of a customer, by an address that Meta ends after some days."""
        url = clean((await self._graph.get(peer, fields="profile_pic")).get("profile_pic"))
        async with fetch_picture(self._session, url, self._hosts) as content:
            yield content

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch a file from Meta's own hosts, which want no token."""
        return fetch(self._session, file.ref, self._hosts)

    async def deliver(self, path: str, message: Outbound, content: Json) -> Sent:
        """Send a message with some content.

        Raises:
            SendError: what to do next.
        """
        body = {"recipient": {"id": message.peer}, **kind_of(message), "message": content}
        answer = await self._graph.post(path, body)
        if not isinstance(answer.get("message_id"), str):
            raise Uncertain("Meta's answer can't be read")
        return Sent(answer["message_id"])


class MessagingReader:
    """Reads what is for one account; `app` tells our own echoes from others', `object_` is what Meta calls it."""

    def __init__(self, channel: str, object_: str, account: str, app: str) -> None:
        self._channel = channel
        self._object = object_
        self._account = account
        self._app = app

    def read(self, body: Json, at: datetime) -> Sequence[Event]:
        """Read a whole call in the order things happened; what isn't understood comes as Unrecognised."""
        events = [event for entry in _items(body.get("entry")) for event in self._entry(entry, at)]
        return sorted(events, key=lambda event: event.at)

    def _entry(self, entry: Any, at: datetime) -> Iterator[Event]:
        if not isinstance(entry, dict):
            yield self._odd("entry", entry, at)
            return
        if _id(entry.get("id")) != self._account:
            yield self._odd(ELSEWHERE, entry, at)
            return
        for item in _items(entry.get("messaging")):
            yield from self._safely(item, at)
        for item in _items(entry.get("standby")):
            yield self._odd("standby", item, at)
        for change in _items(entry.get("changes")):
            value = change.get("value") if isinstance(change, dict) else None
            if isinstance(value, dict) and "sender" in value and "recipient" in value:
                yield from self._safely(value, at)
            else:
                kind = change.get("field") if isinstance(change, dict) else ""
                yield self._odd(f"change {clean(kind)}".strip(), change, at)

    def _safely(self, item: Any, at: datetime) -> Sequence[Event]:
        kind = next((key for key in _READ if isinstance(item, dict) and item.get(key) is not None), "")
        try:
            return _READ[kind](self, item, _time(item.get("timestamp"), at)) if kind else (self._odd(kind, item, at),)
        except BROKEN:
            return (self._odd(kind, item, at),)

    def _odd(self, kind: str, body: object, at: datetime) -> Unrecognised:
        return unrecognised(self._channel, f"{self._object} {kind or 'unknown'}", body, at)

    def _from(self, item: Json) -> str:
        """Name the mailbox of the customer whom an item is about, whichever side wrote."""
        sender, recipient = (_id((item.get(key) or {}).get("id")) for key in ("sender", "recipient"))
        peer = recipient if sender == self._account else sender
        if not peer or peer == self._account:
            raise ValueError("nobody is named")
        return contact(self._channel, peer)

    # What customers do

    def _message(self, item: Json, at: datetime) -> Sequence[Event]:
        message = item["message"]
        if message.get("is_echo"):
            return self._echo(item, message, at)
        mid, to = an_id(message["mid"]), self._from(item)
        if message.get("is_deleted"):
            return (CustomerDeleted(id=f"{self._channel}:{mid}:deleted", to=to, at=at, message=mid),)
        text, attachment = _content(message)
        reply = message.get("reply_to") or {}
        return (
            CustomerWrote(
                id=f"{self._channel}:{mid}",
                to=to,
                at=at,
                message=mid,
                text=text,
                attachment=attachment,
                files=_files(message),
                entry=_entry(message.get("referral")),
                reply_to=clean(reply.get("mid")),
            ),
        )

    def _postback(self, item: Json, at: datetime) -> Sequence[Event]:
        body = item["postback"]
        words = clean(body.get("title"))
        named = [_referral(body.get("referral")), "" if words else "[pressed a button]"]
        entry = _entry(body.get("referral")) or clean(body.get("payload"))
        return (self._did(item, at, clean(body.get("mid")), words, *named, entry=entry),)

    def _opened(self, item: Json, at: datetime) -> Sequence[Event]:
        named = _referral(item["referral"]) or "[opened the chat]"
        return (self._did(item, at, "", "", named, entry=_entry(item["referral"])),)

    def _reaction(self, item: Json, at: datetime) -> Sequence[Event]:
        body = item["reaction"]
        emoji = clean(body.get("emoji")) or clean(body.get("reaction"))
        took = body.get("action") == "unreact" or not emoji
        said = "[took back their reaction]" if took else f"[reacted {emoji}]"
        return (self._did(item, at, "", "", said, reply_to=clean(body.get("mid"))),)

    def _feedback(self, item: Json, at: datetime) -> Sequence[Event]:
        answers, words = [], []
        for screen in _list(item["messaging_feedback"].get("feedback_screens")):
            for question in screen["questions"].values():
                answers.append(f"{clean(question.get('type'))} {clean(question.get('payload'))}".strip())
                words.append(clean((question.get("follow_up") or {}).get("payload")))
        return (self._did(item, at, "", "\n".join(filter(None, words)), f"[feedback: {', '.join(answers)}]"),)

    def _thumbs(self, item: Json, at: datetime) -> Sequence[Event]:
        body = item["response_feedback"]
        said = f"[feedback: {clean(body.get('feedback')) or 'none'}]"
        return (self._did(item, at, "", "", said, reply_to=clean(body.get("mid"))),)

    def _did(
        self, item: Json, at: datetime, mid: str, text: str, *named: str, reply_to: str = "", entry: str = ""
    ) -> CustomerWrote:
        """Say that a customer did something; without an id of Meta's, what was done and when is its id."""
        digest = blake2b(msgspec.json.encode(item, order="deterministic"), digest_size=12).hexdigest()
        message = mid or f"did:{digest}"
        return CustomerWrote(
            id=f"{self._channel}:{message}",
            to=self._from(item),
            at=at,
            message=message,
            text=text,
            attachment=" ".join(filter(None, named)),
            reply_to=reply_to,
            entry=entry,
        )

    def _edit(self, item: Json, at: datetime) -> Sequence[Event]:
        body = item["message_edit"]
        mid, text = an_id(body["mid"]), clean(body.get("text"))
        return (
            CustomerEdited(
                id=f"{self._channel}:{mid}:edit:{clean(str(body.get('num_edit', '')))}",
                to=self._from(item),
                at=at,
                message=mid,
                text=text,
                attachment="" if text else "[empty message]",
            ),
        )

    # What became of ours, and who else answers

    def _echo(self, item: Json, message: Json, at: datetime) -> Sequence[Event]:
        mid, to = an_id(message["mid"]), self._from(item)
        order, _, mailbox = clean(message.get("metadata")).partition("@")
        if mailbox.startswith(f"{self._channel}/"):
            id_ = f"{self._channel}:{mid}:sent"
            return (ReceiptCame(id=id_, to=mailbox, at=at, message=mid, state="sent", outbox=order),)
        if _id(message.get("app_id")) == self._app:
            return ()
        text, attachment = _content(message)
        return (
            AnsweredElsewhere(id=f"{self._channel}:{mid}", to=to, at=at, message=mid, text=text, attachment=attachment),
        )

    def _read(self, item: Json, at: datetime) -> Sequence[Event]:
        body = item["read"]
        until = _time(body.get("watermark"), at)
        mid = clean(body.get("mid"))
        id_ = f"{self._channel}:{self._from(item)}:read:{mid or int(until.timestamp() * 1000)}"
        return (ReceiptCame(id=id_, to=self._from(item), at=at, message=mid, state="read", until=until),)

    def _nothing(self, item: Json, at: datetime) -> Sequence[Event]:
        return ()

    def _control(self, item: Json, at: datetime) -> Sequence[Event]:
        kind = next(key for key in ("pass_thread_control", "take_thread_control") if item.get(key) is not None)
        owner = _id(item[kind].get("new_owner_app_id"))
        to = self._from(item)
        id_ = f"{self._channel}:{to}:{kind}:{int(at.timestamp() * 1000)}"
        return (PlatformNoted(id=id_, to=to, at=at, text=BACK if owner == self._app else LOST),)

    def _optin(self, item: Json, at: datetime) -> Sequence[Event]:
        to = self._from(item)
        title = clean(item["optin"].get("title") or item["optin"].get("ref"))
        text = f"The customer agreed to get messages{f': {title}' if title else ''}."
        return (PlatformNoted(id=f"{self._channel}:{to}:optin:{int(at.timestamp() * 1000)}", to=to, at=at, text=text),)

    def _policy(self, item: Json, at: datetime) -> Sequence[Event]:
        return (self._odd(f"policy enforcement: {clean(item['policy_enforcement'].get('action'))}", item, at),)


_READ: Mapping[str, Callable[[MessagingReader, Json, datetime], Sequence[Event]]] = {
    "message": MessagingReader._message,
    "postback": MessagingReader._postback,
    "referral": MessagingReader._opened,
    "reaction": MessagingReader._reaction,
    "message_edit": MessagingReader._edit,
    "read": MessagingReader._read,
    "delivery": MessagingReader._nothing,
    "optin": MessagingReader._optin,
    "pass_thread_control": MessagingReader._control,
    "take_thread_control": MessagingReader._control,
    "request_thread_control": MessagingReader._nothing,
    "app_roles": MessagingReader._nothing,
    "policy_enforcement": MessagingReader._policy,
    "messaging_feedback": MessagingReader._feedback,
    "response_feedback": MessagingReader._thumbs,
    "account_linking": MessagingReader._nothing,  # it brings a secret, which must not be kept
}
"""What an item tells, by the key that it has."""


def _content(message: Json) -> tuple[str, str]:
    """Give the words, and name what isn't words."""
    words = clean(message.get("text"))
    named = [_referral(message.get("referral")), _story(message.get("reply_to"))]
    attachments = [each for each in _list(message.get("attachments")) if isinstance(each, dict)]
    stickers = any(each.get("type") == "sticker" for each in attachments)
    shown: set[str] = set()
    for each in attachments:
        url = _url(each)
        if (url and url in shown) or (stickers and each.get("type") == "image"):
            continue
        shown.add(url)
        named.append(_attachment(each, url))
    if not words.strip() and not any(named):
        named.append("[unsupported message]")
    return words, " ".join(filter(None, named))


def _files(message: Json) -> tuple[File, ...]:
    """Give the files that a message brings; a sticker may come as a photo too, and stories aren't ours to keep."""
    attachments = [each for each in _list(message.get("attachments")) if isinstance(each, dict)]
    stickers = any(each.get("type") == "sticker" for each in attachments)
    kept: dict[str, File] = {}
    for each in attachments:
        kind, url = _FILES.get(clean(each.get("type")), ""), _url(each)
        if kind and url and not (stickers and kind == "photo"):
            kept.setdefault(url, File(ref=url, kind=kind))
    return tuple(kept.values())


_FILES = {"image": "photo", "video": "video", "audio": "audio", "file": "file", "sticker": "sticker"}


def _story(reply: Any) -> str:
    story = reply.get("story") if isinstance(reply, dict) else None
    return f"[answers our story{_title(_link(story.get('url')))}]" if isinstance(story, dict) else ""


def _entry(referral: Any) -> str:
    return clean(referral.get("ref")) if isinstance(referral, dict) else ""


def _referral(referral: Any) -> str:
    if not isinstance(referral, dict):
        return ""
    ad = referral.get("ads_context_data")
    product = referral.get("product")
    if isinstance(product, dict):
        return f"[about the product{_title(clean(str(product.get('id', ''))))}]"
    if referral.get("source") == "ADS" or isinstance(ad, dict):
        return f"[came from an ad{_title(clean(ad.get('ad_title')) if isinstance(ad, dict) else '', ':')}]"
    return f"[opened the chat{_title(clean(referral.get('ref')), ':')}]"


def _attachment(it: Json, url: str) -> str:
    kind = clean(it.get("type"))
    inner = it.get("payload")
    payload = inner if isinstance(inner, dict) else {}
    title = clean(payload.get("title") or it.get("title"))
    say = _KINDS.get(kind)
    return say(payload, title, url) if say else f"[unsupported attachment: {kind or 'unknown'}]"


def _sticker(it: Json, title: str, url: str) -> str:
    return "[sticker 👍]" if _id(it.get("sticker_id")) in THUMBS else "[sticker]"


def _location(it: Json, title: str, url: str) -> str:
    where = it.get("coordinates") or {}
    return f"[location https://maps.google.com/?q={where.get('lat')},{where.get('long')}]"


def _shared(name: str) -> Callable[[Json, str, str], str]:
    return lambda it, title, url: f"[{name}{_title(title)}{_title(url)}]"


def _named(name: str) -> Callable[[Json, str, str], str]:
    return lambda it, title, url: f"[{name}]"


def _fallback(it: Json, title: str, url: str) -> str:
    return f"[shared{_title(title)}{_title(url)}]" if title or url else "[unsupported attachment]"


_KINDS: Mapping[str, Callable[[Json, str, str], str]] = {
    "image": _named("photo"),
    "video": _named("video"),
    "audio": _named("audio"),
    "file": _named("file"),
    "sticker": _sticker,
    "location": _location,
    "like_heart": _named("❤️"),
    "ephemeral": _named("disappearing photo or video: only the app shows it"),
    "story_mention": _shared("mentioned us in a story"),
    "ig_story": _shared("shared a story"),
    "appointment_booking": lambda it, title, url: f"[appointment: {clean(it.get('status')) or 'booked'}]",
    "reel": _shared("shared a reel"),
    "ig_reel": _shared("shared a reel"),
    "share": _shared("shared a post"),
    "post": _shared("shared a post"),
    "ig_post": _shared("shared a post"),
    "fallback": _fallback,
    "template": _fallback,
}
"""How an attachment is named, given its payload, its title and its address."""


def _url(it: Json) -> str:
    payload = it.get("payload")
    inner = payload.get("url") or payload.get("story_media_url") if isinstance(payload, dict) else ""
    return _link(inner or it.get("url"))


def _link(url: object) -> str:
    """Give an address of the web; a reel's may lack its host, and a shared file's may be a path on a disk."""
    text = clean(url)
    if text.startswith("/"):
        return f"https://www.facebook.com{text}"
    return text if text.startswith(("https://", "http://")) else ""


def _title(text: str, mark: str = "") -> str:
    return f"{mark} {text}" if text else ""


def _id(value: object) -> str:
    return clean(value) if isinstance(value, str) else str(value) if type(value) is int and value >= 0 else ""


def _time(value: object, at: datetime) -> datetime:
    """Read milliseconds, or seconds where it is too small for those."""
    number = int(value) if type(value) is int or (isinstance(value, str) and value.isdecimal()) else 0
    seconds = number / 1000 if number >= 10**12 else number
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**33 else at


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _items(value: object) -> Sequence[Any]:
    """Give a list's items; what should be a list and isn't is an item, to be kept as odd."""
    return value if isinstance(value, list) else () if value is None else (value,)
