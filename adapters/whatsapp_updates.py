"""What WhatsApp's webhooks mean. https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference

People have several names: a business-scoped id (`SE.1349…`), a phone number, or both; either may be absent.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.calling_codes import region
from adapters.contract import Failure, Rejected, Unauthorised, Unreachable, WindowClosed
from adapters.http import clean
from adapters.meta import Failures
from adapters.odd import ELSEWHERE, unrecognised
from routing.contents import File, contact
from routing.events import (
    ContactMoved,
    CustomerDeleted,
    CustomerEdited,
    CustomerWrote,
    Event,
    ReceiptCame,
    Unrecognised,
)

Json = Mapping[str, Any]
SCOPED = re.compile(r"[A-Z]{2}\.(ENT\.)?\w+")
BROKEN = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def region_of(peer: str) -> str:
    """Give the country of a phone number, or of a business-scoped id, which begins with it; "" for neither."""
    return peer[:2] if not peer.isdecimal() and SCOPED.fullmatch(peer) else region(peer)


class WhatsAppReader:
    """Reads what is for one number of one account."""

    def __init__(self, channel: str, phone_number_id: str, account: str) -> None:
        self._channel = channel
        self._number = phone_number_id
        self._account = account

    def read(self, body: Json, at: datetime) -> Sequence[Event]:
        """Read a whole call: what isn't understood comes as Unrecognised, and never loses the rest."""
        events: list[Event] = []
        for entry in _items(body.get("entry")):
            if not isinstance(entry, dict):
                events.append(self._odd("entry", entry, at))
                continue
            for change in _items(entry.get("changes")):
                known = isinstance(change, dict)
                events += self._change(entry, change, at) if known else (self._odd("change", change, at),)
        if any(isinstance(event, ContactMoved) for event in events):
            # Identity changes first: a message of the same batch may come under the new name.
            events.sort(key=lambda event: not isinstance(event, ContactMoved))
        return events

    def _change(self, entry: Json, change: Json, at: datetime) -> Iterator[Event]:
        value = change.get("value")
        if change.get("field") != "messages" or not isinstance(value, dict):
            yield self._odd(str(change.get("field")), change, at)
            return
        metadata = value.get("metadata") or {}
        ours = isinstance(metadata, dict) and str(metadata.get("phone_number_id")) == self._number
        if not ours or (self._account and str(entry.get("id")) != self._account):
            yield self._odd(ELSEWHERE, change, at)
            return
        for message in _list(value.get("messages")):
            yield from self._safely("message", message, at, lambda it: self._message(it, value, at))
        for status in _list(value.get("statuses")):
            yield from self._safely("status", status, at, self._status)

    def _safely(self, kind: str, item: Any, at: datetime, read: Callable[[Json], Sequence[Event]]) -> Sequence[Event]:
        try:
            return read(item)
        except BROKEN:
            return (self._odd(kind, item, at),)

    def _odd(self, kind: str, body: object, at: datetime) -> Unrecognised:
        return unrecognised(self._channel, f"whatsapp {kind}", body, at)

    # Messages

    def _message(self, message: Json, value: Json, at: datetime) -> Sequence[Event]:
        kind = message.get("type")
        if message.get("group_id"):
            return (self._odd("group message", message, at),)
        if kind == "system":
            return self._system(message, at)
        phone, scoped = _names(message.get("from"), message.get("from_user_id"))
        if not phone and not scoped:
            return (self._odd("message without a sender", message, at),)
        id_ = f"{self._channel}:{_text(message['id'])}"
        names = [contact(self._channel, name) for name in (scoped, phone) if name]
        when = _time(message.get("timestamp"), at)
        if kind == "edit":
            edited = message["edit"]["message"]
            text, attachment = _content(edited)
            original = _text(message["edit"]["original_message_id"])
            return (CustomerEdited(id=id_, to=names[0], at=when, message=original, text=text, attachment=attachment),)
        if kind == "revoke":
            return (
                CustomerDeleted(id=id_, to=names[0], at=when, message=_text(message["revoke"]["original_message_id"])),
            )
        text, attachment = _content(message)
        shared = _shared_phone(message) if kind == "contacts" else ""
        context = message.get("context") if isinstance(message.get("context"), dict) else {}
        return (
            CustomerWrote(
                id=id_,
                to=names[0],
                at=when,
                message=_text(message["id"]),
                text=text,
                attachment=attachment,
                files=(files := _files(message)),
                album="photos" if any(file.kind in ("photo", "video") for file in files) else "",
                name=_name(value, phone, scoped) or phone or scoped,
                hint=f"und-{where}" if (where := region_of(phone or shared or scoped)) else "",
                reply_to=clean((context or {}).get("id")),
                quiet=kind == "reaction",
                entry=_entry(message),
                also=(*names[1:], *((contact(self._channel, shared),) if shared and not phone else ())),
                address=phone or shared or scoped,
            ),
        )

    def _system(self, message: Json, at: datetime) -> Sequence[Event]:
        system = message["system"]
        old_phone, old_scoped = _names(message.get("from"), message.get("from_user_id"))
        new_phone, new_scoped = _names(system.get("wa_id") or system.get("new_wa_id"), system.get("user_id"))
        old_scoped = _names(None, system.get("previous_user_id"))[1] or old_scoped or _from_body(system, new_scoped)
        old = [contact(self._channel, name) for name in (old_scoped, old_phone) if name]
        new = [contact(self._channel, name) for name in (new_scoped, new_phone) if name]
        if not old or not new or "changed" not in str(system.get("type")):
            return (self._odd(f"system {system.get('type')}", message, at),)
        id_ = f"{self._channel}:{_text(message['id'])}"
        return (
            ContactMoved(
                id=id_,
                to=old[0],
                at=_time(message.get("timestamp"), at),
                also=(*old[1:], *new),
                address=new_phone or new_scoped,
            ),
        )

    # Statuses

    def _status(self, status: Json) -> Sequence[Event]:
        state = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}.get(
            str(status.get("status"))
        )
        if state is None or status.get("recipient_type") == "group" or status.get("type") == "call":
            return ()
        message = _text(status["id"])
        outbox, _, mailbox = clean(status.get("biz_opaque_callback_data")).partition("@")
        if not mailbox.startswith(f"{self._channel}/"):
            phone, scoped = _names(status.get("recipient_id"), status.get("recipient_user_id"))
            outbox, mailbox = "", contact(self._channel, scoped or phone)
        errors = [error for error in _list(status.get("errors")) if isinstance(error, dict)]
        reason, advice = _failure(errors[0] if errors else {}) if state == "failed" else ("", "")
        return (
            ReceiptCame(
                id=f"{self._channel}:{message}:{state}",
                to=mailbox,
                at=_time(status.get("timestamp"), datetime.now(UTC)),
                message=message,
                state=state,
                outbox=outbox,
                reason=reason,
                advice=advice,
            ),
        )


