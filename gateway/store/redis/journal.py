"""Into the journal: an event to its mailbox's partition, wherever its name is known; replies wait for their thread."""

import asyncio
from collections.abc import Sequence

from gateway.store.redis.calls import Answer, Calls
from gateway.store.redis.holding import Holding
from gateway.store.redis.kept import AsideEvent
from gateway.store.redis.keys import tag_of
from gateway.store.redis.names import Names, also_of, is_thread
from gateway.store.shape import event_key, millis
from gateway.store.waiting import Clock
from routing.effects import encode
from routing.events import Event, decode_event


class Journal:
    """Writes events where they belong, whoever has that partition."""

    def __init__(self, calls: Calls, names: Names, holding: Holding, clock: Clock) -> None:
        self._calls = calls
        self._names = names
        self._holding = holding
        self._clock = clock

    async def append(self, events: Sequence[Event]) -> list[bool]:
        """Write events in their order; what needs a look elsewhere waits until those before it are written."""
        fresh: dict[int, bool] = {}
        going: list[tuple[int, asyncio.Future[Answer]]] = []
        for index, event in enumerate(events):
            mailbox = self._names.known(event)
            if mailbox or (event.to and not is_thread(event.to) and not also_of(event)):
                going.append((index, self._enter(event, mailbox)))
                continue
            await self._finish(going, events, fresh)
            fresh[index] = await self._append_slowly(event)
        await self._finish(going, events, fresh)
        return [fresh[index] for index in range(len(events))]

    async def _finish(
        self, going: list[tuple[int, asyncio.Future[Answer]]], events: Sequence[Event], fresh: dict[int, bool]
    ) -> None:
        for index, future in going:
            answer = await future
            if answer[0] == b"at":
                self._names.learn(events[index].to, answer[1].decode())
                answer = await self._enter(events[index], answer[1].decode())
            fresh[index] = answer[0] != b"known"
        going.clear()

    def _enter(self, event: Event, mailbox: str) -> "asyncio.Future[Answer]":
        """Write an event to its mailbox; where that is "", to the one of its own name if nobody else has it."""
        box = mailbox or event.to
        tag = tag_of(box)

        def after(answer: Answer) -> None:
            if answer[0] == b"in":
                self._names.learn(event.to, box)
                self._holding.entered(box, answer[1], event)

        bell = "" if self._holding.is_mine(box) else self._holding.bell
        arguments = (event.to, mailbox, event_key(event), encode(event), millis(self._clock()), bell, tag)
        return self._calls.submit("append", tag, *arguments, after=after)

    async def _append_slowly(self, event: Event) -> bool:
        """Write an event whose mailbox is yet to be found."""
        now = self._clock()
        if not event.to:
            tag = tag_of(event.id)
            letter = encode(AsideEvent("", event, "unknown kind", now))
            told = await self._calls.submit("keep_aside", tag, event_key(event), letter, millis(now))
            if told[0] == b"aside":
                self._holding.count(tag, "aside", 1)
            return bool(told[0] != b"known")
        if not is_thread(event.to):
            told = await self._enter(event, await self._names.settle(event))
            return bool(told[0] != b"known")
        tag = tag_of(event.to)
        told = await self._calls.submit("park", tag, event.to, event_key(event), encode(event), millis(now))
        if told[0] == b"at":
            self._names.learn(event.to, told[1].decode())
            told = await self._enter(event, told[1].decode())
        elif told[0] == b"parked":
            self._holding.count(tag, "parked", 1)
        return bool(told[0] != b"known")

    async def move_parked(self, thread: str, mailbox: str) -> None:
        """Move what was parked for a thread into its mailbox, in order, until nothing is left."""
        tag = tag_of(thread)
        while parked := (await self._calls.submit("name_thread", tag, thread, mailbox))[1]:
            for body in parked:
                await self._enter(decode_event(body), mailbox)
            await self._calls.submit("unpark", tag, thread, len(parked), *parked)
            self._holding.count(tag, "parked", -len(parked))
        self._names.learn(thread, mailbox)

    async def move_freed(self, tag: str) -> None:
        """Move what a replica that died left parked though its thread was known."""
        for thread, mailbox, _ in (await self._calls.submit("freed", tag))[1]:
            await self.move_parked(thread.decode(), mailbox.decode())
