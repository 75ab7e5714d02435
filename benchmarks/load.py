"""Load: customers who write by webhook, over keep-alive connections, as fast as answers come or at a set rate.

Each message carries `m<number>t<nanoseconds>e`: which it is and when it left, by the machine's monotonic clock.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections import Counter
from collections.abc import Callable

ENGLISH = (
    "Good morning, I ordered a coffee machine three weeks ago and it has still not arrived at my house. The page says "
    "that the parcel left your warehouse on Monday, but since then nothing has changed, and nobody answers when I call "
    "the number that is printed on the receipt. Could you please tell me where it is now and when I can expect it, "
    "because I will be travelling at the end of the month"
)
SPANISH = (
    "Buenos días, hace tres semanas pedí una cafetera y todavía no ha llegado a mi casa. La página dice que el paquete "
    "salió de su almacén el lunes, pero desde entonces nada ha cambiado, y nadie contesta cuando llamo al número que "
    "está en el recibo. ¿Podrían decirme por favor dónde está ahora y cuándo lo puedo esperar, porque voy a estar de "
    "viaje a finales de mes y no habrá nadie en casa"
)
LENGTH = 380


def text(number: int, language: str) -> str:
    """Write a message of 380 characters that says which it is and when it left."""
    tag = f" m{number}t{time.monotonic_ns()}e"
    words = SPANISH if language == "es" else ENGLISH
    return words[: LENGTH - len(tag)] + tag


def whatsapp(number: int, customer: int, language: str) -> tuple[str, bytes, dict[str, str]]:
    """Make a WhatsApp webhook, signed."""
    phone = f"4670{customer:07}"
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "46313900600", "phone_number_id": "301"},
        "contacts": [{"profile": {"name": "Lucía Fernández"}, "wa_id": phone}],
        "messages": [
            {
                "from": phone,
                "id": f"wamid.HBgLNDY3MDE3NDA2MDUVAgASGBQzQTdCNTk4Q0{number:012}",
                "timestamp": str(int(time.time())),
                "type": "text",
                "text": {"body": text(number, language)},
            }
        ],
    }
    change = {"value": value, "field": "messages"}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "201", "changes": [change]}]}).encode()
    return "/webhooks/wa", body, {"X-Hub-Signature-256": "sha256=" + hmac.digest(b"meta-secret", body, "sha256").hex()}


def slack(number: int, customer: int, language: str) -> tuple[str, bytes, dict[str, str]]:
    """Make a Slack event, signed."""
    now = int(time.time())
    event = {
        "type": "message",
        "channel": "C0SUPPORT",
        "user": f"U{customer:08}",
        "text": text(number, language),
        "ts": f"{now}.{number:06}",
        "channel_type": "channel",
        "team": "T0SANDBOX",
        "blocks": [],
    }
    envelope = {
        "token": "x",
        "team_id": "T0SANDBOX",
        "api_app_id": "A0SANDBOX",
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{number:010}",
        "event_time": now,
        "authorizations": [{"team_id": "T0SANDBOX", "user_id": "U0BOT", "is_bot": True}],
    }
    body = json.dumps(envelope).encode()
    signature = hmac.new(b"slack-secret", b"v0:%d:%s" % (now, body), hashlib.sha256).hexdigest()
    return "/slack/events", body, {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": f"v0={signature}"}


def telegram(number: int, customer: int, language: str) -> tuple[str, bytes, dict[str, str]]:
    """Make a Telegram update, with the secret."""
    person = {"id": customer + 1, "is_bot": False, "first_name": "Lucía", "last_name": "F", "language_code": "en"}
    message = {
        "message_id": number + 1,
        "from": person,
        "chat": {"id": customer + 1, "first_name": "Lucía", "last_name": "F", "type": "private"},
        "date": int(time.time()),
        "text": text(number, language),
    }
    body = json.dumps({"update_id": number + 1, "message": message}).encode()
    return "/webhooks/tg", body, {"X-Telegram-Bot-Api-Secret-Token": "telegram-secret"}


def messenger(number: int, customer: int, language: str) -> tuple[str, bytes, dict[str, str]]:
    """Make a Messenger event."""
    now = int(time.time() * 1000)
    message = {"mid": f"m_{number:020}", "text": text(number, language)}
    event = {"sender": {"id": str(customer + 1)}, "recipient": {"id": "1"}, "timestamp": now, "message": message}
    body = json.dumps({"object": "page", "entry": [{"id": "1", "time": now, "messaging": [event]}]}).encode()
    return "/connector/facebook", body, {}


KINDS: dict[str, Callable[[int, int, str], tuple[str, bytes, dict[str, str]]]] = {
    "whatsapp": whatsapp,
    "slack": slack,
    "telegram": telegram,
    "messenger": messenger,
}


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request, its answer, the next."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._load.free.append(self)
        self._load.go()

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._began = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]  # it is a write transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._load.answered(int(head[9:12]), time.perf_counter() - self._began)
        self._load.free.append(self)
        self._load.go()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += 1


class Load:
    """So many messages of so many customers."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.free: list[Connection] = []
        self.lost = 0
        self.done = asyncio.Event()
        self._options = options
        self._make = KINDS[options.kind]
        self._next = options.first
        self._end = options.first + options.count
        self._allowed = options.first if options.rate else self._end
        self._statuses: Counter[int] = Counter()
        self._times: list[float] = []

    def go(self) -> None:
        """Send what may be sent."""
        while self.free and self._next < min(self._end, self._allowed):
            path, body, headers = self._make(self._next, self._next % self._options.customers, self._options.language)
            self._next += 1
            extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = (
                f"POST {self._options.path or path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"{extra}Content-Length: {len(body)}\r\n\r\n"
            )
            self.free.pop().send(head.encode() + body)

    def answered(self, status: int, seconds: float) -> None:
        """Note an answer."""
        self._statuses[status] += 1
        self._times.append(seconds)
        if len(self._times) == self._options.count:
            self.done.set()

    async def run(self) -> dict[str, object]:
        """Send them all; say how it went."""
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        for _ in range(self._options.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._options.port)
        pacing = asyncio.create_task(self._pace(began)) if self._options.rate else None
        await self.done.wait()
        if pacing:
            pacing.cancel()
        seconds = time.perf_counter() - began
        times = sorted(self._times)
        return {
            "requests": len(times),
            "seconds": seconds,
            "rate": len(times) / seconds,
            "statuses": {str(status): count for status, count in self._statuses.items()},
            "p50": times[len(times) // 2] * 1000,
            "p99": times[len(times) * 99 // 100] * 1000,
        }

    async def _pace(self, began: float) -> None:
        while True:
            self._allowed = self._options.first + int((time.perf_counter() - began) * self._options.rate)
            self.go()
            await asyncio.sleep(0.002)


def main() -> None:
    """Send messages to a webhook, and print how it went as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--language", default="en")
    parser.add_argument("--path", default="")
    options = parser.parse_args()

    async def run() -> dict[str, object]:
        return await Load(options).run()

    json.dump(asyncio.run(run()), sys.stdout)


if __name__ == "__main__":
    main()
