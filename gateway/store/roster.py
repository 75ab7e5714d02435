"""How many open conversations each agent has, and when they got the last: kept in memory, in step with the commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from routing.contents import EPOCH, Standing


class Roster:
    """The agents' loads; room is taken before the commit, so that two steps can't give the same place away."""

    def __init__(
        self, loads: Mapping[str, int], assigned: Mapping[str, datetime], away: Collection[str] = frozenset()
    ) -> None:
        self._absent: set[str] = set()
        self.recount(loads, assigned, away)

    def recount(
        self, loads: Mapping[str, int], assigned: Mapping[str, datetime], away: Collection[str] = frozenset()
    ) -> None:
        """Begin anew with what is stored."""
        self._loads = dict(loads)
        self._assigned = dict(assigned)
        self._away = set(away)

    def load(self, agent: str) -> int:
        """Say how many open conversations an agent has."""
        return self._loads.get(agent, 0)

    def standings(self) -> Sequence[Standing]:
        """Say how each agent stands of whom there is something to say."""
        return [
            Standing(
                agent=agent,
                load=self._loads.get(agent, 0),
                away=agent in self._away or agent in self._absent,
                idle_since=self._assigned.get(agent, EPOCH),
            )
            for agent in sorted(self._loads.keys() | self._assigned.keys() | self._away | self._absent)
        ]

    def set_away(self, agent: str, *, away: bool) -> None:
        """Note that an agent set themselves away, or came back."""
        (self._away.add if away else self._away.discard)(agent)

    def set_present(self, agent: str, *, present: bool) -> bool:
        """Note whether an agent is shown as there; says whether that is news."""
        news = present == (agent in self._absent)
        (self._absent.discard if present else self._absent.add)(agent)
        return news

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
