"""From the journal into the conversations: claim, gather facts, decide, commit."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from gateway.record import Record, Recorder
from gateway.replies import Replies
from gateway.rules import Rules
from gateway.store.contract import Claim, Outcome, Step, Store, StoreError, Timer
from routing import assign
from routing.contents import EPOCH, Facts
from routing.conversation import Conversation, concerns_nobody, decide, opens_conversation, wants_agent, wants_room
from routing.effects import Effect
from routing.events import (
    AgentEdited,
    AgentPressed,
    AgentStarted,
    AgentWrote,
    CustomerEdited,
    CustomerWrote,
    Event,
    SurveyDue,
    TurnCame,
)
from routing.policy import Policy

HAVE_FACTS = (AgentEdited, AgentPressed, AgentStarted, AgentWrote, CustomerEdited, CustomerWrote, SurveyDue, TurnCame)
"""The events that facts are gathered for."""

QUEUE_LOOK = 100
"""How many who wait are considered when somebody has room again."""

BREAK_WATCH = 5.0
"""Seconds between looks at whose break is over."""

QUEUE_WATCH = 60.0
"""Seconds between looks at the queue, beside those that a closed conversation causes."""

STRIKES = 3
"""How often a mailbox may break us before its first event is set aside."""

PAUSE = 1.0
"""Seconds before what failed comes again."""

log = logging.getLogger("dragoman.worker")


class Ear(Protocol):
    """Tells which language somebody writes."""

    def customer(self, was: Conversation, text: str, hint: str) -> Facts:
        """Say what a customer's message teaches about their language."""

    def agent(self, was: Conversation, text: str, agent: str) -> Facts:
        """Say in which language an agent wrote."""


class Worker:
    """Carries events into their conversations; several steps may run side by side."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        ear: Ear,
        *,
        clock: Callable[[], datetime] | None = None,
        recorder: Recorder | None = None,
        replies: Replies | None = None,
    ) -> None:
        self._replies = replies
        self._recorder = recorder
        self._store = store
        self._rules = rules
        self._ear = ear
        self._clock = clock or (lambda: datetime.now(UTC))
        self._strikes: dict[str, int] = {}

    async def work(self, claim: Claim) -> None:
        """Carry a claim; what fails comes again, and what breaks us again and again is set aside."""
        strikes = self._strikes.get(claim.mailbox, 0)
        try:
            freed = await self.step(_first(claim) if strikes else claim)
        except StoreError as error:
            log.warning("worker.store_failed", extra={"mailbox": claim.mailbox, "error": str(error)})
            await asyncio.sleep(PAUSE)
            await self._store.release(claim)
            return
        except Exception as error:
            log.exception("worker.failed", extra={"mailbox": claim.mailbox})
            await self._struck(claim, strikes + 1, f"{type(error).__name__} while working on it")
            return
        self._strikes.pop(claim.mailbox, None)
        if freed:
            await self.offer_quietly(claim.events[0].id)

    async def _struck(self, claim: Claim, strikes: int, reason: str) -> None:
        """After some strikes the event that broke us is known, as it was worked on alone: set it aside."""
        self._strikes[claim.mailbox] = strikes
        await asyncio.sleep(PAUSE)
        if strikes < STRIKES:
            await self._store.release(claim)
            return
        try:
            await self._store.set_aside(claim, reason)
        except StoreError:
            await self._store.release(claim)
            return
        del self._strikes[claim.mailbox]

    async def step(self, claim: Claim) -> bool:
        """Carry one claim's events into its conversation; say whether an agent has room again by it."""
        now, policy = claim.conversation, self._rules.policy
        effects: list[tuple[int, Effect]] = []
        events: list[Event] = []
        kept: list[Event] = []
        timers: dict[str, Timer] = {}
        for event in claim.events:
            try:
                heard = await self._gather(now, event, policy)
                decision = decide(now, heard, policy)
            except StoreError:
                raise
            except Exception as error:
                log.exception("worker.event_failed", extra={"event_id": event.id, "kind": type(event).__name__})
                if not events:
                    await self._store.set_aside(claim, f"{type(error).__name__} while deciding")
                    return False
                break
            if not concerns_nobody(now, heard):
                kept.append(heard)
            now = decision.conversation
            events.append(heard)
            effects += ((now.number, effect) for effect in decision.effects)
            timers |= {each.key: Timer(each.key, each.due, each.event) for each in decision.reminders}
        step = Step(conversation=now, effects=tuple(effects), events=tuple(kept), timers=tuple(timers.values()))
        outcome = await self._store.commit(_first(claim, len(events)), step)
        if self._recorder and outcome is Outcome.OK:
            owed = tuple(effect for _, effect in effects)
            self._recorder.write(claim.conversation, Record(events=tuple(kept), effects=owed, now=now))
        return bool(claim.conversation.load) and claim.conversation.load != now.load

    async def watch_queue(self) -> None:
        """Offer turns now and then, until cancelled: an offer that was lost waits for no other."""
        while True:
            await self.offer_quietly(f"watch:{self._clock().isoformat()}")
            await asyncio.sleep(QUEUE_WATCH)

    async def watch_breaks(self) -> None:
        """Bring agents back whose break is over, until cancelled."""
        while True:
            with contextlib.suppress(StoreError):
                for agent, until in (await self._store.breaks()).items():
                    if EPOCH < until <= self._clock():
                        await self._store.set_away(agent, away=False)
                        await self.offer_quietly(f"back:{agent}:{until.isoformat()}")
            await asyncio.sleep(BREAK_WATCH)

    async def offer_quietly(self, why: str) -> None:
        """Let those who wait know that somebody may have room, if the store can take it."""
        try:
            await self.offer_turns(why)
        except StoreError as error:
            log.warning("worker.offer_failed", extra={"error": str(error)})

    async def offer_turns(self, why: str) -> None:
        """Let those who wait know that somebody may have room; `why` makes the offer one of its kind."""
        roster = self._store.roster()
        waiting = await self._store.queued(QUEUE_LOOK)
        turns = [
            TurnCame(id=f"turn:{each.contact}:{why}", to=each.contact, at=self._clock())
            for each in waiting
            if assign.choose(
                self._rules.policy, roster, language=each.language, skill=each.skill, talked=each.talked
            ).agent
        ]
        if turns:
            await self._store.append(turns)

    async def _gather(self, now: Conversation, event: Event, policy: Policy) -> Event:
        """Find out what the decision needs; the roster last, so that nobody else decides in between."""
        facts = Facts()
        match event:
            case CustomerWrote():
                facts = self._ear.customer(now, event.text, event.hint)
            case CustomerEdited():
                facts = self._ear.customer(now, event.text, "")
            case AgentWrote() | AgentEdited():
                facts = self._ear.agent(now, event.text, event.agent)
        if opens_conversation(now, event, policy):
            facts = replace(facts, number=await self._store.number())
        if self._replies and isinstance(event, AgentWrote) and event.text.startswith("!"):
            facts = replace(facts, replies=self._replies.asked_for(event.text))
        if wants_room(event):
            facts = replace(facts, room=secrets.token_urlsafe(12))
        if wants_agent(now, event):
            facts = replace(facts, roster=tuple(self._store.roster()))
        if isinstance(event, HAVE_FACTS):
            return replace(event, facts=replace(facts, at=self._clock()))
        return event


def _first(claim: Claim, count: int = 1) -> Claim:
    """Give the beginning of a claim."""
    return Claim(claim.mailbox, claim.version, claim.conversation, claim.events[:count], claim.seqs[:count])
