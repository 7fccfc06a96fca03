"""Files shared with other optimizers: gradients that they take their updates with, and where these led them.

A file, safetensors or NPZ, holds θ before the first update, ``theta0``, the rule's memory
then, ``memory0.NAME``, and the gradient of each update, ``gradient1``, ``gradient2``, …, each one
vector as long as θ. The other program's file holds ``theta1``, ``theta2``, … in any shape of as many numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bpcli.checking.external_gradients import write_arrays
from bpcli.checking.updates.comparison import UpdateCheck
from bpcli.checking.updates.subjects import Opened
from bpcli.checking.updates.trajectories import Task
from bpcli.choices import describe
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.parameters import Layout
from bpcli.storage.text import to_json
from bpcli.training.array_files import FLOATS_HINT, NPZ_SUFFIX, read_arrays
from bpcli.training.engines import Engine


def task_of(opened: Opened, count: int) -> Task:
    """The next updates of the reference engine in float64, as a task for other programs.

    Raises:
        NotStatedError: a choice of the recipe states no formula.
        ConfigError: a layer changes W after the rule.
    """
    if opened.experiment.network.constrained:
        what = "--export and --against are of the rule alone, but max_norm changes W after it"
        raise ConfigError(what, where="command line", hint="leave max_norm out with an override")
    check = UpdateCheck(opened.subject(opened.experiment, Engine()), None, _silent)
    return check.task(check.subject.updates(count, _silent))


def _silent(line: str) -> None:
    """Nothing is said: the reference engine has nothing to compile."""


def header_of(opened: Opened, task: Task) -> dict[str, Any]:
    """What a task's arrays do not say: the rule and its settings, η and the batch of each update, θ's layout."""
    return {
        "exported": "gradients for updates",
        "optimizer": describe(OPTIMIZERS, opened.experiment.recipe.optimizer),
        "learning_rates": list(task.rates),
        "examples": list(task.batches),
        "step": task.start.step,
        "layers": list(task.layout.sizes),
        "order": _order(task.layout),
    }


def _order(layout: Layout) -> str:
    """In which order θ holds its arrays."""
    if not any(layout.own):
        return "W1 by rows, b1, W2, b2, …"
    names = [name for layer in range(1, len(layout.sizes)) for name in layout.names(layer)]
    return f"{', '.join(names)}, each W by rows"


def write_task(path: Path, task: Task, header: dict[str, Any]) -> None:
    """Write a task; in an NPZ file the header is the array ``header``, JSON in one text.

    Raises:
        SystemRefusedError: the system refused to write.
    """
    memory = {f"memory0.{name}": array for name, array in task.start.memory.items()}
    gradients = {f"gradient{k}": gradient for k, gradient in enumerate(task.gradients, start=1)}
    tensors = {"theta0": task.start.theta, **memory, **gradients}
    if path.suffix.lower() == NPZ_SUFFIX:
        tensors["header"] = np.array(to_json(header))
    write_arrays(path, tensors, header)


def read_updates(path: Path, task: Task) -> list[Array]:
    """θ after each of the task's updates, (P,), from another program's file; its other arrays are ignored.

    Raises:
        DataError: the file is absent or malformed, or an array is missing, not of floats or misshapen.
        SystemRefusedError: the system refused to read.
    """
    names, size = [f"theta{k}" for k in range(1, task.count + 1)], task.start.theta.size
    found = read_arrays(path, names)
    for name, array in found.items():
        if array.dtype.kind != "f":
            raise DataError(f"array {name!r} holds other than floats", where=str(path), hint=FLOATS_HINT)
        if array.size != size:
            hint = "θ is one vector, W1 by rows, b1, W2, …, as --export writes it with the same config and options"
            raise DataError(f"array {name!r} has {array.size} numbers, not {size}", where=str(path), hint=hint)
    return [array.reshape(-1) for array in found.values()]