def _failure(error: Json) -> tuple[str, str]:
    code = error.get("code")
    known = FAILURES.get((code, 0)) if isinstance(code, int) else None
    if known:
        return known.told, known.advice
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else ""
    return clean(details or error.get("message") or error.get("title")) or "WhatsApp couldn't deliver it", ""


FAILURES: Failures = {
    (133005, 0): Failure(
        Unauthorised,
        "the number's two-step PIN is another",
        "Set pin to the one in WhatsApp Manager; after ten wrong ones Meta takes none for three days.",
    ),
    (133010, 0): Failure(
        Unauthorised,
        "the number isn't registered with WhatsApp",
        "An admin gives the channel its two-step PIN, and the gateway registers it.",
    ),
    (133016, 0): Failure(
        Unauthorised,
        "Meta registers this number no more for now, after too many attempts",
        "Try again in three days.",
    ),
    (131026, 0): Failure(
        Unreachable,
        "WhatsApp can't reach this customer",
        "Their number may not be on WhatsApp. Reach them another way.",
    ),
    (131047, 0): Failure(
        WindowClosed,
        "more than 24 hours have passed since the customer wrote",
        "WhatsApp allows free answers again once they write; only an approved template may go before that.",
    ),
    (131049, 0): Failure(
        Rejected, "WhatsApp held it back to protect the customer from too many messages", "Try again tomorrow."
    ),
    (131050, 0): Failure(Unreachable, "the customer doesn't want such messages", "Wait until they write."),
    (131030, 0): Failure(
        Rejected,
        "the number isn't on the test list of this WhatsApp account",
        "An admin adds it in Meta's app dashboard.",
    ),
    (130472, 0): Failure(
        Rejected,
        "the customer is part of an experiment of Meta's",
        "Wait until they write, or reach them another way.",
    ),
    (131021, 0): Failure(
        Rejected, "it is addressed to the business's own number", "Write in the customer's conversation."
    ),
}
"""Why WhatsApp won't deliver, and what to do, for an agent to read."""


