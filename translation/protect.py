"""Spans that must survive translation exactly: found before, put back after, and counted.

URLs, e-mail addresses, phone numbers, codes, amounts, dates, times, numbers, @mentions, emoji and the glossary's terms.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_EMOJI = (
    r"(?:[\U0001f1e6-\U0001f1ff]{2}|[#*0-9]\ufe0f?\u20e3|"
    r"[\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    r"(?:\ufe0f|[\U0001f3fb-\U0001f3ff])*(?:\u200d[\u2600-\u27bf\U0001f000-\U0001faff](?:\ufe0f|[\U0001f3fb-\U0001f3ff])*)*"
    r"(?:[\U000e0020-\U000e007f]+)?)"
)
_CURRENCY = r"(?:US\$|R\$|MX\$|CA\$|AU\$|[€$£¥₹₽₺₩₪₫₴฿]|\b(?:EUR|USD|GBP|BRL|MXN|CHF|COP|ARS|CLP|PEN|JPY|CNY|INR)\b)"
_DIGITS = r"\d+(?:[.,'\u00a0\u202f]\d+)*"
_PATTERNS = (
    ("url", r"(?:https?://|www\.)[^\s<>\"”»]*[\w/=&#%+~-]"),
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("mention", r"(?<![\w@])@\w[\w.]*\w"),
    ("emoji", _EMOJI),
    ("amount", rf"{_CURRENCY}\s?{_DIGITS}|{_DIGITS}\s?(?:{_CURRENCY}|%)"),
    ("date", r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})\b|\b\d{1,2}/\d{1,2}\b"),
    ("time", r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b\.?)?|\b\d{1,2}\s?(?:[ap]m)\b|\b\d{1,2}h\d{2}\b"),
    ("phone", r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){6,14}|\b\d{2,4}(?:[ .-]\d{2,4}){2,5}\b"),
    ("code", r"#[\w-]*\d[\w-]*|\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z_])\w+(?:-\w+)*\b|\b[A-Z0-9]+(?:_[A-Z0-9]+)+\b"),
    ("number", rf"{_DIGITS}"),
)
_ANY = (
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS)
    .replace(r"\1", r"(?P=separator)")
    .replace("([/.-])", "(?P<separator>[/.-])")
)
_CLEAR = r"(?<!\w)(?:(?![A-Z]{3}\b)[^\W\d_]+(?:[,;:.!?)]?[ \n]+))+"
"""Words that are nothing but letters, and what stands between them: no span begins within, so they are passed over."""

_SPAN = re.compile(f"{_CLEAR}|{_ANY}")
_WORTH_A_LOOK = re.compile(r"[\d@#_]|://|www\.|[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
STRONG = frozenset({"url", "email", "mention", "emoji", "amount", "date", "time", "phone", "code", "term"})
"""Kinds that may not appear from nowhere either."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text that must come through as it is."""

    kind: str
    start: int
    end: int
    text: str


@lru_cache(maxsize=4096)
def spans(text: str, keep: tuple[str, ...] = ()) -> tuple[Span, ...]:
    """Find what must survive, in order; `keep` are the glossary's terms, in any case."""
    if not keep and not _WORTH_A_LOOK.search(text):
        return ()
    found = (
        [Span("term", match.start(), match.end(), match[0]) for match in _terms(keep).finditer(text)] if keep else []
    )
    taken = [(span.start, span.end) for span in found]
    found += [
        Span(match.lastgroup or "", match.start(), match.end(), match[0])
        for match in _SPAN.finditer(text)
        if match.lastgroup and not (taken and any(start < match.end() and match.start() < end for start, end in taken))
    ]
    return tuple(sorted(found, key=lambda span: span.start) if taken else found)


@lru_cache(maxsize=16)
def _terms(keep: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(keep, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(term)}(?!\w)" for term in longest_first), re.IGNORECASE)


def missing(source: str, output: str, keep: tuple[str, ...] = ()) -> list[str]:
    """Say which spans an output lost, altered, doubled or made up; an empty list is what is wanted."""
    wanted = Counter(span.text for span in spans(source, keep))
    got = Counter(span.text for span in spans(output, keep))
    lost = [text for text, count in wanted.items() if got[text] != count and output.count(text) != count]
    known = set(wanted)
    made_up = [
        span.text
        for span in spans(output, keep)
        if span.text not in known and span.kind in STRONG | {"number"} and span.text not in source
    ]
    return list(dict.fromkeys(lost + made_up))


@dataclass(frozen=True, slots=True)
class Masked:
    """A text whose inner spans are placeholders, and what stood before, behind and in their place."""

    before: str
    text: str
    behind: str
    values: tuple[str, ...]
    marks: tuple[str, ...]

    def restore(self, output: str) -> str | None:
        """Put the spans back; None unless each placeholder came through exactly once."""
        for mark, value in zip(self.marks, self.values, strict=True):
            if output.count(mark) != 1:
                return None
            output = output.replace(mark, f"\ue000{value}\ue001")
        return self.before + output.replace("\ue000", "").replace("\ue001", "") + self.behind


Mark = Callable[[int], str]


def brackets(number: int) -> str:
    """Make a placeholder that models trained for it, and rule-based engines, leave alone."""
    return f"⟦{number}⟧"


def digits(number: int) -> str:
    """Make a placeholder that most models copy: an odd number."""
    return str(7391 + 1013 * number)


def mask(text: str, mark: Mark, keep: tuple[str, ...] = ()) -> Masked:
    """Take out what must survive: at the edges wholly, within by a placeholder."""
    found = list(spans(text, keep))
    start, end = 0, len(text)
    while found and not _has_words(text[start : found[0].start]) and _stands_apart(found[0], text):
        start = found.pop(0).end
    while found and not _has_words(text[found[-1].end : end]) and _stands_apart(found[-1], text):
        end = found.pop().start
    while start < end and not text[start].isalnum() and text[start] not in "¿¡\"'«“(" and not _inside(found, start):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    inner, values, marks = "", [], []
    at = start
    for number, span in enumerate(found):
        marks.append(mark(number))
        values.append(span.text)
        inner += text[at : span.start] + marks[-1]
        at = span.end
    return Masked(text[:start], inner + text[at:end], text[end:], tuple(values), tuple(marks))


def around(text: str, keep: tuple[str, ...] = ()) -> list[str]:
    """Cut a text at its spans: words at even places, spans at odd ones; joined they are the text."""
    pieces, at = [], 0
    for span in spans(text, keep):
        pieces += [text[at : span.start], span.text]
        at = span.end
    return [*pieces, text[at:]]


def has_words(text: str, keep: tuple[str, ...] = ()) -> bool:
    """Say whether there is anything to translate beside what must survive."""
    return any(_has_words(piece) for piece in around(text, keep)[::2])


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _stands_apart(span: Span, text: str) -> bool:
    """Say whether a span at an edge is no part of the sentence beside it."""
    if span.kind == "emoji":
        return True
    before, behind = text[: span.start].rstrip(" "), text[span.end :].lstrip(" ")
    return (not before or before[-1] in ".!?…:\n") and (not behind or behind[0] in ".,;!:\n")


def _inside(found: Sequence[Span], at: int) -> bool:
    return bool(found) and found[0].start == at
