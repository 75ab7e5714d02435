"""What the operator wants kept, or said just so, and people's names: what must survive beside what looks like it."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

_NEVER = re.compile("(?!)")


class Kept(Struct, frozen=True):
    """Between two languages: `terms` are what is written and what is to stand for it, `names` a person's."""

    terms: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms or self.names)

    def pattern(self) -> re.Pattern[str]:
        """Match a term in any case, and a name where it can be nothing else."""
        return _pattern(self.terms, self.names)

    def unchanged(self) -> "Kept":
        """Give what stands in a translation as it stood in the original."""
        return Kept(tuple((term, put) for term, put in self.terms if not put), self.names) if self.terms else self

    def put(self, term: str) -> str:
        """Say what is to stand for a term: with a capital where it has one."""
        wanted = _wanted(self.terms).get(term.casefold(), "")
        if not wanted:
            return term
        return wanted[0].upper() + wanted[1:] if term[0].isupper() else wanted


NOTHING = Kept()


class Glossary:
    """`keep` are never translated; each of `terms` is one thing in several languages, by language tag."""

    def __init__(self, keep: Sequence[str] = (), terms: Sequence[Mapping[str, str]] = ()) -> None:
        self._keep = tuple((term, "") for term in keep)
        self._terms = terms

    def become(self, keep: Sequence[str], terms: Sequence[Mapping[str, str]]) -> bool:
        """Have other terms from now on; says whether they are others."""
        was = self._keep, tuple(self._terms)
        self._keep = tuple((term, "") for term in keep)
        self._terms = tuple(terms)
        return (self._keep, self._terms) != was

    def between(self, source: str, target: str, *, name: str = "") -> Kept:
        """Give what must survive from one language into another, `name` being a person's."""
        if not (self._keep or self._terms or name):
            return NOTHING
        return Kept(self._keep + tuple(self.pairs(source, target)), names(name))

    def within(self, text: str, source: str, target: str, *, name: str) -> Kept:
        """Give the same for a text; most don't call their reader by name."""
        called = any(part in text for part in names(name))
        return self.between(source, target, name=name if called else "")

    def pairs(self, source: str, target: str) -> Sequence[tuple[str, str]]:
        """Give the terms that both languages have."""
        found = ((_in(term, source), _in(term, target)) for term in self._terms)
        return [(one, other) for one, other in found if one and other]

    @property
    def keep(self) -> Sequence[str]:
        """What is never translated."""
        return [term for term, _ in self._keep]


@lru_cache(maxsize=1024)
def names(name: str) -> tuple[str, ...]:
    """Give a name whole, and those of its parts that may stand alone."""
    parts = [part for part in name.split() if len(part) > 1 and part.isalpha() and not part[0].islower()]
    return tuple(dict.fromkeys([" ".join(name.split()), *parts])) if parts else ()


def _in(term: Mapping[str, str], language: str) -> str:
    """Give a term in a language: its region's, or what the language says anywhere."""
    tag = language.lower()
    return term.get(tag) or term.get(tag.partition("-")[0], "")


@lru_cache(maxsize=256)
def _wanted(terms: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return {term.casefold(): put for term, put in reversed(terms)}


@lru_cache(maxsize=1024)
def _pattern(terms: tuple[tuple[str, str], ...], named: tuple[str, ...]) -> re.Pattern[str]:
    """Match the longest first.

    A part of a name that begins a sentence may be a word ("Will you …?"): there it counts only where it is called out
    ("Will, …").
    """
    either = []
    if terms:
        words = "|".join(re.escape(term) for term in sorted((term for term, _ in terms), key=len, reverse=True))
        either.append(rf"(?P<term>(?i:{words}))")
    if named:
        whole = [re.escape(name) for name in named if " " in name]
        part = f"(?:{'|'.join(re.escape(name) for name in named if ' ' not in name)})"
        within = (rf"(?<=[^\W\d_],\ ){part}", rf"(?<=[^\W\d_]\ ){part}")
        called = rf"{part}(?=[,!.?:;]|\s*$)"
        either.append(f"(?P<name>{'|'.join((*whole, *within, called))})")
    beside = r"[0-9A-Za-z_\u00c0-\u052f]"
    return re.compile(rf"(?<!{beside})(?:{'|'.join(either)})(?!{beside})") if either else _NEVER
