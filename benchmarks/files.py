"""How much a gateway's memory grows while a file of 50 MB goes in and out; prints JSON: MB in, MB out, seconds."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox.slack import SlackSandbox
from sandbox.whatsapp import WhatsAppSandbox

PORT = 18_795
SIZE = 50 * 1024 * 1024
PATIENCE = 60.0
PHONE = "46701740605"
CONFIGURATION = """
[gateway]
port = {port}
[channels.wa]
kind = "whatsapp"
phone_number_id = "301"
business_account_id = "201"
access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{whatsapp}"
[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-sandbox"
app_token = "xapp-sandbox"
api_base = "{slack}/api/"
[[agents]]
slack_user_id = "U0BEN"
name = "Ben"
"""


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.05)


def memory(pid: int, what: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


async def grown(pid: int, work: Callable[[], Awaitable[None]]) -> float:
    """Say by how many MB the most memory in use went above what was in use before."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = memory(pid, "VmRSS:")
    await work()
    return memory(pid, "VmHWM:") - before


async def measure() -> dict[str, float]:
    slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", app_token="xapp-sandbox")
    whatsapp = WhatsAppSandbox(number="301", account="201", access_token="EAAsandbox", app_secret="meta-secret")
    (one, slack.base), (two, base) = await serve(slack.app), await serve(whatsapp.app)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dragoman.toml"
        file.write_text(CONFIGURATION.format(port=PORT, whatsapp=base, slack=slack.base))
        command = [sys.executable, "-m", "gateway", "run", "-c", str(file)]
        gateway = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        try:
            return await both_ways(gateway.pid, slack, whatsapp)
        finally:
            gateway.terminate()
            gateway.wait(20)
            await one.cleanup()
            await two.cleanup()


async def both_ways(pid: int, slack: SlackSandbox, whatsapp: WhatsAppSandbox) -> dict[str, float]:
    whatsapp.webhook = f"http://127.0.0.1:{PORT}/webhooks/wa"
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{PORT}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)

    async def bring_in(size: int) -> None:
        content = b"%PDF-1.7\n" + os.urandom(1024) * (size // 1024)
        media = whatsapp.add_media("application/pdf", content)
        there = sum("files" in post for post in slack.posts.values())
        await whatsapp.send(PHONE, "Astrid", type="document", document={"id": media, "filename": "plan.pdf"})
        await until(lambda: sum("files" in post for post in slack.posts.values()) > there)

    async def take_out(size: int) -> None:
        content = b"%PDF-1.7\n" + os.urandom(1024) * (size // 1024)
        there = len(whatsapp.attachments(PHONE))
        thread = str(slack.roots()[0]["ts"])
        await slack.write_file("U0BEN", "plan.pdf", content, thread=thread)
        await until(lambda: len(whatsapp.attachments(PHONE)) > there)

    for _ in range(2):
        await bring_in(1024 * 1024)
        await take_out(1024 * 1024)
    began = time.monotonic()
    come, gone = await grown(pid, lambda: bring_in(SIZE)), await grown(pid, lambda: take_out(SIZE))
    return {"in": come, "out": gone, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
