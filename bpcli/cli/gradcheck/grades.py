"""``--grade``: points for a student's gradient, as one JSON object that Gradescope's autograder reads."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from bpcli.checking.external_gradients import read_gradients
from bpcli.checking.grading import ArrayGrade, grade
from bpcli.cli.gradcheck.external import gathered, require_plain
from bpcli.cli.output import emit_json
from bpcli.errors import BpError, ExitStatus
from bpcli.experiment import Experiment
from bpcli.nn import IndexArray
from bpcli.nn.parameters import Layout

DECIMALS = 4
"""The decimals of printed points."""


def grade_external(built: Experiment, batch: IndexArray, path: Path, points: float) -> ExitStatus:
    """Print the grades of the gradient in a file, ``points`` in all, the same for each array.

    A file that cannot be read has no points, and the reason for output.

    Raises:
        ConfigError: another program cannot compute the config's loss.
    """
    require_plain(built)
    layout = built.network.layout
    try:
        given = read_gradients(path, layout, len(batch))
    except BpError as error:
        reason = "\n".join(error.lines())
        return _print_grades(_nothing(layout), points, reason)
    grades = grade(built.network, built.parameters, gathered(built, batch), given.arrays)
    reasons = {name: "\n".join(problem.lines()) for name, problem in given.problems.items()}
    explained = [ArrayGrade(one.layer, one.name, one.right, reasons.get(one.name, one.message)) for one in grades]
    return _print_grades(explained, points, given.naming.words)


def _nothing(layout: Layout) -> list[ArrayGrade]:
    """The grades of a file that cannot be read, in the order of :func:`grade`."""
    every = [(layer, f"d{name}") for layer in range(len(layout.sizes) - 1, 0, -1) for name in layout.names(layer)]
    return [ArrayGrade(layer, name, right=False, message=f"{name} was not read.") for layer, name in every]


def _shares(points: float, count: int) -> list[float]:
    """Points in equal shares of four decimals, but for the last decimal, so that they add up."""
    ends = [round(points * k / count, DECIMALS) for k in range(count + 1)]
    return [round(end - begin, DECIMALS) for begin, end in pairwise(ends)]


def _print_grades(grades: list[ArrayGrade], points: float, remark: str) -> ExitStatus:
    """Print the results in Gradescope's format; the status says whether all is right."""
    right = [one for one in grades if one.right]
    are = "is" if len(right) == 1 else "are"
    conclusion = f"{len(right)} of {len(grades)} arrays {are} right" if len(right) < len(grades) else "all is right"
    tests: list[dict[str, Any]] = [
        {
            "name": f"layer {one.layer}: {one.name}",
            "score": share if one.right else 0.0,
            "max_score": share,
            "status": "passed" if one.right else "failed",
            "output": one.message,
        }
        for one, share in zip(grades, _shares(points, len(grades)), strict=True)
    ]
    output = "\n".join(filter(None, [conclusion, remark]))
    score = round(sum(test["score"] for test in tests), DECIMALS)
    emit_json({"score": score, "output": output, "tests": tests})
    return ExitStatus.DONE if len(right) == len(grades) else ExitStatus.CHECK_FAILED
