"""How many cores are ours: what affinity and a container's limit leave of the machine's.

A container that may use one core of sixty-four and starts sixty-four workers is slower than with one.
https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OURS = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, ours: Path = OURS) -> int:
    """Say how many cores this process may keep busy, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, *(math.ceil(limit) for limit in _limits(cgroups, ours)), cores))


def _limits(cgroups: Path, ours: Path) -> Iterator[float]:
    """Give the limits of the groups that this process is in, in cores."""
    for line in _read(ours).splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        group = cgroups / (controllers and "cpu") / place.lstrip("/")
        for folder in (group, *group.parents):
            quota, _, period = _read(folder / "cpu.max").partition(" ")
            if not quota:
                quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
            if quota.isdecimal() and period.strip().isdecimal():
                yield int(quota) / int(period)
            if folder == cgroups:
                break


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
