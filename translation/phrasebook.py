"""Sentences people wrote in every language: exact where it knows a text, silent where it doesn't.

`phrases/<language>.txt` holds sections. Most hold phrases, by who says them; any other section is a slot's own small
phrasebook, such as `product`, or `date`, made of slots in turn. A line is `key: wording`, the lines indented below it
are further wordings; the first is the one we write. `(a|b)` is a choice, `[a|b]` one that may be left out, `{order}` a
slot. `spelling` lists what chats write for a word.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Literal, NamedTuple

from translation.contract import Pair, Rendering
from translation.phrase_tree import PhraseTree

SCORE = 1.0
LONG = 150
"""Characters from which on a text is seldom known, so that its words are looked at before it is read."""

FOLDER = Path(__file__).parent / "phrases"
SIDES = frozenset({"opening", "closing", "courtesy", "both", "customer", "agent", "notice"})
HEADS = frozenset({"opening", "courtesy"})  # go before a sentence without a comma: "hola quiero un reembolso"
TAILS = frozenset({"closing", "courtesy"})  # go after one; a question mark behind them is the sentence's
PHRASE = ""  # the kind of what isn't a slot
SPELLING = "spelling"

_EMOJI = r"[\u200d\ufe0f\u20e3\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff\U000e0020-\U000e007f]"
_WORD = r"[^\W_](?:[\w\u0300-\u036f]|['’`´](?=\w))*"
_TOKEN = re.compile(
    rf"(?P<word>{_WORD})|(?P<hard>(?:[!?…¿¡\n]|\.(?!\d)|{_EMOJI})(?:[\s.!?…¿¡,]|{_EMOJI})*)|(?P<soft>[,;:()–—]|(?<=\s)-)"
)
_PLAIN = re.compile(r"(?<![\w@./:#+'’-])[^\W\d_]{4,}(?![\w@/:+'’-]|\.\w)")
"""Words that are no part of a code or an address."""

_WRITTEN = re.compile(rf"\{{(?P<slot>\w+)\}}|(?P<word>{_WORD})|(?P<hard>[!?…¿¡.][\s!?…¿¡.,]*(?=[\w{{]))")
_GROUP = re.compile(r"(\([^()\[\]]*\)|\[[^()\[\]]*\])")
_MARK = re.compile(r"[ \u00a0\u202f]*(?:[.!?…,¿¡]|;(?![-()])|:(?![-()*]))")
_SENTENCE_END = re.compile(
    rf"(?:[!?…]+[.!?…]*|(?<!\b\d)(?<!\b\d\d)\.+)[\"'”»)]*(?:(?:\s|{_EMOJI})+|$)|\s*\n\s*|(?:{_EMOJI})+\s*(?=\S)"
)
_LONG_RUN = re.compile(r"([^\W\d_])\1{2,}")
_RUN = re.compile(r"([^\W\d_])(?:\1{2,}|\1$)")
_APOSTROPHES = str.maketrans("", "", "'’`´")
_STROKES = str.maketrans("łøđ", "lod")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})

_CURRENCY = r"(?:US\$|R\$|MX\$|[€$£]|EUR|USD|GBP|BRL|MXN|CHF)"
_DECIMAL = r"\d{1,3}(?:[. ,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_PROPER = r"[A-ZÀ-ÖØ-ÞŁŚŠŻŽ][\w'’-]+(?: (?:de |da |do |del |la |von |van )?[A-ZÀ-ÖØ-ÞŁŚŠŻŽ][\w'’-]+){0,2}"
_VALUES = {
    "order": r"(?:(?:n|no|nr|nro|num|nº|n°|n\.º)[.:]?\s*)?"
    r"(#[\w-]*\d[\w-]*|(?=[\w-]*\d[\w-]*\d[\w-]*\d)[A-Za-z0-9][\w-]*)",
    "amount": rf"({_CURRENCY}\s?(?:{_DECIMAL})|(?:{_DECIMAL})\s?{_CURRENCY})",
    "decimal": rf"({_DECIMAL})",
    "date": r"(\d{4}-\d\d-\d\d|\d{1,2}([/.-])\d{1,2}(?:\2\d{4}|\2\d{2})?)(?:\.(?=\s[a-z]))?",
    "day": r"([0-3]?\d)(?:st|nd|rd|th|º|er)?",
    "year": r"((?:19|20)\d\d)",
    "time": r"(\d{1,2}[:.h]\d{2}(?:\s?[ap]\.?m\b\.?)?|\d{1,2}\s?(?:[ap]m|h))",
    "email": r"([\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
    "phone": r"(\+?\d(?:[ ().-]{0,2}\d){6,14})",
    "url": r"(https?://[^\s<>\"]*[\w/=&#-]|www\.[^\s<>\"]*[\w/=&#-])",
    "number": r"(\d{1,6})",
    "name": rf"({_PROPER})",
    "place": rf"({_PROPER})",
}
_PATTERNS = {kind: re.compile(rf"[\s:(\"«“]*{value}(?![\w@])") for kind, value in _VALUES.items()}
_PROPER_KINDS = frozenset({"name", "place"})
_EXAMPLES = {
    "order": "A-1042",
    "amount": "24,90 €",
    "decimal": "25",
    "date": "15/03/2027",
    "day": "15",
    "year": "2027",
    "time": "10:30",
    "email": "ana.lopez@example.com",
    "phone": "+34 600 123 456",
    "url": "https://example.com/track/A-1042",
    "number": "2",
    "name": "Ana",
    "place": "Madrid",
}


class _Fault(Exception):
    """What is wrong with a line."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A known phrase, or a known value of a slot, and what stood in its own slots."""

    kind: str
    key: str
    slots: Mapping[str, "str | _Heard"]


