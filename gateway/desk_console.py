"""What agents ask the app itself, from anywhere in Slack: how they stand, who waits, and to be left alone."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from adapters.contract import Channel
from adapters.desk import Desk
from adapters.desk_home import MOST, Listed, Overview, draw_list, draw_overview
from adapters.desk_replies import draw_replies, draw_reply_form, read_reply_form
from adapters.desk_start import CALLBACK as START
from adapters.desk_start import Start, draw_start_form, read_start_form
from adapters.desk_view import Block, draw_whisper, on_clock
from adapters.slack_text import escape
from gateway.hands import Clock
from gateway.replies import Replies
from gateway.rules import Rules
from gateway.search import search
from gateway.store.contract import Beside, Side, Store, StoreError
from routing import texts
from routing.commands import read_duration, read_return
from routing.contents import EPOCH, Standing, contact
from routing.conversation import Conversation
from routing.events import AgentStarted
from routing.languages import language_name
from routing.policy import unknown_variable

_PHONE_NUMBER = re.compile(r"\+?[\d(][\d\s().-]{4,}")
_PHONE = re.compile(r"\D")

FIND_FOR = 2.0
"""Seconds that a search may take: Slack waits three."""

Shown = tuple[str, list[Block]]
"""A text for notifications, and blocks."""


class Console:
    """Answers `/dragoman` and draws the app's Home; `freed` is told when an agent has room again."""

    def __init__(
        self,
        store: Store,
        beside: Beside,
        desk: Desk,
        rules: Rules,
        clock: Clock,
        freed: Callable[[str], Awaitable[None]],
        replies: Replies,
        channels: Mapping[str, Channel],
    ) -> None:
        self._channels = channels
        self._replies = replies
        self._beside = beside
        self._store = store
        self._desk = desk
        self._rules = rules
        self._clock = clock
        self._freed = freed

    async def command(self, agent: str, text: str) -> Shown:
        """Answer `/dragoman` and what follows it."""
        try:
            if not await self._may(agent):
                return draw_whisper(texts.NOT_OF_THE_DESK)
            return await self._command(agent, *_words(text))
        except StoreError as error:
            return draw_whisper(f"That can't be done just now: {error}. Try again in a moment.")

    async def press(self, agent: str, action: str, value: str, trigger: str) -> Shown | None:
        """Do what a button says; gives what stands in its place then, where that is something else."""
        if not await self._may(agent):
            return draw_whisper(texts.NOT_OF_THE_DESK)
        if action == "start":
            return _told(await self._desk.open_view(trigger, draw_start_form(sorted(self._channels))))
        if action in ("reply_new", "reply_edit"):
            return await self._open_reply(value if action == "reply_edit" else "", trigger)
        await self._command(agent, action, value)
        return await self._command(agent, "", "")

    async def submit(self, agent: str, view: Mapping[str, Any]) -> Mapping[str, str]:
        """Take what an agent put into a form, which only an agent is given; gives by field what is wrong with it."""
        if view["callback_id"] == START:
            return await self._start(agent, read_start_form(view))
        filled = read_reply_form(view)
        if not view["private_metadata"]:
            if self._replies.is_fixed(filled.name):
                return {"name": texts.REPLY_FIXED}
            if self._replies.find(filled.name):
                return {"name": texts.REPLY_TAKEN}
        if unknown := unknown_variable(filled.text):
            return {"text": unknown[0].upper() + unknown[1:]}
        try:
            await self._replies.put(filled.name, filled.language, filled.text)
        except StoreError as error:
            return {"text": texts.not_kept(str(error))}
        return {}

    async def _open_reply(self, name: str, trigger: str) -> Shown | None:
        reply = self._replies.find(name) if name else None
        if name and reply is None:
            return draw_whisper(texts.REPLY_GONE)
        language = next(iter(reply.text)) if reply else self._rules.policy.desk_language
        return _told(await self._desk.open_view(trigger, draw_reply_form(reply, language)))

    async def home(self, agent: str) -> list[Block]:
        """Draw the app's Home for an agent."""
        if not await self._may(agent):
            return draw_whisper(texts.NOT_OF_THE_DESK)[1]
        return draw_overview(await self._overview(agent))

    async def _may(self, agent: str) -> bool:
        """Say whether somebody may see what is at the desk: everybody in the workspace has the command."""
        return self._rules.policy.agent(agent) is not None or await self._desk.has_member(agent)

    async def _command(self, agent: str, name: str, rest: str) -> Shown:
        match name:
            case "" | "home":
                return "Your conversations", draw_overview(await self._overview(agent))
            case "away":
                return draw_whisper(await self._leave(agent, rest))
            case "back":
                return draw_whisper(await self._come_back(agent))
            case "queue":
                waiting = await self._listed(await self._store.queued(MOST))
                return "Who waits", draw_list("Waiting for somebody", waiting, "Nobody waits.")
            case "replies":
                found = self._replies.search(rest)
                fixed = [each.name for each in found if self._replies.is_fixed(each.name)]
                return "Saved replies", draw_replies(found, fixed, rest)
            case "start":
                return draw_whisper(escape(await self._started(agent, rest)))
            case "find":
                return await self._find(rest)
        return draw_whisper(texts.CONSOLE_HELP)

    async def _started(self, agent: str, said: str) -> str:
        """Begin a conversation as a command says."""
        channel, address, language, name = [*said.split(maxsplit=3), "", "", "", ""][:4]
        if not address or (language and language_name(language) == language):
            return texts.START_HOW
        wrong = await self._start(agent, Start(channel, address, language.lower(), name))
        return " ".join(wrong.values()) or texts.STARTED_SOON

    async def _start(self, agent: str, start: Start) -> Mapping[str, str]:
        """Have a thread opened for a customer; gives by field what is wrong."""
        if start.channel not in self._channels:
            return {"channel": texts.no_such_channel(start.channel, sorted(self._channels))}
        address = _PHONE.sub("", start.address) if _PHONE_NUMBER.fullmatch(start.address) else start.address.strip()
        if not address:
            return {"address": texts.START_ADDRESS}
        now = self._clock()
        event = AgentStarted(
            id=f"start:{agent}:{secrets.token_hex(8)}",
            to=contact(start.channel, address),
            at=now,
            agent=agent,
            language=start.language,
            name=start.name,
        )
        try:
            await self._store.append([event])
        except StoreError as error:
            return {"address": texts.not_kept(str(error))}
        return {}

    async def _find(self, wanted: str) -> Shown:
        """Look for conversations, as long as Slack waits for an answer."""
        if not wanted:
            return draw_whisper(texts.FIND_HOW)
        try:
            async with asyncio.timeout(FIND_FOR):
                found = await asyncio.to_thread(search, self._beside, wanted, MOST)
        except TimeoutError:
            return draw_whisper(texts.FIND_LATE)
        listed = [await self._line(conversation, number) for conversation, number in found]
        return "Found", draw_list(f"“{wanted}”", listed, "Nothing was found.")

    async def _leave(self, agent: str, asked: str) -> str:
        if self._rules.policy.agent(agent) is None:
            return texts.NOT_AN_AGENT
        until = EPOCH
        if asked:
            zone = UTC if read_duration(asked) else await self._desk.zone(agent)
            found = read_return(asked, self._clock(), zone)
            if found is None:
                return escape(texts.bad_return(asked))
            until = found.astimezone(UTC)
        await self._store.set_away(agent, away=True, until=until)
        return texts.away_until(on_clock(until))

    async def _come_back(self, agent: str) -> str:
        if self._rules.policy.agent(agent) is None:
            return texts.NOT_AN_AGENT
        await self._store.set_away(agent, away=False)
        await self._freed(f"back:{agent}:{self._clock().isoformat()}")
        return texts.BACK

    async def _overview(self, agent: str) -> Overview:
        listed = self._rules.policy.agent(agent)
        standing = next((each for each in self._store.roster() if each.agent == agent), Standing(agent=agent))
        queued = await self._store.queued(MOST + 1)
        return Overview(
            known=listed is not None,
            away=standing.away,
            away_until=(await self._store.breaks()).get(agent, EPOCH),
            load=standing.load,
            capacity=listed.capacity if listed else 0,
            languages=listed.languages if listed else (),
            skills=listed.skills if listed else (),
            mine=await self._listed(await self._store.theirs(agent, MOST)),
            queue=await self._listed(queued[:MOST]),
            more=len(queued) > MOST,
            lag=self._store.oldest().get(Side.DESK, 0.0),
        )

    async def _listed(self, found: Sequence[Conversation]) -> Sequence[Listed]:
        return [await self._line(each, each.number) for each in found]

    async def _line(self, found: Conversation, number: int) -> Listed:
        """List a contact's present conversation, or with another number what is left of that one: its thread."""
        return Listed(
            number=number,
            name=found.name,
            channel=found.channel,
            status=found.status if number == found.number else "closed",
            language=found.language,
            skill=found.skill,
            priority=found.priority,
            waiting=found.waiting_since,
            link=self._desk.link(await self._store.thread(found.contact, number)),
        )


def _told(why: str) -> Shown | None:
    return draw_whisper(why) if why else None


def _words(text: str) -> tuple[str, str]:
    name, _, rest = text.strip().partition(" ")
    return name.lower(), rest.strip()
