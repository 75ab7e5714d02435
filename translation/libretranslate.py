"""A LibreTranslate server, at https://libretranslate.com or one's own. https://docs.libretranslate.com"""

import asyncio
import html
import json
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import aiohttp

from translation.contract import EngineError, Pair, Rendering
from translation.packages import serving, tag

SCORE = 0.6  # of every text: the server doesn't say how sure it is
MOST_TEXTS = 16  # a request; the server translates them one after the other
PATIENCE = 10.0  # seconds between questions for languages to a server that gave none
LONGEST_ANSWER = 2**22  # bytes

CURES = {
    400: "it doesn't take this request; is `url` that of LibreTranslate, and are its languages loaded?",
    403: "its `api_key` is missing or wrong",
    404: "is `url` that of LibreTranslate, without a path?",
    429: "it allows no more requests just now: ask its operator for an `api_key`, or run one of your own",
}


class LibreTranslate:
    """Translates through the server at `url`; `limit` is for one request.

    Which languages it has is asked in the background: `pairs` is empty until it has answered. The source language is
    always sent: let to guess, the server gives a text back untranslated and calls it a success.
    """

    name = "libretranslate"

    def __init__(self, url: str, *, api_key: str = "", limit: timedelta = timedelta(seconds=20)) -> None:
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = aiohttp.ClientTimeout(total=limit.total_seconds())
        self._session: aiohttp.ClientSession | None = None
        self._codes: dict[Pair, tuple[str, str]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._ask_after = 0.0
        self._closed = False

    def pairs(self) -> Collection[Pair]:
        """What the server last said it can; where it has said nothing yet it is asked, without waiting for it."""
        if not self._codes and self._asking is None and not self._closed and time.monotonic() >= self._ask_after:
            self._asking = asyncio.create_task(self._ask_quietly(), name="libretranslate languages")
        return self._codes.keys()

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text; None for an empty answer, and for HTML entities, which the server would decode.

        Raises:
            EngineError: the server can't be reached, refuses, or answers what can't be understood.
        """
        renderings = [None if html.unescape(text) != text else Rendering(text, 1.0) for text in texts]
        spoken = [n for n, rendering in enumerate(renderings) if rendering is not None and rendering.text.strip()]
        if not spoken:
            return renderings
        if not self._codes:
            await self._ask()
        pair = serving(Pair(source, target), self._codes)
        if pair is None:
            raise EngineError(
                f"libretranslate at {self._url} doesn't do {source} → {target}: load these languages there"
            )
        for start in range(0, len(spoken), MOST_TEXTS):
            part = spoken[start : start + MOST_TEXTS]
            answers = await self._post([texts[n] for n in part], *self._codes[pair])
            for n, answer in zip(part, answers, strict=True):
                renderings[n] = Rendering(answer, SCORE) if answer.strip() else None
        return renderings

    async def probe(self) -> str:
        """Ask for the languages, and translate a word.

        Raises:
            EngineError: it doesn't work; the message says what to do.
        """
        await self._ask()
        if not self._codes:
            raise EngineError(f"libretranslate at {self._url} has no languages loaded: see its option --load-only")
        pair = min(self._codes)
        await self.translate(["OK"], source=pair.source, target=pair.target)
        return f"libretranslate at {self._url}: " + ", ".join(sorted({pair.source for pair in self._codes}))

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _ask_quietly(self) -> None:
        try:
            await self._ask()
        except EngineError:
            self._ask_after = time.monotonic() + PATIENCE  # `translate` says what is wrong to whoever wants to know
        finally:
            self._asking = None

    async def _ask(self) -> None:
        codes: dict[Pair, tuple[str, str]] = {}
        try:
            for language in await self._call("GET", "/languages"):
                source = str(language["code"])
                for target in map(str, language["targets"]):
                    if tag(source) != tag(target):
                        codes[Pair(tag(source), tag(target))] = (source, target)
        except (TypeError, KeyError) as error:
            raise self._nonsense() from error
        self._codes = codes

    async def _post(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        body = {"q": list(texts), "source": source, "target": target, "format": "text"}
        if self._api_key:
            body["api_key"] = self._api_key
        try:
            answer = await self._call("POST", "/translate", body)
        except EngineError:
            self._codes = {}  # it may have come back with other languages
            raise
        translated = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(translated, list) or len(translated) != len(texts):
            raise self._nonsense()
        if not all(isinstance(text, str) for text in translated):
            raise self._nonsense()
        return [text.encode(errors="replace").decode() for text in translated]

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if self._closed:
            raise EngineError("libretranslate is closed: the gateway is stopping")
        if self._session is None:
            # A proxy from the environment isn't for a server next door.
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        try:
            async with self._session.request(method, self._url + path, json=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise EngineError(await self._explain(response))
                said = bytearray()
                async for chunk in response.content.iter_any():
                    said += chunk
                    if len(said) > LONGEST_ANSWER:
                        raise self._nonsense()
                return json.loads(said)
        except TimeoutError as error:
            raise EngineError(
                f"libretranslate at {self._url} didn't answer within {self._timeout.total:g} s: is it overloaded?"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineError(
                f"libretranslate at {self._url} can't be reached ({error}): does it run, and is `url` right?"
            ) from error
        except (ValueError, RecursionError) as error:
            raise self._nonsense() from error

    async def _explain(self, response: aiohttp.ClientResponse) -> str:
        said = (await response.content.read(300)).decode(errors="replace").strip()
        cure = CURES.get(response.status, "see its log" if response.status >= 500 else "is `url` right?")
        return f"libretranslate at {self._url} answered {response.status}: {cure} (it said: {said or 'nothing'})"

    def _nonsense(self) -> EngineError:
        return EngineError(f"libretranslate at {self._url} answered what LibreTranslate wouldn't: is `url` right?")
