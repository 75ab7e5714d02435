"""Argos language packages, decoded with CTranslate2 directly.

argostranslate.translate would load a model once per thread, turn `_` into spaces, ask the network for sentence
splitters and decode four times slower than the hardware can; only its tokenizer for BPE packages is used, lazily.
"""

import asyncio
import math
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from translation.batch import Batcher
from translation.contract import EngineError, Pair, Rendering
from translation.packages import Package, Packages, serving

PIVOT = "en"
LONGEST_SENTENCE = 240  # characters
MOST_TOKENS = 250  # models know 512 positions or more, and decoding may need 2 × this + 10
BATCH = 16  # beyond this nothing is won, and memory grows
LOOP = 4  # the same words so often in a row are a model that lost its way

_ENDS = re.compile(r"(?<=[.!?…؟।])([\"'»”’)\]]*)(\s+)(?=[^\s\W]|[¿¡\"'«“‘(\[])|(?<=[。！？])([」』”）]*)(\s*)(?=\S)")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:Sra?s?|Dra?|Mrs?|Ms|St|Ud|Vd|Prof|z\.B|p\.ej|e\.g|i\.e|\d{1,3})\.$")
_SPACES = re.compile(r"(\s*\n\s*|^\s+|\s+$)")
_BYTE = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


@dataclass(frozen=True, slots=True)
class _Decoded:
    pieces: list[str]
    score: float


class _Tokenizer(Protocol):
    def encode(self, sentence: str) -> list[str]: ...

    def decode(self, tokens: list[str]) -> str: ...


