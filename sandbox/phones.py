"""Customers' phones for the demo's page: what each shows, and what its owner does, through its own platform."""

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.messenger import MessagingSandbox
from sandbox.telegram import TelegramSandbox
from sandbox.whatsapp import WhatsAppSandbox

Line = dict[str, Any]
"""A bubble: `mine`, `text`, and where there is one a `photo` as a data address or a `file` by its name; `state`."""


class Phone(Protocol):
    """One customer's phone; `platform` is what its app is called, `key` names it on the page."""

    key: str
    name: str
    platform: str

    async def write(self, text: str) -> None:
        """Write a message."""

    async def send_photo(self, content: bytes) -> None:
        """Send a photo."""

    async def read(self) -> None:
        """Read all that came, where the platform tells that."""

    def let_time_pass(self) -> None:
        """Let the platform's time for free answers pass, where it has one."""

    def lines(self) -> list[Line]:
        """Give what the phone shows, in order."""


class TelegramPhone:
    """A phone with Telegram; it doesn't tell what was read, and has no window."""

    platform = "Telegram"

    def __init__(self, sandbox: TelegramSandbox, chat: int, name: str) -> None:
        self.key, self.name = str(chat), name
        self._sandbox = sandbox
        self._chat = chat
        self._customer = sandbox.customer(chat, name)

    async def write(self, text: str) -> None:
        """Write a message."""
        await self._customer.write(text)

    async def send_photo(self, content: bytes) -> None:
        """Send a photo."""
        await self._customer.send(photo=[{"file_id": self._sandbox.add_file(content), "file_size": len(content)}])

    async def read(self) -> None:
        """Telegram doesn't tell."""

    def let_time_pass(self) -> None:
        """Telegram has no window."""

    def lines(self) -> list[Line]:
        """Give what the phone shows."""
        files = iter(self._sandbox.attachments(self._chat))
        return [self._line(message, files) for message in self._sandbox.chats.get(self._chat, ())]

    def _line(self, message: dict[str, Any], files: Any) -> Line:
        mine = not message["from"]["is_bot"]
        line: Line = {"mine": mine, "text": message.get("text", "")}
        if "photo" in message and mine:
            return line | {"photo": as_address(self._sandbox.files[message["photo"][-1]["file_id"]])}
        return line if mine or line["text"] else line | shown(*next(files)[1:])


class MetaPhone:
    """A phone with one of Meta's apps: it keeps what was written, and asks the sandbox what came."""

    def __init__(self, key: str, name: str, platform: str, came: Callable[[], list[Line]]) -> None:
        self.key, self.name, self.platform = key, name, platform
        self._came = came
        self._lines: list[Line] = []
        self._seen = 0
        self._read_to = 0

    def lines(self) -> list[Line]:
        """Give what the phone shows: what came since the last look goes behind what was there."""
        came = self._came()
        self._lines += came[self._seen :]
        self._seen = len(came)
        return self._lines

    def _mine(self, line: Line) -> None:
        self.lines()
        self._lines.append({"mine": True, "text": "", **line})


class WhatsAppPhone(MetaPhone):
    """A phone with WhatsApp."""

    def __init__(self, sandbox: WhatsAppSandbox, phone: str, name: str) -> None:
        super().__init__(phone, name, "WhatsApp", lambda: self._to_me())
        self._sandbox = sandbox

    async def write(self, text: str) -> None:
        """Write a message."""
        self._mine({"text": text})
        await self._sandbox.write(self.key, self.name, text)

    async def send_photo(self, content: bytes) -> None:
        """Send a photo."""
        self._mine({"photo": as_address(content)})
        media = self._sandbox.add_media("image/png", content)
        await self._sandbox.send(self.key, self.name, type="image", image={"id": media, "mime_type": "image/png"})

    async def read(self) -> None:
        """Read all that came: two blue ticks each."""
        ours = [message for message in self._sandbox.sent if message.get("to") == f"+{self.key}"]
        for message in ours[self._read_to :]:
            await self._sandbox.status(message, "read")
        self._read_to = len(ours)

    def let_time_pass(self) -> None:
        """Let 24 hours pass."""
        self._sandbox.closed.add(self.key)

    def _to_me(self) -> list[Line]:
        lines: list[Line] = []
        for message in self._sandbox.sent:
            if message.get("to") != f"+{self.key}":
                continue
            kind = message["type"]
            line: Line = {"mine": False, "text": message.get("text", {}).get("body", "")}
            if kind == "template":
                line["text"] = self._template(message["template"])
            elif kind != "text":
                content = self._sandbox.media[message[kind]["id"]][1]
                line |= shown(message[kind].get("filename", kind), content)
            lines.append(line)
        return lines

    def _template(self, used: dict[str, Any]) -> str:
        wanted = (used["name"], used["language"]["code"])
        known = (each for each in self._sandbox.templates if (each["name"], each["language"]) == wanted)
        return str(next(known)["components"][0]["text"])


class MessagingPhone(MetaPhone):
    """A phone with Messenger or Instagram."""

    def __init__(self, sandbox: MessagingSandbox, person: str, name: str) -> None:
        platform = "Messenger" if sandbox.object == "page" else "Instagram"
        super().__init__(person, name, platform, lambda: self._to_me())
        self._sandbox = sandbox
        sandbox.names[person] = name

    async def write(self, text: str) -> None:
        """Write a message."""
        self._mine({"text": text})
        await self._sandbox.write(self.key, text)

    async def send_photo(self, content: bytes) -> None:
        """Send a photo."""
        self._mine({"photo": as_address(content)})
        url = f"{self._sandbox.base}/cdn/{self._sandbox.add_media(content)}"
        await self._sandbox.write(self.key, attachments=[{"type": "image", "payload": {"url": url}}])

    async def read(self) -> None:
        """Read all that came."""
        if self._to_me():
            await self._sandbox.read(self.key)

    def let_time_pass(self) -> None:
        """Let the platform say that it is over."""
        self._sandbox.closed.add(self.key)

    def _to_me(self) -> list[Line]:
        lines: list[Line] = []
        for each in self._sandbox.sent:
            if each["recipient"]["id"] != self.key:
                continue
            message = each["message"]
            line: Line = {"mine": False, "text": message.get("text", "")}
            if found := message.get("attachment"):
                content = self._sandbox.media.get(found["payload"].get("attachment_id", ""))
                line |= shown(found["type"], content) if content else {"file": found["payload"].get("url", "")}
            lines.append(line)
        return lines


def shown(name: str, content: bytes) -> Line:
    """Show a file: a picture as itself, anything else by its name."""
    return {"photo": as_address(content)} if content.startswith((b"\x89PNG", b"\xff\xd8")) else {"file": name}


def as_address(content: bytes) -> str:
    """Write a picture as an address that a page can show."""
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sample_photo() -> bytes:
    """Paint a picture of a parcel."""
    width, height = 160, 110
    rows = b"".join(b"\0" + b"".join(_pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _pixel(x: int, y: int) -> bytes:
    if not (20 < x < 140 and 25 < y < 100):
        return bytes((214, 226, 233))
    tape = 72 < x < 88 or 55 < y < 65
    shade = (x + y) // 12
    return bytes((222, 190, 120)) if tape else bytes((181 - shade, 130 - shade, 74 - shade))
