"""Engines asked in order for a text, each output held against what must survive."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeGuard
from weakref import WeakValueDictionary

from msgspec import Struct

from translation.contract import Contextual, Engine, EngineError, Learning, Pair, Rendering, Translated, Versioned
from translation.glossary import Glossary, Kept
from translation.memory import LONGEST, Memory, Shared
from translation.packages import serving
from translation.protect import Masked, around, brackets, digits, has_words, mask, missing, settled, spans

log = logging.getLogger("dragoman.translation")

EXACT = "phrasebook"
"""The engine whose text people wrote: it is asked with the text as it is."""

PATIENCE = 20.0
"""Seconds that an engine may take for a text before the next is asked."""

SAME_WAITS = 1.0
"""Seconds that a text waits at most for what is made of the same text for somebody else."""

SHORT = 40
"""Characters up to which a text is translated anew where an engine knows what was said before."""

FAILURES = 3
"""In a row, after which an engine is left alone for a while."""

REST, LONGEST_REST = 10.0, 300.0
"""Seconds; each further failure doubles them."""

Note = Callable[[str, Pair, str, float], None]
"""Is told an engine's name, the direction, what came of asking it, and the seconds that a translation took.

What comes of it: `translated`, `remembered`, `corrected`, `retried` (another way of carrying what must survive),
`lost`, `refused`, `failed`, `rested`.
"""

Spend = Callable[[str, int], None]
"""Is told an engine's name and how many characters it was given."""


class Untranslated(Struct, frozen=True):
    """Nobody could translate it; `why` is for people, `passing` that an engine failed which may work later."""

    why: str
    passing: bool = False


class _Asked(Struct, frozen=True):
    """A text to be translated, and what is kept in it."""

    text: str
    pair: Pair
    keep: Kept
    before: Sequence[str] = ()


