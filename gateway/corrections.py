"""`!fix`: what agents say is the right translation, remembered for everybody and put where the wrong one stands."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from adapters.contract import Channel, Editing, SendError
from adapters.desk_forms import LONGEST, Form
from adapters.desk_view import Said, decode_entries
from adapters.text import split
from config.settings import ENGINES
from gateway.edits import put_instead, wordy
from gateway.rules import Rules
from gateway.store.contract import Order, Store, StoreError
from gateway.tally import Tally
from routing.contents import File, channel_of
from routing.effects import Fix
from routing.events import AgentEdited, AgentWrote, CustomerWrote, Event, ReplySent
from routing.languages import language_name
from translation.contract import Pair
from translation.memory import Correction, Memory
from translation.protect import missing

KIND = "correction"
"""The kind of document that a correction is kept as."""

LOOK_EVERY = 2.0
"""Seconds between looks for what other replicas were told."""

LOOK_BACK = 60
"""How many events of a conversation are looked through for its last translation."""

NOTHING = "There is no translation in this conversation to correct."
CHANGED = "This was changed while you wrote, so nothing was corrected. You wrote: "
NOTHING_HERE = "There is no translation here to correct: choose a customer's message, or an answer that was translated."
TOO_LONG = "This is too long for a form: write `!fix` and the right words in the thread."
log = logging.getLogger("dragoman.corrections")
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Correction).decode


def read(stored: Mapping[str, bytes]) -> Sequence[Correction]:
    """Read those that can be read; of others the log tells."""
    corrections = []
    for key, body in stored.items():
        try:
            corrections.append(decode(body))
        except msgspec.DecodeError as error:
            log.error("correction.unreadable", extra={"key": key, "error": str(error)})
    return corrections


class Corrections:
    """What is remembered, in the store and in this process's memory."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self._memory = memory
        self._known: Mapping[str, bytes] = {}

    async def add(self, correction: Correction) -> None:
        """Remember a correction, in place of an earlier one of the same text.

        Raises:
            StoreError: it can't be kept.
        """
        await self._store.put_doc(KIND, correction.key, encode(correction))
        await self.refresh()

    async def refresh(self) -> None:
        """Know what is stored."""
        stored = await self._store.docs(KIND)
        if stored == self._known:
            return
        self._memory.learn(read(stored))
        self._known = stored

    async def watch(self) -> None:
        """Keep up with what other replicas were told, until cancelled."""
        while True:
            with suppress(StoreError):
                await self.refresh()
            await asyncio.sleep(LOOK_EVERY)


class Reply(NamedTuple):
    """An answer that was translated: the agent's words, what the customer reads of them, and in which messages."""

    written: str
    source: str
    sent: ReplySent
    reads: str
    messages: Sequence[str]


