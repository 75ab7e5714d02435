"""From the journal into the conversations: claim, gather facts, decide, commit."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from gateway.store.contract import Claim, Step, Store, StoreError
from routing import assign
from routing.conversation import Conversation, decide, opens_conversation, wants_agent
from routing.messages import AgentPressed, AgentWrote, CustomerEdited, CustomerWrote, Effect, Event, Facts, TurnCame
from routing.policy import Policy

QUEUE_LOOK = 100
"""How many who wait are considered when somebody has room again."""

log = logging.getLogger("dragoman.worker")


class Ear(Protocol):
    """Tells which language somebody writes."""

    def customer(self, was: Conversation, text: str, hint: str) -> Facts:
        """Say what a customer's message teaches about their language."""

    def agent(self, was: Conversation, text: str, agent: str) -> Facts:
        """Say in which language an agent wrote."""


class Worker:
    """Carries events into their conversations; several steps may run side by side."""

    def __init__(self, store: Store, policy: Policy, ear: Ear, *, clock: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._policy = policy
        self._ear = ear
        self._clock = clock or (lambda: datetime.now(UTC))

    async def work(self, claim: Claim) -> None:
        """Carry a claim; what fails comes again."""
        try:
            await self.step(claim)
        except StoreError as error:
            log.warning("worker.store_failed", extra={"mailbox": claim.mailbox, "error": str(error)})
            await asyncio.sleep(1)
            await self._store.release(claim)

    async def step(self, claim: Claim) -> None:
        """Carry one claim's events into its conversation."""
        now = claim.conversation
        effects: list[tuple[int, Effect]] = []
        events: list[Event] = []
        for event in claim.events:
            try:
                heard = await self._gather(now, event)
                decision = decide(now, heard, self._policy)
            except StoreError:
                raise
            except Exception as error:
                log.exception("worker.event_failed", extra={"event_id": event.id, "kind": type(event).__name__})
                if not events:
                    await self._store.set_aside(claim, f"{type(error).__name__} while deciding")
                    return
                break
            now = decision.conversation
            events.append(heard)
            effects += ((now.number, effect) for effect in decision.effects)
        done = Claim(
            claim.mailbox, claim.version, claim.conversation, claim.events[: len(events)], claim.seqs[: len(events)]
        )
        await self._store.commit(done, Step(conversation=now, effects=tuple(effects), events=tuple(events)))
        if claim.conversation.load and claim.conversation.load != now.load:
            await self.offer_turns(claim.events[0].id)

    async def offer_turns(self, why: str) -> None:
        """Let those who wait know that somebody may have room; `why` makes the offer one of its kind."""
        roster = self._store.roster()
        waiting = await self._store.queued(QUEUE_LOOK)
        turns = [
            TurnCame(id=f"turn:{each.contact}:{why}", to=each.contact, at=self._clock())
            for each in waiting
            if assign.choose(self._policy, roster, language=each.language, skill=each.skill, talked=each.talked).agent
        ]
        if turns:
            await self._store.append(turns)

    async def _gather(self, now: Conversation, event: Event) -> Event:
        """Find out what the decision needs; the roster last, so that nobody else decides in between."""
        facts = Facts()
        match event:
            case CustomerWrote():
                facts = self._ear.customer(now, event.text, event.hint)
            case CustomerEdited():
                facts = self._ear.customer(now, event.text, "")
            case AgentWrote():
                facts = self._ear.agent(now, event.text, event.agent)
        if opens_conversation(now, event, self._policy):
            facts = replace(facts, number=await self._store.number())
        if wants_agent(now, event, self._policy):
            facts = replace(facts, roster=tuple(self._store.roster()))
        if isinstance(event, CustomerWrote | CustomerEdited | AgentWrote | AgentPressed | TurnCame):
            return replace(event, facts=facts)
        return event