class Chain:
    """Asks engines in order; what comes back has everything that must survive."""

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        glossary: Glossary | None = None,
        note: Note = lambda engine, pair, outcome, seconds: None,
        spend: Spend = lambda engine, characters: None,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memory = memory or Memory()
        self._engines = engines
        self.glossary = glossary or Glossary()
        self._note = note
        self._spend = spend
        self._clock = clock
        self._breaker = _Breaker(clock)
        self._computing: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        self.shared: Shared | None = None

    @property
    def engines(self) -> Mapping[str, Engine]:
        """The engines by name, in order."""
        return {engine.name: engine for engine in self._engines}

    def pairs(self) -> Mapping[str, frozenset[Pair]]:
        """Say which directions each engine has just now."""
        return {engine.name: frozenset(engine.pairs()) for engine in self._engines}

    @property
    def contextual(self) -> bool:
        """Say whether an engine wants to know what was said before."""
        return any(map(_is_contextual, self._engines))

    async def translate(
        self,
        text: str,
        *,
        source: str,
        target: str,
        name: str = "",
        before: Sequence[str] = (),
        within: float = math.inf,
    ) -> Translated | Untranslated:
        """Translate a text by the first engine that can, without losing a span; give up after `within` seconds.

        `name` is the customer's, which stays as it is; `before` is what was said before, in order.
        """
        keep = self.glossary.within(text, source, target, name=name)
        if not has_words(text, keep):
            return Translated(settled(text, spans(text, keep), 0, len(text)), "", 1.0)
        pair = Pair(source, target)
        if (known := self.memory.corrected(text, pair)) is not None:
            self._note(known.engine, pair, "corrected", 0.0)
            return known
        engines = [engine for engine in self._engines if serving(pair, engine.pairs()) is not None]
        names = tuple(engine.name for engine in engines)
        named = bool(keep.names) and any(span.kind == "name" for span in spans(text, keep))
        # What a short text means may hang on what was said before it.
        personal = named or (len(text) <= SHORT and bool(before) and self.contextual)
        asked, until = _Asked(text, pair, keep, before), self._clock() + within
        if personal or len(text) > LONGEST:
            return (await self._compute(asked, engines, until=until))[0]
        return await self._once(asked, engines, names, until=until)

    async def _once(
        self, asked: _Asked, engines: Sequence[Engine], names: Sequence[str], *, until: float
    ) -> Translated | Untranslated:
        """Give what was made of a text before, else make it: whoever has the same meanwhile waits for that."""
        text, pair = asked.text, asked.pair
        if (known := self._remembered(text, pair, names)) is not None:
            return known
        lock = self._computing.get((text, *pair))
        if lock is None:
            # Nobody else can have it, whereas one that is free may be on its way to somebody who waited.
            lock = self._computing[text, *pair] = asyncio.Lock()
            await lock.acquire()
        else:
            try:
                async with asyncio.timeout(min(SAME_WAITS, until - self._clock())):
                    await lock.acquire()
            except TimeoutError:
                # An engine that hangs on a text holds up nobody else who has it.
                return (await self._compute(asked, engines, until=until))[0]
        try:
            if (known := self._remembered(text, pair, names)) is not None:
                return known
            made, best = await self._make(asked, engines, names, until=until)
            if best and isinstance(made, Translated) and made.engine != EXACT:
                self.memory.keep(text, pair, names, made)
            return made
        finally:
            lock.release()

    async def _make(
        self, asked: _Asked, engines: Sequence[Engine], names: Sequence[str], *, until: float
    ) -> tuple[Translated | Untranslated, bool]:
        """Ask the engines, and before those that compute what other processes made."""
        costly = [engine for engine in engines if engine.name != EXACT]
        if self.shared is None or not costly:
            return await self._compute(asked, engines, until=until)
        if exact := [engine for engine in engines if engine.name == EXACT]:
            made, best = await self._compute(asked, exact, until=until)
            if isinstance(made, Translated):
                return made, best
        if (known := await self.shared.computed(asked.text, asked.pair, names)) is not None:
            return self._noted(known, asked.pair), True
        made, best = await self._compute(asked, costly, until=until)
        if best and isinstance(made, Translated):
            await self.shared.keep(asked.text, asked.pair, names, made)
        return made, best

    def _remembered(self, text: str, pair: Pair, names: Sequence[str]) -> Translated | None:
        known = self.memory.computed(text, pair, names)
        return None if known is None else self._noted(known, pair)

    def _noted(self, known: Translated, pair: Pair) -> Translated:
        self._note(known.engine, pair, "remembered", 0.0)
        return known

    async def _compute(
        self, asked: _Asked, engines: Sequence[Engine], *, until: float
    ) -> tuple[Translated | Untranslated, bool]:
        """Ask one engine after another; says also whether none failed, so that no other answer is to be had later."""
        lost: list[str] = []
        failed = False
        for engine in engines:
            if self._clock() >= until:
                failed = True
                break
            if self._breaker.rests(engine.name):
                self._note(engine.name, asked.pair, "rested", 0.0)
                failed = True
                continue
            began = self._clock()
            try:
                if engine.name == EXACT:
                    rendering, lost = await self._exactly(engine, asked)
                else:
                    async with asyncio.timeout(min(PATIENCE, until - began)):
                        rendering, lost = await self._ask(engine, asked)
            except (EngineError, TimeoutError) as error:
                failed = True
                self._failed(engine.name, asked.pair)
                log.warning("engine.failed", extra={"engine": engine.name, "error": str(error) or "too slow"})
                continue
            except Exception:
                # An engine is other people's code: whatever it raises holds up no message.
                failed = True
                self._failed(engine.name, asked.pair)
                log.exception("engine.broke", extra={"engine": engine.name})
                continue
            self._breaker.worked(engine.name)
            if rendering is not None:
                self._note(engine.name, asked.pair, "translated", self._clock() - began)
                version = engine.version(*asked.pair) if _is_versioned(engine) else ""
                return Translated(rendering.text, engine.name, rendering.score, version), not failed
            self._note(engine.name, asked.pair, "lost" if lost else "refused", 0.0)
        return self._none(lost, failed=failed, asked=bool(engines)), False

    def _none(self, lost: Sequence[str], *, failed: bool, asked: bool) -> Untranslated:
        if failed or any(isinstance(engine, Learning) and engine.learning for engine in self._engines):
            return Untranslated("no engine works just now", passing=True)
        if lost:
            return Untranslated(f"the translation would have lost or changed {', '.join(lost[:3])}")
        return Untranslated("no engine could translate it" if asked else "no engine is installed for these languages")

    async def close(self) -> None:
        """Let go of the engines."""
        for engine in self._engines:
            await engine.close()

    def _failed(self, engine: str, pair: Pair) -> None:
        self._note(engine, pair, "failed", 0.0)
        if rest := self._breaker.failed(engine):
            log.warning("engine.rests", extra={"engine": engine, "seconds": rest})

    async def _ask(self, engine: Engine, asked: _Asked) -> tuple[Rendering | None, list[str]]:
        """Try one way of carrying the spans after another."""
        text, keep = asked.text, asked.keep
        lost: list[str] = []
        for mark in (brackets, digits):
            rendering = await self._masked(engine, mask(text, mark, keep), asked)
            if rendering is None:
                return None, []
            lost = missing(text, rendering.text, keep)
            if has_words(rendering.text, keep) and not lost:
                return rendering, []
            if mark is brackets:
                self._note(engine.name, asked.pair, "retried", 0.0)
        rendering = await self._around(engine, asked)
        lost = missing(text, rendering.text, keep) if rendering else lost
        return (None if lost else rendering), lost

    async def _exactly(self, engine: Engine, asked: _Asked) -> tuple[Rendering | None, list[str]]:
        rendering = await self._one(engine, asked.text, asked)
        lost = missing(asked.text, rendering.text, asked.keep) if rendering else []
        return (None if lost else rendering), lost

    async def _masked(self, engine: Engine, masked: Masked, asked: _Asked) -> Rendering | None:
        rendering = await self._one(engine, masked.text, asked)
        if rendering is None:
            return None
        restored = masked.restore(rendering.text)
        return Rendering(restored or "", rendering.score)

    async def _around(self, engine: Engine, asked: _Asked) -> Rendering | None:
        """Translate the words between the spans apart: clumsy, and nothing is lost."""
        pieces = around(asked.text, asked.keep)
        pieces[1::2] = map(asked.keep.put, pieces[1::2])
        score = 1.0
        for at in range(0, len(pieces), 2):
            before, core, behind = _edges(pieces[at])
            if any(letter.isalpha() for letter in core):
                rendering = await self._one(engine, core, asked)
                if rendering is None or not has_words(rendering.text):
                    return None
                pieces[at] = before + rendering.text.strip() + behind
                score = min(score, rendering.score)
        return Rendering("".join(pieces), score)

    async def _one(self, engine: Engine, text: str, asked: _Asked) -> Rendering | None:
        self._spend(engine.name, len(text))
        source, target = asked.pair
        if asked.before and _is_contextual(engine):
            (rendering,) = await engine.translate_in(asked.before, [text], source=source, target=target)
        else:
            (rendering,) = await engine.translate([text], source=source, target=target)
        return rendering


