"""What is found wrong is told in each of the console's languages: every sentence that can get there, gaps kept."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.admin import told as of_console
from gateway.admin.told import tell
from gateway.admin.words import LANGUAGES, sentences, words
from routing.languages import NAMES

ROOT = Path(__file__).parent.parent
OTHERS = [language for language in LANGUAGES if language != "en"]
TELL_ADMINS = (
    *(
        f"adapters/{name}.py"
        for name in ("desk", "desk_setup", "http", "instagram", "line", "media", "messenger", "meta")
    ),
    "adapters/slack_events.py",
    *(f"adapters/{name}.py" for name in ("slack", "slack_api", "slack_files", "slack_sign_in", "telegram", "whatsapp")),
    *(f"config/{name}.py" for name in ("credentials", "settings", "store_address", "tables")),
    *(f"gateway/{name}.py" for name in ("channel_book", "checks", "checkup", "keys", "live_channels")),
    *(f"gateway/admin/{name}.py" for name in ("channels", "entries", "forms", "language_pages", "memory", "tables")),
    *(f"gateway/store/redis/{name}.py" for name in ("calls", "link")),
    "routing/assign.py",
    *(f"translation/{name}.py" for name in ("azure", "batch", "deepl", "download", "fetch", "firefox", "google")),
    *(f"gateway/admin/{name}.py" for name in ("conversations", "slack_door")),
    *(f"translation/{name}.py" for name in ("argos_index", "chain", "models", "tmx")),
    *(f"translation/{name}.py" for name in ("argos", "libretranslate", "packages", "records", "remote", "shares")),
)
"""The files whose sentences an admin may read in the console."""

NO_SENTENCE = re.compile(
    r"""
    \[.* | Bearer\ .* | DeepL-Auth-Key\ .* | line\ {} | bytes\ {}- | .*\n.* | \\\(at\ line.* | \#!lua.*
    | openid\ profile | desk\ scopes | the\ desk | engine\ {} | function\ not\ found | .*--engine\ argos.*
    | application/json;.* | attachment;.* | the\ last\ attempt\ returns\ or\ raises | {}\ \(Page\ {}\)
    """,
    re.VERBOSE | re.DOTALL,
)
SAID_BY_PLATFORMS = (
    "You have reached your monthly limit",
    "Failed to send messages",
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bot was kicked from the group chat",
    "bot was kicked from the supergroup chat",
    "too many requests",
    "chat not found",
    "too long",
    "text is empty",
    "can't be deleted",
    "not enough rights",
    "message to edit not found",
    "can't be edited",
    "not modified",
    "not found",
    "too big",
)
"""What is looked for in others' answers."""


def literals(file: Path) -> Iterator[str]:
    """Give a file's texts, with {} where something is put in."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inner = {
        id(part)
        for node in ast.walk(tree)
        for part in (
            node.values if isinstance(node, ast.JoinedStr) else [node.value] if isinstance(node, ast.Expr) else []
        )
    }
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def told(file: str) -> list[str]:
    """Give a file's sentences."""
    found = [bare(text) for text in literals(ROOT / file) if " " in text.strip() and len(re.findall(r"\w", text)) > 4]
    return [text for text in found if not NO_SENTENCE.fullmatch(text) and text not in SAID_BY_PLATFORMS]


def bare(text: str) -> str:
    """Leave out what joins it to something before it."""
    return text.lstrip(" ,:")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("file", TELL_ADMINS)
def test_each_sentence_is_there_in_each_language(file: str, language: str) -> None:
    known = {**words(language), **sentences(language)}
    assert [text for text in told(file) if text not in known] == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_its_name_in_each(language: str) -> None:
    assert set(NAMES.values()) - sentences(language).keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_no_gap_is_lost(language: str) -> None:
    assert [text for text, said in sentences(language).items() if text.count("{}") != said.count("{}")] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_left_over(language: str) -> None:
    rooms = ("adapters", "config", "gateway", "routing", "translation")
    made = {text for room in rooms for file in (ROOT / room).rglob("*.py") for text in map(bare, literals(file))}
    assert [text for text in sentences(language) if text not in made] == []


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("wrong or missing signature", "firma incorrecta o ausente"),
        ("Slack refuses the bot token for auth.test: x", "Slack rechaza el token del bot para auth.test: x"),
        (
            "Telegram refuses the bot token. Get the token from @BotFather and set it anew.",
            "Telegram rechaza el token del bot. Pida el token a @BotFather y póngalo de nuevo.",
        ),
        (
            "the app lacks commands (there is no /dragoman, and no menu at a message); files:read (agents' files don't"
            " reach customers). Add them under OAuth & Permissions, and install the app again.",
            "a la app le falta commands (no hay /dragoman ni menú en los mensajes); files:read (los archivos de los"
            " agentes no llegan a los clientes). Añádalos en OAuth & Permissions y vuelva a instalar la app.",
        ),
        (
            'dragoman.toml:3: agents[0].languages: must be language codes such as "en" or "pt-BR", not \'x y\'',
            'dragoman.toml:3: agents[0].languages: deben ser códigos de idioma como "en" o "pt-BR", no \'x y\'',
        ),
        (
            "Meta refuses it: (#100) The parameter to is required. Check the channel's access token.",
            "Meta lo rechaza: (#100) The parameter to is required. Revise el token de acceso del canal.",
        ),
        ("  + Ada: speaks es, has 1 of 4", "  + Ada: habla es, tiene 1 de 4"),
        (
            "firefox has no model in /data/models: `dragoman languages install es`",
            "firefox no tiene ningún modelo en /data/models: `dragoman languages install es`",
        ),
        (
            "Bot token: this doesn't look like one, which is six digits",
            "Token del bot: no lo parece, que sería seis cifras",
        ),
        ("(#131) Something that only Meta says", "(#131) Something that only Meta says"),
    ],
)
def test_what_was_put_together_is_told_by_its_parts(english: str, spanish: str) -> None:
    assert tell("es", english) == spanish
    assert tell("en", english) == english


@pytest.mark.parametrize("text", ["a, " * 600, "a: " * 200 + "status 5", "; x" * 51, "it said " * 400])
def test_what_others_say_at_length_is_not_looked_through(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_console, "_say", lambda *_: pytest.fail("it was"))
    assert tell("es", text) == text
