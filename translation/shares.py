"""How many batches at once, on how many cores each, is fastest on this machine: it is tried."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

CLEARLY = 1.1
"""How much faster another share must be than one core for each batch, which answers many callers best."""


class Share(NamedTuple):
    """How the cores are shared out: `workers` batches at once, on `threads` cores each."""

    workers: int
    threads: int


class Measured(NamedTuple):
    """The fastest share, and what was seen of each: texts a second."""

    best: Share
    seen: dict[Share, float]

    def __str__(self) -> str:
        shared = f"{self.best.workers} batches at once, {self.best.threads} cores each"
        tried = ", ".join(f"{share.workers} × {share.threads}: {speed:.0f}" for share, speed in self.seen.items())
        return f"{shared} (texts/s: {tried})" if tried else shared


def shares(cores: int) -> Iterator[Share]:
    """Give the ways in which cores can be shared out, those with a core for each batch first."""
    workers = cores
    while workers:
        yield Share(workers, cores // workers)
        workers //= 2


def measure(cores: int, speed: Callable[[Share], float]) -> Measured:
    """Find the fastest share by `speed`, which gives texts a second."""
    if cores == 1:
        return Measured(Share(1, 1), {})
    seen = {share: speed(share) for share in shares(cores)}
    best = default = Share(cores, 1)
    for share, fast in seen.items():
        if fast > CLEARLY * seen[default] and fast > seen[best]:
            best = share
    return Measured(best, seen)
