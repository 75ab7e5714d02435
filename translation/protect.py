"""Spans that must survive translation exactly: found before, put back after, and counted.

URLs, e-mail addresses, phone numbers, codes, amounts, dates, times, numbers, @mentions, emoji and the glossary's terms.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from translation.glossary import NOTHING, Kept

_JOINS = r"0-9A-Za-z_\u00c0-\u052f"
"""Digits, and letters of the scripts that put spaces between words: beside a span they make another word of it."""

_START, _END, _SIGN = f"(?<![{_JOINS}])", f"(?![{_JOINS}])", f"[{_JOINS}]"


def _apart(*patterns: str) -> str:
    """Match what has neither letter nor digit beside it, but for letters of scripts that put no space there."""
    return f"{_START}(?:{'|'.join(patterns)}){_END}"


_EMOJI = (
    r"(?:[\U0001f1e6-\U0001f1ff]{2}|[#*0-9]\ufe0f?\u20e3|"
    r"[\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    r"(?:\ufe0f|[\U0001f3fb-\U0001f3ff])*(?:\u200d[\u2600-\u27bf\U0001f000-\U0001faff](?:\ufe0f|[\U0001f3fb-\U0001f3ff])*)*"
    r"(?:[\U000e0020-\U000e007f]+)?)"
)
_CURRENCY = r"(?:US\$|R\$|MX\$|CA\$|AU\$|[€$£¥₹₽₺₩₪₫₴฿]|\b(?:EUR|USD|GBP|BRL|MXN|CHF|COP|ARS|CLP|PEN|JPY|CNY|INR)\b)"
_SOON = f"[{_JOINS}-]{{0,100}}"
"""Within so many characters a code has a digit and a letter: one long word isn't searched again and again."""

_DIGITS = r"\d+(?:[.,'\u00a0\u202f]\d+)*"
_PATTERNS = (
    ("url", rf"(?:https?://|www\.)[!#-;=?-~\u00c0-\u052f]*[{_JOINS}/=&#%+~-]"),
    ("email", rf"(?<![{_JOINS}.+-])[{_JOINS}.+-]++@[{_JOINS}-]+(?:\.[{_JOINS}-]+)+"),
    ("mention", rf"(?<![{_JOINS}@])@{_SIGN}[{_JOINS}.]*{_SIGN}"),
    ("emoji", _EMOJI),
    ("amount", rf"{_CURRENCY}\s?{_DIGITS}{_END}|{_DIGITS}\s?(?:{_CURRENCY}|%)"),
    ("date", _apart(r"\d{4}-\d\d-\d\d", r"\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})", r"\d{1,2}/\d{1,2}")),
    ("time", _apart(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b\.?)?", r"\d{1,2}\s?[ap]m", r"\d{1,2}h\d{2}")),
    ("phone", rf"(?<![{_JOINS}+])\+\d(?:[ ().-]{{0,2}}\d){{6,14}}|" + _apart(r"\d{2,4}(?:[ .-]\d{2,4}){2,5}")),
    (
        "code",
        rf"#[{_JOINS}-]*\d[{_JOINS}-]*|"
        + _apart(rf"(?={_SOON}\d)(?={_SOON}[A-Za-z_]){_SIGN}+(?:-{_SIGN}+)*", "[A-Z0-9]+(?:_[A-Z0-9]+)+"),
    ),
    ("number", rf"{_DIGITS}"),
)
_ANY = (
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS)
    .replace(r"\1", r"(?P=separator)")
    .replace("([/.-])", "(?P<separator>[/.-])")
)
_SPAN = re.compile(_ANY)

_SIGNS = r"[\d@#_\u20e3\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_MAY_BE, _MAY_BE_OR_LINK = re.compile(_SIGNS), re.compile(rf"{_SIGNS}|://|www\.")
"""Each span has one of these, at most a space after where it begins: words without are passed over."""


AT_HAND = 256
"""So many texts are kept at hand with what was found in them: those that are worked on, whatever their length."""


class Span(Struct, frozen=True):
    """A piece of text that must come through as it is, or as the glossary has it: `put` stands for it after."""

    kind: str
    start: int
    end: int
    text: str
    put: str


@lru_cache(AT_HAND)
def spans(text: str, keep: Kept = NOTHING) -> tuple[Span, ...]:
    """Find what must survive, in order; `keep` are the glossary's terms and a person's names."""
    if not keep:
        return tuple(_find(text))
    found: Sequence[Span] = spans(text)
    kept = [
        Span(match.lastgroup or "", match.start(), match.end(), match[0], keep.put(match[0]))
        for match in keep.pattern().finditer(text)
    ]
    kept = [one for one in kept if not any(_within(one, other) for other in found)]
    found = [one for one in found if not any(one.start < other.end and other.start < one.end for other in kept)]
    return tuple(sorted((*found, *kept), key=lambda span: span.start))


