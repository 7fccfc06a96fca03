"""How much memory is left to a process: of the machine, of its own limits and of its groups."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from bpcli import memory
from bpcli.errors import ConfigError
from bpcli.memory import UNLIMITED, Left, require

NONE = resource.RLIM_INFINITY


def machine(folder: Path, groups: str, limits: dict[str, str]) -> Path:
    """A file system with 8 GB available, a process's groups and their limits."""
    files = {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 8000000 kB\n", "proc/self/cgroup": groups, **limits}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("", {}, 8_192_000_000),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "max\n"}, 8_192_000_000),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "5000\n"}, 5000),
        ("0::/a/b\n", {"sys/fs/cgroup/a/memory.max": "7000\n", "sys/fs/cgroup/a/b/memory.max": "9000\n"}, 7000),
        ("0::/elsewhere\n", {"sys/fs/cgroup/memory.max": "6000\n"}, 6000),
        ("4:cpu,memory:/c\n3:cpuset:/d\n", {"sys/fs/cgroup/memory/c/memory.limit_in_bytes": "4000\n"}, 4000),
        ("4:memory:/c\n", {"sys/fs/cgroup/memory/c/memory.limit_in_bytes": str(UNLIMITED * 2)}, 8_192_000_000),
    ],
)
def test_memory_is_what_the_machine_has_left_or_a_group_allows(
    groups: str, limits: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path, groups, limits))
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (NONE, NONE))
    assert memory.left().count == expected


def test_what_a_group_has_taken_is_gone_but_for_copies_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (NONE, NONE))
    stat = "anon 2500\nactive_file 300\ninactive_file 200\n"
    second = {"memory.max": "5000\n", "memory.current": "3000\n", "memory.stat": stat}
    first = {"memory.limit_in_bytes": "5000\n", "memory.usage_in_bytes": "3000\n", "memory.stat": stat}
    for groups, folder, files in (
        ("0::/a\n", "sys/fs/cgroup/a", second),
        ("4:memory:/a\n", "sys/fs/cgroup/memory/a", first),
    ):
        limits = {f"{folder}/{name}": text for name, text in files.items()}
        monkeypatch.setattr(memory, "ROOT", machine(tmp_path / folder, groups, limits))
        assert memory.left() == Left(2500, "the 5,000 bytes that its cgroup allows")


def test_limits_of_the_process_leave_what_it_has_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine(tmp_path, "", {"proc/self/statm": "100 50 20 1 0 40 0\n"})
    page = resource.getpagesize()
    monkeypatch.setattr(memory, "ROOT", root)
    for limited, taken in ((resource.RLIMIT_AS, 100), (resource.RLIMIT_DATA, 40)):
        monkeypatch.setattr(
            resource, "getrlimit", lambda limit, limited=limited: (300 * page if limit == limited else NONE, NONE)
        )
        name = "RLIMIT_AS" if limited == resource.RLIMIT_AS else "RLIMIT_DATA"
        assert memory.left() == Left((300 - taken) * page, f"the {memory.size(300 * page)} that {name} allows")
    (root / "proc/self/statm").unlink()
    assert memory.left().count == 300 * page


def test_memory_is_told_without_a_proc_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    assert 0 < memory.left().count <= UNLIMITED


def test_more_than_is_left_is_refused_with_figures_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "left", lambda: Left(2_000_000_000, "the 3.0 GB that RLIMIT_AS allows"))
    require(2_000_000_000, "it takes", hint="h")
    with pytest.raises(ConfigError) as caught:
        require(14_400_000_000, "its indicators take", where="t.csv", hint="drop it", error=ConfigError)
    assert caught.value.lines() == [
        "error: t.csv: its indicators take 14.4 GB of memory, 2.0 GB are left of the 3.0 GB that RLIMIT_AS allows",
        "hint: drop it",
    ]
