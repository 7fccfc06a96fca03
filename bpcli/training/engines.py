"""Which code takes the steps: the NumPy reference, or the same steps compiled by Numba.

``auto`` is decided before training from the work that there is, never from a
clock or a cache, so the same config on the same installation always gets the
same engine; the resolved config names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from bpcli.data.sources import Examples
from bpcli.errors import ConfigError
from bpcli.nn.parameters import count
from bpcli.nn.tallies import Tallies
from bpcli.training.loop import Steps
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Recipe
from bpcli.training.state import TrainingState

Name = Literal["numpy", "numba"]
Asked = Literal["auto", "numpy", "numba"]

WORTH_COMPILING = 2.0
"""Seconds that compiled code must save before it is worth loading Numba, and compiling the first time."""

PER_LAYER, PER_ACTIVATION, PER_PARAMETER = 25e-6, 3e-9, 0.3e-9
"""Seconds that a compiled step saves: for a layer in calls, for an activation and a parameter in passes over memory."""


@dataclass(frozen=True)
class Engine:
    """An engine by name, and how the NumPy one divides its work."""

    name: Name = "numpy"
    shards: int = 1
    threads: int = 1

    def steps(self, recipe: Recipe, state: TrainingState, examples: Examples) -> Steps:
        """What takes the recipe's steps from ``state``."""
        if self.name == "numba":
            from bpcli.training.compiled.steps import CompiledSteps

            return CompiledSteps(recipe, state, examples)
        return NumpySteps(recipe, state, examples, self.shards, self.threads)


@dataclass(frozen=True)
class Work:
    """What there is to do: ``examples`` each epoch."""

    recipe: Recipe
    tallies: Tallies
    dtype: np.dtype[Any]
    examples: int
    weighted: bool = False

    @property
    def saving(self) -> float:
        """Seconds that compiled code can be expected to save over the whole training."""
        sizes, plan = self.recipe.network.sizes, self.recipe.plan
        layers, m = sizes[1:], plan.batch_size
        step = len(layers) * PER_LAYER + sum(layers) * m * PER_ACTIVATION + count(sizes) * PER_PARAMETER
        return plan.epochs * plan.updates(self.examples) * step

    @property
    def obstacle(self) -> str:
        """What keeps these choices from being compiled, or nothing."""
        from bpcli.training.compiled.recording import record
        from bpcli.training.compiled.symbols import UntraceableError

        try:
            single = self.recipe.plan.batch_size == 1
            record(self.recipe, self.tallies, self.dtype, single=single, weighted=self.weighted)
        except UntraceableError as error:
            return str(error)
        return ""


def installed() -> bool:
    """Whether Numba and the SciPy that its products need are there; neither is imported."""
    return find_spec("numba") is not None and find_spec("scipy") is not None


def choose_engine(asked: Asked, shards: int, threads: int, work: Work) -> tuple[Engine, str]:
    """The engine for this work, and a note where it is another than could be expected.

    Raises:
        ConfigError: what was asked for cannot be had.
    """
    reference = Engine("numpy", shards, threads)
    if asked == "numpy" or (asked == "auto" and (shards > 1 or not installed())):
        return reference, ""
    if asked == "numba" and not installed():
        raise ConfigError(
            "engine numba needs Numba and SciPy, which are not installed",
            key="engine",
            hint="pip install 'bpcli[fast]', or engine: numpy",
        )
    if asked == "auto" and work.saving < WORTH_COMPILING:
        return reference, ""
    if failure := _failure(work.recipe.plan.batch_size):
        if asked == "numba":
            hint = "install versions of NumPy, SciPy and Numba that go together, or engine: numpy"
            raise ConfigError(f"Numba cannot be imported: {failure}", key="engine", hint=hint)
        return reference, f"engine numpy, for Numba cannot be imported: {failure}"
    obstacle = work.obstacle
    if not obstacle:
        return Engine("numba"), ""
    if asked == "numba":
        raise ConfigError(f"engine numba cannot compile {obstacle}", key="engine", hint="engine: numpy")
    return reference, f"engine numpy, for there is no compiled form of {obstacle}"


def _failure(batch_size: int) -> str:
    """Why Numba, or the SciPy that products of batches need, cannot be imported although it is there, or nothing."""
    try:
        import_module("bpcli.training.compiled.products")
        if batch_size > 1:
            import_module("scipy.linalg.cython_blas")
    except Exception as error:  # noqa: BLE001 - versions that do not go together fail in many ways
        return " ".join(str(error).split()) or type(error).__name__
    return ""
