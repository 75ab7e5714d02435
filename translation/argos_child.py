"""Loads the Argos package in a folder, translates with it, and prints how many texts a second it does.

`python -m translation.argos_child FOLDER WORKERS THREADS BEAM COMPUTE_TYPE`: so many batches at once, on so many cores
each. What would bring a process down brings this one down, and what decoding takes of memory goes with it.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from translation.argos import BATCH, load
from translation.packages import read_package
from translation.shares import Share

TEXTS = (" ".join(["4821"] * 8),) * BATCH
"""Some twenty tokens each in any language."""


def main(folder: str, workers: str, threads: str, beam: str, compute_type: str) -> None:
    """Translate twice, the second time by the clock."""
    share = Share(int(workers), int(threads))
    model = load(read_package(Path(folder), ours=True), share=share, compute_type=compute_type)

    def decode(_: int) -> None:
        model.render(TEXTS, beam=int(beam))

    with ThreadPoolExecutor(share.workers) as pool:
        list(pool.map(decode, range(share.workers)))
        began = time.perf_counter()
        list(pool.map(decode, range(share.workers)))
        sys.stdout.write(str(share.workers * len(TEXTS) / (time.perf_counter() - began)))


if __name__ == "__main__":
    main(*sys.argv[1:])
