"""A Dragoman of its own for a measurement: `server.py MODE PORT PLATFORMS_PORT FOLDER [STORE]`.

Modes: `ceiling` takes webhooks and stores nothing, `held` stores them and works on none, `plain` does the whole path
without detection and translation, `full` with both, an engine that answers at once, and all checks, `paced` the same
as fast as Slack lets it post.
"""

import asyncio
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import uvloop

from adapters import KINDS
from adapters.desk_view import Said
from benchmarks.load import ENGLISH
from config.settings import parse
from gateway import app, logs, webhooks
from gateway.__main__ import serve
from gateway.budget import Budget
from gateway.interpret import Interpreter
from routing.contents import Facts
from routing.conversation import Conversation
from routing.effects import TellDesk
from routing.events import Event
from translation.chain import Chain
from translation.contract import Pair, Rendering

CONFIGURATION = """
[gateway]
data_dir = "data"
store = "{store}"
[channels.wa]
kind = "whatsapp"
phone_number_id = "301"
business_account_id = "201"
access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{platforms}"
[channels.tg]
kind = "telegram"
token = "42:sandbox-token"
mode = "webhook"
webhook_secret = "telegram-secret"
api_base = "{platforms}"
[channels.fb]
kind = "messenger"
page_id = "401"
app_id = "601"
page_access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{platforms}"
[channels.ig]
kind = "instagram"
account_id = "501"
app_id = "601"
access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{platforms}"
[channels.partners]
kind = "slack"
bot_token = "xoxb-guests"
signing_secret = "guests-secret"
api_base = "{platforms}/api/"
[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-sandbox"
signing_secret = "slack-secret"
mode = "http"
api_base = "{platforms}/api/"
[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
capacity = 1000
"""


class Instant:
    """An engine that answers at once: what is measured is what stands around it. It knows what `load.py` says."""

    name = "instant"

    def pairs(self) -> Collection[Pair]:
        """One pair is enough."""
        return (Pair("es", "en"),)

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Say the same in English, but for the last word, which tells the message."""
        return [Rendering(ENGLISH[: (end := text.rfind(" "))] + text[end:], 1.0) for text in texts]

    async def probe(self) -> str:
        """Say nothing."""
        return ""

    async def close(self) -> None:
        """Let go of nothing."""


class Plain(Interpreter):
    """Hears no language: everybody writes the desk's, in every sentence."""

    def customer(self, was: Conversation, text: str, hint: str) -> Facts:
        """Say that it is the desk's."""
        return Facts(language="en")

    async def for_desk(self, told: TellDesk, *, quote: str = "", before: Sequence[str] = ()) -> Said:
        """Show what was written."""
        return Said(message=told.message, name=told.name, text=told.text, attachment=told.attachment, quote=quote)


class Nothing:
    """A store that keeps nothing."""

    async def append(self, events: Sequence[Event]) -> Sequence[bool]:
        """Take events, as it were."""
        return [True for _ in events]


async def main(mode: str, port: int, platforms: int, folder: Path, store: str = "sqlite") -> None:
    """Serve until a signal."""
    text = CONFIGURATION.format(platforms=f"http://127.0.0.1:{platforms}", store=store)
    settings = parse(text, folder / "dragoman.toml", KINDS, {})
    made: Any = app
    made.make_chain = lambda settings, phrasebook, tally: Chain([phrasebook, Instant()])
    if mode == "plain":
        made.Interpreter = Plain
    gateway = app.Gateway(settings, budget=Budget if mode == "paced" else lambda: Budget(rate=1e6, burst=10**6))
    await gateway.start()
    if mode in ("ceiling", "held"):
        await gateway.bridge.stop()
    if mode == "ceiling":
        made = gateway.app
        made[webhooks.STORE] = Nothing()
    try:
        await serve(gateway, "127.0.0.1", port, "ready at")
    finally:
        await gateway.stop()


if __name__ == "__main__":
    logs.set_up(as_json=False, level=40)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:]))
