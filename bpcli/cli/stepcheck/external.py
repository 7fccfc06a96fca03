"""``--export`` and ``--against``: gradients for other optimizers, and the updates that one of them made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bpcli import display
from bpcli.checking.external_gradients import require_exportable
from bpcli.checking.updates.diagnosis import UpdateDiagnosis, diagnose_updates
from bpcli.checking.updates.equations import NotStatedError
from bpcli.checking.updates.external_updates import header_of, read_updates, task_of, write_task
from bpcli.checking.updates.subjects import Opened
from bpcli.checking.updates.trajectories import Task
from bpcli.cli.output import emit, emit_json, emit_lines
from bpcli.errors import ConfigError, ExitStatus

SAME_INPUTS_HINT = "hint: config, overrides and --updates have to be those of the --export that it was made of"
WIDER_HINT = "hint: compute in float64"


def export_gradients(opened: Opened, count: int, path: Path, *, json: bool) -> ExitStatus:
    """Write θ and the gradients of so many updates to a file.

    Raises:
        ConfigError: as :func:`require_exportable`, or the rule states no equations.
        SystemRefusedError: the system refused to write.
    """
    require_exportable(path)
    task = _task(opened, count)
    _warn_of_divergence(task)
    write_task(path, task, header_of(opened, task))
    if json:
        emit_json({"exported": str(path), "updates": count})
    else:
        emit(f"{path}\n")
    return ExitStatus.DONE


def _warn_of_divergence(task: Task) -> None:
    """Warn where a gradient is not finite: from there on nothing can be judged."""
    for k, gradient in enumerate(task.gradients, start=1):
        if not np.isfinite(gradient).all():
            display.warn([f"training diverges: gradient{k} is not finite; lower optimizer.learning_rate"])
            return


def check_external(opened: Opened, count: int, path: Path, *, json: bool) -> ExitStatus:
    """Judge the updates in a file and print the diagnosis.

    Raises:
        ConfigError: the rule states no equations.
        DataError: the file is absent or malformed, or an array is missing, not of floats or misshapen.
        SystemRefusedError: the system refused to read.
    """
    task = _task(opened, count)
    given = read_updates(path, task)
    found = diagnose_updates(task, given)
    kind = _name(np.result_type(*given))
    passed = found.update == 0 and not found.unjudged
    if json:
        emit_json(
            {
                "against": str(path),
                "passed": passed,
                "updates": count,
                "dtype": kind,
                "update": found.update,
                "entry": found.entry,
                "right": found.right,
                "found": found.found,
                "slip": found.mistake,
                "recognised": found.recognised,
                "not_judged": list(found.unjudged),
            }
        )
    else:
        emit_lines("\n".join(_report(path, count, kind, found)))
    return ExitStatus.DONE if passed else ExitStatus.CHECK_FAILED


def _name(kind: np.dtype[Any]) -> str:
    """The precision's name; NumPy calls a long double by the bits that it is stored in."""
    return "long double" if kind == np.longdouble and kind != np.float64 else kind.name


def _report(path: Path, count: int, kind: str, found: UpdateDiagnosis) -> list[str]:
    if found.update:
        numbers = f"{found.entry} is {found.found!r} instead of {found.right!r}"
        lines = [f"{path}: update {found.update} is the first wrong one ({numbers})", found.mistake]
        return lines if found.recognised else [*lines, SAME_INPUTS_HINT]
    if found.unjudged:
        return [f"{path}: {', '.join(found.unjudged)} could not be judged in {kind}", WIDER_HINT]
    return [
        f"{path}: all {count} updates agree, to the rounding of {kind}" if count > 1 else f"{path}: the update agrees"
    ]


def _task(opened: Opened, count: int) -> Task:
    try:
        return task_of(opened, count)
    except NotStatedError as error:
        raise ConfigError(str(error), where="command line", hint="another optimizer.name") from error
