"""Who writes: their face, and what those are called who write in one place with others.

Names are asked for once, and known until the gateway ends.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from adapters.contract import Channel, Naming, SendError
from gateway.faces import Faces
from gateway.store.contract import Order
from routing.contents import channel_of
from routing.effects import ShowFiles, TellDesk

KNOWN = 10_000
"""How many names are kept at most."""


class People:
    """Names by channel and the platform's id; `faces` has where the pictures are."""

    def __init__(self, channels: Mapping[str, Channel], faces: Faces) -> None:
        self._faces = faces
        self._channels = channels
        self._names: dict[tuple[str, str], str] = {}

    def face(self, order: Order) -> str:
        """Give the address of the picture of who wrote what is to be shown, "" where there can be none."""
        author = order.effect.author if isinstance(order.effect, TellDesk | ShowFiles) else ""
        return self._faces.address(order.mailbox, author)

    async def named(self, order: Order) -> Order:
        """Put the author's name into what is to be shown; none where the platform doesn't tell."""
        effect = order.effect
        if not isinstance(effect, TellDesk | ShowFiles) or not effect.author:
            return order
        name = await self._name(channel_of(order.mailbox), effect.author)
        return replace(order, effect=replace(effect, name=name))

    async def _name(self, channel_id: str, author: str) -> str:
        if known := self._names.get((channel_id, author)):
            return known
        channel = self._channels.get(channel_id)
        if channel is None or not isinstance(channel, Naming):
            return ""
        try:
            name = await channel.name_of(author)
        except SendError:
            return ""
        if name:
            self._names[channel_id, author] = name
            if len(self._names) > KNOWN:
                del self._names[next(iter(self._names))]
        return name
