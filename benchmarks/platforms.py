"""Slack, Telegram and Meta as one server that accepts everything, and remembers which message came when.

`platforms.py [SECONDS]` answers each call so long after it came, at once where nothing is said.

`GET /stats` says how many different messages came, and the delays in milliseconds since they left; `/stats?forget`
forgets them.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import ClassVar

TAG = re.compile(rb"m(\d+)t(\d+)e")


class Platforms(asyncio.Protocol):
    """One connection to any of them."""

    seen: ClassVar[dict[bytes, float]] = {}
    ids: ClassVar[Iterator[int]] = itertools.count(1_790_000_000_000_000)
    answers_after: ClassVar[float] = float(sys.argv[1]) if sys.argv[1:] else 0.0

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = 0
            at = head.lower().find(b"content-length:")
            if at >= 0:
                length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            answer = self._answer(head.split(b" ", 2)[1], rest[:length])
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
            self._give(head + answer)

    def _give(self, answer: bytes) -> None:
        write = self._transport.write  # type: ignore[attr-defined]  # it is a write transport
        if self.answers_after:
            asyncio.get_running_loop().call_later(self.answers_after, write, answer)
        else:
            write(answer)

    def _answer(self, path: bytes, body: bytes) -> bytes:
        if path.startswith(b"/stats"):
            return self._stats(forget=b"forget" in path)
        now = time.monotonic_ns()
        for number, left in TAG.findall(body):
            if number not in self.seen:
                self.seen[number] = (now - int(left)) / 1e6
        id_ = next(self.ids)
        ts = b"%d.%06d" % divmod(id_, 1_000_000)
        if path.startswith(b"/bot"):
            if b"sendMessage" in path:
                chat = b'{"id":1,"type":"private"}'
                message = b'{"message_id":%d,"date":1,"chat":%s,"text":"x"}' % (id_ % 10**9, chat)
                return b'{"ok":true,"result":%s}' % message
            if b"getMe" in path:
                return b'{"ok":true,"result":{"id":42,"is_bot":true,"first_name":"b","username":"b"}}'
            return b'{"ok":true,"result":true}'
        if b"conversations.info" in path:
            return b'{"ok":true,"channel":{"id":"C0SUPPORT","name":"support","is_member":true}}'
        if b"/messages" in path:
            return b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.%d"}]}' % id_
        identity = b'"team":"T","team_id":"T0","user":"d","user_id":"U0BOT","bot_id":"B0","url":"http://x/"'
        return b'{"ok":true,"ts":"%s","channel":"C0SUPPORT",%s}' % (ts, identity)

    def _stats(self, *, forget: bool) -> bytes:
        delays = sorted(self.seen.values())
        count = len(delays)
        told = {
            "messages": count,
            "p50": delays[count // 2] if count else 0,
            "p95": delays[count * 95 // 100] if count else 0,
            "p99": delays[count * 99 // 100] if count else 0,
            "max": delays[-1] if count else 0,
        }
        if forget:
            self.seen.clear()
        return json.dumps(told).encode()


async def main() -> None:
    """Serve on a port of the machine's choice, and print it."""
    server = await asyncio.get_running_loop().create_server(Platforms, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
