"""How many workers there are follows from the cores that are ours, not from those of the machine."""

import os
from pathlib import Path

import pytest

from translation.cores import usable_cores

MACHINE = 64


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MACHINE)))


@pytest.mark.parametrize(
    ("ours", "files", "cores"),
    [
        pytest.param("0::/", {}, MACHINE, id="no limit"),
        pytest.param("0::/", {"cpu.max": "max 100000"}, MACHINE, id="a limit that is none"),
        pytest.param("0::/", {"cpu.max": "200000 100000"}, 2, id="a container's"),
        pytest.param("0::/", {"cpu.max": "150000 100000"}, 2, id="one and a half"),
        pytest.param("0::/", {"cpu.max": "10000 100000"}, 1, id="a tenth"),
        pytest.param("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3, id="a group above"),
        pytest.param("0::/a", {"a/cpu.max": "nonsense"}, MACHINE, id="what can't be read"),
        pytest.param(
            "4:memory:/m\n3:cpu,cpuacct:/a",
            {"cpu/a/cpu.cfs_quota_us": "400000", "cpu/a/cpu.cfs_period_us": "100000"},
            4,
            id="the first version of groups",
        ),
        pytest.param(
            "3:cpu,cpuacct:/a",
            {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
            MACHINE,
            id="no limit in the first version",
        ),
    ],
)
def test_a_limit_counts_like_the_cores_there_are(ours: str, files: dict[str, str], cores: int, tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text(f"{ours}\n")
    for name, text in files.items():
        (file := tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    assert usable_cores(tmp_path / "fs", tmp_path / "cgroup") == cores


def test_affinity_counts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})

    assert usable_cores(tmp_path / "fs", tmp_path / "none") == 1
