"""A folder for a run: one that is named, or the next free number; never another run's."""

from __future__ import annotations

import os
from pathlib import Path

from bpcli.errors import ConfigError, refused
from bpcli.runs.names import plain_stem, require_plain

RUNS_FOLDER = Path("runs")
"""Where a run goes that is given no folder."""


def make_run_folder(stem: str, folder: Path | None) -> Path:
    """Create ``folder``, by default the next ``runs/<stem>-001``, empty.

    Raises:
        ConfigError: ``folder`` exists.
        SystemRefusedError: the system refused.
    """
    return _make_folder(folder) if folder is not None else _make_numbered_folder(plain_stem(stem))


def require_free_folder(folder: Path | None) -> None:
    """Refuse a folder that exists or may not be named so, before time is spent on preparing the run.

    Raises:
        ConfigError: ``folder`` exists, or has a character that no name may have.
    """
    if folder is None:
        return
    require_plain(folder)
    if folder.exists():
        raise _folder_exists(folder)


def _folder_exists(folder: Path) -> ConfigError:
    return ConfigError(
        "it exists already, and a run is never overwritten", where=str(folder), hint="name another folder"
    )


def _make_folder(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        raise _folder_exists(folder) from error
    except OSError as error:
        raise refused("make the folder", folder, error) from error
    return folder


def _make_numbered_folder(stem: str) -> Path:
    """Create ``runs/<stem>-001`` or the next free number; mkdir decides between runs that start together."""
    try:
        RUNS_FOLDER.mkdir(exist_ok=True)
        taken = [name[len(stem) + 1 :] for name in os.listdir(RUNS_FOLDER) if name.startswith(f"{stem}-")]
        number = max((int(tail) for tail in taken if tail.isascii() and tail.isdigit()), default=0)
        while True:
            number += 1
            folder = RUNS_FOLDER / f"{stem}-{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise refused("make a folder in", RUNS_FOLDER, error) from error
