"""One of the processes that a launcher started, and what a message calls it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from bpcli.launcher import Launch


@dataclass(frozen=True)
class Rank:
    """A process of the group: its number, host and process id."""

    index: int
    count: int
    host: str
    pid: int

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"rank {self.index} of {self.count} (host {self.host}, pid {self.pid})"


def this_rank(launch: Launch) -> Rank:
    """The rank that this process is."""
    return Rank(launch.index, launch.count, socket.gethostname(), os.getpid())
