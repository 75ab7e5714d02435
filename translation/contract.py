"""What a translation engine promises.

Languages are BCP 47 tags, lower case without a region unless the region matters (`es`, `pt`, `pt-br`, `zh-hant`).
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct


class Pair(NamedTuple):
    """A direction of translation."""

    source: str
    target: str


class Rendering(Struct, frozen=True):
    """One text in the other language; `score` says how sure the engine is, 0.0 to 1.0 (1.0: people wrote it)."""

    text: str
    score: float


class Translated(Struct, frozen=True):
    """A translation, who made it, how sure they were, and the `version` of their models, "" where they have none."""

    text: str
    engine: str
    score: float
    version: str = ""


class EngineError(Exception):
    """An engine can't answer at all just now; says which, why, and what to do about it, for people to read."""


@runtime_checkable
class Learning(Protocol):
    """An engine that finds out which directions it has, such as by asking a server."""

    @property
    def learning(self) -> bool:
        """Say whether that isn't known just now."""


@runtime_checkable
class Versioned(Protocol):
    """An engine whose models have versions."""

    def version(self, source: str, target: str) -> str:
        """Give that of the model that translates so just now, of each where there are two, "" where there is none."""


@runtime_checkable
class Contextual(Protocol):
    """An engine that translates better when it knows what was said before."""

    async def translate_in(
        self, before: Sequence[str], texts: Sequence[str], *, source: str, target: str
    ) -> Sequence["Rendering | None"]:
        """Translate as `Engine.translate` does; `before` are the conversation's last messages, in order.

        Raises:
            EngineError: it failed or isn't there.
        """


class Engine(Protocol):
    """Turns texts of one language into another; a batch in, a score out."""

    @property
    def name(self) -> str:
        """The name it has in the configuration, such as `argos`."""

    def pairs(self) -> Collection[Pair]:
        """The directions it can do just now; cheap, asked for every message."""

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text, in order; None for one it would rather not touch.

        Raises:
            EngineError: it failed or isn't there; nothing about the texts is to be concluded.
        """

    async def probe(self) -> str:
        """Say in a line what it can do, after trying it.

        Raises:
            EngineError: it doesn't work; the message says what to do.
        """

    async def close(self) -> None:
        """Let go of processes, connections and models."""
