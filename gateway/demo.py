"""The gateway together with the sandbox, and a page to try it on."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from adapters import KINDS
from config.settings import Settings, parse
from gateway.admin.door import make_link
from gateway.app import Gateway
from gateway.budget import Budget
from gateway.hands import utc
from gateway.store.choose import beside
from routing.languages import language_name
from sandbox.demo_page import DemoPage, Guide, Person
from sandbox.front import Front
from sandbox.messenger import MessagingSandbox
from sandbox.mishaps import mishaps
from sandbox.phones import MessagingPhone, Phone, TelegramPhone, WhatsAppPhone
from sandbox.slack import SlackSandbox
from sandbox.telegram import TelegramSandbox
from sandbox.whatsapp import WhatsAppSandbox
from translation.chain import Chain
from translation.contract import EngineError
from translation.phrasebook import Phrasebook

CONFIGURATION = """
[gateway]
data_dir = "data"
public_url = "{public_url}"
[channels.telegram]
kind = "telegram"
token = "42:sandbox"
api_base = "{telegram}"
[channels.whatsapp]
kind = "whatsapp"
phone_number_id = "301"
business_account_id = "201"
access_token = "EAAsandbox"
app_secret = "sandbox"
verify_token = "sandbox"
api_base = "{whatsapp}"
[channels.messenger]
kind = "messenger"
page_id = "401"
app_id = "601"
page_access_token = "EAAsandbox"
app_secret = "sandbox"
verify_token = "sandbox"
api_base = "{messenger}"
[channels.instagram]
kind = "instagram"
account_id = "501"
app_id = "601"
access_token = "EAAsandbox"
app_secret = "sandbox"
verify_token = "sandbox"
api_base = "{instagram}"
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
[routing]
survey_after = 20
[[replies]]
name = "returns"
text.en = "Hello {{name}}, you can return it within 30 days."
text.es = "Hola, {{name}}: puede devolverlo en un plazo de 30 días."
text.fr = "Bonjour {{name}}, vous pouvez le retourner sous 30 jours."
text.de = "Hallo {{name}}, Sie können es innerhalb von 30 Tagen zurückgeben."
text.pt = "Olá, {{name}}: você pode devolver em até 30 dias."
"""
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
Platform = TelegramSandbox | SlackSandbox | WhatsAppSandbox | MessagingSandbox


@asynccontextmanager
async def open_demo(address: str = "") -> AsyncIterator[Gateway]:
    """Start the sandbox and a gateway on it; its `app` is ready to be served at `address`. Nothing of it is kept."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dragoman-demo-"))
        telegram = TelegramSandbox("42:sandbox")
        slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", app_token="xapp-sandbox")  # noqa: S106 - it opens nothing
        meta = {"access_token": "EAAsandbox", "app_secret": "sandbox"}
        whatsapp = WhatsAppSandbox(number="301", account="201", **meta)
        whatsapp.add_template("news", "es", "Tenemos novedades sobre su pedido. ¿Podemos escribirle?")
        messenger = MessagingSandbox("page", account="401", app="601", **meta)
        instagram = MessagingSandbox("instagram", account="501", app="601", **meta)
        named: dict[str, Platform] = {
            "telegram": telegram,
            "slack": slack,
            "whatsapp": whatsapp,
            "messenger": messenger,
            "instagram": instagram,
        }
        served = {name: await stack.enter_async_context(_served(each.app)) for name, each in named.items()}
        slack.base, messenger.base, instagram.base = (served[name] for name in ("slack", "messenger", "instagram"))
        front = Front()
        front.target = address
        public_url = await stack.enter_async_context(_served(front.app))
        for name, each in (("whatsapp", whatsapp), ("messenger", messenger), ("instagram", instagram)):
            each.webhook = f"{public_url}/webhooks/{name}"
        text = CONFIGURATION.format(**served, public_url=public_url)
        file = Path(folder) / "dragoman.toml"
        file.write_text(text, encoding="utf-8")
        settings = parse(text, file, KINDS, {})
        gateway = Gateway(settings, budget=lambda: Budget(rate=10, burst=20))
        phrasebook = Phrasebook.load()
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        guide = Guide(
            agents={agent.id: agent.name for agent in settings.policy.agents},
            suggestions=[*phrasebook.suggestions("en", "agent", SUGGESTIONS), "!reply returns"],
            engines=await _engines(gateway.chain),
            exchange=EXCHANGE,
        )
        phones: tuple[tuple[Phone, str], ...] = (
            (WhatsAppPhone(whatsapp, "34600111222", "Lucía"), "es"),
            (MessagingPhone(messenger, "7100000000000001", "Émile"), "fr"),
            (TelegramPhone(telegram, 1003, "Jonas"), "de"),
            (MessagingPhone(instagram, "8100000000000001", "Beatriz"), "pt"),
        )
        people = [
            Person(phone, language_name(tag), phrasebook.suggestions(tag, "customer", SUGGESTIONS))
            for phone, tag in phones
        ]

        def served_at(url: str) -> None:
            """Tell the proxy where the gateway is: its port is known once a browser has found it."""
            front.target = url

        wrong = mishaps(telegram, slack, whatsapp, messenger, front)
        page = DemoPage(slack, people, guide, tuple(named.values()), wrong, served_at)
        gateway.app.add_routes([*page.routes(), web.get("/console", partial(_to_console, settings))])
        watching = asyncio.create_task(page.watch())
        stack.push_async_callback(page.close)
        stack.callback(watching.cancel)
        yield gateway


async def _to_console(settings: Settings, _: web.Request) -> web.StreamResponse:
    """Sign whoever looks at the demo in to its console."""
    path = await asyncio.to_thread(make_link, beside(settings.gateway), "demo", utc())
    raise web.HTTPFound(path)


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
