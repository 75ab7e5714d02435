"""What is read of a Redis: threads, posts, histories, queues and documents, of all replicas."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from gateway.store.contract import Post
from gateway.store.redis.calls import Calls
from gateway.store.redis.kept import is_post, read_post
from gateway.store.redis.keys import DOCS, TAGS, tag_of
from gateway.store.shape import read_breaks
from routing.conversation import Conversation
from routing.events import Event, decode_event

CACHED = 20_000
"""How many threads' places stay in memory."""


decode_conversation = msgspec.json.Decoder(Conversation).decode


class Reads:
    """Reads what any replica wrote."""

    _calls: Calls
    _threads: dict[tuple[str, int], str]

    async def find(self, number: int) -> Conversation | None:
        """Read the conversation with a number."""
        for told in await asyncio.gather(*(self._calls.submit("find", tag, number) for tag in TAGS)):
            if told[1]:
                return read_conversation(told[1])[1]
        return None

    async def thread(self, mailbox: str, number: int) -> str:
        """Say in which thread a conversation stands."""
        known = self._threads.get((mailbox, number), "")
        if not known:
            told = await self._calls.submit("field", tag_of(mailbox), "threads", f"{mailbox}\0{number}")
            if told[1]:
                known = self._threads[mailbox, number] = told[1].decode()
                while len(self._threads) > CACHED:
                    del self._threads[next(iter(self._threads))]
        return known

    async def post(self, mailbox: str, message: str) -> Post | None:
        """Say where a customer's message stands at the desk."""
        tag = tag_of(mailbox)
        told = await self._calls.submit("field", tag, "posts", f"{mailbox}\0{message}")
        if told[1] and not is_post(told[1]):
            told = await self._calls.submit("field", tag, "posts", told[1])
        return read_post(message, told[1]) if told[1] else None

    async def history(self, mailbox: str, limit: int = 200) -> Sequence[Event]:
        """Read the latest events of a mailbox, in order."""
        told = await self._calls.submit("history", tag_of(mailbox), mailbox, limit)
        return [decode_event(body) for body in told[1]]

    async def breaks(self) -> Mapping[str, datetime]:
        """Read until when each agent is away."""
        return read_breaks(await self.docs("away"))

    async def theirs(self, agent: str, limit: int) -> Sequence[Conversation]:
        """Read the open conversations that take an agent's room, of all replicas."""
        told = await asyncio.gather(*(self._calls.submit("theirs", tag, agent) for tag in TAGS))
        found = [read_conversation(body)[1] for answer in told for body in answer[1]]
        return sorted(found, key=lambda each: each.opened_at)[:limit]

    async def queued(self, limit: int) -> Sequence[Conversation]:
        """Read the conversations that wait for an agent, most urgent first, of all replicas."""
        told = await asyncio.gather(*(self._calls.submit("queue", tag, limit) for tag in TAGS))
        found = sorted((float(score), body) for answer in told for score, body in answer[1])
        return [read_conversation(body)[1] for _, body in found[:limit]]

    async def get_doc(self, kind: str, key: str) -> bytes | None:
        """Read a document."""
        told = await self._calls.submit("field", DOCS, f"doc:{kind}", key)
        found: bytes | None = told[1]
        return found

    async def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read all documents of a kind."""
        (_, flat) = await self._calls.submit("fields", DOCS, f"doc:{kind}")
        return dict(sorted((key.decode(), body) for key, body in zip(flat[::2], flat[1::2], strict=True)))


def read_conversation(body: bytes) -> tuple[int, Conversation]:
    """Read what is stored of a conversation: its version, and what it was then."""
    version, _, rest = body.partition(b":")
    return int(version), decode_conversation(rest)