class Fixes:
    """Finds a conversation's last translation, and corrects it."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        corrections: Corrections,
        rules: Rules,
        tally: Tally,
    ) -> None:
        self._store = store
        self._channels = channels
        self._corrections = corrections
        self._rules = rules
        self._tally = tally

    async def find(self, mailbox: str, fix: Fix) -> Said | Reply | str:
        """Give what a correction is about: a message as it stands, or an answer.

        Where it names none, that is what was last translated before it, or should have been. Where there is nothing to
        correct, says why.
        """
        if fix.about:
            found = await self._said(mailbox, fix.about) or await self._answer(mailbox, fix.about)
            done = isinstance(found, Said) and found.text == fix.text
            if found is not None and not done and fix.seen not in ("", _seen(found)):
                return CHANGED + fix.text
            return found or NOTHING_HERE
        history = await self._store.history(mailbox, LOOK_BACK)
        events = [*takewhile(lambda each: not isinstance(each, AgentWrote) or each.message != fix.message, history)]
        for event in reversed(events):
            if isinstance(event, CustomerWrote) and (said := await self._said(mailbox, event.message)):
                return said
            if isinstance(event, ReplySent) and event.engine and event.reply and event.final:
                return self._reply(events, event) or NOTHING
        return NOTHING

    async def form(self, mailbox: str, message: str) -> Form | str:
        """Make the form that puts the translation of a message right, or say why there is none."""
        found = await self._said(mailbox, message) or await self._answer(mailbox, message)
        if found is None:
            return NOTHING_HERE
        if isinstance(found, Said):
            label, text = "What it means", found.text
            shown = ("The customer wrote", found.original or found.text)
        else:
            label, text = f"What the customer should read, in {language_name(found.sent.language)}", found.reads
            shown = ("You wrote", found.written)
        return Form("fix", message, label, text, (shown,), _seen(found)) if len(text) <= LONGEST else TOO_LONG

    async def of_said(self, said: Said, fix: Fix) -> Said:
        """Remember what a customer's message means, and say how it is shown then."""
        desk = self._rules.policy.desk_language
        original = said.original or said.text
        once = await self._remember(said.language, desk, original, fix)
        self._count(said.engine, said.language, desk)
        by = f"corrected by {self._rules.policy.name_of(fix.agent)}"
        return replace(said, text=fix.text, original=original, engine=by, mark=once, late=False)

    async def of_reply(self, reply: Reply, fix: Fix, order: Order) -> str:
        """Remember what an answer should have been, change it where the platform lets us, and say what came of it."""
        once = await self._remember(reply.source, reply.sent.language, reply.written, fix)
        self._count(reply.sent.engine, reply.source, reply.sent.language)
        by = f"Corrected by {self._rules.policy.name_of(fix.agent)}"
        channel = self._channels.get(channel_of(order.mailbox))
        once = f"\n⚠️ {once}" if once else ""
        kept = f"{by}. The customer still reads: {reply.reads}{once}"
        stays = f"{kept}\nThis can't be changed any more: write again what they need to know."
        if channel is None or not isinstance(channel, Editing):
            return stays
        conversation = await self._store.conversation(order.mailbox)
        peer = conversation.peer if conversation else order.mailbox.partition("/")[2]
        parts = split(fix.text, channel.capabilities.max_text, channel.capabilities.size)
        try:
            if not await put_instead(channel, peer, parts, reply.messages, order):
                return stays
        except SendError as error:
            return f"{kept}\n⚠️ It couldn't be changed: {error}. {error.advice}".rstrip()
        return f"{by}; the customer now reads: {fix.text}{once}"

    def _count(self, engine: str, source: str, target: str) -> None:
        """Count that an engine was wrong, where it was one that translated."""
        if engine in ENGINES:
            self._tally.note(engine, Pair(source, target), "fixed")

    async def _answer(self, mailbox: str, message: str) -> Reply | None:
        """Give an answer that was translated, by the agent's message that it came from."""
        events = await self._store.history(mailbox, LOOK_BACK)
        ours = [each for each in events if isinstance(each, ReplySent) and each.reply == message and each.engine]
        sent = next((each for each in reversed(ours) if each.final), None)
        return self._reply(events, sent) if sent else None

    async def _said(self, mailbox: str, message: str) -> Said | None:
        post = await self._store.post(mailbox, message)
        entries = decode_entries(post.body) if post else ()
        said = next((each for each in entries if isinstance(each, Said) and each.message == message), None)
        return said if said and said.language and not said.deleted else None

    def _reply(self, events: Sequence[Event], sent: ReplySent) -> Reply | None:
        written, agent, language = "", "", ""
        files: Sequence[File] = ()
        for event in takewhile(lambda each: each is not sent, events):
            if isinstance(event, AgentWrote) and event.message == sent.reply:
                written, agent, language = event.text, event.agent, event.facts.language
                files = event.attached
            elif isinstance(event, AgentEdited) and event.message == sent.reply and event.text:
                written = event.text
        if not written:
            return None
        listed = self._rules.policy.agent(agent)
        usual = listed.languages[0] if listed and listed.languages else self._rules.policy.desk_language
        messages = [each.message for each in events if isinstance(each, ReplySent) and each.reply == sent.reply]
        reads = sent.sent.removesuffix("".join(f"\n[{file.name or file.kind}]" for file in files))
        return Reply(written, language or usual, sent, reads, wordy(tuple(dict.fromkeys(messages)), len(files)))

    async def _remember(self, source: str, target: str, text: str, fix: Fix) -> str:
        """Remember a correction; what can't serve again, for want of what must survive, is for this once."""
        if lost := missing(text, fix.text):
            return f"For this once: it hasn't {', '.join(lost[:3])} just as the original has"
        name = self._rules.policy.name_of(fix.agent)
        await self._corrections.add(Correction(source=source, target=target, text=text, fix=fix.text, by=name))
        return ""


def _seen(found: Said | Reply) -> str:
    """Name what a person sees, so that another thing is known from it."""
    words = (found.original, found.text) if isinstance(found, Said) else (found.written, found.reads)
    return hashlib.sha256("\0".join(words).encode(errors="replace")).hexdigest()[:16]
