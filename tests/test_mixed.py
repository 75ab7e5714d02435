"""All platforms at once, at full speed, with repeats: nothing is lost, doubled, refused or out of order."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_updates_of_all_platforms_come_once_and_in_order() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "mixed.py", "2000"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=100,
    )
    told = json.loads(done.stdout)

    assert told["sent"] > 2000
    assert {told[what] for what in ("lost", "doubled", "refused", "out_of_order")} == {0}
