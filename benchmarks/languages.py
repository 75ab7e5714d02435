"""Which languages of short chat messages are told: right, wrong and undecided apart. Prints the matrix, or JSON.

`chat.tsv` has a third that was written first and is never looked at to choose anything (`held`), and the rest (`open`).
`und` marks what no one could tell.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from translation.detect import Detector

CHAT = Path(__file__).with_name("chat.tsv")
UNDECIDABLE = "und"
TELLS, ROUNDS = 0.8, 20
"""How often a hint is right, and how often each message gets one."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its language."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """What part was told right and what part wrong; the rest waits for the next message."""

    right: float
    wrong: float


def messages(part: str) -> Sequence[Message]:
    """Read `held` or `open` messages."""
    rows = (line.split("\t") for line in CHAT.read_text().splitlines())
    return [Message(language, text) for which, language, text in rows if which == part]


def languages(told: Sequence[Message]) -> Sequence[str]:
    """Give the languages of messages, in order."""
    return list(dict.fromkeys(each.language for each in told if each.language != UNDECIDABLE))


def alone(detector: Detector, told: Sequence[Message]) -> Share:
    """Take each message by itself."""
    return _share([(each.language, detector.listen(each.text).language) for each in _decidable(told)])


def hinted(detector: Detector, told: Sequence[Message]) -> Share:
    """Take each message with a hint that is right so often, and else any other language."""
    chance = random.Random(1)  # noqa: S311 - hints are no secrets
    known = languages(told)
    found = []
    for each in [*_decidable(told)] * ROUNDS:
        others = [language for language in known if language != each.language]
        hint = each.language if chance.random() < TELLS else chance.choice(others)
        found.append((each.language, detector.listen(each.text, hint=hint).language))
    return _share(found)


def twice(detector: Detector, told: Sequence[Message]) -> Share:
    """Take each message and the next of its language, as one person writes them."""
    found = []
    for language in languages(told):
        texts = [each.text for each in told if each.language == language]
        for first, second in zip(texts, (*texts[1:], texts[0]), strict=True):
            before = detector.listen(first)
            belief = detector.listen(second, evidence=before.evidence)
            found.append((language, belief.language or before.language))
    return _share(found)


def decided(detector: Detector, told: Sequence[Message]) -> Sequence[tuple[str, str]]:
    """Give what no one could tell and was told nevertheless."""
    heard = [(each.text, detector.listen(each.text).language) for each in told if each.language == UNDECIDABLE]
    return [(text, language) for text, language in heard if language]


def matrix(detector: Detector, told: Sequence[Message]) -> str:
    """Draw what was written (rows) and what was told (columns), "–" for nothing."""
    counts = Counter((each.language, detector.listen(each.text).language or "–") for each in told)
    rows = [*languages(told), UNDECIDABLE]
    columns = [*languages(told), *sorted({to for _, to in counts} - {*rows, "–"}), "–"]
    lines = ["| | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    drawn = (f"| **{row}** | " + " | ".join(str(counts[row, to] or "") for to in columns) + " |" for row in rows)
    return "\n".join((*lines, *drawn))


def _decidable(told: Sequence[Message]) -> Sequence[Message]:
    return [each for each in told if each.language != UNDECIDABLE]


def _share(found: Sequence[tuple[str, str]]) -> Share:
    right = sum(is_ == told for is_, told in found)
    wrong = sum(bool(told) and is_ != told for is_, told in found)
    return Share(right / len(found), wrong / len(found))


def main() -> None:
    """Print the matrix of the held messages, or with --json the figures."""
    detector, held = Detector(), messages("held")
    if "--json" not in sys.argv:
        sys.stdout.write(matrix(detector, held) + "\n")
        return
    single, hint, two = alone(detector, held), hinted(detector, held), twice(detector, held)
    told = {"single": single.right, "hinted": hint.right, "two": two.right, "wrong": single.wrong}
    json.dump({**told, "decided": len(decided(detector, held)), "messages": len(held)}, sys.stdout)


if __name__ == "__main__":
    main()
