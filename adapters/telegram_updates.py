"""What Telegram's updates mean. https://core.telegram.org/bots/api#update"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.http import clean
from adapters.odd import unrecognised
from routing.contents import File, contact
from routing.events import CustomerDeleted, CustomerEdited, CustomerLeft, CustomerReturned, CustomerWrote, Event

WANTED = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
)
"""The kinds of updates that we ask for; Telegram remembers the last list, so it is always sent."""

NOISE = frozenset({"channel_post", "edited_channel_post", "business_connection", "chat_member", "poll"})
SERVICE = frozenset(
    {
        "left_chat_member",
        "new_chat_members",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "group_chat_created",
        "supergroup_chat_created",
        "pinned_message",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "message_auto_delete_timer_changed",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "video_chat_started",
        "video_chat_ended",
    }
)
Json = Mapping[str, Any]


def read_update(update: Json, channel: str, bot: str, at: datetime) -> Sequence[Event]:
    """Say what an update tells; one whose parts aren't as they should be comes as Unrecognised."""
    name = f"{bot}:{update.get('update_id')}"
    id_ = f"{channel}:{name}"
    kind = next((key for key in update if key != "update_id"), "")
    try:
        if (read := _read(kind, update, id_, channel, at)) is not None:
            return read
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        pass
    return (unrecognised(channel, f"telegram {kind or 'empty'}", update, at, name=name),)


def _read(kind: str, update: Json, id_: str, channel: str, at: datetime) -> Sequence[Event] | None:
    """Read an update of a kind that we know; None for one that we don't."""
    body: Any = update.get(kind)
    match kind:
        case "message" | "business_message":
            return _message(body, id_, channel, at)
        case "edited_message" | "edited_business_message":
            return _edited(body, id_, channel, at)
        case "deleted_business_messages":
            to = contact(channel, _peer(body))
            return tuple(
                CustomerDeleted(id=f"{id_}:{message}", to=to, at=at, message=str(message))
                for message in body["message_ids"]
            )
        case "my_chat_member":
            return _member(body, id_, channel, at)
        case "message_reaction":
            return _reaction(body, id_, channel, at)
        case "callback_query":
            return _callback(body, id_, channel, at)
    return () if kind in NOISE else None


def _message(message: Any, id_: str, channel: str, at: datetime) -> Sequence[Event]:
    if _is_noise(message):
        return ()
    text, attachment = _content(message)
    if not text and not attachment:
        attachment = "[unsupported message]"
    reply = message.get("reply_to_message")
    quoted = reply if isinstance(reply, dict) and "forum_topic_created" not in reply else {}
    if quoted.get("message_id") == message.get("message_thread_id"):
        quoted = {}
    sender = message.get("from") or {}
    return (
        CustomerWrote(
            id=id_,
            to=contact(channel, _peer(message)),
            at=_time(message, "date", at),
            message=str(int(message["message_id"])),
            text=text,
            attachment=attachment,
            entry=_start(message),
            files=_files(message),
            album=clean(message.get("media_group_id")),
            name=_name(sender) or _name(message["chat"]),
            hint=clean(sender.get("language_code")),
            reply_to=str(quoted.get("message_id", "")),
        ),
    )


def _edited(message: Any, id_: str, channel: str, at: datetime) -> Sequence[Event]:
    if _is_noise(message) or (message.get("location") or {}).get("live_period"):
        return ()
    text, attachment = _content(message)
    return (
        CustomerEdited(
            id=id_,
            to=contact(channel, _peer(message)),
            at=_time(message, "edit_date", at),
            message=str(int(message["message_id"])),
            text=text,
            attachment=attachment,
        ),
    )


def _member(body: Any, id_: str, channel: str, at: datetime) -> Sequence[Event]:
    if body["chat"]["type"] != "private":
        return ()
    to, at = contact(channel, _peer(body)), _time(body, "date", at)
    if body["new_chat_member"]["status"] in ("kicked", "left"):
        return (CustomerLeft(id=id_, to=to, at=at),)
    return (CustomerReturned(id=id_, to=to, at=at),)


def _reaction(body: Any, id_: str, channel: str, at: datetime) -> Sequence[Event]:
    old, new = (
        [clean(each.get("emoji")) or "custom emoji" for each in body.get(key) or ()]
        for key in ("old_reaction", "new_reaction")
    )
    added = [emoji for emoji in new if emoji not in old]
    taken = [emoji for emoji in old if emoji not in new]
    said = f"[reacted {' '.join(added)}]" if added else f"[took back the reaction {' '.join(taken)}]"
    return (
        CustomerWrote(
            id=id_,
            to=contact(channel, _peer(body)),
            at=_time(body, "date", at),
            message=f"{body['message_id']}:reaction:{id_.rpartition(':')[2]}",
            attachment=said,
            name=_name(body.get("user") or {}),
            reply_to=str(body["message_id"]),
        ),
    )


def _callback(body: Any, id_: str, channel: str, at: datetime) -> Sequence[Event]:
    sender = body["from"]
    message = body.get("message")
    return (
        CustomerWrote(
            id=id_,
            to=contact(channel, _peer(message) if message else str(int(sender["id"]))),
            at=at,
            message=f"callback:{clean(body['id'])}",
            attachment=f"[pressed the button {clean(body.get('data'))}]",
            name=_name(sender),
            hint=clean(sender.get("language_code")),
        ),
    )


def _is_noise(message: Any) -> bool:
    """Say whether nobody wrote it to us: service notes, a channel's posts, our echoes, the account owner's words."""
    if SERVICE & message.keys() or message.get("is_automatic_forward") or message.get("sender_business_bot"):
        return True
    if (message.get("from") or {}).get("is_bot") and not message.get("sender_chat"):
        return True
    return bool("business_connection_id" in message and message["from"]["id"] != message["chat"]["id"])


