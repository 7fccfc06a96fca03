"""Tables of what the code states in one place: exit statuses, kinds of pictures, the files of a run."""

from __future__ import annotations

from inspect import cleandoc

from bpcli.errors import ExitStatus
from bpcli.figures import KINDS
from bpcli.runs.folder import RUN_FILES
from docs.generate.markdown import code, escaped, table


def exit_statuses() -> str:
    """Every exit status and what it means."""
    return table(["status", "meaning"], ([code(str(int(status))), escaped(status.meaning)] for status in ExitStatus))


def picture_kinds() -> str:
    """Every kind of picture of runs and what it shows."""
    rows = ([code(name), escaped(cleandoc(kind.__doc__ or ""))] for name, kind in KINDS.items())
    return table(["kind", "shows"], rows)


def run_files() -> str:
    """Every file of a run folder and what it holds."""
    return table(["file", "holds"], ([code(name), escaped(holds)] for name, holds in RUN_FILES.items()))
