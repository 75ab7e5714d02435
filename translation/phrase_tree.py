"""A language's wordings, word by word: from each place what may come next, and what has been said by then.

Places are numbers and the steps between them one dictionary: objects of their own would take five times the memory.
"""

from collections.abc import Collection, Mapping

_BITS = 20
"""How many bits of a step's name are the word."""

NOWHERE = 0
_NO_SLOTS: Mapping[str, int] = {}


class PhraseTree:
    """Trees of one language, one for each kind of thing that is said; a place is a number above 0."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._steps: dict[int, int] = {}
        self._slots: dict[int, dict[str, int]] = {}
        self._ends: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self._roots: dict[str, int] = {}
        self._places = 0

    @property
    def known(self) -> Collection[str]:
        """Every word of every wording."""
        return self._numbers.keys()

    @property
    def kinds(self) -> Collection[str]:
        """The kinds that have a tree."""
        return self._roots.keys()

    def plant(self, kind: str) -> None:
        """Make a tree for a kind, where there is none."""
        if kind not in self._roots:
            self._roots[kind] = self._place()

    def root(self, kind: str) -> int:
        """Give the place where the things of a kind begin."""
        return self._roots[kind]

    def grow(self, place: int, word: str) -> int:
        """Give the place after a word, made where there was none."""
        step = place << _BITS | self._numbers.setdefault(word, len(self._numbers))
        if step not in self._steps:
            self._steps[step] = self._place()
        return self._steps[step]

    def grow_slot(self, place: int, kind: str) -> int:
        """Give the place after a slot, made where there was none."""
        slots = self._slots.setdefault(place, {})
        if kind not in slots:
            slots[kind] = self._place()
        return slots[kind]

    def close(self, place: int, key: str, *, asked: bool) -> str:
        """Have `key` end at a place, as a question or not; gives the key that does, the one that was there first."""
        return self._ends[asked].setdefault(place, key)

    def after(self, place: int, word: str) -> int:
        """Give the place after a word, NOWHERE where no wording goes on with it."""
        number = self._numbers.get(word)
        return NOWHERE if number is None else self._steps.get(place << _BITS | number, NOWHERE)

    def slots(self, place: int) -> Mapping[str, int]:
        """Give the slots that may stand at a place, each with the place after it."""
        return self._slots.get(place, _NO_SLOTS)

    def end(self, place: int, *, asked: bool) -> str:
        """Give the key that ends at a place, as a question or not; "" for none."""
        return self._ends[asked].get(place, "")

    def is_end(self, place: int) -> bool:
        """Say whether anything ends at a place."""
        return place in self._ends[False] or place in self._ends[True]

    def _place(self) -> int:
        self._places += 1
        return self._places
