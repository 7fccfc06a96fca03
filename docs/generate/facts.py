"""Tables of what the code states in one place: exit statuses, the files of a run, the checks of the doctor."""

from __future__ import annotations

from bpcli.errors import ExitStatus
from bpcli.runs.folder import RUN_FILES
from docs.generate.markdown import code, escaped, table


def exit_statuses() -> str:
    """Every exit status and what it means."""
    return table(["status", "meaning"], ([code(str(int(status))), escaped(status.meaning)] for status in ExitStatus))


def run_files() -> str:
    """Every file of a run folder and what it holds."""
    return table(["file", "holds"], ([code(name), escaped(holds)] for name, holds in RUN_FILES.items()))