class _Segment(NamedTuple):
    """A phrase within a text, and whether it was asked."""

    heard: _Heard
    start: int
    end: int
    asked: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as folded words with their places; `.` is the end of a sentence, `soft` the words a comma goes before."""

    text: str
    words: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    soft: Collection[int]


class _Entry(NamedTuple):
    """A key as its file has it; each wording with its line."""

    section: str
    key: str
    wordings: list[tuple[int, str]]

    @property
    def kind(self) -> str:
        """What it is: a phrase, or a value of a slot."""
        return PHRASE if self.section in SIDES else self.section


class _Written(NamedTuple):
    """How a thing is written, and where its file says so."""

    section: str
    line: int
    text: str


class _Language:
    """One file, as a tree of words for each kind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sections: dict[str, str] = {}
        self.entries: dict[str, dict[str, _Written]] = {PHRASE: {}}
        self.spelling: dict[str, tuple[str, ...]] = {}
        self._tree = PhraseTree()
        self._tree.plant(PHRASE)
        entries = list(_read(path))
        for entry in entries:
            self._keep(entry)
        for entry in entries:
            for line, wording in entry.wordings if entry.section != SPELLING else ():
                self._grow(entry.kind, entry.key, line, wording)

    def fault(self, line: int, what: str) -> ValueError:
        return ValueError(f"{self.path}, line {line}: {what}")

    def _keep(self, entry: _Entry) -> None:
        if entry.section == SPELLING:
            for _, wording in entry.wordings:
                self.spelling[_fold(entry.key)] = tuple(_fold(word) for word in wording.split())
            return
        kind = entry.kind
        entries = self.entries.setdefault(kind, {})
        line, first = entry.wordings[0]
        if entry.key in entries:
            raise self.fault(line, f"`{entry.key}` is there already")
        if _GROUP.search(first):
            raise self.fault(line, f"`{first}` has a choice: the first wording is the one we write")
        entries[entry.key] = _Written(entry.section, line, first)
        self._tree.plant(kind)
        if kind == PHRASE:
            self.sections[entry.key] = entry.section

    def _grow(self, kind: str, key: str, line: int, wording: str) -> None:
        """Add a wording to the tree."""
        try:
            if len(_slots(wording)) < wording.count("{"):
                raise _Fault(f"a slot stands twice in `{wording}`: a phrase has one of each")
            places = [self._tree.root(kind)]
            for choice in _choices(wording.lstrip("¿¡ ")):
                steps = [self._steps(text) for text in choice]
                places = list(dict.fromkeys(self._descend(place, step) for place in places for step in steps))
        except _Fault as fault:
            raise self.fault(line, str(fault)) from None
        asked = wording.rstrip().endswith("?")
        for place in places:
            if (other := self._tree.close(place, key, asked=asked)) != key:
                raise self.fault(line, f"`{wording}` is also a wording of `{other}`")

    def _steps(self, text: str) -> list[tuple[str, bool]]:
        """What a piece of a wording is made of: words, and kinds of slots (True)."""
        steps: list[tuple[str, bool]] = []
        for token in _WRITTEN.finditer(text):
            if token["slot"]:
                if token["slot"] not in self._tree.kinds and token["slot"] not in _PATTERNS:
                    raise _Fault(f"there is no slot {{{token['slot']}}}")
                steps.append((token["slot"], True))
            elif token["hard"]:
                steps.append((".", False))
            else:
                word = _fold(token["word"])
                if (spelt := _fold(token["word"].translate(_UMLAUTS))) != word:
                    self.spelling.setdefault(spelt, (word,))
                steps += [(part, False) for part in self.spelling.get(word, (word,))]
        return steps

    def _descend(self, place: int, steps: Sequence[tuple[str, bool]]) -> int:
        for step, slot in steps:
            place = self._tree.grow_slot(place, step) if slot else self._tree.grow(place, step)
        return place

    def may_know(self, text: str) -> bool:
        """Say whether each plain word of a text is in some wording: most long texts have one early that isn't."""
        known, spelling = self._tree.known, self.spelling
        for found in _PLAIN.finditer(text):
            # What has a capital may be a name.
            if not found[0].islower() or (word := _fold(found[0])) in known or word in spelling:
                continue
            if not _RUN.search(word):
                return False
        return True

    def hear(self, text: _Text) -> list[_Segment] | None:
        """The phrases a text is made of; None unless it is made of phrases."""
        said = self._respell(text)
        return self._segments(said, 0, set()) or None

    def _respell(self, text: _Text) -> _Text:
        words: list[str] = []
        places: list[int] = []
        soft: set[int] = set()
        for n, word in enumerate(text.words):
            if n in text.soft:
                soft.add(len(words))
            spelt = self._spell(word)
            words += spelt
            places += [n] * len(spelt)
        return _Text(text.text, words, [text.starts[n] for n in places], [text.ends[n] for n in places], soft)

    def _spell(self, word: str) -> tuple[str, ...]:
        """A word as the wordings have it: `xfa` is `por favor`, `holaaa` is `hola`."""
        if word in self._tree.known:
            return self.spelling.get(word, (word,))
        if word not in self.spelling and _RUN.search(word):
            for shorter in (_LONG_RUN.sub(r"\1\1", word), _RUN.sub(r"\1", word)):
                if shorter in self._tree.known or shorter in self.spelling:
                    return self.spelling.get(shorter, (shorter,))
        return self.spelling.get(word, (word,))

    def _segments(self, said: _Text, at: int, dead: set[int]) -> list[_Segment] | None:
        """The phrases from a word on, the longest possible first; `dead` are the places nothing leads on from."""
        while at < len(said.words) and said.words[at] == ".":
            at += 1
        if at == len(said.words):
            return []
        if at in dead:
            return None
        for end, place, slots in self._walk(self._tree.root(PHRASE), said, at):
            hard = end == len(said.words) or said.words[end] == "."
            rest = self._segments(said, end, dead)
            if rest is None:
                continue
            tail = bool(rest) and self.sections[rest[0].heard.key] in TAILS
            asked = rest[0].asked if tail and not hard else _asked(said, at, end, hard=hard)
            key = self._ending(place, asked=asked)
            if key and (hard or end in said.soft or tail or self.sections[key] in HEADS):
                first = _Segment(_Heard(PHRASE, key, slots), said.starts[at], _reach(said, at, end, slots), asked)
                return [first, *rest]
        dead.add(at)
        return None

    def _ending(self, place: int, *, asked: bool) -> str | None:
        """The key of a wording; a question may lack its mark, a statement may not have one."""
        if key := self._tree.end(place, asked=asked):
            return key
        key = self._tree.end(place, asked=not asked)
        return key if not asked or self.sections[key] in TAILS else None

    def _walk(self, place: int, said: _Text, at: int) -> Iterator[tuple[int, int, dict[str, str | _Heard]]]:
        """Each wording that starts at a word: where it ends, the place in the tree, and the slots."""
        if at < len(said.words):
            if after := self._tree.after(place, said.words[at]):
                yield from self._walk(after, said, at + 1)
            for kind, after in self._tree.slots(place).items():
                for value_end, value in self._values(kind, said, at):
                    for end, last, slots in self._walk(after, said, value_end):
                        yield end, last, {kind: value, **slots}
        if self._tree.is_end(place):
            yield at, place, {}

    def _values(self, kind: str, said: _Text, at: int) -> Iterator[tuple[int, str | _Heard]]:
        """What a slot may hold here, and the word after it."""
        if kind in self._tree.kinds:
            for end, place, slots in self._walk(self._tree.root(kind), said, at):
                key = self._tree.end(place, asked=False) or self._tree.end(place, asked=True)
                yield end, _Heard(kind, key, slots)
        if kind in _PATTERNS and (found := _PATTERNS[kind].match(said.text, said.ends[at - 1] if at else 0)):
            end = at
            while end < len(said.words) and said.starts[end] < found.end():
                end += 1
            if end > at and not (
                kind in _PROPER_KINDS and any(word in self._tree.known for word in said.words[at:end])
            ):
                yield end, found[1]

    def write(self, heard: _Heard) -> str:
        """The first wording, with its slots filled."""
        text = self.entries[heard.kind][heard.key].text
        for kind, value in heard.slots.items():
            text = text.replace(f"{{{kind}}}", value if isinstance(value, str) else self.write(value), 1)
        return text

    def example(self, kind: str, key: str) -> _Heard:
        """A phrase with likely values in its slots."""
        slots: dict[str, str | _Heard] = {}
        for slot in _slots(self.entries[kind][key].text):
            if slot in _EXAMPLES:
                slots[slot] = _EXAMPLES[slot]
            else:
                slots[slot] = self.example(slot, next(iter(self.entries[slot])))
        return _Heard(kind, key, slots)


