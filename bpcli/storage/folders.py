"""Folders that appear with all that belongs in them, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bpcli.ending.unfinished import unfinished
from bpcli.errors import BpError, refused
from bpcli.storage.files import TEMPORARY, sync_folder, temporary_name
from bpcli.storage.locks import HeldError, released, take

TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
"""What the system says where the name is another folder's or a file's."""


class NamesTakenError(Exception):
    """Each of the names that a folder may have is another's."""


@contextmanager
def new_folder(beside: Path, names: Iterable[Path], fill: Callable[[Path], None]) -> Iterator[Path]:
    """Make a folder with the first of ``names`` that is free, all in the folder of ``beside``; hold it for the block.

    ``fill`` writes what belongs in it, at least one file, while it has a temporary name. Then
    ``names`` are asked for. Folders that dead processes left half-filled are removed.

    Raises:
        NamesTakenError: none of the names is free.
        SystemRefusedError: the system refused.
    """
    try:
        make_parents(beside)
        _remove_half_filled(beside.parent)
        part, lock = _temporary_folder(beside)
    except OSError as error:
        raise refused("make the folder", beside, error) from error
    with unfinished(part), released(lock, part) as hold:
        try:
            fill(part)
            hold.folder = _placed(part, names)
        except BaseException as error:
            shutil.rmtree(part, ignore_errors=True)
            if isinstance(error, BpError):
                error.where = error.where.replace(str(part), str(beside))
            raise
        yield hold.folder


def make_parents(path: Path) -> None:
    """Make the folders above ``path`` that are missing, durably.

    Raises:
        OSError: the system refused.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def _temporary_folder(beside: Path) -> tuple[Path, int]:
    """A new folder and its lock; another process may remove it between the two, for it looks like a dead one's."""
    while True:
        part = temporary_name(beside)
        part.mkdir()
        try:
            return part, take(part)
        except (FileNotFoundError, HeldError):
            continue
        except OSError:
            part.rmdir()
            raise


def _placed(part: Path, names: Iterable[Path]) -> Path:
    """The folder under its name; a rename replaces no folder that has a file in it."""
    try:
        for name in names:
            if not os.path.lexists(name) and _renamed(part, name):
                sync_folder(name.parent)
                return name
    except OSError as error:
        raise refused("make the folder", name, error) from error
    raise NamesTakenError


def _renamed(part: Path, name: Path) -> bool:
    """Whether the name was free."""
    try:
        os.rename(part, name)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _remove_half_filled(parent: Path) -> None:
    """Remove the temporary folders whose lock no process holds."""
    for entry in list(os.scandir(parent)):
        if TEMPORARY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            _remove_if_dead(Path(entry))


def _remove_if_dead(part: Path) -> None:
    try:
        lock = take(part, make=False)
    except FileNotFoundError:
        with suppress(OSError):
            part.rmdir()
        return
    except (HeldError, OSError):
        return
    shutil.rmtree(part, ignore_errors=True)
    os.close(lock)
