"""The channels that customers write on: one name a kind."""

from collections.abc import Callable, Collection, Mapping

import aiohttp

from adapters.contract import Channel
from adapters.instagram import Instagram
from adapters.line import Line
from adapters.messenger import Messenger
from adapters.slack import Slack
from adapters.telegram import Telegram
from adapters.whatsapp import WhatsApp
from config.credentials import Field
from config.settings import ChannelSettings

_CLASSES = (Telegram, WhatsApp, Messenger, Instagram, Slack, Line)

CHANNELS: Mapping[str, Callable[[ChannelSettings, aiohttp.ClientSession], Channel]] = {
    each.kind: each for each in _CLASSES
}
"""How to make a channel of each kind."""

KINDS: Mapping[str, Collection[Field]] = {each.kind: each.fields for each in _CLASSES}
"""The fields of each kind's form."""
