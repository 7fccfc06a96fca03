"""Is the launcher of this process still there? A process whose parent has ended is given another one."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from bpcli.launcher import Launcher


class Parents:
    """The processes from this one up to that of the launcher, each with its parent when this was made.

    What the launcher has started knows the launcher's variables: such as a shell in which bp is started. On Linux
    these are passed by; elsewhere the parent of bp is taken for the launcher.
    """

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher.name
        process, self._parents = os.getpid(), dict[int, int]()
        while (parent := _parent(process)) is not None:
            self._parents[process] = parent
            if not _was_launched(parent, launcher):
                break
            process = parent

    def changed(self) -> bool:
        """Whether one of them has ended, as the launcher has, or what it started."""
        return any(_parent(process) != parent for process, parent in self._parents.items())

    def descriptors(self) -> list[int]:
        """Files that can be read once a parent has ended, on systems that have such: it is known at once."""
        found = []
        if sys.platform == "linux":
            for parent in self._parents.values():
                with suppress(OSError):
                    found.append(os.pidfd_open(parent))
        return found


def _parent(process: int) -> int | None:
    """The parent of a process, None where there is no such process."""
    if process == os.getpid():
        return os.getppid()
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return None


def _was_launched(process: int, launcher: Launcher) -> bool:
    """Whether a process was started by the launcher; no for one of which the system says nothing."""
    with suppress(OSError):
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        return any(one.startswith(f"{launcher.index}=".encode()) for one in variables)
    return False
