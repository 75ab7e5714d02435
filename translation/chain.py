"""Engines asked in order for a text, each output held against what must survive."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from translation.contract import Engine, EngineError, Pair, Rendering
from translation.packages import serving
from translation.protect import Mark, Masked, around, brackets, digits, has_words, mask, missing

log = logging.getLogger("dragoman.translation")

EXACT = "phrasebook"
"""The engine whose text people wrote: it is asked with the text as it is."""

PATIENCE = 20.0
"""Seconds that an engine may take for a text before the next is asked."""

Count = Callable[[str, str], None]
"""Is told an engine's name and what came of asking it."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A translation, who made it, and how sure they were."""

    text: str
    engine: str
    score: float


@dataclass(frozen=True, slots=True)
class Untranslated:
    """Nobody could translate it; `why` is for people."""

    why: str


class Chain:
    """Asks engines in order; what comes back has everything that must survive."""

    def __init__(
        self, engines: Sequence[Engine], *, keep: tuple[str, ...] = (), count: Count = lambda engine, outcome: None
    ) -> None:
        self._engines = engines
        self._keep = keep
        self._count = count

    @property
    def engines(self) -> Mapping[str, Engine]:
        """The engines by name, in order."""
        return {engine.name: engine for engine in self._engines}

    def pairs(self) -> Mapping[str, frozenset[Pair]]:
        """Say which directions each engine has just now."""
        return {engine.name: frozenset(engine.pairs()) for engine in self._engines}

    async def translate(self, text: str, *, source: str, target: str) -> Translated | Untranslated:
        """Translate a text by the first engine that can, without losing a span."""
        if not has_words(text, self._keep):
            return Translated(text, "", 1.0)
        lost: list[str] = []
        asked = False
        for engine in self._engines:
            if serving(Pair(source, target), engine.pairs()) is None:
                continue
            asked = True
            try:
                async with asyncio.timeout(PATIENCE):
                    rendering, lost = await self._ask(engine, text, source, target)
            except (EngineError, TimeoutError) as error:
                self._count(engine.name, "failed")
                log.warning("engine.failed", extra={"engine": engine.name, "error": str(error) or "too slow"})
                continue
            except Exception:
                # An engine is other people's code: whatever it raises holds up no message.
                self._count(engine.name, "broke")
                log.exception("engine.broke", extra={"engine": engine.name})
                continue
            if rendering is not None:
                self._count(engine.name, "translated")
                return Translated(rendering.text, engine.name, rendering.score)
            self._count(engine.name, "lost spans" if lost else "refused")
        if lost:
            return Untranslated(f"the translation would have lost or changed {', '.join(lost[:3])}")
        return Untranslated("no engine could translate it" if asked else "no engine is installed for these languages")

    async def close(self) -> None:
        """Let go of the engines."""
        for engine in self._engines:
            await engine.close()

    async def _ask(self, engine: Engine, text: str, source: str, target: str) -> tuple[Rendering | None, list[str]]:
        """Try one way of carrying the spans after another."""
        if engine.name == EXACT:
            rendering = await _one(engine, text, source, target)
            lost = missing(text, rendering.text, self._keep) if rendering else []
            return (None if lost else rendering), lost
        lost = []
        for mark in (brackets, digits):
            masked = mask(text, mark, self._keep)
            rendering = await self._masked(engine, masked, mark, source, target)
            if rendering is None:
                return None, []
            lost = missing(text, rendering.text, self._keep)
            if rendering.text and not lost:
                return rendering, []
        rendering = await self._around(engine, text, source, target)
        lost = missing(text, rendering.text, self._keep) if rendering else lost
        return (None if lost else rendering), lost

    async def _masked(self, engine: Engine, masked: Masked, mark: Mark, source: str, target: str) -> Rendering | None:
        rendering = await _one(engine, masked.text, source, target)
        if rendering is None:
            return None
        restored = masked.restore(rendering.text)
        return Rendering(restored or "", rendering.score)

    async def _around(self, engine: Engine, text: str, source: str, target: str) -> Rendering | None:
        """Translate the words between the spans apart: clumsy, and nothing is lost."""
        pieces = around(text, self._keep)
        score = 1.0
        for at in range(0, len(pieces), 2):
            core = pieces[at].strip()
            if any(letter.isalpha() for letter in core):
                rendering = await _one(engine, core, source, target)
                if rendering is None:
                    return None
                pieces[at] = pieces[at].replace(core, rendering.text.strip())
                score = min(score, rendering.score)
        return Rendering("".join(pieces), score)


async def _one(engine: Engine, text: str, source: str, target: str) -> Rendering | None:
    (rendering,) = await engine.translate([text], source=source, target=target)
    return rendering
