"""Which engine takes the steps: the NumPy code, or the same steps compiled by Numba.

For ``auto`` the amount of work decides, before training, never a clock or a
cache. So the same config on the same installation always gets the same engine;
the resolved config names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bpcli.choices import name_of
from bpcli.cores import threads_for, usable_cores
from bpcli.data.sources import Examples
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.nn.tallies import Tallies
from bpcli.training.iteration_steps import IterationSteps
from bpcli.training.numba_library import numba_failure, numba_installed, require_addresses
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Recipe
from bpcli.training.shards import Division
from bpcli.training.shards.cutting import usual_shards
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.state import TrainingState
from bpcli.training.steps import Steps

EngineName = Literal["numpy", "numba"]
EngineChoice = Literal["auto", "numpy", "numba"]

WORTH_COMPILING = 2.0
"""Seconds that compiled code must save to be worth loading Numba and compiling the first time."""

PER_LAYER, PER_ACTIVATION, PER_PARAMETER = 25e-6, 3e-9, 0.3e-9
"""Seconds that a compiled step saves: for each layer in calls, for each activation and parameter in memory accesses."""


@dataclass(frozen=True)
class Engine:
    """An engine by name, the shards that a batch is divided into, and the threads that compute them."""

    name: EngineName = "numpy"
    shards: int = 1
    threads: int = 1

    def steps(self, recipe: Recipe, state: TrainingState, examples: Examples, ranks: Ranks = ALONE) -> Steps:
        """The object that takes the recipe's steps, starting from ``state``, together with other ``ranks``."""
        if isinstance(recipe.optimizer, SecondOrder):
            return IterationSteps(recipe, state, examples)
        division = Division(self.shards, self.threads, ranks)
        if self.name == "numpy":
            return NumpySteps(recipe, state, examples, division)
        if self.shards > 1:
            from bpcli.training.compiled.shard_passes import CompiledPasses

            return NumpySteps(recipe, state, examples, division, CompiledPasses)
        from bpcli.training.compiled.steps import CompiledSteps

        return CompiledSteps(recipe, state, examples, min(self.threads, usable_cores()))


@dataclass(frozen=True)
class Work:
    """A training to be done, with so many ``examples`` in each epoch."""

    recipe: Recipe
    tallies: Tallies
    dtype: np.dtype[Any]
    examples: int
    weighted: bool = False
    metrics_weighted: bool = False

    def saving(self, shards: int) -> float:
        """The seconds that compiled code is expected to save over the whole training.

        In shards only forward and backward are compiled, so nothing is saved on parameters.
        """
        if isinstance(self.recipe.optimizer, SecondOrder):
            return 0.0
        layout, plan = self.recipe.network.layout, self.recipe.plan
        layers, m = layout.sizes[1:], plan.batch_size
        step = shards * len(layers) * PER_LAYER + sum(layers) * m * PER_ACTIVATION
        step += layout.count * PER_PARAMETER if shards == 1 else 0
        return plan.epochs * plan.updates(self.examples) * step

    def obstacle(self, shards: int) -> str:
        """What cannot be compiled, in words; empty if all can."""
        from bpcli.training.compiled.recording import record, record_gradient
        from bpcli.training.compiled.symbols import UntraceableError

        if isinstance(self.recipe.optimizer, SecondOrder):
            return f"the iterations of {name_of(OPTIMIZERS, self.recipe.optimizer)}"
        try:
            if shards > 1:
                record_gradient(self.recipe.network, self.dtype, weighted=self.weighted)
            else:
                single = self.recipe.plan.batch_size == 1
                weighted = {"weighted": self.weighted, "metrics_weighted": self.metrics_weighted}
                record(self.recipe, self.tallies, self.dtype, single=single, **weighted)
        except UntraceableError as error:
            return str(error)
        return ""


def shards_for(shards: int | Literal["auto"], recipe: Recipe) -> int:
    """The shards that a batch is divided into: those asked for, or as many as suit the work."""
    if shards != "auto":
        return shards
    if isinstance(recipe.optimizer, SecondOrder):
        return 1
    return usual_shards(recipe.plan.batch_size, recipe.network.layout.count)


def most_shards(recipe: Recipe) -> int:
    """The most shards that a batch can be divided into."""
    return 1 if isinstance(recipe.optimizer, SecondOrder) else recipe.plan.batch_size


def choose_engine(
    choice: EngineChoice, shards: int | Literal["auto"], threads: int | Literal["auto"], work: Work
) -> tuple[Engine, str]:
    """The engine for this work, and a note if ``auto`` had to give up compiled code that would have paid.

    Which it is, and how many shards, follows from the work; how many threads, from the machine.

    Raises:
        ConfigError: numba is asked for, but not installed or switched off, or cannot compile this training.
    """
    parts = shards_for(shards, work.recipe)
    numpy_engine = Engine("numpy", parts, threads_for(threads))
    if choice == "numpy" or (choice == "auto" and not numba_installed()):
        return numpy_engine, ""
    if choice == "numba" and not numba_installed():
        raise ConfigError(
            "engine numba needs Numba and SciPy, which are not installed",
            key="engine",
            hint="pip install 'bpcli[fast]', or engine: numpy",
        )
    if choice == "auto" and work.saving(parts) < WORTH_COMPILING:
        return numpy_engine, ""
    require_addresses()
    if failure := numba_failure(single=work.recipe.plan.batch_size == 1):
        if choice == "numba":
            raise ConfigError(failure.reason, key="engine", hint=f"{failure.remedy}, or engine: numpy")
        return numpy_engine, f"engine numpy, because {failure.reason}"
    obstacle = work.obstacle(parts)
    if not obstacle:
        return replace(numpy_engine, name="numba"), ""
    if choice == "numba":
        raise ConfigError(f"engine numba cannot compile {obstacle}", key="engine", hint="engine: numpy")
    return numpy_engine, f"engine numpy, because there is no compiled form of {obstacle}"
