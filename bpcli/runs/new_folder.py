"""A folder for a run: one that is named, or the next free number; never another run's, and never without its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bpcli.errors import ConfigError, refused
from bpcli.runs.names import plain_stem, require_plain
from bpcli.storage.folders import NamesTakenError, new_folder

RUNS_FOLDER = Path("runs")
"""Where a run goes that is given no folder."""


@contextmanager
def new_run_folder(stem: str, folder: Path | None, fill: Callable[[Path], None]) -> Iterator[Path]:
    """Make ``folder``, by default the next ``runs/<stem>-001``, with what ``fill`` writes; hold it for the block.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    stem = plain_stem(stem)
    names = iter([folder]) if folder is not None else _numbered(stem)
    beside = folder if folder is not None else RUNS_FOLDER / stem
    try:
        with new_folder(beside, names, fill) as made:
            yield made
    except NamesTakenError as error:
        raise _folder_exists(beside) from error


def require_free_folder(folder: Path | None) -> None:
    """Refuse a folder that exists or may not be named so, before time is spent on preparing the run.

    Raises:
        ConfigError: ``folder`` exists, or has a character that no name may have.
    """
    if folder is None:
        return
    require_plain(folder)
    if os.path.lexists(folder):
        raise _folder_exists(folder)


def _folder_exists(folder: Path) -> ConfigError:
    return ConfigError(
        "it exists already, and a run is never overwritten", where=str(folder), hint="name another folder"
    )


def _numbered(stem: str) -> Iterator[Path]:
    """``runs/<stem>-001``, or from the number on that follows the highest there."""
    try:
        taken = [name[len(stem) + 1 :] for name in os.listdir(RUNS_FOLDER) if name.startswith(f"{stem}-")]
    except OSError as error:
        raise refused("make a folder in", RUNS_FOLDER, error) from error
    number = max((int(tail) for tail in taken if tail.isascii() and tail.isdigit()), default=0)
    while True:
        number += 1
        yield RUNS_FOLDER / f"{stem}-{number:03d}"
