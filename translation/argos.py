"""Argos language packages, decoded with CTranslate2 directly.

argostranslate.translate would load a model once per thread, turn `_` into spaces, ask the network for sentence
splitters and decode four times slower than the hardware can; only its tokenizer for BPE packages is used, lazily.
"""

import asyncio
import logging
import math
import re
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from translation.batch import Batcher
from translation.contract import EngineError, Pair, Rendering
from translation.cores import usable_cores
from translation.packages import Package, PackageError, Packages, serving
from translation.sentences import by_sentence, reachable, route, whole_bytes
from translation.shares import Measured, Share, measure

MOST_TOKENS = 250  # models know 512 positions or more, and decoding may need 2 × this + 10
BATCH = 16  # beyond this nothing is won, and memory grows
TRY = 120  # seconds that a package may take to be loaded and tried
LOOP = 4  # the same words so often in a row are a model that lost its way


log = logging.getLogger("dragoman.argos")


@dataclass(frozen=True, slots=True)
class _Decoded:
    pieces: list[str]
    score: float


class _Tokenizer(Protocol):
    def encode(self, sentence: str) -> list[str]: ...

    def decode(self, tokens: list[str]) -> str: ...


class Argos:
    """Translates with the language packages of `packages`; without a direct one through English.

    Models are loaded when first needed, and of `loaded` directions the least used is let go. `share` says how many
    batches are decoded at once, and on how many cores each; None: one a core of ours, until `probe` has found out what
    is fastest here. `limit` is for one sentence. `compute_type` is CTranslate2's: "default" computes as the package is
    kept, most in 8 bits, which is coarser on processors without VNNI that aren't Intel's; "float32" is the same
    everywhere, takes twice as long and four times the memory.
    """

    name = "argos"

    def __init__(
        self,
        packages: Packages,
        *,
        share: Share | None = None,
        beam: int = 2,
        compute_type: str = "default",
        loaded: int = 6,
        limit: timedelta = timedelta(seconds=30),
    ) -> None:
        self._share = share or Share(usable_cores(), 1)
        self._measured: Measured | None = Measured(share, {}) if share else None
        self._packages = packages
        self._beam = beam
        self._compute_type = compute_type
        self._shelf = _Shelf(loaded, self._share, compute_type)
        self._pool = ThreadPoolExecutor(self._share.workers, thread_name_prefix="argos")
        self._batcher = Batcher(self._decode, name=self.name, size=BATCH, workers=self._share.workers, limit=limit)
        self._known: tuple[object, frozenset[Pair]] = (None, frozenset())

    def pairs(self) -> Collection[Pair]:
        """Every direction with a package, or with two that meet in English."""
        inventory = self._packages.inventory()
        if self._known[0] is not inventory:
            self._known = (inventory, reachable(inventory.packages))
        return self._known[1]

    def version(self, source: str, target: str) -> str:
        """Give the version of the package that translates so, of each where there are two."""
        packages = self._packages.inventory().packages
        pair = serving(Pair(source, target), self.pairs())
        hops = route(pair, packages) if pair else ()
        return ", ".join(packages[hop].version for hop in hops if hop in packages)

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text sentence by sentence; its score is that of its worst sentence.

        None for a text with a sentence the model loops on, drops, or is too long for it.

        Raises:
            EngineError: no package for this direction, one that can't be loaded, or no answer within the limit.
        """
        pair = serving(Pair(source, target), self.pairs())
        if pair is None:
            raise EngineError(f"argos has no language package {source} → {target}: `dragoman languages install`")
        hops = route(pair, self._packages.inventory().packages)
        return await asyncio.gather(*(by_sentence(text, hops, self._batcher.translate) for text in texts))

    async def probe(self) -> str:
        """Decode one word with each package, and find out once how the cores are best shared out.

        Raises:
            EngineError: there is no package, or one doesn't work.
        """
        inventory = self._packages.inventory()
        if not inventory.packages:
            cure = "`dragoman languages install es --engine argos`"
            faults = "".join(f"; {fault}" for fault in inventory.faults)
            raise EngineError(f"argos has no language package in {self._packages.folder}: {cure}{faults}")
        began = time.perf_counter()
        for pair in inventory.packages:
            await self._batcher.translate("OK", pair.source, pair.target)
        took = time.perf_counter() - began
        if self._measured is None:
            self._measured = await asyncio.to_thread(self._measure, next(iter(inventory.packages.values())))
            self._batcher.employ(self._measured.best.workers)
        ready = ", ".join(str(package) for package in inventory.packages.values())
        shared = str(self._measured)
        return "; ".join((f"argos: {ready}; loaded and tried in {took:.1f} s", shared, *inventory.faults))

    async def close(self) -> None:
        """Let go of models and threads; decoding that has begun is finished first."""
        await self._batcher.close()
        await asyncio.to_thread(self._pool.shutdown)
        self._shelf.clear()

    async def _decode(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        package = self._packages.inventory().packages.get(Pair(source, target))
        if package is None:
            raise EngineError(f"the language package {source} → {target} was removed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._decode_now, texts, package)

    def _measure(self, package: Package) -> Measured:
        """Try each share of the cores with a package, and use the fastest; where that can't be tried all stays."""

        def speed(share: Share) -> float:
            return float(_in_child(package, *share, self._beam, self._compute_type))

        try:
            found = measure(self._share.workers, speed)
        except PackageError as error:
            log.warning("argos.not_measured", extra={"error": str(error)})
            return Measured(self._share, {})
        self._shelf.share(found.best)
        return found

    def _decode_now(self, texts: Sequence[str], package: Package) -> Sequence[Rendering | None]:
        try:
            return self._shelf.take(package).render(texts, beam=self._beam)
        except (RuntimeError, ValueError, OSError, ImportError) as error:
            raise EngineError(
                f"the language package {package} in {package.folder} doesn't work, install it again: {error}"
            ) from error


