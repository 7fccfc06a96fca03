"""Tables of what the code states in one place: exit statuses, the files of a run, the checks of the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from bpcli.errors import ExitStatus
from bpcli.figures import KINDS
from bpcli.runs.folder import RUN_FILES
from bpcli.tracking import TRACKERS
from docs.generate.markdown import code, escaped, table


def exit_statuses() -> str:
    """Every exit status and what it means."""
    return table(["status", "meaning"], ([code(str(int(status))), escaped(status.meaning)] for status in ExitStatus))


def picture_kinds() -> str:
    """Every kind of picture of runs and what it shows."""
    return _documented(["kind", "shows"], KINDS)


def trackers() -> str:
    """Every tracker and what it is told."""
    return _documented(["tracker", "gets"], TRACKERS)


def _documented(head: list[str], registry: Mapping[str, type[Any]]) -> str:
    return table(head, ([code(name), escaped(cleandoc(entry.__doc__ or ""))] for name, entry in registry.items()))


def run_files() -> str:
    """Every file of a run folder and what it holds."""
    return table(["file", "holds"], ([code(name), escaped(holds)] for name, holds in RUN_FILES.items()))
