"""How many open conversations each agent has, and when they got the last: kept in memory, in step with the commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from routing.messages import EPOCH, Standing


class Roster:
    """The agents' loads; room is taken before the commit, so that two steps can't give the same place away."""

    def __init__(self, loads: Mapping[str, int], assigned: Mapping[str, datetime]) -> None:
        self._loads = dict(loads)
        self._assigned = dict(assigned)

    def standings(self) -> Sequence[Standing]:
        """Say how each agent stands who has or had a conversation."""
        return [
            Standing(agent=agent, load=self._loads.get(agent, 0), idle_since=self._assigned.get(agent, EPOCH))
            for agent in sorted(self._loads.keys() | self._assigned.keys())
        ]

    def rested(self, agent: str) -> datetime:
        """Say when an agent got their last conversation."""
        return self._assigned.get(agent, EPOCH)

    def move(self, was: str, now: str, at: datetime) -> None:
        """Move a conversation from an agent to another; "" is nobody."""
        if was == now:
            return
        if was:
            self._loads[was] = self._loads.get(was, 0) - 1
        if now:
            self._loads[now] = self._loads.get(now, 0) + 1
            self._assigned[now] = at