def load(package: Package, *, share: Share, compute_type: str) -> "_Model":
    """Load a package's model.

    Raises:
        RuntimeError, ValueError, OSError: it can't be.
    """
    return _Model(package, share, compute_type)


def try_out(package: Package) -> None:
    """Translate with a package in a process of its own, which it may bring down.

    Raises:
        PackageError: that didn't work.
    """
    _in_child(package, 1, 1, 1, "default")


def _in_child(package: Package, *how: object) -> str:
    """Give what `argos_child` prints."""
    command = [sys.executable, "-m", "translation.argos_child", str(package.folder), *map(str, how)]
    root = Path(__file__).parent.parent
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=TRY, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise PackageError(
            f"the package {package} doesn't work here: no word in {TRY} s; nothing was changed"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"its process ended with {done.returncode}"
        raise PackageError(f"the package {package} doesn't work here: {why}; nothing was changed")
    return done.stdout.decode()


class _Shelf:
    """The models in memory, the least used let go first."""

    def __init__(self, most: int, share: Share, compute_type: str) -> None:
        self._most = most
        self._share = share
        self._compute_type = compute_type
        self._lock = threading.Lock()
        self._models: OrderedDict[Package, _Model] = OrderedDict()

    def take(self, package: Package) -> "_Model":
        with self._lock:
            model = self._models.pop(package, None) or _Model(package, self._share, self._compute_type)
            self._models[package] = model
            while len(self._models) > self._most:
                self._models.popitem(last=False)
            return model

    def share(self, share: Share) -> None:
        """Load models with another share of the cores from now on."""
        with self._lock:
            if share != self._share:
                self._share = share
                self._models.clear()

    def clear(self) -> None:
        with self._lock:
            self._models.clear()


class _Model:
    """One direction in memory; many threads may use it."""

    def __init__(self, package: Package, share: Share, compute_type: str) -> None:
        # Imported here: a gateway without packages needn't carry 50 MB.
        import ctranslate2

        self._translator = ctranslate2.Translator(
            str(package.folder / "model"),
            device="cpu",
            inter_threads=share.workers,
            intra_threads=share.threads,
            compute_type=compute_type,
        )
        self._tokenizer = _tokenizer(package)
        self._prefix = package.target_prefix

    def render(self, texts: Sequence[str], *, beam: int) -> list[Rendering | None]:
        """Translate sentences; a second try with repetition forbidden for those it loops on."""
        sources = [self._tokenizer.encode(text) for text in texts]
        fitting = [n for n, source in enumerate(sources) if 0 < len(source) <= MOST_TOKENS]
        decoded = self._run(sources, fitting, beam_size=beam)
        again = [n for n in fitting if _astray(sources[n], decoded[n])]
        decoded |= self._run(sources, again, beam_size=beam, no_repeat_ngram_size=3, repetition_penalty=1.2)
        return [
            self._rendering(decoded[n]) if n in decoded and not _astray(source, decoded[n]) else None
            for n, source in enumerate(sources)
        ]

    def _run(self, sources: Sequence[list[str]], chosen: Sequence[int], **options: Any) -> dict[int, _Decoded]:
        if not chosen:
            return {}
        results = self._translator.translate_batch(
            [sources[n] for n in chosen],
            target_prefix=[[self._prefix]] * len(chosen) if self._prefix else None,
            max_batch_size=BATCH,
            max_input_length=0,
            max_decoding_length=2 * max(len(sources[n]) for n in chosen) + 10,
            replace_unknowns=True,
            return_scores=True,
            **options,
        )
        return {n: _Decoded(result.hypotheses[0], result.scores[0]) for n, result in zip(chosen, results, strict=True)}

    def _rendering(self, decoded: _Decoded) -> Rendering:
        text = self._tokenizer.decode(decoded.pieces)
        return Rendering(text.removeprefix(self._prefix).strip(), min(1.0, math.exp(decoded.score)))


class _Pieces:
    """SentencePiece, decoded without its loss of `_`."""

    def __init__(self, model: Path) -> None:
        import sentencepiece

        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(model))

    def encode(self, sentence: str) -> list[str]:
        pieces: list[str] = self._processor.encode(sentence, out_type=str)
        return pieces

    def decode(self, tokens: list[str]) -> str:
        return whole_bytes("".join(token for token in tokens if token != "<unk>")).replace("▁", " ")  # noqa: S105