class Argos:
    """Translates with the language packages of `packages`; without a direct one through English.

    Models are loaded when first needed, and of `loaded` directions the least used is let go. `workers` batches are
    decoded at once, each on `threads` cores: more than one was slower where we measured. `limit` is for one sentence.
    """

    name = "argos"

    def __init__(
        self,
        packages: Packages,
        *,
        workers: int = os.cpu_count() or 1,
        threads: int = 1,
        beam: int = 2,
        compute_type: str = "default",
        loaded: int = 6,
        limit: timedelta = timedelta(seconds=30),
    ) -> None:
        self._packages = packages
        self._beam = beam
        self._shelf = _Shelf(loaded, inter_threads=workers, intra_threads=threads, compute_type=compute_type)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argos")
        self._batcher = Batcher(self._decode, name=self.name, size=BATCH, workers=workers, limit=limit)
        self._known: tuple[object, frozenset[Pair]] = (None, frozenset())

    def pairs(self) -> Collection[Pair]:
        """Every direction with a package, or with two that meet in English."""
        inventory = self._packages.inventory()
        if self._known[0] is not inventory:
            self._known = (inventory, _reachable(inventory.packages))
        return self._known[1]

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text sentence by sentence; its score is that of its worst sentence.

        None for a text with a sentence the model loops on, drops, or is too long for it.

        Raises:
            EngineError: no package for this direction, one that can't be loaded, or no answer within the limit.
        """
        route = self._route(Pair(source, target))
        return await asyncio.gather(*(self._translate(text, route) for text in texts))

    async def probe(self) -> str:
        """Decode one word with each package.

        Raises:
            EngineError: there is no package, or one doesn't work.
        """
        inventory = self._packages.inventory()
        if not inventory.packages:
            raise EngineError(
                f"argos has no language package in {self._packages.folder}: `dragoman languages import FILE.argosmodel`"
                + "".join(f"; {fault}" for fault in inventory.faults)
            )
        began = time.perf_counter()
        for pair in inventory.packages:
            await self._batcher.translate("OK", pair.source, pair.target)
        took = time.perf_counter() - began
        ready = ", ".join(str(package) for package in inventory.packages.values())
        return "; ".join((f"argos: {ready}; loaded and tried in {took:.1f} s", *inventory.faults))

    async def close(self) -> None:
        """Let go of models and threads; decoding that has begun is finished first."""
        await self._batcher.close()
        await asyncio.to_thread(self._pool.shutdown)
        self._shelf.clear()

    def _route(self, wanted: Pair) -> tuple[Pair, ...]:
        packages = self._packages.inventory().packages
        pair = serving(wanted, self.pairs())
        if pair is None:
            raise EngineError(
                f"argos has no language package {wanted.source} → {wanted.target}: `dragoman languages install`"
            )
        return (pair,) if pair in packages else (Pair(pair.source, PIVOT), Pair(PIVOT, pair.target))

    async def _translate(self, text: str, route: Sequence[Pair]) -> Rendering | None:
        parts = split(text.encode(errors="replace").decode())
        answers = await asyncio.gather(*(self._sentence(part, route) for part in parts))
        renderings = [answer for answer in answers if answer is not None]
        if len(renderings) < len(answers):
            return None
        return Rendering("".join(r.text for r in renderings), min((r.score for r in renderings), default=1.0))

    async def _sentence(self, sentence: str, route: Sequence[Pair]) -> Rendering | None:
        if not any(character.isalpha() for character in sentence):
            return Rendering(sentence, 1.0)
        text, score = calm(sentence), 1.0
        for hop in route:
            rendering = await self._batcher.translate(text, hop.source, hop.target)
            if rendering is None:
                return None
            text, score = rendering.text, score * rendering.score
        return Rendering(text, score)

    async def _decode(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        package = self._packages.inventory().packages.get(Pair(source, target))
        if package is None:
            raise EngineError(f"the language package {source} → {target} was removed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._decode_now, texts, package)

    def _decode_now(self, texts: Sequence[str], package: Package) -> Sequence[Rendering | None]:
        try:
            return self._shelf.take(package).render(texts, beam=self._beam)
        except (RuntimeError, ValueError, OSError, ImportError) as error:
            raise EngineError(
                f"the language package {package} in {package.folder} doesn't work, install it again: {error}"
            ) from error


class _Shelf:
    """The models in memory, the least used let go first."""

    def __init__(self, most: int, **options: Any) -> None:
        self._most = most
        self._options = options
        self._lock = threading.Lock()
        self._models: OrderedDict[Package, _Model] = OrderedDict()

    def take(self, package: Package) -> "_Model":
        with self._lock:
            model = self._models.pop(package, None) or _Model(package, **self._options)
            self._models[package] = model
            while len(self._models) > self._most:
                self._models.popitem(last=False)
            return model

    def clear(self) -> None:
        with self._lock:
            self._models.clear()


class _Model:
    """One direction in memory; many threads may use it."""

    def __init__(self, package: Package, **options: Any) -> None:
        # Imported here: a gateway without packages needn't carry 50 MB.
        import ctranslate2

        self._translator = ctranslate2.Translator(str(package.folder / "model"), device="cpu", **options)
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
        return _BYTE.sub(_bytes, "".join(token for token in tokens if token != "<unk>")).replace("▁", " ")  # noqa: S105


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


def split(text: str) -> list[str]:
    """Cut a text into sentences and the space between them; joined again they are the text."""
    parts: list[str] = []
    for line in _SPACES.split(text):
        if line.isspace() or not line:
            parts.append(line)
            continue
        for sentence in _sentences(line):
            parts.extend(_shorten(sentence))
    return [part for part in parts if part]


def _sentences(line: str) -> list[str]:
    cuts = [0]
    spaces: list[tuple[int, int]] = []
    for end in _ENDS.finditer(line):
        start, stop = end.span(2) if end[2] is not None else end.span(4)
        if not (_ABBREVIATION.search(line[cuts[-1] : start]) or line[stop].islower()):
            spaces.append((start, stop))
            cuts.append(stop)
    bounds = [0, *(place for space in spaces for place in space), len(line)]
    return [line[a:b] for a, b in pairwise(bounds)]


def _shorten(sentence: str) -> list[str]:
    """Cut what is too long for a model where it pauses, or else at a space, or else anywhere."""
    parts: list[str] = []
    while len(sentence) > LONGEST_SENTENCE:
        head = sentence[:LONGEST_SENTENCE]
        pause = max(head.rfind(mark) + 1 for mark in ",;:，、؛")
        cut = pause if pause > LONGEST_SENTENCE // 3 else head.rfind(" ")
        cut = cut if cut > 0 else LONGEST_SENTENCE
        rest = sentence[cut:]
        parts += [sentence[:cut], rest[: len(rest) - len(rest.lstrip())]]
        sentence = rest.lstrip()
    return [*parts, sentence]


def calm(sentence: str) -> str:
    """Put a sentence in capitals into ordinary ones: models take capitals for names and leave them alone."""
    if sum(c.isalpha() for c in sentence) < 4 or not sentence.isupper():
        return sentence
    words = [word if re.search(r"[\d_@/]", word) else word.lower() for word in re.split(r"(\s+)", sentence)]
    lowered = "".join(words)
    first = next(n for n, c in enumerate(lowered) if c.isalpha())
    return lowered[:first] + lowered[first].upper() + lowered[first + 1 :]


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


def _reachable(packages: Collection[Pair]) -> frozenset[Pair]:
    into = {pair.source for pair in packages if pair.target == PIVOT}
    out_of = {pair.target for pair in packages if pair.source == PIVOT}
    return frozenset(packages) | {Pair(a, b) for a in into for b in out_of if a != b}


def _bytes(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("<0x", "").replace(">", "")).decode(errors="ignore")
