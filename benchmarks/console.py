"""The console's pages with 100,000 conversations stored, three messages each; prints by page its median ms and KB.

Each page is asked for over HTTP by one browser that is signed in, with what a search has to read in the files' cache.
"""

import asyncio
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec
from aiohttp.test_utils import TestServer

from adapters import KINDS
from config.settings import parse
from gateway.admin.door import make_link
from gateway.app import Gateway
from gateway.store.choose import beside
from gateway.store.sqlite.store import SqliteStore
from routing.conversation import Conversation, Status
from routing.events import CustomerWrote

STORED = 100_000
TIMES = 20
PAGES = {
    "overview": "/admin/",
    "conversations": "/admin/conversations",
    "one of them": "/admin/conversations/show?contact=wa/50000",
    "found by number": "/admin/conversations?find=%2377777",
    "found by phone": "/admin/conversations?find=31415",
    "found by words": "/admin/conversations?find=words+31415",
    "closed ones": "/admin/conversations?status=closed",
    "channels": "/admin/channels",
    "agents": "/admin/agents",
    "dead letters": "/admin/letters",
    "audit": "/admin/audit",
    "reports": "/admin/reports",
    "routing": "/admin/routing?text=words",
}
encode = msgspec.json.Encoder().encode
NOW = datetime.now(UTC)


async def fill(store: SqliteStore) -> None:
    """Store conversations and what was said in them."""
    for at in range(0, STORED, 5_000):
        some = range(at, at + 5_000)
        rows = [
            (
                f"wa/{n}",
                1,
                n + 1,
                "closed",
                "",
                2,
                0,
                encode(Conversation(contact=f"wa/{n}", number=n + 1, name=f"Customer {n}", status=Status.CLOSED)),
            )
            for n in some
        ]
        said = [
            (
                f"wa/{n}",
                encode(CustomerWrote(id=f"{n}:{k}", to=f"wa/{n}", at=NOW, message=str(k), text=f"words {n} {k}")),
            )
            for n in some
            for k in range(3)
        ]
        await store._db.submit(
            lambda db, rows=rows, said=said: (
                db.executemany("INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows),  # type: ignore[misc]  # bound now
                db.executemany("INSERT INTO history (mailbox, event) VALUES (?, ?)", said).rowcount,
            )[1]
        )


async def main() -> None:
    """Fill a store, and ask for each page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dragoman.toml"
        file.write_text("")
        settings = parse("", file, KINDS, {})
        gateway = Gateway(settings)
        await gateway.start()
        assert isinstance(gateway.store, SqliteStore)
        await fill(gateway.store)
        told = {}
        jar = aiohttp.CookieJar(unsafe=True)
        async with TestServer(gateway.app) as server, aiohttp.ClientSession(cookie_jar=jar) as browser:
            url = str(server.make_url("")).rstrip("/")
            async with browser.post(url + make_link(beside(settings.gateway), "bench", datetime.now(UTC))) as entered:
                entered.raise_for_status()
            for page, path in PAGES.items():
                seconds, size = [], 0
                for _ in range(TIMES):
                    began = time.perf_counter()
                    async with browser.get(url + path) as answer:
                        answer.raise_for_status()
                        size = len(await answer.read())
                    seconds.append(time.perf_counter() - began)
                told[page] = {"ms": round(statistics.median(seconds) * 1000, 1), "kb": round(size / 1000, 1)}
        print(json.dumps(told))
        await gateway.stop()


if __name__ == "__main__":
    asyncio.run(main())
