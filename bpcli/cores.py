"""How many processors this process may use: by its affinity, its cgroups' share of time, and its launcher."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

from bpcli.cgroups import group_folders
from bpcli.launcher import launch_of

ROOT = Path("/")
"""Where the system's files are."""


def usable_cores() -> int:
    """The cores that this process may use, at least 1: its affinity, and the CPU quota of its cgroups.

    Where a launcher started several processes on this host, no more than its share of the host's.
    """
    return max(1, min([_allowed(), (os.cpu_count() or 1) // launch_of(os.environ).here, *_quotas(ROOT)]))


def threads_for(asked: int | str) -> int:
    """How many threads ``threads`` of a config stands for: a number, or ``auto``, all cores that may be used."""
    return asked if isinstance(asked, int) else usable_cores()


def _allowed() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> list[int]:
    """The processors whose time each group may take, rounded up; groups without a limit left out."""
    found = []
    for folder, version in group_folders(root, "cpu"):
        try:
            if version == 2:
                quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            else:
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                found.append(ceil(int(quota) / int(period)))
        except (OSError, ValueError):  # none there, or the word max
            continue
    return found
