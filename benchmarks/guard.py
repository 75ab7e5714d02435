"""Sets the guard's weights by `guard.tsv`, and says how well it tells right translations from wrong ones.

It prints the weights for `translation/guard.py`, and of translations that it was never set by how many wrong ones are
caught, how many of those caught are wrong, and the AUC: how often a wrong one is found riskier than a right one.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from translation.detect import Detector
from translation.guard import GOOD_SCORE, RISKY, SIGNALS, Guard

ROWS = Path(__file__).with_name("guard.tsv")
STEPS, RATE, PULL = 4000, 2.0, 2e-4
"""How the weights are looked for: steps, their size, and how strongly they are kept small."""

FEWER = 4.0
"""How many times fewer translations are wrong in life than in the rows."""

Numbers = NDArray[np.float64]


class Row(NamedTuple):
    """A translation that is right or wrong; `score` and `back` are None where the engine gives none."""

    split: str
    right: bool
    kind: str
    pair: tuple[str, str]
    score: float | None
    text: str
    output: str
    back: str | None


class Figures(NamedTuple):
    """How well right and wrong ones are told apart."""

    rows: int
    auc: float
    precision: float
    recall: float


def rows(*splits: str) -> Sequence[Row]:
    """Read rows."""
    found = []
    for line in ROWS.read_text().splitlines():
        split, right, kind, source, target, score, text, output, back = line.split("\t")
        if split in splits:
            told = float(score) if score else None
            found.append(Row(split, right == "1", kind, (source, target), told, text, output, back if score else None))
    return found


def weights() -> Mapping[str, float]:
    """Fit the weights, `base` among them; each row also without what only some engines give."""
    guard = Guard(Detector())
    fit = rows("fit")
    fit = [*fit, *without_back(fit), *bare(fit)]
    seen, wrong = _seen(guard, fit), np.array([not row.right for row in fit], np.float64)
    found, base = np.zeros(len(SIGNALS)), 0.0
    for _ in range(STEPS):
        off = 1 / (1 + np.exp(-(seen @ found + base))) - wrong
        off = np.where(wrong, off, off * FEWER)
        found = np.maximum(0, found - RATE * (seen.T @ off / len(wrong) + PULL * found))
        base -= RATE * float(off.mean())
    return {"base": round(base, 2), **{name: round(float(w), 2) for name, w in zip(SIGNALS, found, strict=True)}}


def judged(told: Sequence[Row]) -> Figures:
    """Say how well the guard tells rows."""
    guard = Guard(Detector())
    risks = np.array([_risk(guard, row) for row in told])
    wrong = np.array([not row.right for row in told])
    caught = risks >= RISKY
    precision = float(wrong[caught].mean()) if caught.any() else 1.0
    recall = float(caught[wrong].mean())
    return Figures(len(told), auc(risks, wrong), precision, recall)


def by_kind(told: Sequence[Row]) -> Mapping[str, tuple[int, float]]:
    """Say how many rows there are of each kind, and what part of them is risky."""
    guard = Guard(Detector())
    kinds: dict[str, list[bool]] = {}
    for row in told:
        kinds.setdefault(row.kind, []).append(_risk(guard, row) >= RISKY)
    return {kind: (len(risky), sum(risky) / len(risky)) for kind, risky in sorted(kinds.items())}


def without_back(told: Sequence[Row]) -> Sequence[Row]:
    """Take the meaning back away, where nothing translates back."""
    return [row._replace(back=None) for row in told]


def bare(told: Sequence[Row]) -> Sequence[Row]:
    """Take away what only some engines give."""
    return [row._replace(score=None, back=None) for row in told]


def auc(risks: Numbers, wrong: NDArray[np.bool_]) -> float:
    """Say how often a wrong row has the higher risk, half of it where they are equal."""
    higher = (risks[wrong][:, None] > risks[~wrong][None, :]).mean()
    equal = (risks[wrong][:, None] == risks[~wrong][None, :]).mean()
    return float(higher + equal / 2)


def _risk(guard: Guard, row: Row) -> float:
    return guard.assess(row.text, row.output, pair=row.pair, score=row.score, back=row.back).risk


def _seen(guard: Guard, told: Sequence[Row]) -> Numbers:
    signals = [guard.signals(row.text, row.output, pair=row.pair, score=row.score, back=row.back) for row in told]
    return np.array([[getattr(each, name) for name in SIGNALS] for each in signals])


def main() -> None:
    """Print weights and figures, or with --json the figures."""
    held = rows("held")
    trained = [row for row in held if row.score is not None]
    apertium = [row._replace(score=GOOD_SCORE) for row in rows("apertium")]
    groups = {
        "trained models, with score and meaning back": trained,
        "the same without the meaning back": without_back(trained),
        "the same without either": bare(trained),
        "eight languages, neither": [row for row in held if row.score is None],
        "Apertium, with its meaning back": apertium,
    }
    figures = {name: judged(told) for name, told in groups.items()}
    if "--json" in sys.argv:
        json.dump({name: each._asdict() for name, each in figures.items()}, sys.stdout)
        return
    lines = [f"{name:9} {weight:6.2f}" for name, weight in weights().items()]
    lines += ["", "never fitted                                  rows    AUC  precision  recall"]
    lines += [
        f"{name:44}  {f.rows:4}  {f.auc:.3f}      {f.precision:.3f}   {f.recall:.3f}" for name, f in figures.items()
    ]
    lines += ["", "found risky, by kind"]
    lines += [f"{kind:28} {share:4.0%} of {count}" for kind, (count, share) in by_kind(held).items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
