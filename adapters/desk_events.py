"""What the desk's Slack tells: replies, edits and presses in conversations' threads. https://docs.slack.dev/apis/events-api/"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.desk_forms import read_form
from adapters.http import clean
from adapters.odd import unrecognised
from adapters.places import Places
from adapters.slack_text import read_files, read_message
from routing.contents import thread
from routing.events import AgentEdited, AgentPressed, AgentWrote, Event, Unrecognised
from routing.policy import Policy

WRITTEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
"""The subtypes of what a person writes; all others are Slack's own notes or ours."""

KNOWN = frozenset(
    {
        "message",
        "app_mention",
        "app_home_opened",
        "app_uninstalled",
        "app_rate_limited",
        "channel_archive",
        "channel_id_changed",
        "channel_rename",
        "member_joined_channel",
        "member_left_channel",
        "reaction_added",
        "reaction_removed",
        "tokens_revoked",
        "user_change",
        "team_join",
        "file_shared",
        "file_created",
        "file_change",
        "file_deleted",
    }
)
Json = Mapping[str, Any]
Guests = Callable[[Json, datetime], Sequence[Event]]
"""Reads an event of the desk's app in another channel than the desk's: customers may write there."""

_CALLS = re.compile(r"\s*@[^\W\d_]")
"""How a text begins that is for a colleague, mentioned or typed by hand."""


