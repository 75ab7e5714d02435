"""Whose room is taken, over all replicas: a place is taken before the step that gives it, and only where it is free."""

from collections.abc import Iterator
from datetime import datetime

from gateway.store.redis.calls import Answer, Calls
from gateway.store.redis.keys import CREW, DOCS
from gateway.store.roster import Roster
from gateway.store.shape import millis, moment
from routing.contents import EPOCH

AWAY = "doc:away"


class Seats:
    """The roster of all replicas, as it was a second ago, with what this one does at once."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._moving: dict[str, tuple[str, str, datetime]] = {}
        self._away: set[str] = set()
        self.roster = Roster({}, {})

    async def refresh(self) -> None:
        """Learn what the other replicas did."""
        # One after the other: in a cluster they go to different nodes, and counting needs to know who is away.
        await self._calls.submit("fields", DOCS, AWAY, after=self._heard_away)
        await self._calls.submit("crew", CREW, after=self._counted)

    def _heard_away(self, answer: Answer) -> None:
        self._away = {agent.decode() for agent in answer[1][::2]}

    def _counted(self, answer: Answer) -> None:
        loads = {agent.decode(): int(load) for agent, load in _pairs(answer[1])}
        assigned = {agent.decode(): moment(int(at)) for agent, at in _pairs(answer[2])}
        self.roster.recount(loads, assigned, self._away)
        for was, now, at in self._moving.values():
            self.roster.move(was, now, at)

    def move(self, mailbox: str, was: str, now: str, at: datetime) -> None:
        """Take the room at once, so that no other step of this replica gives it away."""
        self._moving[mailbox] = (was, now, at)
        self.roster.move(was, now, at)

    async def take(self, tag: str, epoch: int, mailbox: str, agent: str, at: datetime) -> bool:
        """Take the room for all replicas; False where another took it, or the partition."""
        expected = max(self.roster.load(agent) - 1, 0) if agent else ""
        told = await self._calls.submit(
            "seat",
            CREW,
            tag,
            epoch,
            mailbox,
            agent,
            expected,
            millis(at),
            after=lambda answer: self._sat(mailbox, answer),
        )
        return bool(told[0] == b"ok")

    def _sat(self, mailbox: str, answer: Answer) -> None:
        if answer[0] == b"ok":
            self._moving.pop(mailbox, None)

    def undo(self, mailbox: str, rested: datetime) -> None:
        """Give back room that was taken at once and for nothing."""
        if (moved := self._moving.pop(mailbox, None)) is not None:
            was, now, _ = moved
            self.roster.move(now, was, rested)

    def count(self, tag: str, epoch: int, loads: list[bytes]) -> None:
        """Say for a partition that was just taken over who has which of its conversations."""
        told = self._calls.submit("seats", CREW, tag, epoch, len(loads), *loads)
        told.add_done_callback(lambda done: done.exception())

    async def set_away(self, agent: str, *, away: bool, until: datetime) -> None:
        """Keep that an agent is away, or isn't any more."""
        if away:
            await self._calls.submit("put", DOCS, AWAY, agent, until.isoformat())
        else:
            await self._calls.submit("drop", DOCS, AWAY, agent)
        (self._away.add if away else self._away.discard)(agent)
        self.roster.set_away(agent, away=away)

    def rested(self, agent: str) -> datetime:
        """Say when an agent got their last conversation."""
        return self.roster.rested(agent) if agent else EPOCH


def _pairs(flat: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)