def _find(text: str) -> Iterator[Span]:
    sign = _MAY_BE_OR_LINK if "://" in text or "www." in text else _MAY_BE
    at = 0
    while hint := sign.search(text, at):
        start = text.rfind(" ", at, hint.start()) + 1
        if start > at + 1 and not text[start - 2].islower():
            # What stands before may be a currency.
            start = text.rfind(" ", at, start - 1) + 1
        match = _SPAN.search(text, max(at, start))
        if match is None:
            return
        at = match.end()
        yield Span(match.lastgroup or "", match.start(), at, match[0], match[0])


def _within(one: Span, other: Span) -> bool:
    """Say whether a span is but a part of another: a name in an e-mail address is no name."""
    return other.start <= one.start and one.end <= other.end and len(one.text) < len(other.text)


def missing(source: str, output: str, keep: Kept = NOTHING) -> list[str]:
    """Say which spans an output lost, altered, doubled, made up or, of one kind, swapped; it is to be an empty list."""
    asked, found = spans(source, keep), spans(output, keep.unchanged())
    if [span.put for span in asked] == [span.text for span in asked] == [span.text for span in found]:
        return []
    exact = [span for span in asked if span.put == span.text]
    wanted = Counter(span.text for span in exact)
    got = Counter(span.text for span in found)
    lost = [text for text, count in wanted.items() if got[text] != count and _times(text, output) != count]
    said = Counter(span.put.casefold() for span in asked if span.put != span.text)
    lost += [put for put, count in said.items() if _times(put, output.casefold()) < count]
    if not lost:
        lost = _swapped(exact, found, output)
    made_up = [span.text for span in found if span.text not in wanted and span.kind != "name"]
    return list(dict.fromkeys(lost + made_up))


def _times(text: str, output: str) -> int:
    """Count a span where it stands by itself."""
    if text not in output:
        return 0
    before = _START if re.match(_SIGN, text) else ""
    behind = _END if re.match(_SIGN, text[-1]) else ""
    return len(re.findall(f"{before}{re.escape(text)}{behind}", output))


def _swapped(asked: Sequence[Span], found: Sequence[Span], output: str) -> list[str]:
    """Name the spans of one kind that stand in another order: "A-1 instead of B-2" is not "B-2 instead of A-1"."""
    if len(asked) < 2:
        return []
    for kind in {span.kind for span in asked}:
        was, now = ([span.text for span in each if span.kind == kind] for each in (asked, found))
        if now != was and (sorted(now) == sorted(was) or was != sorted(was, key=output.find)):
            return list(dict.fromkeys(was))
    return []


class Masked(Struct, frozen=True):
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


def mask(text: str, mark: Mark, keep: Kept = NOTHING) -> Masked:
    """Take out what must survive: at the edges wholly, within by a placeholder."""
    every = spans(text, keep)
    found = list(every)
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
        values.append(span.put)
        inner += text[at : span.start] + marks[-1]
        at = span.end
    before, behind = settled(text, every, 0, start), settled(text, every, end, len(text))
    return Masked(before, inner + text[at:end], behind, tuple(values), tuple(marks))


def settled(text: str, found: Sequence[Span], start: int, end: int) -> str:
    """Give a part of a text with its spans as they are to stand in the translation."""
    made, at = "", start
    for span in found:
        if start <= span.start and span.end <= end:
            made += text[at : span.start] + span.put
            at = span.end
    return made + text[at:end]


def around(text: str, keep: Kept = NOTHING) -> list[str]:
    """Cut a text at its spans: words at even places, spans at odd ones; joined they are the text."""
    pieces, at = [], 0
    for span in spans(text, keep):
        pieces += [text[at : span.start], span.text]
        at = span.end
    return [*pieces, text[at:]]


def has_words(text: str, keep: Kept = NOTHING) -> bool:
    """Say whether there is anything to translate beside what must survive."""
    at = 0
    for span in spans(text, keep):
        if _has_words(text[at : span.start]):
            return True
        at = span.end
    return _has_words(text[at:])


def _has_words(text: str) -> bool:
    return any(map(str.isalpha, text))


def _stands_apart(span: Span, text: str) -> bool:
    """Say whether a span at an edge is no part of the sentence beside it."""
    if span.kind == "emoji":
        return True
    before, behind = text[: span.start].rstrip(" "), text[span.end :].lstrip(" ")
    return (not before or before[-1] in ".!?…:\n") and (not behind or behind[0] in ".,;!:\n")


def _inside(found: Sequence[Span], at: int) -> bool:
    return bool(found) and found[0].start == at