def _names(phone: object, scoped: object) -> tuple[str, str]:
    """Tell a phone number from a business-scoped id, whichever field they came in."""
    if not scoped and isinstance(phone, str) and phone.isdecimal():
        return phone, ""
    found_phone, found_scoped = "", ""
    for value in (clean(phone), clean(scoped)):
        if SCOPED.fullmatch(value):
            found_scoped = found_scoped or value
        elif digits := re.sub(r"\D", "", value):
            found_phone = found_phone or digits
    return found_phone, found_scoped


def _from_body(system: Json, new: str) -> str:
    found = re.findall(r"[A-Z]{2}\.(?!ENT\.)\w+", clean(system.get("body")))
    return next((id_ for id_ in found if id_ != new), "")


def _name(value: Json, phone: str, scoped: str) -> str:
    for each in _list(value.get("contacts")):
        if not isinstance(each, dict):
            continue
        their_phone, their_scoped = _names(each.get("wa_id"), each.get("user_id"))
        if (phone and their_phone == phone) or (scoped and their_scoped == scoped):
            profile = each.get("profile")
            return clean(profile.get("name")).strip() if isinstance(profile, dict) else ""
    return ""


def _shared_phone(message: Json) -> str:
    """Give the number that a customer shared when asked for it; others' cards are only shown."""
    cards = [card for card in _list(message.get("contacts")) if isinstance(card, dict)]
    for card in cards:
        if "contact_request" in (card.get("origin"), message.get("origin")):
            for phone in _list(card.get("phones")):
                return _names(phone.get("wa_id") or phone.get("phone"), None)[0]
    return ""


def _content(message: Any) -> tuple[str, str]:
    """Give the words, and name what isn't words."""
    kind = str(message.get("type"))
    body = message.get(kind)
    names = [_forwarded(message)]
    if kind == "text":
        words = clean(body.get("body") if isinstance(body, dict) else body)
        return words, " ".join(filter(None, [*names, "" if words.strip() else "[empty message]"]))
    say = _KINDS.get(kind)
    name, words = (
        say(body if isinstance(body, dict) else {}, message) if say else (f"[unsupported message: {clean(kind)}]", "")
    )
    return clean(words), " ".join(filter(None, [*names, name]))


def _forwarded(message: Json) -> str:
    context = message.get("context")
    forwarded = isinstance(context, dict) and (context.get("forwarded") or context.get("frequently_forwarded"))
    return "[forwarded]" if forwarded else ""


Named = tuple[str, str]


def _media(name: str) -> Callable[[Any, Any], Named]:
    def say(it: Any, message: Any) -> Named:
        return f"[{name}{_lost(message)}]", it.get("caption") or ""

    return say


def _lost(message: Any) -> str:
    return ": WhatsApp couldn't load it" if message.get("errors") else ""


def _contacts(_: Any, message: Any) -> Named:
    cards = [card for card in _list(message.get("contacts")) if isinstance(card, dict)]
    said = []
    for card in cards:
        name = card.get("name") or {}
        phones = [clean(phone.get("phone")) for phone in _list(card.get("phones")) if isinstance(phone, dict)]
        said.append(" ".join(filter(None, [clean(name.get("formatted_name")), *phones])))
    return f"[contact {'; '.join(said)}]".replace(" ]", "]"), ""


