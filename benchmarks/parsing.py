"""How long a webhook takes to be proved and read; prints JSON: by kind the µs an event, median of its cases."""

import asyncio
import importlib.util
import json
import statistics
import time
from pathlib import Path
from typing import Any

import aiohttp

ROUNDS = 50
SUITE = Path(__file__).parent.parent / "tests" / "test_channels.py"


def suite() -> Any:
    """Load the conformance suite: it knows how each kind's calls are made and proved."""
    spec = importlib.util.spec_from_file_location("suite", SUITE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def measure() -> dict[str, float]:
    known = suite()
    seen: dict[str, list[float]] = {}
    async with aiohttp.ClientSession() as session:
        for kind, case in (each.values for each in known.cases()):
            if "raises" in case or not case["events"]:
                continue
            channel, call = known.make(kind, session), known.request(kind, known.wire(case))
            took = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                channel.verify(call)
                channel.parse(call)
                took.append((time.perf_counter() - began) / len(case["events"]))
            seen.setdefault(kind, []).append(statistics.median(took) * 1e6)
    return {kind: statistics.median(cases) for kind, cases in seen.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
