"""The gateway together with the sandbox, and a page to try it on."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from adapters import KINDS
from config.settings import parse
from gateway.app import Gateway
from gateway.budget import Budget
from routing.languages import language_name
from sandbox.demo_page import DemoPage, Guide, Person
from sandbox.slack import SlackSandbox
from sandbox.telegram import TelegramSandbox
from translation.chain import Chain
from translation.contract import EngineError
from translation.phrasebook import Phrasebook

CONFIGURATION = """
[gateway]
data_dir = "data"
[channels.telegram]
kind = "telegram"
token = "42:sandbox"
api_base = "{telegram}"
[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-sandbox"
app_token = "xapp-sandbox"
api_base = "{slack}/api/"
[[agents]]
slack_user_id = "U0BEN"
name = "Ben"
languages = ["en"]
[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
languages = ["en", "fr"]
[[agents]]
slack_user_id = "U0MIA"
name = "Mia"
languages = ["en", "de"]
"""
PEOPLE = ((1001, "Lucía", "es"), (1002, "Émile", "fr"), (1003, "Jonas", "de"), (1004, "Beatriz", "pt"))
EXCHANGE = (
    ("customer", "Hola, ¿dónde está mi pedido A-1042?"),
    ("U0ANA", "Hello! Let me check."),
    ("U0ANA", "Your order A-1042 is on its way. It will arrive on Friday."),
    ("customer", "¡Perfecto! Muchas gracias por su ayuda."),
    ("U0ANA", "You're welcome! Have a nice day!"),
)
HOW_TO_GET = {
    "argos": "no package is installed, so free text needs another engine",
    "apertium": "not installed: `apt install apertium-eng-spa` gives rough translation of any Spanish and English",
    "libretranslate": "no server is set",
}
SUGGESTIONS = 14


@asynccontextmanager
async def open_demo() -> AsyncIterator[Gateway]:
    """Start the sandbox and a gateway on it; its `app` is ready to be served. Nothing of it is kept."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dragoman-demo-"))
        telegram = TelegramSandbox("42:sandbox")
        slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", app_token="xapp-sandbox")  # noqa: S106 - it opens nothing
        text = CONFIGURATION.format(
            telegram=await stack.enter_async_context(_served(telegram.app)),
            slack=await stack.enter_async_context(_served(slack.app)),
        )
        settings = parse(text, Path(folder) / "dragoman.toml", KINDS, {})
        gateway = Gateway(settings, budget=lambda: Budget(rate=10, burst=20))
        phrasebook = Phrasebook.load()
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        guide = Guide(
            agents={agent.id: agent.name for agent in settings.policy.agents},
            suggestions=phrasebook.suggestions("en", "agent", SUGGESTIONS),
            engines=await _engines(gateway.chain),
            exchange=EXCHANGE,
        )
        people = [
            Person(chat, name, language_name(tag), phrasebook.suggestions(tag, "customer", SUGGESTIONS))
            for chat, name, tag in PEOPLE
        ]
        page = DemoPage(telegram, slack, people, guide)
        gateway.app.add_routes(page.routes())
        watching = asyncio.create_task(page.watch())
        stack.push_async_callback(page.close)
        stack.callback(watching.cancel)
        yield gateway


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _engines(chain: Chain) -> list[dict[str, str]]:
    """Say which engines work here, and how to get those that don't."""
    said = []
    for name, engine in chain.engines.items():
        try:
            said.append({"name": name, "works": "yes", "says": await engine.probe()})
        except EngineError:
            said.append({"name": name, "works": "no", "says": HOW_TO_GET.get(name, "doesn't work here")})
    return said
