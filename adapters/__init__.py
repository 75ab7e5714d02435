"""The channels that customers write on: one name a kind."""

from collections.abc import Callable, Collection, Mapping

import aiohttp

from adapters.contract import Channel
from adapters.telegram import Telegram
from adapters.whatsapp import WhatsApp
from config.credentials import Field
from config.settings import ChannelSettings

CHANNELS: Mapping[str, Callable[[ChannelSettings, aiohttp.ClientSession], Channel]] = {
    Telegram.kind: Telegram,
    WhatsApp.kind: WhatsApp,
}
"""How to make a channel of each kind."""

KINDS: Mapping[str, Collection[Field]] = {Telegram.kind: Telegram.fields, WhatsApp.kind: WhatsApp.fields}
"""The fields of each kind's form."""
