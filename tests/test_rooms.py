"""Who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import CHANNELS

ROOT = Path(__file__).parent.parent
MAY = {
    "routing": set(),
    "config": {"routing"},
    "adapters": {"config", "routing"},
    "translation": set(),
    "sandbox": set(),
    "gateway": {"adapters", "config", "routing", "translation"},
}
IMPURE = {"asyncio", "aiohttp", "redis", "sqlite3", "logging", "random", "time"}
SANDBOX_USER = "gateway/demo.py"
FILES = [file for room in MAY for file in (ROOT / room).rglob("*.py")]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_room_imports_only_what_it_may(file: Path) -> None:
    path = file.relative_to(ROOT)
    room = path.parts[0]
    allowed = MAY[room] | {room} | ({"sandbox"} if path.as_posix() == SANDBOX_USER else set())

    assert set(imported(file)) & set(MAY) <= allowed


@pytest.mark.parametrize("file", list((ROOT / "routing").rglob("*.py")), ids=lambda file: file.name)
def test_the_core_knows_no_clock_no_network_and_no_chance(file: Path) -> None:
    assert not set(imported(file)) & IMPURE


def test_channels_never_import_each_other() -> None:
    for kind in CHANNELS:
        others = {f"adapters.{other}" for other in CHANNELS if other != kind}
        tree = ast.parse((ROOT / "adapters" / f"{kind}.py").read_text())
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {module for module in modules if module.startswith(tuple(others))}


def test_a_small_machine_reads_no_engine_that_it_does_not_have() -> None:
    code = "import sys; import gateway.__main__, gateway.app; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert not {"redis", "argostranslate", "ctranslate2"} & set(found.split())