class Phrasebook:
    """Translates what it knows word for word; `load` makes one.

    Case, accents, punctuation and chat spelling don't matter; a question mark does, where the same words can be asked
    and said. A text of several sentences is known if each is. Languages go by their primary subtag: `es-mx` is `es`.
    """

    name = "phrasebook"

    def __init__(self, languages: Mapping[str, _Language]) -> None:
        self._languages = languages
        self._pairs = frozenset(Pair(source, target) for source, target in permutations(languages, 2))

    @classmethod
    def load(cls, folder: Path | None = None) -> "Phrasebook":
        """Read `<language>.txt` of a folder; of our own, where none is given.

        Raises:
            ValueError: a file is malformed, ambiguous, or doesn't fit the others; the message names file and line.
        """
        return _ours() if folder is None else _load(folder)

    @staticmethod
    def faults(folder: Path | None = None) -> Iterator[str]:
        """Say all that is wrong with the files of a folder, or our own: what `load` would refuse, file by file."""
        languages = []
        for path in sorted((folder or FOLDER).glob("*.txt")):
            try:
                languages.append(_Language(path))
            except ValueError as fault:
                yield str(fault)
        yield from map(str, _differences(languages))

    def pairs(self) -> Collection[Pair]:
        """Every direction between its languages, by primary subtag."""
        return self._pairs

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Translate each text; None for one that isn't known, and for languages that aren't."""
        heard_in, written_in = self._language(source), self._language(target)
        if heard_in is None or written_in is None or heard_in is written_in:
            return [None] * len(texts)
        return [_translate(text, heard_in, written_in) for text in texts]

    async def probe(self) -> str:
        """Say how much it knows."""
        return f"{len(self.keys())} phrases in {' '.join(self._languages)}"

    async def close(self) -> None:
        """Nothing to let go of."""

    def keys(self) -> Collection[str]:
        """The phrases, by key; each is in every language."""
        return next((language.sections.keys() for language in self._languages.values()), ())

    def phrase(self, key: str, language: str, **slots: str) -> str | None:
        """Write a phrase; None if the key or the language isn't known.

        A slot's value is written as it is, or translated if it is a key of the slot's section: `weekday="friday"`.

        Raises:
            ValueError: the slots aren't those of the phrase.
        """
        written_in = self._language(language)
        if written_in is None or key not in written_in.sections:
            return None
        expected = _slots(written_in.entries[PHRASE][key].text)
        if expected != slots.keys():
            raise ValueError(f"`{key}` has the slots {sorted(expected)}, not {sorted(slots)}")
        known = written_in.entries
        values = {kind: _Heard(kind, v, {}) if v in known.get(kind, ()) else v for kind, v in slots.items()}
        return written_in.write(_Heard(PHRASE, key, values))

    def wordings(self, key: str, language: str) -> Sequence[str]:
        """Every wording of a phrase, choices written out, slots as `{order}`; the first is the one we write."""
        spoken = self._language(language)
        if spoken is None or key not in spoken.sections:
            return ()
        lines = [wording for _, wording in _wordings(spoken.path)[key]]
        return [" ".join("".join(parts).split()) for line in lines for parts in product(*_choices(line))]

    def suggestions(self, language: str, side: Literal["customer", "agent"], limit: int = 8) -> list[str]:
        """Sentences of one side to try, with likely values; each of them is known."""
        spoken = self._language(language)
        if spoken is None:
            return []
        keys = [key for key, section in spoken.sections.items() if section == side]
        return [spoken.write(spoken.example(PHRASE, key)) for key in keys[:limit]]

    def detect(self, text: str) -> set[str]:
        """The languages in which the text is known; several for `ok`, none for most texts."""
        said = _tokens(text)
        return {tag for tag, language in self._languages.items() if language.hear(said)}

    def _language(self, tag: str) -> _Language | None:
        return self._languages.get(tag.replace("_", "-").partition("-")[0].lower())


def sentences(text: str) -> list[str]:
    """Split a text into sentences, each with the marks, emoji and spaces behind it; joined they are the text."""
    cuts = [0, *(end.end() for end in _SENTENCE_END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def _translate(text: str, heard_in: _Language, written_in: _Language) -> Rendering | None:
    if len(text) > LONG and not heard_in.may_know(text):
        return None
    segments = heard_in.hear(_tokens(text))
    if segments is None or all(heard_in.sections[segment.heard.key] == "courtesy" for segment in segments):
        return None
    written = _MARK.sub("", text[: segments[0].start])
    spoken = False
    end = segments[0].start
    for segment in segments:
        gap = _MARK.sub("", text[end : segment.start])
        end = segment.end
        if heard_in.sections[segment.heard.key] == "courtesy":
            continue
        if spoken:
            written += gap or " "
        written += written_in.write(segment.heard)
        spoken = True
    return Rendering(written + _MARK.sub("", text[end:]), SCORE)


@lru_cache(maxsize=8192)
def _fold(word: str) -> str:
    """A word without case, accents and apostrophes."""
    apart = unicodedata.normalize("NFKD", word.translate(_APOSTROPHES).casefold().translate(_STROKES))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _tokens(text: str) -> _Text:
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    soft: set[int] = set()
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "soft":
            soft.add(len(words))
            continue
        words.append(_fold(token[0]) if token.lastgroup == "word" else ".")
        starts.append(token.start())
        ends.append(token.end())
    return _Text(text, words, starts, ends, soft)


def _reach(said: _Text, at: int, end: int, slots: Mapping[str, "str | _Heard"]) -> int:
    """Where a phrase ends: behind its last word, or behind a value that ends with no word, such as `24,90 €`."""
    start, last = said.starts[at], said.ends[end - 1]
    found = (said.text.find(value, start) + len(value) for value in slots.values() if isinstance(value, str))
    return max([last, *(reach for reach in found if start < reach <= last + 2)])


def _asked(said: _Text, at: int, end: int, *, hard: bool) -> bool:
    """Whether a phrase is a question by its marks."""
    if not hard:
        return False
    after = said.text[said.starts[end] : said.ends[end]] if end < len(said.words) else ""
    before = said.text[said.starts[at - 1] : said.ends[at - 1]] if at and said.words[at - 1] == "." else ""
    return "?" in after or ("¿" in before and "!" not in after)


@cache
def _ours() -> Phrasebook:
    """Give our own; nothing changes one, so that one is enough."""
    return _load(FOLDER)


def _load(folder: Path) -> Phrasebook:
    languages = {path.stem: _Language(path) for path in sorted(folder.glob("*.txt"))}
    for fault in _differences(languages.values()):
        raise fault
    return Phrasebook(languages)


def _slots(wording: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", wording))


def _choices(wording: str) -> list[list[str]]:
    """The pieces of a wording, each as what may stand there."""
    pieces: list[list[str]] = []
    for n, piece in enumerate(_GROUP.split(wording)):
        if n % 2:
            pieces.append([*([""] if piece[0] == "[" else []), *piece[1:-1].split("|")])
        elif re.search(r"[][()|]", piece):
            raise _Fault(f"a bracket without its other half in `{wording}`")
        else:
            pieces.append([piece])
    return pieces


def _read(path: Path) -> Iterator[_Entry]:
    """The entries of a file."""
    section, entry = "", None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
        elif line[0].isspace() and entry:
            entry.wordings.append((number, line.strip()))
        elif (said := re.fullmatch(r"(\w+): +(\S.*)", line)) and section:
            if entry:
                yield entry
            entry = _Entry(section, said[1], [(number, said[2].strip())])
        else:
            raise ValueError(f"{path}, line {number}: neither `[section]`, `key: wording` nor an indented wording")
    if entry:
        yield entry


@lru_cache
def _wordings(path: Path) -> Mapping[str, Sequence[tuple[int, str]]]:
    """The phrases of a file with all their wordings, which only people want to know."""
    return {entry.key: entry.wordings for entry in _read(path) if entry.kind == PHRASE}


def _differences(languages: Iterable[_Language]) -> Iterator[ValueError]:
    """Say where a language hasn't what its neighbour in the list has."""
    for one, other in pairwise(languages):
        yield from _lacking(one, other)
        yield from _lacking(other, one)


def _lacking(one: _Language, other: _Language) -> Iterator[ValueError]:
    """Say what one language lacks that the other has."""
    for kind, entries in other.entries.items():
        for key, entry in entries.items():
            line, wording = entry.line, entry.text
            if key not in one.entries.get(kind, ()):
                yield other.fault(line, f"`{key}` is missing in {one.path}")
            elif _slots(one.entries[kind][key].text) != _slots(wording):
                yield other.fault(line, f"`{key}` has other slots in {one.path}")
            elif kind == PHRASE and one.sections[key] != entry.section:
                yield other.fault(line, f"`{key}` is in another section in {one.path}")