class _Words:
    """BPE after Moses' tokenizer, as argostranslate does it; Moses sets a `_` within a word apart."""

    def __init__(self, model: Path, pair: Pair) -> None:
        from argostranslate.tokenizer import BPETokenizer

        self._tokenizer = BPETokenizer(model, pair.source, pair.target)
        self._tokenizer.lazy_load()  # here, where only one thread is

    def encode(self, sentence: str) -> list[str]:
        tokens: list[str] = self._tokenizer.encode(sentence)
        return tokens

    def decode(self, tokens: list[str]) -> str:
        text: str = self._tokenizer.decode(tokens)
        return re.sub(r"(?<=\w) _ (?=\w)", "_", text)


def _tokenizer(package: Package) -> _Tokenizer:
    pieces = package.folder / "sentencepiece.model"
    return _Pieces(pieces) if pieces.is_file() else _Words(package.folder / "bpe.model", package.pair)


def _astray(source: Sequence[str], decoded: _Decoded) -> bool:
    """Whether a model said nothing, found no end, or repeats itself without having been told to."""
    if not decoded.pieces or len(decoded.pieces) >= 2 * len(source) + 10:
        return True
    return _loops(decoded.pieces) and not _loops(source)


def _loops(pieces: Sequence[str]) -> bool:
    for length in range(1, 9):
        run = 0
        for one, other in zip(pieces, pieces[length:], strict=False):
            run = run + 1 if one == other else 0
            if run >= length * (LOOP - 1):
                return True
    return False
