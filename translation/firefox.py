"""Firefox Translations' models: small, fast and good, offline.

The library that decodes them lives in processes of its own (`firefox_child.py` says why); `models.py` knows the files,
`fetch.py` gets them.
"""

import asyncio
import importlib.util
import logging
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from translation.batch import Batcher
from translation.children import Children, Gone, Hung, Unloadable
from translation.contract import EngineError, Pair, Rendering
from translation.cores import usable_cores
from translation.models import Model, Models
from translation.packages import serving
from translation.sentences import by_sentence, reachable, route, whole_bytes

log = logging.getLogger("dragoman.translation")

CHILD = Path(__file__).with_name("firefox_child.py")
UNSCORED = 0.9
"""The library tells no score; people didn't write it either."""

BATCH = 8
"""Sentences put to a process at once: fewer cost more calls, more leave another process without work."""

LONGEST = 20_000
"""Characters of a text; the longest that any platform carries is below."""

MEMORY = 200 * 10**6
"""Bytes of models in one process."""

DISTRUST = 60.0
"""Seconds for which a model isn't tried that couldn't be loaded."""


class Firefox:
    """Translates with the models of `models`; without a direct one through English.

    `workers` processes (0: one a core of ours) decode a sentence at a time each; they end when nobody asked for `idle`.
    `limit` is for a batch of sentences: a process that needs longer is killed.
    """

    name = "firefox"

    def __init__(
        self,
        models: Models,
        *,
        workers: int = 0,
        limit: timedelta = timedelta(seconds=8),
        idle: timedelta = timedelta(minutes=10),
        memory: int = MEMORY,
    ) -> None:
        self._models = models
        self._limit = limit
        workers = workers or usable_cores()
        self._children = Children(CHILD, count=workers, memory=memory, idle=idle)
        # One batch more for each process than it works on, so that one which waits tells that another is needed.
        self._batcher = Batcher(self._decode, name=self.name, size=BATCH, workers=2 * workers)
        self._known: tuple[object, frozenset[str], frozenset[Pair]] = (None, frozenset(), frozenset())
        self._broken: dict[str, float] = {}

    def pairs(self) -> Collection[Pair]:
        """Every direction with a model, or with two that meet in English; none where the library can't run."""
        inventory = self._models.inventory()
        now = time.monotonic()
        broken = frozenset(name for name, until in self._broken.items() if until > now)
        if self._known[:2] != (inventory, broken):
            usable = [pair for pair, model in inventory.models.items() if model.folder not in broken]
            self._known = (inventory, broken, frozenset() if unusable() else reachable(usable))
        return self._known[2]

    def version(self, source: str, target: str) -> str:
        """Give the version of the model that translates so, of each where there are two."""
        models = self._models.inventory().models
        pair = serving(Pair(source, target), self.pairs())
        hops = route(pair, models) if pair else ()
        return ", ".join(models[hop].version for hop in hops if hop in models)

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text sentence by sentence; None for a text it gives up on.

        Raises:
            EngineError: no model for this direction, one that can't be loaded, or no answer within the limit.
        """
        pair = serving(Pair(source, target), self.pairs())
        if pair is None:
            raise EngineError(f"firefox has no model {source} → {target}: `dragoman languages install`")
        hops = route(pair, self._models.inventory().models)
        return await asyncio.gather(*(self._translate(text, hops) for text in texts))

    async def probe(self) -> str:
        """Translate a word with each model.

        Raises:
            EngineError: the library can't run here, there is no model, or one doesn't work.
        """
        if fault := unusable():
            raise EngineError(fault)
        inventory = self._models.inventory()
        if not inventory.models:
            faults = "".join(f"; {fault}" for fault in inventory.faults)
            raise EngineError(f"firefox has no model in {self._models.folder}: `dragoman languages install es`{faults}")
        began = time.perf_counter()
        for pair in inventory.models:
            await self._batcher.translate("OK", pair.source, pair.target)
        took = time.perf_counter() - began
        ready = ", ".join(str(model) for model in inventory.models.values())
        return "; ".join((f"firefox: {ready}; loaded and tried in {took:.1f} s", *inventory.faults))

    async def close(self) -> None:
        """End the processes."""
        await self._batcher.close()
        await self._children.close()

    async def _translate(self, text: str, hops: Sequence[Pair]) -> Rendering | None:
        return await by_sentence(text, hops, self._batcher.translate) if len(text) <= LONGEST else None

    async def _decode(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        model = self._models.inventory().models.get(Pair(source, target))
        if model is None:
            raise EngineError(f"the model {source} → {target} was removed")
        try:
            return await self._ask(model, texts)
        except Hung as hung:
            if len(texts) == 1:
                raise EngineError(f"{model} of firefox couldn't translate a text: {hung}") from hung
        except Gone:
            log.warning("firefox.process_ended", extra={"model": str(model)})
        # One of them may have been too much: each is tried alone, so that no other fails with it.
        return [await self._alone(model, text) for text in texts]

    async def _alone(self, model: Model, text: str) -> Rendering | None:
        try:
            (rendering,) = await self._ask(model, [text])
        except Gone:
            return None
        return rendering

    async def _ask(self, model: Model, texts: Sequence[str]) -> Sequence[Rendering | None]:
        files = self._models.files(model)
        try:
            answer = await self._children.ask(model.folder, files, model.size, texts, within=self._limit)
        except OSError as error:
            raise EngineError(f"no process for firefox can be started: {error}") from error
        except Unloadable as error:
            raise self._distrust(model, str(error)) from error
        if len(answer["faults"]) == len(texts):
            raise self._distrust(model, answer["faults"][0])
        return [_rendering(text, said) for text, said in zip(texts, answer["texts"], strict=True)]

    def _distrust(self, model: Model, why: str) -> EngineError:
        self._broken[model.folder] = time.monotonic() + DISTRUST
        return EngineError(f"{model} of firefox doesn't work, `dragoman languages install` it again: {why}")


def _rendering(text: str, said: str | None) -> Rendering | None:
    whole = whole_bytes(said or "").strip()
    return Rendering(whole, UNSCORED) if whole or not text.strip() else None


@lru_cache(maxsize=1)
def unusable() -> str:
    """Say why the library can't run on this machine, "" where it can."""
    if importlib.util.find_spec("fxtranslate") is None:
        return "firefox can't run here: fxtranslate has no wheel for this platform; take argos instead"
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return ""
    if flags and not flags & {"avx2", "i8mm"}:
        return "firefox can't run here: this processor has neither AVX2 nor i8mm; take argos instead"
    return ""