class DeskReader:
    """Reads what happens in the desk's channels; `policy` names the agents, `guests` reads what happens elsewhere."""

    def __init__(self, places: Places, policy: Policy, guests: Guests) -> None:
        self._guests = guests
        self._places = places
        self._policy = policy
        self._called = re.compile(
            "@(" + "|".join(re.escape(agent.name) for agent in policy.agents) + r")\b", re.IGNORECASE
        )

    def names(self, user: str) -> str:
        """Name an agent."""
        agent = self._policy.agent(user)
        return agent.name if agent else ""

    def callback(self, body: Json, at: datetime) -> Sequence[Event]:
        """Read an event_callback; what has nothing to do with a thread of ours gives nothing."""
        event = body.get("event")
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return (self._unrecognised(body, "no event", at),)
        try:
            if event["type"] == "message" and event.get("channel") in self._places.all:
                return self._message(event, at)
            if event["type"] in ("message", "app_mention") and event.get("channel") not in self._places.all:
                return self._guests(body, at)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return (self._unrecognised(body, "message", at),)
        return () if event["type"] in KNOWN else (self._unrecognised(body, event["type"], at),)

    def interacted(self, body: Json, at: datetime) -> Sequence[Event]:
        """Read what an agent did with a button, a form or a message's menu."""
        kind = clean(body.get("type"))
        read = {"block_actions": self._pressed, "message_action": self._chose, "view_submission": self._filled}
        try:
            return read[kind](body, at) if kind in read else ()
        except (KeyError, TypeError, ValueError, AttributeError):
            return (self._unrecognised(body, kind, at),)

    def _filled(self, body: Json, at: datetime) -> Sequence[Event]:
        return read_form(body, self._places, at)

    def _chose(self, body: Json, at: datetime) -> Sequence[Event]:
        """Read a choice from a message's menu: its name is an action on that message."""
        message, channel = body["message"], body["channel"]["id"]
        if channel not in self._places.all or not message.get("thread_ts"):
            return ()
        place = self._places.name(channel, clean(message["ts"]))
        return (
            AgentPressed(
                id=f"desk:menu:{channel}:{body['trigger_id']}",
                to=thread(channel, message["thread_ts"]),
                at=at,
                agent=clean(body["user"]["id"]),
                action=clean(body["callback_id"]),
                value=place,
                message=place,
                trigger=clean(body["trigger_id"]),
            ),
        )

    def _pressed(self, body: Json, at: datetime) -> Sequence[Event]:
        container = body.get("container") or {}
        message = body.get("message") or {}
        root = message.get("thread_ts") or container.get("thread_ts") or container.get("message_ts")
        channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
        if channel not in self._places.all or not root:
            return ()
        return tuple(
            AgentPressed(
                id=f"desk:press:{channel}:{container.get('message_ts')}:{action['action_id']}:{action['action_ts']}",
                to=thread(channel, root),
                at=at,
                agent=clean(body["user"]["id"]),
                action=clean(action["action_id"]).partition(":")[0],
                value=clean(action.get("value") or (action.get("selected_option") or {}).get("value")),
                message=self._places.name(channel, clean(container.get("message_ts"))),
                trigger=clean(body.get("trigger_id")),
            )
            for action in body.get("actions") or ()
        )

    def _message(self, event: Json, at: datetime) -> Sequence[Event]:
        subtype = event.get("subtype") or ""
        if subtype == "message_changed":
            return self._changed(event)
        if subtype == "message_deleted":
            return self._deleted(event)
        if subtype not in WRITTEN or _is_machine(event) or not _in_thread(event):
            return ()
        text, mentions, begins = read_message(event, self.names)
        channel = event["channel"]
        return (
            AgentWrote(
                id=f"desk:{channel}:{event['ts']}",
                to=thread(channel, event["thread_ts"]),
                at=_time(event["ts"], at),
                agent=clean(event["user"]),
                message=self._places.name(channel, clean(event["ts"])),
                text=text,
                mentions=mentions or self._named(text),
                addressed=begins or bool(_CALLS.match(text)),
                attached=read_files(event),
            ),
        )

    def _named(self, text: str) -> tuple[str, ...]:
        """Find the agents whom a text names by hand, `@Ben`, in order."""
        ids = {agent.name.casefold(): agent.id for agent in self._policy.agents}
        return tuple(ids[found.casefold()] for found in self._called.findall(text)) if ids else ()

    def _changed(self, event: Json) -> Sequence[Event]:
        new, old = event["message"], event.get("previous_message") or {}
        edited = (new.get("edited") or {}).get("ts", "")
        same = edited == (old.get("edited") or {}).get("ts", "")
        if _is_machine(new) or not _in_thread(new) or same or (new.get("subtype") or "") not in WRITTEN:
            return ()
        text, _, _ = read_message(new, self.names)
        channel = event["channel"]
        return (
            AgentEdited(
                id=f"desk:{channel}:{new['ts']}:{edited}",
                to=thread(channel, new["thread_ts"]),
                at=_time(event.get("ts", ""), _time(new["ts"], datetime.now(UTC))),
                agent=clean(new["user"]),
                message=self._places.name(channel, clean(new["ts"])),
                text=text,
            ),
        )

    def _deleted(self, event: Json) -> Sequence[Event]:
        old = event.get("previous_message") or {}
        if _is_machine(old) or not _in_thread(old):
            return ()
        channel = event["channel"]
        return (
            AgentEdited(
                id=f"desk:{channel}:{old['ts']}:deleted",
                to=thread(channel, old["thread_ts"]),
                at=_time(event.get("ts", ""), _time(old["ts"], datetime.now(UTC))),
                agent=clean(old["user"]),
                message=self._places.name(channel, clean(old["ts"])),
                deleted=True,
            ),
        )

    def _unrecognised(self, body: Json, kind: str, at: datetime) -> Unrecognised:
        return unrecognised("desk", f"slack {kind}", body, at, name=clean(body.get("event_id")))


def _is_machine(message: Json) -> bool:
    return bool(message.get("bot_id") or message.get("bot_profile") or message.get("app_id")) or message.get(
        "user"
    ) in (None, "", "USLACKBOT")


def _in_thread(message: Json) -> bool:
    root = message.get("thread_ts")
    return bool(root) and root != message.get("ts")


def _time(ts: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, TypeError, OverflowError):
        return otherwise
