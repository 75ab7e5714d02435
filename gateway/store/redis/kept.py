"""What is set apart, and which post shows a message, as Redis keeps it."""

from datetime import datetime

import msgspec

from gateway.store.contract import Order, Post
from routing.effects import encode
from routing.events import Event


class DeadOrder(msgspec.Struct, frozen=True):
    """An order that went nowhere, and why."""

    order: Order
    reason: str
    at: datetime


class AsideEvent(msgspec.Struct, frozen=True):
    """An event that broke us, or that is of no known kind; then it has no mailbox."""

    mailbox: str
    event: Event
    reason: str
    at: datetime


class ShownPost(msgspec.Struct, frozen=True):
    """A post, in the field of its place; the field of each message that it shows names that one."""

    ts: str
    body: bytes


def post_fields(mailbox: str, post: Post) -> list[str | bytes]:
    """Give the fields that say of a post what it shows, each with its value behind it; no message's name is empty."""
    place = f"{mailbox}\0\0{post.ts}"
    pointers = (value for message in post.messages for value in (f"{mailbox}\0{message}", place))
    return [place, encode(ShownPost(post.ts, post.body)), *pointers]


def is_post(value: bytes) -> bool:
    """Say whether a field's value is a post; else it names the field of one."""
    return value.startswith(b"{")


def read_post(message: str, value: bytes) -> Post:
    """Read the post that shows a message; earlier versions kept it in the message's own field."""
    shown = decode_shown(value)
    return Post(messages=(message,), ts=shown.ts, body=shown.body)


decode_order = msgspec.json.Decoder(Order).decode
decode_dead = msgspec.json.Decoder(DeadOrder).decode
decode_shown = msgspec.json.Decoder(ShownPost).decode
decode_aside = msgspec.json.Decoder(AsideEvent).decode
