"""What Slack tells of people who are customers: which of a workspace's messages are for us.

https://docs.slack.dev/reference/events/message
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.http import an_id, clean
from adapters.odd import unrecognised
from adapters.slack_text import read_files, read_message
from routing.contents import contact
from routing.events import AnsweredElsewhere, CustomerDeleted, CustomerEdited, CustomerWrote, Event, Unrecognised

WRITTEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
DIRECT = frozenset({"im", "mpim"})
US = "dragoman"
Json = Mapping[str, Any]


class GuestReader:
    """Reads what people do where the app is; `channel` is the channel's id in the configuration."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def callback(self, body: Json, at: datetime, *, colleagues: Collection[str] = ()) -> Sequence[Event]:
        """Read an event_callback; what isn't for us gives nothing."""
        event = body.get("event")
        if not isinstance(event, dict):
            return (self._odd(body, "no event", at),)
        try:
            if event.get("type") == "app_mention":
                return self._message(body, {**event, "channel_type": "channel"}, at, colleagues, called=True)
            if event.get("type") == "message":
                return self._message(body, event, at, colleagues)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return (self._odd(body, clean(event.get("type")), at),)
        return ()

    def _message(
        self, body: Json, event: Json, at: datetime, colleagues: Collection[str], *, called: bool = False
    ) -> Sequence[Event]:
        subtype = event.get("subtype") or ""
        inner = {"message_changed": "message", "message_deleted": "previous_message"}.get(subtype)
        message = event[inner] if inner else event
        if not isinstance(message, dict) or _is_machine(message) or (message.get("subtype") or "") not in WRITTEN:
            return ()
        where, thread = an_id(event["channel"]), clean(message.get("thread_ts"))
        direct = event.get("channel_type") in DIRECT
        to = contact(self._channel, where if direct else f"{where}:{thread or an_id(message['ts'])}")
        colleague = message["user"] in colleagues
        if direct and colleague:
            return ()
        if inner:
            return self._changed(event, message, to, at, follows=not direct)
        us = _bot(body)
        called = called or (bool(us) and f"<@{us}" in str(message.get("text")))
        if direct or called or _is_outside(body, message):
            address = f"{where}:{thread}" if direct and thread else ""
            one = event.get("channel_type") == "im"
            return (self._wrote(message, to, us, at, address=address, author="" if one else message["user"]),)
        if not thread:
            return ()
        if colleague or body.get("is_ext_shared_channel") is True:
            return (self._answered(message, to, us, at),)
        return (self._wrote(message, to, us, at, follows=True, author=message["user"]),)

    def _wrote(
        self,
        message: Json,
        to: str,
        us: str,
        at: datetime,
        *,
        author: str,
        address: str = "",
        follows: bool = False,
    ) -> CustomerWrote:
        ts, name = an_id(message["ts"]), _name(message)
        text, attachment = _content(message, us)
        return CustomerWrote(
            id=f"{to}:{ts}{':follow' if follows else ''}",
            to=to,
            at=_time(ts, at),
            message=ts,
            text=text,
            attachment=attachment,
            files=read_files(message),
            name=name,
            author="" if name else author,
            address=address,
            follows=follows,
        )

    def _answered(self, message: Json, to: str, us: str, at: datetime) -> AnsweredElsewhere:
        """What a colleague of ours writes in a customer's thread, without the desk."""
        ts = an_id(message["ts"])
        text, attachment = _content(message, us)
        return AnsweredElsewhere(
            id=f"{to}:{ts}:us", to=to, at=_time(ts, at), message=ts, text=text, attachment=attachment
        )

    def _changed(self, event: Json, message: Json, to: str, at: datetime, *, follows: bool) -> Sequence[Event]:
        ts, when = an_id(message["ts"]), _time(event.get("ts"), at)
        if event["subtype"] == "message_deleted":
            return (CustomerDeleted(id=f"{to}:{ts}:deleted", to=to, at=when, message=ts),)
        edited = clean((message.get("edited") or {}).get("ts"))
        before = event.get("previous_message") or {}
        if edited == clean((before.get("edited") or {}).get("ts")):
            return ()
        text, attachment = _content(message, "")
        return (
            CustomerEdited(
                id=f"{to}:{ts}:{edited}",
                to=to,
                at=when,
                message=ts,
                text=text,
                attachment=attachment,
                follows=follows,
            ),
        )

    def _odd(self, body: Json, kind: str, at: datetime) -> Unrecognised:
        return unrecognised(self._channel, f"slack {kind}", body, at, name=clean(body.get("event_id")))


def _bot(body: Json) -> str:
    """Give our own user's id: the one for whom the event was sent."""
    authorizations = body.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else {}
    return clean(first.get("user_id")) if isinstance(first, dict) and first.get("is_bot") else ""


def _is_outside(body: Json, message: Json) -> bool:
    """Say whether somebody of another workspace wrote it in a channel that is shared with theirs."""
    team = message.get("user_team") or message.get("source_team") or message.get("team")
    ours = body.get("context_team_id") or body.get("team_id")
    return body.get("is_ext_shared_channel") is True and bool(team) and bool(ours) and team != ours


def _is_machine(message: Json) -> bool:
    return bool(message.get("bot_id") or message.get("bot_profile")) or message.get("user") in (None, "", "USLACKBOT")


def _content(message: Json, us: str) -> tuple[str, str]:
    """Give the words, without the call by which they begin, and name what isn't words."""
    words, _, _ = read_message(message, lambda user: US if user == us else "")
    called = words.startswith(f"@{US}")
    text = re.sub(rf"^@{US}\b[\s:,]*", "", words)
    files = _files(message.get("files"))
    return text, files or ("" if text else "[called us]" if called else "[empty message]")


def _name(message: Json) -> str:
    profile = message.get("user_profile")
    return clean(profile.get("display_name") or profile.get("real_name")) if isinstance(profile, dict) else ""


def _files(files: object) -> str:
    named = [clean(each.get("name")) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return " ".join(f"[file {name}]" if name else "[file]" for name in named)


def _time(ts: object, at: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(str(ts)), UTC)
    except (ValueError, OverflowError, OSError):
        return at
