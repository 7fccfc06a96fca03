"""``--grade``: points for a student's gradient, as one JSON object that Gradescope's autograder reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpcli.checking.external_gradients import read_gradients
from bpcli.checking.grading import ArrayGrade, grade
from bpcli.cli.gradcheck.external import gathered, require_plain
from bpcli.cli.output import emit_json
from bpcli.errors import BpError, ExitStatus
from bpcli.experiment import Experiment
from bpcli.nn import IndexArray
from bpcli.training.array_names import own_names


def grade_external(built: Experiment, batch: IndexArray, path: Path, points: float) -> ExitStatus:
    """Print the grades of the gradient in a file, ``points`` in all, the same for each array.

    A file that cannot be read has no points, and the reason for output.

    Raises:
        ConfigError: another program cannot compute the config's loss.
    """
    require_plain(built)
    sizes = built.network.sizes
    try:
        given = read_gradients(path, sizes, len(batch))
    except BpError as error:
        reason = "\n".join(error.lines())
        names = own_names(len(sizes) - 1, "d")
        nothing = [ArrayGrade(int(name[2:]), name, right=False, message=f"{name}: not read") for name in names]
        return _print_grades(nothing, points, reason)
    grades = grade(built.network, built.parameters, gathered(built, batch), given.arrays)
    reasons = {name: "\n".join(problem.lines()) for name, problem in given.problems.items()}
    explained = [ArrayGrade(one.layer, one.name, one.right, reasons.get(one.name, one.message)) for one in grades]
    return _print_grades(explained, points, given.naming.words)


def _print_grades(grades: list[ArrayGrade], points: float, remark: str) -> ExitStatus:
    """Print the results in Gradescope's format; the status says whether all is right."""
    right = [one for one in grades if one.right]
    share = points / len(grades)
    conclusion = f"{len(right)} of {len(grades)} arrays are right" if len(right) < len(grades) else "all is right"
    tests: list[dict[str, Any]] = [
        {
            "name": f"layer {one.layer}: {one.name}",
            "score": share if one.right else 0.0,
            "max_score": share,
            "status": "passed" if one.right else "failed",
            "output": one.message,
        }
        for one in grades
    ]
    output = "\n".join(filter(None, [conclusion, remark]))
    emit_json({"score": points * len(right) / len(grades), "output": output, "tests": tests})
    return ExitStatus.DONE if len(right) == len(grades) else ExitStatus.CHECK_FAILED
