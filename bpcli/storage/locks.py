"""One folder, one writer: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bpcli.ending.unfinished import undone_by_signals
from bpcli.errors import SystemRefusedError, refused
from bpcli.storage.files import remove_temporaries

LOCK_FILE = ".lock"
"""In a folder that is being written to: the writer's process id and host. What a dead process left is not locked."""

WITHOUT_LOCKS = (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)
"""What a file system says that has no locks."""


class HeldError(Exception):
    """Another process holds the folder; the message is its process id and host."""


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone, without the temporary files of dead writers.

    Where the file system has no locks, nobody is refused.

    Raises:
        SystemRefusedError: another process holds it; or the system refused.
    """
    try:
        descriptor = take(folder)
    except HeldError as error:
        hint = "wait until it ends, or end it"
        raise SystemRefusedError(f"process {error} is writing to it", where=str(folder), hint=hint) from error
    except OSError as error:
        raise refused("lock", folder, error) from error
    with released(descriptor, folder):
        remove_temporaries(folder)
        yield


def take(folder: Path, *, make: bool = True) -> int:
    """Lock a folder's lock file, and name this process in it; the descriptor holds the lock until it is closed.

    Unless ``make``, the file has to be there, and the file system has to have locks.

    Raises:
        HeldError: another process holds it.
        OSError: the system refused.
    """
    while True:
        flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
        descriptor = os.open(folder / LOCK_FILE, flags, 0o644)
        try:
            _lock(descriptor, required=not make)
            if _is_in_place(folder, descriptor):
                with suppress(OSError):  # on a full disk an error should name what could not be written
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, f"{os.getpid()} on {platform.node()}".encode(), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@dataclass
class Hold:
    """The lock of a folder, which may be renamed meanwhile."""

    descriptor: int
    folder: Path

    def release(self) -> None:
        """Remove the lock file and let go of it."""
        with suppress(OSError):  # one that stays refuses nobody
            if _is_in_place(self.folder, self.descriptor):
                (self.folder / LOCK_FILE).unlink()
        os.close(self.descriptor)


@contextmanager
def released(descriptor: int, folder: Path) -> Iterator[Hold]:
    """Hold a folder by the lock that :func:`take` gave; release it afterwards, also where a signal ends the process."""
    hold = Hold(descriptor, folder)
    with undone_by_signals(lambda _: hold.release()):
        try:
            yield hold
        finally:
            hold.release()


def _lock(descriptor: int, *, required: bool) -> None:
    """Lock an open file; where that cannot be and is not ``required``, go without.

    Raises:
        HeldError: another process has locked it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 300, 0).decode(errors="replace")
        raise HeldError(holder or "(another)") from error
    except OSError as error:
        if required or error.errno not in WITHOUT_LOCKS:
            raise


def _is_in_place(folder: Path, descriptor: int) -> bool:
    """Whether the open file is still the folder's: its last holder may have removed it before it was locked."""
    try:
        return os.path.samestat(os.stat(folder / LOCK_FILE, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
