"""Translation services, simulated: their published APIs with their keys, limits and errors; no translation happens.

What they "translate" has its letters' case swapped, so that whatever wasn't protected shows.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Fault = Callable[[web.Request], web.StreamResponse | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY = "0123456789abcdef:fx"
REGION = "westeurope"
MODEL = "sandbox-model"


class TranslatorsSandbox:
    """DeepL, Google, Azure and an OpenAI-compatible server at one address; `fault` answers in their place."""

    def __init__(self) -> None:
        self.fault: Fault = lambda request: None
        self.asked: list[Any] = []
        self.app = web.Application(client_max_size=2**22, middlewares=[self._with_faults])
        self.app.add_routes(
            [
                web.get("/v2/languages", self._deepl_languages),
                web.post("/v2/translate", self._deepl),
                web.get("/language/translate/v2/languages", self._google_languages),
                web.post("/language/translate/v2", self._google),
                web.get("/languages", self._azure_languages),
                web.post("/translate", self._azure),
                web.post("/chat/completions", self._openai),
            ]
        )

    @web.middleware
    async def _with_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return self.fault(request) or await handler(request)

    # DeepL

    async def _deepl_languages(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"DeepL-Auth-Key {KEY}":
            return web.json_response({"message": "Forbidden"}, status=403)
        source = request.query.get("type", "source") == "source"
        codes = (
            ["DE", "EN", "ES", "PT", "ZH"] if source else ["DE", "EN-GB", "EN-US", "ES", "PT-BR", "PT-PT", "ZH-HANS"]
        )
        return web.json_response([{"language": code, "name": code} for code in codes])

    async def _deepl(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"DeepL-Auth-Key {KEY}":
            return web.json_response({"message": "Forbidden"}, status=403)
        body = await self._keep(request)
        if len(body["text"]) > 50 or len(await request.read()) > 128 * 1024:
            return web.json_response({"message": "Too many texts"}, status=413)
        if body["source_lang"] not in ("DE", "EN", "ES", "PT", "ZH"):
            return web.json_response({"message": "Value for 'source_lang' not supported."}, status=400)
        if body["target_lang"] in ("EN", "PT"):
            return web.json_response({"message": "targetLang=EN is deprecated"}, status=400)
        tagged = body.get("tag_handling") == "xml"
        try:
            texts = [_swap_xml(text, body["ignore_tags"]) if tagged else text.swapcase() for text in body["text"]]
        except ET.ParseError as error:
            return web.json_response({"message": f"Tag handling parsing failed: {error}"}, status=400)
        told = [{"detected_source_language": body["source_lang"], "text": text} for text in texts]
        return web.json_response({"translations": told})

    # Google

    async def _google_languages(self, request: web.Request) -> web.StreamResponse:
        if (refused := _google_refuses(request)) is not None:
            return refused
        return web.json_response({"data": {"languages": [{"language": code} for code in ("en", "es", "pt", "zh-CN")]}})

    async def _google(self, request: web.Request) -> web.StreamResponse:
        if (refused := _google_refuses(request)) is not None:
            return refused
        body = await self._keep(request)
        if len(body["q"]) > 128:
            return web.json_response({"error": {"code": 400, "message": "Too many text segments"}}, status=400)
        swap = _swap_html if body["format"] == "html" else str.swapcase
        return web.json_response({"data": {"translations": [{"translatedText": swap(text)} for text in body["q"]]}})

    # Azure

    async def _azure_languages(self, request: web.Request) -> web.StreamResponse:
        codes = ("en", "es", "pt", "pt-PT", "zh-Hans")
        return web.json_response({"translation": {code: {"name": code, "dir": "ltr"} for code in codes}})

    async def _azure(self, request: web.Request) -> web.StreamResponse:
        key, region = (request.headers.get(f"Ocp-Apim-Subscription-{each}") for each in ("Key", "Region"))
        if (key, region) != (KEY, REGION) or request.query.get("api-version") != "3.0":
            told = "The request is not authorized because credentials are missing or invalid."
            return web.json_response({"error": {"code": 401000, "message": told}}, status=401)
        body = await self._keep(request)
        if len(body) > 1000 or sum(len(each["Text"]) for each in body) > 50_000:
            return web.json_response({"error": {"code": 400077, "message": "The maximum request size"}}, status=400)
        swap = _swap_html if request.query["textType"] == "html" else str.swapcase
        to = request.query["to"]
        return web.json_response([{"translations": [{"text": swap(each["Text"]), "to": to}]} for each in body])

    # OpenAI

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if key != KEY:
            told = f"Incorrect API key provided: {key}."
            return web.json_response({"error": {"message": told, "code": "invalid_api_key"}}, status=401)
        body = await self._keep(request)
        if body["model"] != MODEL:
            told = f"The model `{body['model']}` does not exist"
            return web.json_response({"error": {"message": told, "code": "model_not_found"}}, status=404)
        text = body["messages"][-1]["content"].swapcase()
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return web.json_response({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]})

    async def _keep(self, request: web.Request) -> Any:
        body = await request.json()
        self.asked.append(body)
        return body


def _google_refuses(request: web.Request) -> web.StreamResponse | None:
    if request.headers.get("X-Goog-Api-Key") == KEY:
        return None
    error = {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}
    return web.json_response({"error": error}, status=400)


def _swap_xml(text: str, ignored: list[str]) -> str:
    """Change what stands outside of the ignored elements."""
    root = ET.fromstring(f"<root>{text}</root>")  # noqa: S314  # a simulation on one's own machine
    root.text = (root.text or "").swapcase()
    for element in root:
        if element.tag not in ignored:
            element.text = (element.text or "").swapcase()
        element.tail = (element.tail or "").swapcase()
    return re.sub(r"</?root ?/?>", "", ET.tostring(root, encoding="unicode"))


def _swap_html(text: str) -> str:
    """Change what stands outside of tags, entities, and what isn't to be translated."""
    kept = re.compile(r'(<span class="notranslate"[^>]*>.*?</span>|<[^>]*>|&\w+;|&#\d+;)')
    return "".join(part if n % 2 else part.swapcase() for n, part in enumerate(kept.split(text)))
