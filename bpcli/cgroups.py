"""The control groups that a process is in, by which a system limits its memory and its processors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal


def group_folders(root: Path, controller: str) -> Iterator[tuple[Path, Literal[1, 2]]]:
    """The folders of this process's group and of those around it, each with its version of cgroups.

    ``controller`` is memory or cpu; ``root`` is where the system's files are. Nothing where there are no groups.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    version: Literal[1, 2]
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            mount, version = root / "sys/fs/cgroup", 2
        elif controller in controllers.split(","):
            mount, version = root / "sys/fs/cgroup" / controller, 1
        else:
            continue
        own = mount / group.lstrip("/")
        yield from ((folder, version) for folder in (own, *own.parents) if folder.is_relative_to(mount))
