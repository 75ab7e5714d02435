"""Where a post is at the desk: `channel/ts`, or its ts alone in the desk's first channel."""

from collections.abc import Collection
from typing import NamedTuple

from routing.contents import thread


class Place(NamedTuple):
    """A channel of the desk's and a post in it; ts "" is the channel itself."""

    channel: str
    ts: str


class Places:
    """The desk's channels: the `first`, and `others`."""

    def __init__(self, first: str, others: Collection[str] = ()) -> None:
        self.first = first
        self.ordered = tuple(dict.fromkeys((first, *others)))
        self.all = frozenset(self.ordered)

    def find(self, place: str) -> Place:
        """Say where a post is; "" is the first channel itself."""
        channel, _, ts = place.rpartition("/")
        return Place(channel or self.first, ts)

    def name(self, channel: str, ts: str) -> str:
        """Name a post."""
        return ts if channel == self.first else f"{channel}/{ts}"

    def thread(self, place: str) -> str:
        """Name the thread that a post begins, as events do."""
        return thread(*self.find(place))