def _is_contextual(engine: Engine) -> TypeGuard[Contextual]:
    return _does(type(engine), Contextual)


def _is_versioned(engine: Engine) -> TypeGuard[Versioned]:
    return _does(type(engine), Versioned)


@cache
def _does(kind: type, protocol: type) -> bool:
    """Say whether engines of a kind follow a protocol: to ask each of them for each message takes long."""
    return issubclass(kind, protocol)


def _edges(piece: str) -> tuple[str, str, str]:
    """Part what joins words to the spans beside them, space and punctuation, from the words."""
    words = piece.lstrip(" \t\r\n,;:.!?…)]»”\u00a0\u202f")
    before = piece[: len(piece) - len(words)]
    core = words.rstrip(" \t\r\n([«“\u00a0\u202f")
    return before, core, words[len(core) :]


class _Breaker:
    """Leaves an engine alone that has failed several times in a row; then one text tries whether it is back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def rests(self, engine: str) -> bool:
        """Say whether an engine is not to be asked; whoever is told otherwise tries it for all."""
        if self._failures.get(engine, 0) < FAILURES:
            return False
        if self._clock() < self._until[engine]:
            return True
        self._until[engine] = self._clock() + PATIENCE
        return False

    def failed(self, engine: str) -> float:
        """Count a failure; gives the seconds that the engine now rests."""
        failures = self._failures[engine] = self._failures.get(engine, 0) + 1
        if failures < FAILURES:
            return 0.0
        rest = min(REST * 2.0 ** (failures - FAILURES), LONGEST_REST)
        self._until[engine] = self._clock() + rest
        return rest

    def worked(self, engine: str) -> None:
        """Forget its failures."""
        self._failures.pop(engine, None)
