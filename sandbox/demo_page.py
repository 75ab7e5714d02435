"""The demo's page: customers' phones on one side, the agents' channel on the other, live over one WebSocket.

What it shows is what the simulated platforms have; what people do on it, they do through those platforms.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from sandbox.mishaps import Mishap
from sandbox.phones import Phone, as_address, sample_photo
from sandbox.slack import SlackSandbox

FILES = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
LONGEST = 4000
COMMAND = "/dragoman"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer on the page: a phone, and the language they start with by its name; what they may say."""

    phone: Phone
    language: str
    suggestions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Guide:
    """What the page needs beside the platforms: agents' names by id, what they may say, the engines, a first exchange.

    `exchange` are turns: who ("customer" or an agent's id) says what.
    """

    agents: Mapping[str, str]
    suggestions: Sequence[str]
    engines: Sequence[Mapping[str, str]]
    exchange: Sequence[tuple[str, str]]


class Watched(Protocol):
    """A platform that tells when something changed on it."""

    changed: asyncio.Event


class DemoPage:
    """Serves the page, and carries what happens to everybody who looks at it.

    `watched` are the platforms, each with a `changed` event, `mishaps` what can go wrong, by name; `served_at` is told
    the address that a browser came by.
    """

    def __init__(
        self,
        slack: SlackSandbox,
        people: Sequence[Person],
        guide: Guide,
        watched: Sequence[Watched],
        mishaps: Mapping[str, Mishap],
        served_at: Callable[[str], None],
    ) -> None:
        self._mishaps = mishaps
        self._happening: set[str] = set()
        self._slack = slack
        self._people = people
        self._guide = guide
        self._watched = watched
        self._served_at = served_at
        self._phones = {person.phone.key: person.phone for person in people}
        self._sockets: set[web.WebSocketResponse] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Give the page's addresses."""
        return [
            web.get("/", self._file("index.html")),
            web.get("/demo.css", self._file("demo.css")),
            web.get("/demo.js", self._file("demo.js")),
            web.get("/demo", self._socket),
        ]

    async def watch(self) -> None:
        """Tell everybody what changed, until cancelled."""
        while True:
            waits = [asyncio.ensure_future(each.changed.wait()) for each in self._watched]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            await asyncio.sleep(0.03)
            await self._tell(self._sockets)

    async def close(self) -> None:
        """Let go of those who look."""
        for task in self._tasks:
            task.cancel()
        for socket in tuple(self._sockets):
            await socket.close()

    def _file(self, name: str) -> Any:
        path = FILES / name

        async def serve(_: web.Request) -> web.Response:
            return web.Response(
                text=path.read_text(encoding="utf-8"),
                content_type=TYPES[path.suffix],
                headers={
                    "Cache-Control": "no-cache",
                    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:",
                },
            )

        return serve

    async def _socket(self, http: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(http)
        if http.transport:
            host, port = http.transport.get_extra_info("sockname")[:2]
            self._served_at(f"http://{host}:{port}")
        self._sockets.add(socket)
        await self._tell({socket})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._start(message.data)
        finally:
            self._sockets.discard(socket)
        return socket

    def _start(self, text: str) -> None:
        try:
            order = json.loads(text)
            task = asyncio.create_task(self._do(order))
        except ValueError:
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, order: dict[str, Any]) -> None:
        said = str(order.get("text", "")).strip()[:LONGEST]
        phone = self._phones.get(str(order.get("phone")))
        match order.get("do"):
            case "write" if said and phone:
                await phone.write(said)
            case "photo" if phone:
                await phone.send_photo(sample_photo())
            case "read" if phone:
                await phone.read()
            case "wait" if phone:
                phone.let_time_pass()
            case "play":
                await self._play()
            case "mishap" if order.get("name") in self._mishaps:
                await self._happen(order["name"], on=order.get("on") is True)
            case _:
                await self._do_at_desk(order, said)

    async def _happen(self, name: str, *, on: bool) -> None:
        """Have something go wrong, or right again."""
        self._mishaps[name].happen(on)
        (self._happening.add if on else self._happening.discard)(name)
        await self._tell(self._sockets)

    async def _do_at_desk(self, order: dict[str, Any], said: str) -> None:
        match order.get("do"):
            case "answer" if said and order.get("thread") in self._slack.posts:
                await self._slack.write(str(order.get("agent")), said, thread=order["thread"])
            case "attach" if order.get("thread") in self._slack.posts:
                await self._slack.write_file(
                    str(order.get("agent")), "parcel.png", sample_photo(), thread=order["thread"], mimetype="image/png"
                )
            case "press" if order.get("message") in self._slack.posts:
                await self._slack.press(
                    str(order.get("agent")), str(order.get("action")), str(order.get("value")), order["message"]
                )
            case "choose" if order.get("message") in self._slack.posts:
                await self._slack.choose(str(order.get("agent")), str(order.get("action")), order["message"])
            case "submit" if self._is_open(order) and isinstance(order.get("fields"), dict):
                fields = {str(name): str(value).strip()[:LONGEST] for name, value in order["fields"].items()}
                await self._slack.submit(order["form"], **fields)
            case "dismiss" if self._is_open(order):
                self._slack.dismiss(order["form"])
            case _:
                await self._ask_the_app(order, said)

    async def _ask_the_app(self, order: dict[str, Any], said: str) -> None:
        """Do what an agent does with the app itself, in no thread."""
        agent, whisper = str(order.get("agent")), order.get("whisper")
        match order.get("do"):
            case "command" if said.startswith(COMMAND):
                await self._slack.command(agent, said.removeprefix(COMMAND).strip())
            case "home":
                await self._slack.open_home(agent)
            case "press_in_view" if whisper is None or whisper in range(len(self._slack.whispers)):
                await self._slack.press_in_view(
                    agent, str(order.get("action")), str(order.get("value")), whisper=whisper
                )

    def _is_open(self, order: dict[str, Any]) -> bool:
        return any(each["id"] == order.get("form") for each in self._slack.forms)

    async def _play(self) -> None:
        """Play a first exchange: each turn waits for what the one before came to."""
        person = self._people[0]
        for who, text in self._guide.exchange:
            before = _came(person.phone)
            if who == "customer":
                posts = len(self._slack.posts)
                await person.phone.write(text)
                await self._until(lambda posts=posts: len(self._slack.posts) > posts + 1)
            else:
                await self._slack.write(who, text, thread=self._thread_of(person))
                await self._until(lambda before=before: _came(person.phone) > before)
            await asyncio.sleep(1.2)

    def _thread_of(self, person: Person) -> str:
        """Find the latest thread whose card names a person."""
        named = [root["ts"] for root in self._slack.roots() if person.phone.name in root.get("text", "")]
        return str(named[-1]) if named else ""

    async def _until(self, holds: Any) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not holds():  # noqa: ASYNC110 - the platforms have no one event for it
                    await asyncio.sleep(0.05)

    async def _tell(self, sockets: set[web.WebSocketResponse]) -> None:
        text = json.dumps(self._picture(), ensure_ascii=False)
        for socket in tuple(sockets):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.send_str(text)

    def _picture(self) -> dict[str, Any]:
        """Say everything that the page shows."""
        return {
            "customers": [
                {
                    "phone": person.phone.key,
                    "name": person.phone.name,
                    "platform": person.phone.platform,
                    "language": person.language,
                    "suggestions": person.suggestions,
                    "messages": person.phone.lines(),
                }
                for person in self._people
            ],
            "threads": [
                {**self._post(root), "replies": [self._post(reply) for reply in self._slack.replies(root["ts"])]}
                for root in self._slack.roots()
            ],
            "whispers": [
                {
                    "agent": whisper.get("user"),
                    "thread": whisper.get("thread_ts"),
                    "text": whisper.get("text"),
                    "blocks": whisper.get("blocks") or [],
                    "number": number,
                }
                for number, whisper in [*enumerate(self._slack.whispers)][-20:]
            ],
            "homes": self._slack.homes,
            "forms": self._slack.forms,
            "agents": self._guide.agents,
            "suggestions": self._guide.suggestions,
            "engines": self._guide.engines,
            "mishaps": [
                {"name": name, "title": each.title, "on": name in self._happening}
                for name, each in self._mishaps.items()
            ],
        }

    def _post(self, post: dict[str, Any]) -> dict[str, Any]:
        shown = ("ts", "text", "blocks", "user", "username", "icons")
        kept: dict[str, Any] = {key: post[key] for key in shown if key in post}
        files = [self._file_of(each) for each in post.get("files", ())]
        return {**kept, "files": files, "reactions": self._slack.reactions.get(post["ts"], [])}

    def _file_of(self, shown: dict[str, Any]) -> dict[str, str]:
        content = self._slack.files[shown["id"]].get("content", b"")
        picture = as_address(content) if content.startswith((b"\x89PNG", b"\xff\xd8")) else ""
        return {"name": shown["name"], "photo": picture}


def _came(phone: Phone) -> int:
    return sum(not line["mine"] for line in phone.lines())
