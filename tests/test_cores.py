"""How many cores this process may use: its affinity, and the quota of its groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bpcli import cores
from tests.test_memory import machine

V1 = "sys/fs/cgroup/cpu/c/cpu.cfs_{}_us"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("", {}, 8),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 8),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/cpu.max": "250000 100000\n"}, 3),
        ("0::/a/b\n", {"sys/fs/cgroup/a/cpu.max": "100000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "900000 100000"}, 1),
        ("0::/a\n", {"sys/fs/cgroup/a/cpu.max": "1000 100000\n"}, 1),
        ("0::/a\n", {"sys/fs/cgroup/a/cpu.max": "9900000 100000\n"}, 8),
        ("4:memory,cpu:/c\n", {V1.format("quota"): "400000\n", V1.format("period"): "100000\n"}, 4),
        ("4:cpu:/c\n", {V1.format("quota"): "-1\n", V1.format("period"): "100000\n"}, 8),
    ],
)
def test_cores_are_those_of_the_affinity_that_the_groups_allow_time_for(
    groups: str, limits: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "ROOT", machine(tmp_path, groups, limits))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cores.usable_cores() == expected


def test_processes_of_a_launcher_share_the_cores_of_their_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(cores, "_quotas", lambda root: [])
    for name, value in (("RANK", "1"), ("SIZE", "6"), ("LOCAL_SIZE", "3")):
        monkeypatch.setenv(f"OMPI_COMM_WORLD_{name}", value)
    assert cores.usable_cores() == 2
