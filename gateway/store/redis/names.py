"""Whose mailbox a name stands for, in whatever partition the name is; and replies that came before their thread."""

from collections.abc import Sequence

from gateway.store.redis.calls import Calls
from gateway.store.redis.keys import tag_of
from routing.contents import THREAD_MARK
from routing.events import ContactMoved, CustomerWrote, Event

REMEMBERED = 100_000
"""How many names stay in memory."""


def also_of(event: Event) -> tuple[str, ...]:
    """Give a contact's further names."""
    return event.also if isinstance(event, CustomerWrote | ContactMoved) else ()


class Names:
    """What is known of names, in memory and in Redis."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._known: dict[str, str] = {}

    def known(self, event: Event) -> str:
        """Give an event's mailbox where memory has it and all the contact's names, else ""."""
        if all(name in self._known for name in also_of(event)):
            return self._known.get(event.to, "")
        return ""

    def learn(self, name: str, mailbox: str) -> None:
        """Remember a name."""
        self._known[name] = mailbox
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def forget(self, mailbox: str = "") -> None:
        """Forget the names of a mailbox, or all: another replica may have changed them."""
        self._known = {name: whose for name, whose in self._known.items() if mailbox and whose != mailbox}

    async def whose(self, name: str) -> str:
        """Look a name up; "" where nobody has it."""
        return str((await self._calls.submit("whose", tag_of(name), name))[1].decode())

    async def settle(self, event: Event) -> str:
        """Say whose mailbox a contact's event belongs to, and keep all names it brings.

        Two customers who turn out to share a name stay two: each is known by it already, and nobody is merged.
        """
        also = also_of(event)
        mailbox = await self.whose(event.to)
        for name in also:
            mailbox = mailbox or await self.whose(name)
        mailbox = await self._call(event.to, mailbox or event.to)
        mine = [name for name in also if await self._call(name, mailbox) == mailbox]
        await self.also_called(mailbox, [event.to, *mine])
        return mailbox

    async def _call(self, name: str, mailbox: str) -> str:
        told = await self._calls.submit("call_it", tag_of(name), name, mailbox)
        self.learn(name, whose := told[1].decode())
        return str(whose)

    async def also_called(self, mailbox: str, names: Sequence[str]) -> None:
        """Keep under which names a mailbox is known, so that it can be forgotten under all."""
        await self._calls.submit("also_called", tag_of(mailbox), mailbox, len(names), *names)

    async def all_of(self, mailbox: str) -> set[str]:
        """Give all names of a mailbox."""
        told = await self._calls.submit("names", tag_of(mailbox), mailbox)
        return {mailbox, *(name.decode() for name in told[1])}

    async def erase(self, names: Sequence[str]) -> tuple[int, int]:
        """Forget names everywhere, and what is parked for them; says how much was parked, and how many there were."""
        parked = gone = 0
        for name in names:
            self._known.pop(name, None)
            told = await self._calls.submit("uncall", tag_of(name), 1, name)
            gone += told[1]
            parked += told[2]
        return parked, gone


def is_thread(name: str) -> bool:
    """Say whether a name is a thread's."""
    return name.startswith(THREAD_MARK)
