"""Apertium: rules and dictionaries, offline, where the operating system has it (`apt install apertium-eng-spa`).

Starting its pipeline takes a quarter of a second, a text in a running one a millisecond: so one a direction is kept.
The stream format: https://wiki.apertium.org/wiki/Apertium_stream_format
"""

import asyncio
import os
import re
import shutil
import signal
import unicodedata
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from translation.contract import EngineError, Pair, Rendering
from translation.packages import serving, tag

TRUST = 0.6  # of a text whose every word it knows: readable, but seldom as people would put it
# What `apertium -z -f none MODE` runs, but for a gawk that holds each answer back till the next question.
# The trap has bash outlive what is ended with it, and bury it.
PIPELINE = 'trap : TERM; . <("$0-wblank-mode" -z "$1") -g'
MOURNING = 1.0  # seconds
LONGEST_ANSWER = 2**20  # bytes

# Apertium names languages by ISO 639-3. https://wiki.apertium.org/wiki/List_of_language_pairs
CODES = dict(
    re.findall(
        r"(\w+)-(\w+)",
        "afr-af arg-an ara-ar ast-ast bel-be bre-br bul-bg cat-ca crh-crh cym-cy dan-da deu-de eng-en epo-eo eus-eu "
        "fra-fr frp-frp glg-gl hbs-sh hin-hi ind-id isl-is ita-it kaz-kk mkd-mk mlt-mt msa-ms nld-nl nno-nn nob-nb "
        "oci-oc pol-pl por-pt ron-ro rus-ru sme-se slv-sl spa-es srd-sc swe-sv szl-szl tat-tt tur-tr ukr-uk urd-ur",
    )
)
VARIANTS = {"hbs_BS": "bs", "hbs_HR": "hr", "hbs_SR": "sr", "cat_valencia": "ca-valencia"}

_PIECE = re.compile(r"\S+|[^\S ]+|  +")
_WHOLE = re.compile(r"\w[@_]\w|\w://\S")  # addresses and codes
_PUNCTUATION = frozenset(".,;:!?¿¡'\"()’-")
_CARRIED = re.compile(r"\[(\d+)\]")
_MARK = re.compile(r"[*@#](?=\w)")
_WORD = re.compile(r"\w+")


