"""Saved replies that agents make at the desk, beside those of the configuration; on all replicas after a moment."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from gateway.rules import Rules
from gateway.store.contract import Store, StoreError
from routing.commands import read_command
from routing.policy import SavedReply

KIND = "reply"
"""The kind of document that a saved reply is kept as; an empty one was taken away."""

LOOK_EVERY = 2.0
"""Seconds between looks for what other replicas were told."""

log = logging.getLogger("dragoman.replies")
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(SavedReply).decode


class Replies:
    """What is stored, and in this process's memory."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._store = store
        self._rules = rules
        self._stored: Mapping[str, bytes] = {}
        self._known: dict[str, SavedReply] = {}

    def search(self, words: str) -> Sequence[SavedReply]:
        """Find saved replies by words in their names or texts, those of the configuration too, by name."""
        wanted = words.casefold().split()
        every = {each.name.casefold(): each for each in (*self._known.values(), *self._rules.policy.replies)}
        found = [
            each
            for each in every.values()
            if all(word in " ".join((each.name, *each.text.values())).casefold() for word in wanted)
        ]
        return sorted(found, key=lambda each: each.name.casefold())

    def is_fixed(self, name: str) -> bool:
        """Say whether a saved reply is the configuration's, so that only an admin changes it."""
        return any(each.name.casefold() == name.casefold() for each in self._rules.policy.replies)

    def find(self, name: str) -> SavedReply | None:
        """Give the saved reply of a name that was made at the desk."""
        return self._known.get(name.casefold())

    def asked_for(self, text: str) -> tuple[SavedReply, ...]:
        """Give what deciding about `!reply NAME` needs: the one made at the desk, else the names of all of them."""
        command = read_command(text)
        if command.name != "reply":
            return ()
        found = self.find(command.argument)
        return (found,) if found else tuple(replace(each, text={}) for each in self._known.values())

    async def put(self, name: str, language: str, text: str) -> None:
        """Keep a version of a saved reply; no text takes the version away, and the reply with its last.

        Raises:
            StoreError: it can't be kept.
        """
        await self.refresh()
        was = self.find(name) or SavedReply(name=name, text={})
        texts = {tag: said for tag, said in was.text.items() if tag != language} | ({language: text} if text else {})
        body = encode(replace(was, text=texts)) if texts else b""
        await self._store.put_doc(KIND, name.casefold(), body)
        await self.refresh()

    async def refresh(self) -> None:
        """Know what is stored."""
        stored = await self._store.docs(KIND)
        if stored == self._stored:
            return
        known = {}
        for key, body in stored.items():
            try:
                if body:
                    known[key] = decode(body)
            except msgspec.DecodeError as error:
                log.error("reply.unreadable", extra={"key": key, "error": str(error)})
        self._stored, self._known = stored, known

    async def watch(self) -> None:
        """Keep up with what other replicas were told, until cancelled."""
        while True:
            with suppress(StoreError):
                await self.refresh()
            await asyncio.sleep(LOOK_EVERY)
