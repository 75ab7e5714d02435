"""Cutting a text into parts that a platform takes."""

import re
from collections.abc import Callable

Size = Callable[[str], int]
"""Says how long a text is, as a platform counts."""

_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…。！？])\s"), re.compile(r"\s"))
_JOINED = re.compile("[\u0300-\u036f\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def units(text: str) -> int:
    """Count UTF-16 units: an emoji may be two."""
    return len(text) + sum(character > "\uffff" for character in text)


def octets(text: str) -> int:
    """Count bytes of UTF-8."""
    return len(text.encode())


def split(text: str, limit: int, size: Size = units) -> list[str]:
    """Cut at paragraphs, else lines, sentences, words, and never within a character; no part is empty."""
    parts = []
    rest = text.strip()
    while size(rest) > limit:
        end = _fitting(rest, limit, size)
        cut = next(
            (found for pattern in _BREAKS if (found := _last(pattern, rest, end)) > end // 2),
            0,
        ) or _whole(rest, end)
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [part for part in (*parts, rest) if part]


def _fitting(text: str, limit: int, size: Size) -> int:
    if size(text[:limit]) <= limit:
        return limit
    low, high = limit // 4, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= limit else (low, middle - 1)
    return low


def _last(pattern: re.Pattern[str], text: str, end: int) -> int:
    return max((found.end() for found in pattern.finditer(text, 0, end)), default=0)


def _whole(text: str, end: int) -> int:
    """Step back to where a character ends, unless it is absurdly long."""
    for back in range(min(end - 1, 32)):
        at = end - back
        if not _JOINED.match(text[at : at + 1]) and text[at - 1] != "\u200d":
            return at
    return end
