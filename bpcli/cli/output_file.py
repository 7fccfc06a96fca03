"""Files that a command is asked to write: never one that it reads, and never one that a run folder consists of.

A page is written over no file that is not a page of bp.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bpcli.errors import ConfigError, refused


def require_no_loss(output: Path | None, inputs: Iterable[str | Path]) -> None:
    """Refuse to write over ``inputs``, whatever the name, or over what bp keeps in a run folder.

    Raises:
        ConfigError: ``output`` is one of them.
    """
    if output is None:
        return
    if any(_is_same(output, Path(one)) for one in inputs):
        raise ConfigError("it is an input of this command", where=str(output), hint="name another file to write")
    target = Path(os.path.realpath(output))
    if _belongs_to_run(target):
        message = "it belongs to the run in this folder"
        raise ConfigError(message, where=str(output), hint="name another file to write")


def require_own_page(output: Path) -> None:
    """Refuse to write a page over a file that bp did not write.

    Raises:
        ConfigError: ``output`` is one.
        SystemRefusedError: the system refused to look.
    """
    from bpcli.web import is_own_page

    try:
        if output.is_file() and not is_own_page(output):
            hint = "name another file to write, or remove it"
            raise ConfigError("it is a file that bp did not write", where=str(output), hint=hint)
    except OSError as error:
        raise refused("read", output, error) from error


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _belongs_to_run(target: Path) -> bool:
    """Whether a file has a name that bp gives, in a folder that has a run's or a series' record or model."""
    from bpcli.runs.folder import RUN_FILES
    from bpcli.runs.record import RECORD_FILE
    from bpcli.runs.series import SERIES_FILE, SERIES_FILES
    from bpcli.training.initial_parameters import MODEL

    if target.name in RUN_FILES:
        return any((target.parent / name).exists() for name in (RECORD_FILE, MODEL))
    return target.name in SERIES_FILES and (target.parent / SERIES_FILE).exists()