def _interactive(it: Any, message: Any) -> Named:
    kind = clean(it.get("type"))
    body = it.get(kind)
    if kind in ("button_reply", "list_reply") and isinstance(body, dict):
        return "", clean(body.get("title"))
    if kind == "nfm_reply":
        return "[answered a form]", ""
    if kind == "call_permission_reply" and isinstance(body, dict):
        return f"[call permission: {clean(body.get('response'))}]", ""
    return f"[unsupported message: {kind or 'interactive'}]", ""


def _order(it: Any, message: Any) -> Named:
    items = [item for item in _list(it.get("product_items")) if isinstance(item, dict)]
    said = ", ".join(
        f"{item.get('quantity', '?')} × {clean(str(item.get('product_retailer_id', '?')))} at "
        f"{item.get('item_price', '?')} {clean(item.get('currency'))}".rstrip()
        for item in items
    )
    return f"[order: {said}]", it.get("text") or ""


def _location(it: Any, message: Any) -> Named:
    title = " ".join(filter(None, (clean(it.get("name")), clean(it.get("address")))))
    where = f"https://maps.google.com/?q={it.get('latitude')},{it.get('longitude')}"
    return f"[location {' '.join(filter(None, (title, where)))}]", ""


def _reaction(it: Any, message: Any) -> Named:
    emoji = clean(it.get("emoji"))
    return (f"[reacted {emoji}]" if emoji else "[took back their reaction]"), ""


def _unsupported(it: Any, message: Any) -> Named:
    errors = [error for error in _list(message.get("errors")) if isinstance(error, dict)]
    kind = clean(it.get("type")) or (clean(errors[0].get("title")) if errors else "")
    return f"[unsupported message: {kind or 'unknown'}]", ""


_KINDS: Mapping[str, Callable[[Any, Any], Named]] = {
    "image": _media("photo"),
    "video": _media("video"),
    "audio": lambda it, message: (f"[{'voice message' if it.get('voice') else 'audio'}{_lost(message)}]", ""),
    "voice": lambda it, message: (f"[voice message{_lost(message)}]", ""),
    "document": lambda it, message: (
        f"[file {_file_name(it.get('filename'))}{_lost(message)}]".replace(" ]", "]"),
        it.get("caption") or "",
    ),
    "sticker": lambda it, message: ("[sticker]", ""),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": lambda it, message: ("", it.get("text") or it.get("payload") or ""),
    "interactive": _interactive,
    "order": _order,
    "unsupported": _unsupported,
    "request_welcome": lambda it, message: ("[started the chat]", ""),
}


def _entry(message: Json) -> str:
    """Say which ad, post or button they came by."""
    referral, button = message.get("referral"), message.get("button")
    came_by = referral.get("source_id") if isinstance(referral, dict) else None
    return clean(came_by or (button.get("payload") if isinstance(button, dict) else None))


def _files(message: Json) -> tuple[File, ...]:
    """Give the file that a message brings; WhatsApp doesn't tell its size here."""
    kind = str(message.get("type"))
    it = message.get(kind)
    if kind not in _FILES or not isinstance(it, dict) or not clean(it.get("id")):
        return ()
    named = "voice" if it.get("voice") is True else _FILES[kind]
    return (
        File(ref=clean(it["id"]), kind=named, name=_file_name(it.get("filename")), mime=clean(it.get("mime_type"))),
    )


_FILES = {
    "image": "photo",
    "video": "video",
    "audio": "audio",
    "voice": "voice",
    "document": "file",
    "sticker": "sticker",
}


def _file_name(name: object) -> str:
    return re.sub(r"[\x00-\x1f\u202a-\u202e\u2066-\u2069]", "", clean(name)).replace("\\", "/").rpartition("/")[2][:120]


def _time(value: object, at: datetime) -> datetime:
    seconds = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**33 else at


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("an id is missing")
    return clean(value)


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _items(value: object) -> Sequence[Any]:
    """Give a list's items; what should be a list and isn't is an item, to be kept as odd."""
    return value if isinstance(value, list) else () if value is None else (value,)
