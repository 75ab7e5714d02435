"""An engine behind HTTP: what all have in common, so that each says only how its service is spoken to."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import aiohttp

from translation.contract import EngineError, Pair, Rendering
from translation.packages import serving

PATIENCE = 10.0
"""Seconds between questions for languages to a service that gave none."""

LONGEST_ANSWER = 2**22
"""Bytes."""

UNSURE = 0.6
"""The score of every text: services don't say how sure they are."""

Codes = Mapping[Pair, tuple[str, str]]
"""What a service calls the two languages of a pair."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its path, and its body, which is sent as JSON."""

    method: str
    path: str
    body: Any = None


@dataclass(slots=True)
class _Known:
    """What a service last said of its languages, and when it may be asked again."""

    codes: Codes = field(default_factory=dict)
    ask_after: float = 0.0


class Remote(ABC):
    """Translates through the service at `url`; `limit` is for one request, `secret` is never shown in an error.

    Which languages it has is asked in the background: `pairs` is empty until it has answered. An engine says in
    `_ask_languages`, `_read_languages`, `_ask` and `_read` how its service is spoken to; reading may raise KeyError,
    TypeError or IndexError where the answer isn't the service's.
    """

    name = ""
    cures: ClassVar[Mapping[int, str]] = {}
    """What to do about an answer's status."""

    most_texts = 16
    most_characters = 20_000

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str = "",
        limit: timedelta = timedelta(seconds=15),
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=limit.total_seconds())
        self._session: aiohttp.ClientSession | None = None
        self._known = _Known()
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    # How the service is spoken to

    @abstractmethod
    def _ask_languages(self) -> Sequence[Call]:
        """Say which calls tell the languages."""

    @abstractmethod
    def _read_languages(self, answers: Sequence[Any]) -> Codes:
        """Read what they answered."""

    @abstractmethod
    def _ask(self, texts: Sequence[str], source: str, target: str) -> Call:
        """Say which call translates texts, by the service's own codes."""

    @abstractmethod
    def _read(self, answer: Any, texts: Sequence[str]) -> Sequence[str]:
        """Read the translations of these texts."""

    def _remind(self, call: Call, before: Sequence[str]) -> Call:
        """Add what was said before, where the service takes that."""
        return call

    def _takes(self, text: str) -> bool:
        """Say whether a text would come back as it should."""
        return bool(text)

    # What an engine promises

    def pairs(self) -> Collection[Pair]:
        """What the service last said it can; where it has said nothing yet it is asked, without waiting for it."""
        may_ask = self._asking is None and not self._closed and time.monotonic() >= self._known.ask_after
        if not self._known.codes and may_ask:
            self._asking = asyncio.create_task(self._learn_quietly(), name=f"{self.name} languages")
        return self._known.codes.keys()

    @property
    def learning(self) -> bool:
        """Say whether it isn't known yet which languages the service has."""
        return not self._known.codes

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text; None for an empty answer, and for what the service would spoil.

        Raises:
            EngineError: the service can't be reached, refuses, or answers what can't be understood.
        """
        return await self._translate(texts, source, target, ())

    async def _translate(
        self, texts: Sequence[str], source: str, target: str, before: Sequence[str]
    ) -> Sequence[Rendering | None]:
        renderings = [Rendering(text, 1.0) if not text.strip() or self._takes(text) else None for text in texts]
        spoken = [n for n, rendering in enumerate(renderings) if rendering is not None and rendering.text.strip()]
        if not spoken:
            return renderings
        if not self._known.codes:
            await self._learn()
        pair = serving(Pair(source, target), self._known.codes)
        if pair is None:
            raise EngineError(f"{self._where()} doesn't do {source} → {target}")
        for part in self._parts(texts, spoken):
            answers = await self._render([texts[n] for n in part], pair, before)
            for n, answer in zip(part, answers, strict=True):
                renderings[n] = Rendering(answer, UNSURE) if answer.strip() else None
        return renderings

    async def probe(self) -> str:
        """Ask for the languages, and translate a word.

        Raises:
            EngineError: it doesn't work; the message says what to do.
        """
        await self._learn()
        if not self._known.codes:
            raise EngineError(f"{self._where()} has no languages")
        pair = min(self._known.codes)
        await self.translate(["OK"], source=pair.source, target=pair.target)
        return f"{self._where()}: " + ", ".join(sorted({pair.source for pair in self._known.codes}))

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _parts(self, texts: Sequence[str], spoken: Sequence[int]) -> Iterator[list[int]]:
        """Cut a batch into requests that the service takes."""
        part: list[int] = []
        size = 0
        for n in spoken:
            if part and (len(part) == self.most_texts or size + len(texts[n]) > self.most_characters):
                yield part
                part, size = [], 0
            part.append(n)
            size += len(texts[n])
        yield part

    async def _render(self, texts: Sequence[str], pair: Pair, before: Sequence[str]) -> Sequence[str]:
        call = self._ask(texts, *self._known.codes[pair])
        try:
            answer = await self._call(self._remind(call, before) if before else call)
        except EngineError:
            self._known = _Known()  # it may come back with other languages
            raise
        try:
            read = self._read(answer, texts)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise self._nonsense() from error
        if len(read) != len(texts) or not all(isinstance(text, str) for text in read):
            raise self._nonsense()
        return [text.encode(errors="replace").decode() for text in read]

    async def _learn_quietly(self) -> None:
        try:
            await self._learn()
        except EngineError:
            # `translate` says what is wrong to whoever wants to know.
            self._known.ask_after = time.monotonic() + PATIENCE
        finally:
            self._asking = None

    async def _learn(self) -> None:
        answers = [await self._call(call) for call in self._ask_languages()]
        try:
            self._known = _Known(self._read_languages(answers))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise self._nonsense() from error

    async def _call(self, call: Call) -> Any:
        if self._closed:
            raise EngineError(f"{self.name} is closed: the gateway is stopping")
        if self._session is None:
            # A proxy from the environment isn't for a server next door.
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False, headers=self._headers)
        try:
            async with self._session.request(
                call.method, self._url + call.path, json=call.body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise EngineError(await self._explain(response))
                said = bytearray()
                async for chunk in response.content.iter_any():
                    said += chunk
                    if len(said) > LONGEST_ANSWER:
                        raise self._nonsense()
                return json.loads(said)
        except TimeoutError as error:
            told = f"{self._where()} didn't answer within {self._timeout.total:g} s: is it overloaded?"
            raise EngineError(told) from error
        except (aiohttp.ClientError, OSError) as error:
            told = f"{self._where()} can't be reached ({error}): does it run, and is `url` right?"
            raise EngineError(told) from error
        except (ValueError, RecursionError) as error:
            raise self._nonsense() from error

    async def _explain(self, response: aiohttp.ClientResponse) -> str:
        said = (await response.content.read(300)).decode(errors="replace").strip()
        if self._secret:
            said = said.replace(self._secret, "…")
        cure = self.cures.get(response.status, "try again later" if response.status >= 500 else "is `url` right?")
        return f"{self._where()} answered {response.status}: {cure} (it said: {said or 'nothing'})"

    def _where(self) -> str:
        return f"{self.name} at {self._url}"

    def _nonsense(self) -> EngineError:
        return EngineError(f"{self._where()} answered what {self.name} wouldn't: is `url` right?")


def every_pair(sources: Mapping[str, str], targets: Mapping[str, str]) -> Codes:
    """Give all directions between languages, each by its tag with what the service calls it."""
    return {
        Pair(source, target): (source_code, target_code)
        for source, source_code in sources.items()
        for target, target_code in targets.items()
        if source.partition("-")[0] != target.partition("-")[0]
    }
