"""How much memory is left to this process; what takes more is refused.

What takes memory says how much beforehand, with what is at fault; so a process is
not killed, and does not slow a machine down, for what could have been known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bpcli.cgroups import group_folders
from bpcli.errors import BpError, DataError

UNLIMITED = 1 << 62
"""A limit from here on is none."""

ROOT = Path("/")
"""Where the system's files are."""


@dataclass(frozen=True, order=True)
class Left:
    """Bytes that are left, and of which limit; no limit's name where the machine has no more."""

    count: int
    limit: str = ""

    def __str__(self) -> str:
        """How many, and of what."""
        return f"{size(self.count)} are left" + (f" of {self.limit}" if self.limit else "")


def left() -> Left:
    """What this process may still take: what the machine has, or less where a limit or a cgroup says so."""
    return min([Left(_machine(ROOT)), *_of_process(ROOT), *_of_groups(ROOT), Left(UNLIMITED)])


def require(
    needed: float, what: str, *, where: str = "", key: str = "", hint: str, error: type[BpError] = DataError
) -> None:
    """Refuse what takes more memory than is left; ``what`` is the subject and the verb, such as ``its numbers take``.

    Raises:
        BpError: of the type ``error``; there is not so much.
    """
    there = left()
    if needed > there.count:
        raise error(f"{what} {size(needed)} of memory, {there}", where=where, key=key, hint=hint)


def size(count: float) -> str:
    """A number of bytes for messages."""
    if count >= 1e8:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count:,.0f} bytes"


def _machine(root: Path) -> int:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_process(root: Path) -> Iterator[Left]:
    """What the limits of ``ulimit -v`` and ``ulimit -d`` leave; where the system does not tell what is taken, all."""
    import resource

    try:
        taken = [int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in (root / "proc/self/statm").read_text().split()]
        addresses, data = taken[0], taken[5]
    except (OSError, ValueError, IndexError):
        addresses = data = 0
    for name, used in (("RLIMIT_AS", addresses), ("RLIMIT_DATA", data)):
        allowed = resource.getrlimit(getattr(resource, name))[0] if hasattr(resource, name) else resource.RLIM_INFINITY
        if allowed != resource.RLIM_INFINITY:
            yield Left(max(allowed - used, 0), f"the {size(allowed)} that {name} allows")


def _of_groups(root: Path) -> Iterator[Left]:
    """What this process's group and those around it leave, in either version of cgroups.

    Pages of files that a group has read count as free: the system drops them where memory is wanted.
    """
    for folder, version in group_folders(root, "memory"):
        limit, use = LIMIT_AND_USE[version]
        allowed = _number(folder / limit)
        if allowed is not None and allowed < UNLIMITED:
            used = (_number(folder / use) or 0) - _file_pages(folder / "memory.stat")
            yield Left(max(allowed - max(used, 0), 0), f"the {size(allowed)} that its cgroup allows")


LIMIT_AND_USE = {2: ("memory.max", "memory.current"), 1: ("memory.limit_in_bytes", "memory.usage_in_bytes")}
"""The files of a group's limit and of its use, by the version of cgroups."""


def _file_pages(path: Path) -> int:
    """Bytes of a group's memory that are copies of files."""
    try:
        counts = dict(line.split(maxsplit=1) for line in path.read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return 0
    return sum(int(counts[name]) for name in ("active_file", "inactive_file") if name in counts)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # none there, or the word max
        return None