def _peer(message: Any) -> str:
    """Name whom we answer: the chat, its topic, and the business account that we answer for."""
    peer = str(int(message["chat"]["id"]))
    if message.get("is_topic_message"):
        peer += f":{int(message['message_thread_id'])}"
    if message.get("business_connection_id"):
        peer += f"@{message['business_connection_id']}"
    return peer


def _time(body: Json, key: str, at: datetime) -> datetime:
    value = body.get(key)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value > 0 else at


def _name(person: Json) -> str:
    names = (clean(person.get("first_name")), clean(person.get("last_name")))
    return " ".join(filter(None, names)) or clean(person.get("title")) or clean(person.get("username"))


def _start(message: Json) -> str:
    words = clean(message.get("text"))
    return words.removeprefix("/start ").strip() if words.startswith("/start ") else ""


def _content(message: Any) -> tuple[str, str]:
    """Give the words, and name what isn't words."""
    words = clean(message.get("text") or message.get("caption"))
    names = [_forwarded(message), _media(message)]
    if words == "/start" or words.startswith("/start "):
        payload = words.removeprefix("/start").strip()
        names.append(f"[started the chat: {payload}]" if payload else "[started the chat]")
        words = ""
    return words, " ".join(filter(None, names))


def _forwarded(message: Json) -> str:
    origin = message.get("forward_origin")
    if not isinstance(origin, dict):
        return ""
    source = origin.get("sender_user") or origin.get("sender_chat") or origin.get("chat") or {}
    return f"[forwarded from {_name(source) or clean(origin.get('sender_user_name')) or 'somebody'}]"


def _media(message: Any) -> str:
    for kind, say in _MEDIA.items():
        if kind in message:
            return say(message[kind])
    known = {"text", "caption"}
    if known & message.keys():
        return ""
    odd = sorted(message.keys() - _ENVELOPE)
    return f"[unsupported message: {odd[0].replace('_', ' ')}]" if odd else ""


_ENVELOPE = frozenset(
    [
        "message_id",
        "from",
        "sender_chat",
        "chat",
        "date",
        "edit_date",
        "reply_to_message",
        "message_thread_id",
        "is_topic_message",
        "quote",
        "external_reply",
        "via_bot",
        "entities",
        "caption_entities",
        "media_group_id",
        "author_signature",
        "has_protected_content",
        "reply_markup",
        "link_preview_options",
        "business_connection_id",
        "forward_origin",
        "effect_id",
        "show_caption_above_media",
        "is_from_offline",
        "has_media_spoiler",
        "sender_boost_count",
        "reply_to_story",
    ]
)


def _clock(seconds: object) -> str:
    return f" {seconds // 60}:{seconds % 60:02}" if isinstance(seconds, int) and seconds >= 0 else ""


def _title(*parts: object) -> str:
    said = " ".join(filter(None, map(clean, parts)))
    return f" {said}" if said else ""


_MEDIA: Mapping[str, Callable[[Any], str]] = {
    "venue": lambda it: f"[place{_title(it.get('title'), it.get('address'))}{_where(it.get('location') or {})}]",
    "animation": lambda it: f"[GIF{_clock(it.get('duration'))}]",
    "photo": lambda it: "[photo]",
    "live_photo": lambda it: "[live photo]",
    "video": lambda it: f"[video{_clock(it.get('duration'))}]",
    "video_note": lambda it: f"[round video{_clock(it.get('duration'))}]",
    "voice": lambda it: f"[voice message{_clock(it.get('duration'))}]",
    "audio": lambda it: (
        f"[audio{_title(it.get('performer'), it.get('title') or it.get('file_name'))}{_clock(it.get('duration'))}]"
    ),
    "document": lambda it: f"[file{_title(it.get('file_name'))}]",
    "sticker": lambda it: f"[sticker{_title(it.get('emoji'))}]",
    "location": lambda it: f"[location{_where(it)}]",
    "contact": lambda it: f"[contact{_title(it.get('first_name'), it.get('last_name'), it.get('phone_number'))}]",
    "poll": lambda it: f"[poll:{_title(it.get('question'))}]",
    "dice": lambda it: f"[dice{_title(it.get('emoji'))} {it.get('value', '')}]",
    "game": lambda it: f"[game{_title(it.get('title'))}]",
    "story": lambda it: "[story]",
    "invoice": lambda it: f"[invoice{_title(it.get('title'))}]",
    "paid_media": lambda it: "[paid media]",
    "giveaway": lambda it: "[giveaway]",
    "checklist": lambda it: f"[checklist{_title(it.get('title'))}]",
}


def _files(message: Any) -> tuple[File, ...]:
    """Give the file that a message brings; an animation comes as a document too, and a photo in several sizes."""
    for key, kind in _FILES.items():
        if key in message:
            it = message[key][-1] if key == "photo" else message[key]
            size = it.get("file_size")
            return (
                File(
                    ref=clean(it["file_id"]),
                    kind=kind,
                    name=clean(it.get("file_name")),
                    mime=clean(it.get("mime_type")),
                    size=size if isinstance(size, int) and size > 0 else 0,
                ),
            )
    return ()


_FILES = {
    "animation": "video",
    "photo": "photo",
    "video": "video",
    "video_note": "video",
    "voice": "voice",
    "audio": "audio",
    "document": "file",
    "sticker": "sticker",
}


def _where(location: Json) -> str:
    latitude, longitude = location.get("latitude"), location.get("longitude")
    return f" https://maps.google.com/?q={latitude},{longitude}" if latitude is not None else ""