class Apertium:
    """Translates with the pairs of languages installed for the program `apertium`.

    Its score is 0.6 times the share of words it knows. `limit` is for one text. `program` and `modes` are found by
    themselves where the operating system installed them.
    """

    name = "apertium"

    def __init__(
        self,
        *,
        program: Path | None = None,
        modes: Path | None = None,
        limit: timedelta = timedelta(seconds=10),
    ) -> None:
        found = shutil.which("apertium")
        self._program = program or (Path(found) if found else None)
        self._modes = modes or (self._program.parent.parent / "share/apertium/modes" if self._program else None)
        self._limit = limit.total_seconds()
        self._pipelines: dict[Pair, _Pipeline] = {}
        self._known: tuple[int, dict[Pair, Path]] = (0, {})
        self._closed = False

    def pairs(self) -> Collection[Pair]:
        """The installed directions; a pair installed meanwhile appears by itself."""
        return self._installed().keys()

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text, line by line; None where Apertium lost a part of one.

        Raises:
            EngineError: no such pair is installed, or the program died, hung or answered nonsense.
        """
        pipeline = self._pipeline(Pair(source, target))
        return [await self._translate(text, pipeline) for text in texts]

    async def probe(self) -> str:
        """Start each pair and translate a word.

        Raises:
            EngineError: the program or its pairs are missing, or one doesn't work.
        """
        pairs = sorted(self._installed())
        if not pairs:
            raise EngineError(
                "apertium has no pairs of languages: install some, as with `apt install apertium-eng-spa`"
            )
        for pair in pairs:
            await self.translate(["OK"], source=pair.source, target=pair.target)
        return "apertium: " + ", ".join(f"{pair.source} → {pair.target}" for pair in pairs)

    async def close(self) -> None:
        """End the processes."""
        self._closed = True
        for pipeline in self._pipelines.values():
            await pipeline.close()
        self._pipelines.clear()

    def processes(self) -> tuple[int, ...]:
        """The process groups that are running, for whoever watches over them."""
        return tuple(pid for pipeline in self._pipelines.values() if (pid := pipeline.pid()))

    def _installed(self) -> dict[Pair, Path]:
        try:
            changed = self._modes.stat().st_mtime_ns if self._modes else 0
        except OSError:
            changed = 0
        if self._modes and changed != self._known[0]:
            self._known = (changed, _read_modes(self._modes))
        return self._known[1] if changed else {}

    def _pipeline(self, wanted: Pair) -> "_Pipeline":
        if self._closed:
            raise EngineError("apertium is closed: the gateway is stopping")
        installed = self._installed()
        pair = serving(wanted, installed)
        if pair is None or self._program is None:
            raise EngineError(f"apertium has no pair {wanted.source} → {wanted.target}: see `apt search apertium-`")
        if pair not in self._pipelines:
            self._pipelines[pair] = _Pipeline(self._program, installed[pair], self._limit)
        return self._pipelines[pair]

    async def _translate(self, text: str, pipeline: "_Pipeline") -> Rendering | None:
        # A line at a time: within a sentence Apertium may move what stands between words.
        lines = unicodedata.normalize("NFC", text).encode(errors="replace").decode().split("\n")
        asked = {n: ask(line) for n, line in enumerate(lines) if any(c.isalpha() for c in line)}
        answers = await pipeline.exchange([question for question, _ in asked.values()])
        words = unknown = 0
        for (n, (_, carried)), answer in zip(asked.items(), answers, strict=True):
            if (heard := read(answer, carried)) is None:
                return None
            lines[n], marked = heard
            words += len(_WORD.findall(lines[n]))
            unknown += marked
        return Rendering("\n".join(lines), TRUST * max(0.0, 1 - unknown / words) if words else 1.0)


class _Pipeline:
    """One direction's processes: a NUL ends each question and each answer, in the same order."""

    def __init__(self, program: Path, mode: Path, limit: float) -> None:
        self._program = program
        self._mode = mode
        self._limit = limit
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._asked = 0
        self._closed = False

    async def exchange(self, questions: Sequence[str]) -> list[str]:
        """Have each question answered; a process that died since last time is replaced first."""
        if not questions:
            return []
        async with self._turn:
            if self._closed:
                raise EngineError("apertium was closed: the gateway is stopping")
            worn = self._process is not None
            try:
                return await self._exchange(questions)
            except EOFError as error:
                if not worn:
                    raise EngineError(f"apertium stops at once in mode {self._mode.stem}: try it in a shell") from error
            try:
                return await self._exchange(questions)
            except EOFError as error:
                raise EngineError(f"apertium died twice in mode {self._mode.stem} over the same text") from error

    async def close(self) -> None:
        self._closed = True
        async with self._turn:
            await self._kill()

    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def _exchange(self, questions: Sequence[str]) -> list[str]:
        answers: list[str] = []
        try:
            async with asyncio.timeout(self._limit):
                process = await self._running()
                if process.stdin is None or process.stdout is None:
                    raise EOFError
                ends = [self._end() for _ in questions]
                process.stdin.write("".join(f"{q}{end}\0" for q, end in zip(questions, ends, strict=True)).encode())
                await process.stdin.drain()
                for end in ends:
                    answer = (await process.stdout.readuntil(b"\0")).decode()
                    if not answer.endswith(f"{end}\0"):
                        raise ValueError(f"{answer[-20:]!r} instead of {end!r} at the end")
                    answers.append(answer[: -len(end) - 1])
        except TimeoutError as error:
            raise EngineError(f"apertium gave no answer within {self._limit:g} s in mode {self._mode.stem}") from error
        except ConnectionError as error:
            raise EOFError from error
        except (asyncio.LimitOverrunError, ValueError) as error:
            raise EngineError(f"apertium answered nonsense in mode {self._mode.stem}: {error}") from error
        except OSError as error:
            raise EngineError(f"bash, which runs {self._program}, can't be started: {error}") from error
        finally:
            # Whatever broke off, a cancelled caller too, leaves answers in the pipe that are nobody's.
            if len(answers) < len(questions):
                await self._kill()
        return answers

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is not None:
            await self._kill()
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *("bash", "-c", PIPELINE, self._program, self._mode),
                stdin=PIPE,
                stdout=PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                limit=LONGEST_ANSWER,
            )
        return self._process

    def _end(self) -> str:
        """What ends a question and its answer, new each time; without its full stop the text's own is kept back."""
        self._asked += 1
        return f".[{self._asked}]"

    async def _kill(self) -> None:
        if (process := self._process) is None:
            return
        self._process = None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(MOURNING):
                await process.communicate()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


def ask(line: str) -> tuple[str, list[str]]:
    """One line as a question in the stream format, and what is to come through as it was, `[n]` in the question.

    That is addresses and codes, odd space, and every sign that might mean something in the stream: within brackets too,
    `^` would end the processes and `$` make them answer twice.
    """
    carried: list[str] = []

    def carry(text: str) -> str:
        carried.append(text)
        return f"[{len(carried) - 1}]"

    def write(piece: re.Match[str]) -> str:
        if piece[0].isspace() or _WHOLE.search(piece[0]):
            return carry(piece[0])
        runs = ((plain, "".join(run)) for plain, run in groupby(piece[0], _plain))
        return "".join(run if plain else carry(run) for plain, run in runs)

    return _PIECE.sub(write, line), carried


def read(answer: str, carried: Sequence[str]) -> tuple[str, int] | None:
    """An answer as text, and how many of its words Apertium didn't know; None if it lost something."""
    text, unknown = _MARK.subn("", answer)
    if [int(n) for n in _CARRIED.findall(text)] != list(range(len(carried))):
        return None
    return _CARRIED.sub(lambda found: carried[int(found[1])], text), unknown


def _plain(character: str) -> bool:
    return character.isalnum() or character in _PUNCTUATION or unicodedata.category(character)[0] == "M"


def _read_modes(folder: Path) -> dict[Pair, Path]:
    modes: dict[Pair, Path] = {}
    for file in sorted(folder.glob("*.mode")):
        codes = [_tag(code) for code in file.stem.split("-")]
        if len(codes) == 2 and codes[0] and codes[1]:
            modes[Pair(codes[0], codes[1])] = file
    return modes


def _tag(code: str) -> str | None:
    """The BCP 47 tag of Apertium's `spa` or `eng_US`; None for a variety that has none."""
    if code in VARIANTS:
        return VARIANTS[code]
    language, _, region = code.partition("_")
    known = CODES.get(language, language if len(language) == 2 else None)
    if known is None or (region and not (len(region) == 2 and region.isupper())):
        return None
    return tag(f"{known}-{region}" if region else known)
