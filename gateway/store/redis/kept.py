"""What is set apart, as Redis keeps it."""

from datetime import datetime

import msgspec

from gateway.store.contract import Order
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


decode_order = msgspec.json.Decoder(Order).decode
decode_dead = msgspec.json.Decoder(DeadOrder).decode
decode_aside = msgspec.json.Decoder(AsideEvent).decode
