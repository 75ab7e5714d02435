"""Slack's notation, read into plain text and written without surprises. https://docs.slack.dev/messaging/formatting-message-text"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import emoji

from adapters.http import clean
from routing.contents import File

Names = Callable[[str], str]
"""Gives the name of a Slack user's id, "" where it isn't known."""

COLLEAGUE = "colleague"
WITHOUT_BYTES = frozenset({"external", "tombstone", "hidden_by_limit"})
KINDS = {"image": "photo", "video": "video", "audio": "audio"}

_TOKEN = re.compile(r"<([^<>]+)>")
_STYLE = re.compile(r"(?<![\w*_~`])([*_~`])(?=\S)(.+?)(?<=\S)\1(?![\w*_~`])")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_SHORTCODE = re.compile(r":([a-z0-9_+'-]+)(?:::skin-tone-([2-6]))?:")
_TONES = {str(tone): chr(0x1F3FB + tone - 2) for tone in range(2, 7)}


def escape(text: str) -> str:
    """Make text mean itself: no ping, no link under another name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Undo `escape`, once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_message(message: Mapping[str, Any], names: Names) -> tuple[str, tuple[str, ...], bool]:
    """Give a message's reading text, whom it mentions in order, and whether it begins with a mention."""
    blocks = message.get("blocks")
    rich = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if rich and all(block.get("type") == "rich_text" for block in rich):
        reader = _Rich(names)
        text = "\n".join(reader.block(block) for block in rich)
        return clean(text).strip(), tuple(reader.mentions), reader.begins
    return _read_mrkdwn(clean(message.get("text")), names)


def read_files(message: Mapping[str, Any]) -> tuple[File, ...]:
    """Give the files that came with a message and have bytes here; what is only linked, or was deleted, has none."""
    kept = []
    for each in _dicts(message.get("files")):
        url = each.get("url_private_download") or each.get("url_private")
        mime = clean(each.get("mimetype"))
        size = each.get("size")
        if isinstance(url, str) and each.get("mode") not in WITHOUT_BYTES:
            kept.append(
                File(
                    ref=clean(url),
                    kind=KINDS.get(mime.partition("/")[0], "file"),
                    name=clean(each.get("name")),
                    mime=mime,
                    size=size if isinstance(size, int) and size > 0 else 0,
                )
            )
    return tuple(kept)


def _read_mrkdwn(text: str, names: Names) -> tuple[str, tuple[str, ...], bool]:
    mentions = re.findall(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>", text)
    begins = bool(re.match(r"\s*<(@|!subteam\^)", text))
    tokens: list[str] = []

    def keep(found: re.Match[str]) -> str:
        tokens.append(_token(found[1], names))
        return f"\x00{len(tokens) - 1}\x01"

    plain = _FENCE.sub(lambda found: found[1], _TOKEN.sub(keep, text))
    for _ in range(3):
        plain = _STYLE.sub(lambda found: found[2], plain)
    plain = _emoji(html.unescape(plain))
    plain = re.sub("\x00(\\d+)\x01", lambda found: tokens[int(found[1])], plain)
    return plain.strip(), tuple(mentions), begins


def _token(inside: str, names: Names) -> str:
    target, _, label = inside.partition("|")
    label = html.unescape(label)
    if target.startswith("@"):
        return f"@{names(target[1:]) or label.lstrip('@') or COLLEAGUE}"
    if target.startswith("#"):
        return f"#{label or 'channel'}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    return _link(html.unescape(target), label)


def _link(url: str, label: str) -> str:
    address = url.removeprefix("mailto:").removeprefix("tel:")
    bare = re.sub(r"^https?://", "", address).rstrip("/")
    if not label or label in (address, bare) or re.sub(r"^https?://", "", label).rstrip("/") == bare:
        return address
    return f"{label} ({address})"


def _emoji(text: str) -> str:
    def shown(found: re.Match[str]) -> str:
        sign = emoji.emojize(f":{found[1]}:", language="alias")
        return found[0] if sign.startswith(":") else sign + _TONES.get(found[2] or "", "")

    return _SHORTCODE.sub(shown, text)


class _Rich:
    """Reads rich_text blocks, and notes who is mentioned."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._written = False
        self.mentions: list[str] = []
        self.begins = False

    def block(self, block: Mapping[str, Any]) -> str:
        return "\n".join(self._part(part) for part in _dicts(block.get("elements"))).strip("\n")

    def _part(self, part: Mapping[str, Any]) -> str:
        if part.get("type") == "rich_text_list":
            return self._list(part)
        return "".join(self._leaf(leaf) for leaf in _dicts(part.get("elements")))

    def _list(self, part: Mapping[str, Any]) -> str:
        indent = "  " * int(part.get("indent") or 0)
        first = int(part.get("offset") or 0) + 1
        ordered = part.get("style") == "ordered"
        return "\n".join(
            f"{indent}{f'{number}.' if ordered else '•'} {self._part(item)}"
            for number, item in enumerate(_dicts(part.get("elements")), first)
        )

    def _leaf(self, leaf: Mapping[str, Any]) -> str:
        text = self._say(leaf)
        if text.strip():
            self.begins = self.begins or (not self._written and leaf.get("type") in ("user", "usergroup"))
            self._written = True
        return text

    def _say(self, leaf: Mapping[str, Any]) -> str:
        match leaf.get("type"):
            case "text":
                return str(leaf.get("text") or "")
            case "link":
                return _link(str(leaf.get("url") or ""), str(leaf.get("text") or ""))
            case "user":
                user = str(leaf.get("user_id") or "")
                self.mentions.append(user)
                return f"@{self._names(user) or COLLEAGUE}"
            case "usergroup":
                return f"@{COLLEAGUE}s"
            case "channel":
                return "#channel"
            case "broadcast":
                return f"@{leaf.get('range')}"
            case "emoji":
                return _sign(leaf)
            case "color":
                return str(leaf.get("value") or "")
            case "date":
                return str(leaf.get("fallback") or "")
        return str(leaf.get("text") or "")


def _sign(leaf: Mapping[str, Any]) -> str:
    try:
        return "".join(chr(int(code, 16)) for code in str(leaf["unicode"]).split("-"))
    except (KeyError, ValueError, OverflowError):
        return _emoji(f":{leaf.get('name')}:")


def _dicts(items: object) -> Sequence[Mapping[str, Any]]:
    found: Iterable[object] = items if isinstance(items, list) else ()
    return [item for item in found if isinstance(item, dict)]
