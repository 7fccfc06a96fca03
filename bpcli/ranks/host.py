"""Which ranks are on this host, and memory that they have in common.

It is memory of Linux that has no name in any file system (memfd_create(2)): another process of the same user opens it
by the descriptor of the first rank, in /proc. So a rank that is killed leaves nothing behind, whatever the MPI, and
no small /dev/shm of a container limits it. Where that is refused, or elsewhere, each rank is a host to itself.
"""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.errors import SystemRefusedError
from bpcli.nn import Array
from bpcli.ranks.values import gather_values

if TYPE_CHECKING:
    from mpi4py import MPI

TOKEN = 16
"""Random bytes by which ranks see that they have opened the same memory: a process has its number in its container."""

NONE = -1
"""A descriptor of no file."""


class Host:
    """The ranks of a communicator that share this rank's host, as far as they can have memory in common."""

    def __init__(self, communicator: MPI.Comm) -> None:
        from mpi4py import MPI

        self.communicator = communicator.Split_type(MPI.COMM_TYPE_SHARED)
        if not self._can_share():
            self.communicator = communicator.Split(communicator.Get_rank())
        self.ranks: list[int] = gather_values(self.communicator, communicator.Get_rank())

    def zeros(self, size: int, dtype: np.dtype[Any]) -> Array:
        """So many zeros, the same memory for all of the host.

        Raises:
            SystemRefusedError: the system refuses it, to all of the host.
        """
        if len(self.ranks) == 1:
            return np.zeros(size, dtype)
        count = size * dtype.itemsize
        memory = self._memory(count)
        if memory is None:
            hint = "raise the limits on memory and open files, or start fewer ranks on this host"
            raise SystemRefusedError(f"ranks of one host can't share {count:,} bytes of memory", hint=hint)
        return np.frombuffer(memory, dtype, size)

    def wait(self) -> None:
        """Wait until all of the host are here; what they wrote before is then there for all of them."""
        self.communicator.Barrier()

    def _can_share(self) -> bool:
        memory = self._memory(TOKEN)
        if memory is None:
            return False
        if self.communicator.Get_rank() == 0:
            memory[:] = os.urandom(TOKEN)
        self.wait()
        read = gather_values(self.communicator, memory[:].hex())
        return all(one == read[0] for one in read)

    def _memory(self, count: int) -> mmap.mmap | None:
        """So many bytes, at least one, for all of the host; None where one of them cannot have them."""
        first = self.communicator.Get_rank() == 0
        descriptor = _created(max(count, 1)) if first else NONE
        pid, theirs = gather_values(self.communicator, [os.getpid(), descriptor])[0]
        if not first:
            descriptor = _opened(pid, theirs)
        memory = _mapped(descriptor, max(count, 1))
        every = gather_values(self.communicator, memory is not None)
        if descriptor != NONE:
            os.close(descriptor)
        return memory if all(every) else None


def _created(count: int) -> int:
    """A descriptor of new memory, :data:`NONE` where there can be none."""
    if not hasattr(os, "memfd_create"):
        return NONE
    try:
        descriptor = os.memfd_create("bp")
    except OSError:
        return NONE
    with suppress(OSError):
        os.ftruncate(descriptor, count)
        return descriptor
    os.close(descriptor)
    return NONE


def _opened(pid: int, theirs: int) -> int:
    """A descriptor of what another process has by the descriptor ``theirs``, :data:`NONE` where it cannot be had."""
    if theirs == NONE:
        return NONE
    try:
        return os.open(f"/proc/{pid}/fd/{theirs}", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return NONE


def _mapped(descriptor: int, count: int) -> mmap.mmap | None:
    if descriptor == NONE:
        return None
    try:
        return mmap.mmap(descriptor, count)
    except (OSError, ValueError):  # what is there is shorter, so something else
        return None
