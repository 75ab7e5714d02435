"""What is read of the embedded engine: threads, posts, histories, queues and documents."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.store.contract import Post
from gateway.store.shape import read_breaks
from gateway.store.sqlite import rows
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.posts import STANDS
from routing.contents import THREAD_MARK
from routing.conversation import Conversation
from routing.events import Event, decode_event

CACHED = 20_000
"""How many threads' places stay in memory."""


class Reads:
    """Reads past what waits to be written."""

    _db: Database
    _threads: dict[tuple[str, int], str]

    async def find(self, number: int) -> Conversation | None:
        """Read the conversation with a number."""
        found = await self._db.read("SELECT body FROM conversation WHERE number = ?", number)
        return rows.decode_conversation(found[0][0]) if found else None

    async def thread(self, mailbox: str, number: int) -> str:
        """Say in which thread a conversation stands."""
        known = self._threads.get((mailbox, number))
        if known is None:
            sql = "SELECT name FROM alias WHERE mailbox = ? AND number = ? AND name LIKE ?"
            found = await self._db.read(sql, mailbox, number, f"{THREAD_MARK}%")
            if not found:
                return ""
            known = self._threads[mailbox, number] = found[0][0].removeprefix(THREAD_MARK)
            while len(self._threads) > CACHED:
                del self._threads[next(iter(self._threads))]
        return known

    async def post(self, mailbox: str, message: str) -> Post | None:
        """Say where a customer's message stands at the desk."""
        found = await self._db.read(STANDS, mailbox, message)
        return Post(messages=(message,), ts=found[0][0], body=found[0][1]) if found else None

    async def history(self, mailbox: str, limit: int = 200) -> Sequence[Event]:
        """Read the latest events of a mailbox, in order."""
        found = await self._db.read(
            "SELECT event FROM history WHERE mailbox = ? ORDER BY seq DESC LIMIT ?", mailbox, limit
        )
        return [decode_event(body) for (body,) in reversed(found)]

    async def breaks(self) -> Mapping[str, datetime]:
        """Read until when each agent is away."""
        return read_breaks(await self.docs(rows.AWAY))

    async def theirs(self, agent: str, limit: int) -> Sequence[Conversation]:
        """Read the open conversations that take an agent's room."""
        found = await self._db.read(
            "SELECT body FROM conversation WHERE agent = ? ORDER BY opened_at LIMIT ?", agent, limit
        )
        return [rows.decode_conversation(body) for (body,) in found]

    async def queued(self, limit: int) -> Sequence[Conversation]:
        """Read the conversations that wait for an agent."""
        found = await self._db.read(
            "SELECT body FROM conversation WHERE status = 'queued' ORDER BY priority, opened_at LIMIT ?", limit
        )
        return [rows.decode_conversation(body) for (body,) in found]

    async def get_doc(self, kind: str, key: str) -> bytes | None:
        """Read a document."""
        found = await self._db.read("SELECT body FROM doc WHERE kind = ? AND key = ?", kind, key)
        return found[0][0] if found else None

    async def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read all documents of a kind."""
        return dict(await self._db.read("SELECT key, body FROM doc WHERE kind = ? ORDER BY key", kind))
