"""One experiment: a checked config made into data, a network, a recipe and an engine.

The way has one direction: the config says how the data are loaded, the data
resolve what the config leaves open, and the network, the plan and the engine are
made from the resolved config.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.config.reading import LocatedConfig
from bpcli.config.resolution import Facts, assumptions, output_of, resolve, resolve_engine
from bpcli.config.schema import Config
from bpcli.config.writing import plain
from bpcli.cores import threads_for
from bpcli.data.encoding.targets import judging_of
from bpcli.data.files.dataset import Format
from bpcli.data.loading import Loaded, Part
from bpcli.data.raw import Look
from bpcli.errors import BpError
from bpcli.experiment.data import format_of, load
from bpcli.experiment.memory_needed import require_memory
from bpcli.experiment.network import initial_parameters, network_of
from bpcli.experiment.training import (
    control_of,
    engine_of,
    expectations_of,
    recipe_of,
    require_fitting_schedule,
    shards_of,
)
from bpcli.nn.metrics import Metric, by_column, tallies_for
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Judging, Tallies
from bpcli.readers import ONE_READER, Readers
from bpcli.training.control import Control
from bpcli.training.engines import Engine
from bpcli.training.expectations import Expectation
from bpcli.training.measure import Measure
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.suitability import require_suited


@dataclass(frozen=True)
class Experiment:
    """Everything that training takes; ``config`` is resolved, ``assumed`` what the given one left open.

    ``metrics`` are by the names of their columns.
    """

    config: Config
    assumed: list[str]
    loaded: Loaded
    form: Format
    recipe: Recipe
    parameters: Parameters
    judging: Judging
    metrics: dict[str, Metric]
    engine: Engine
    control: Control
    expected: tuple[Expectation, ...]

    @property
    def network(self) -> Network:
        """What is trained."""
        return self.recipe.network

    @property
    def plan(self) -> Plan:
        """How the training examples are walked through."""
        return self.recipe.plan

    @property
    def measure(self) -> Measure:
        """How the network is judged while it trains."""
        return _measure(self.network, self.metrics, self.loaded, threads_for(self.config.threads))

    @property
    def resolved(self) -> dict[str, Any]:
        """The resolved config as plain data: it reruns as is."""
        return plain(self.config)

    def tallies(self) -> Tallies:
        """The empty tallies that its metrics read."""
        return tallies_for(self.metrics, self.judging)

    def examples(self, part: str) -> Part | None:
        """A part's examples, None where there is no such part."""
        return self.loaded.parts.get(part)


def build(located: LocatedConfig, look: Look | None = None, readers: Readers = ONE_READER) -> Experiment:
    """Load the data and make the network that a config asks for; ``look`` sees the data before they are encoded.

    All ``readers`` do so together.

    Raises:
        ConfigError: the config does not fit its data or itself, at its place.
        DataError: a data or weights file is absent or malformed.
    """
    try:
        return _experiment(located.config, look, readers)
    except BpError as error:
        raise located.placed(error) from error


def parts_of(located: LocatedConfig, look: Look | None = None) -> Loaded:
    """The data alone, as :func:`build` loads them; ``look`` sees them before they are encoded."""
    try:
        return load(located.config, look)
    except BpError as error:
        raise located.placed(error) from error


def _experiment(given: Config, look: Look | None, readers: Readers) -> Experiment:
    _require_memory_of_layers(given)
    loaded = load(given, look, readers)
    judging = judging_of(loaded.targets, output_of(given).range)
    config = resolve(given, _facts(loaded, judging))
    network = network_of(config, loaded.features.size, loaded.targets.outputs)
    recipe = recipe_of(config, network, loaded.parts["train"].size)
    require_fitting_schedule(given, recipe, loaded.parts["train"].size)
    examples = max(part.size for part in loaded.parts.values())
    dtype, m, shards = np.dtype(config.dtype), recipe.plan.batch_size, shards_of(config, recipe)
    require_memory(network.sizes, m, examples, recipe.optimizer, dtype, shards)
    parameters = initial_parameters(config, network, loaded)
    require_suited(recipe, parameters.theta.size)
    assert config.metrics is not None, "resolution does not leave it open"
    metrics = by_column(config.metrics)
    engine = engine_of(config, recipe, loaded, tallies_for(metrics, judging))
    config = resolve_engine(config, engine)
    measure = _measure(network, metrics, loaded, threads_for(config.threads))
    return Experiment(
        config=config,
        assumed=assumptions(given, config),
        loaded=loaded,
        form=format_of(config.data),
        recipe=recipe,
        parameters=parameters,
        judging=judging,
        metrics=metrics,
        engine=engine,
        control=control_of(config, recipe, measure),
        expected=expectations_of(config, measure, loaded),
    )


def _require_memory_of_layers(given: Config) -> None:
    """What the config alone says is refused before data are read: the hidden layers, for one input and one output.

    Raises:
        ConfigError: they take more memory than is left.
    """
    units = [layer.units for layer in given.network.hidden]
    require_memory((1, *units, 1), 1, 1, given.optimizer.rule, np.dtype(given.dtype))


def _facts(loaded: Loaded, judging: Judging) -> Facts:
    decided, size = loaded.request, loaded.parts["train"].size
    validation = "validation" in loaded.parts
    return Facts(decided.targets, decided.task, decided.scale, decided.scale_targets, size, judging, validation)


def _measure(network: Network, metrics: dict[str, Metric], loaded: Loaded, threads: int) -> Measure:
    return Measure(network, metrics, loaded.parts.get("validation"), threads)
