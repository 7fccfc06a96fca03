"""How a resolved config trains: the recipe, the engine, and what decides while training goes on."""

from __future__ import annotations

from math import inf

import numpy as np

from bpcli.config.schema import Config
from bpcli.data.loading import Loaded
from bpcli.errors import ConfigError
from bpcli.nn.network import Network
from bpcli.nn.schedules import Constant
from bpcli.nn.schedules.course import driven_by_results, needs_horizon, objection
from bpcli.nn.tallies import Tallies
from bpcli.training import engines
from bpcli.training.control import Control
from bpcli.training.engines import Engine, Work
from bpcli.training.expectations import Expectation, parse_expectation, require_metrics
from bpcli.training.measure import Measure
from bpcli.training.monitors import TEST, require_column
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.stopping import EarlyStopping


def recipe_of(config: Config, network: Network, examples: int) -> Recipe:
    """What is trained on so many examples, and how.

    Raises:
        ConfigError: a batch has more examples than there are.
    """
    trainer = config.optimizer
    return Recipe(
        network=network,
        optimizer=trainer.rule,
        plan=_plan(config, examples),
        schedule=trainer.schedule or Constant(),
        penalties=tuple(config.penalties),
        clip=trainer.clip,
        input_noise=config.data.input_noise,
    )


def _plan(config: Config, size: int) -> Plan:
    trainer = config.optimizer
    if trainer.batch_size is not None and trainer.batch_size > size:
        raise ConfigError(
            f"batch_size is {trainer.batch_size}, but there are {size} training examples",
            key="optimizer.batch_size",
            hint="make it smaller, or mode: batch for all of them",
        )
    assert trainer.shuffle is not None, "resolution does not leave it open"
    batch_size = trainer.batch_size or (1 if trainer.mode == "sgd" else size)
    return Plan(config.epochs, batch_size, trainer.shuffle, config.seed)


def require_fitting_schedule(given: Config, recipe: Recipe, examples: int) -> None:
    """The schedule knows how long training is, where it has to, and fits into it; ``given`` is not resolved.

    Raises:
        ConfigError: it does not.
    """
    if given.max_seconds is not None and "epochs" not in given.model_fields_set and needs_horizon(recipe.schedule):
        raise ConfigError(
            "the schedule goes by the whole training, but with max_seconds and no epochs its length is unknown",
            key="optimizer.schedule",
            hint="give epochs too, or choose a schedule such as exponential",
        )
    found = objection(recipe.schedule, recipe.course(examples))
    if found is not None:
        key = f"optimizer.schedule.{found.setting}"
        raise ConfigError(f"{key}: {found.message}", key=key, hint=found.hint)


def shards_of(config: Config, recipe: Recipe) -> int:
    """The shards that a batch is divided into.

    Raises:
        ConfigError: there are more than examples in a batch.
    """
    shards, m = engines.shards_for(config.shards, recipe), recipe.plan.batch_size
    if shards > m:
        raise ConfigError(f"shards is {shards}, but a batch has {m} examples", key="shards", hint="fewer shards")
    return shards


def engine_of(config: Config, recipe: Recipe, loaded: Loaded, tallies: Tallies) -> Engine:
    """What computes the steps; a warning says why it is not the one asked for.

    Raises:
        ConfigError: it cannot compute them, or there are more shards than examples in a batch.
    """
    train = loaded.parts["train"]
    work = Work(
        recipe,
        tallies,
        np.dtype(config.dtype),
        train.size,
        weighted=train.weights is not None,
        metrics_weighted=train.metric_weights is not None,
    )
    engine, note = engines.choose_engine(config.engine, shards_of(config, recipe), config.threads, work)
    if note:
        loaded.warnings.other.append(note)
    return engine


def control_of(config: Config, recipe: Recipe, measure: Measure) -> Control:
    """What is kept, and what ends training or changes its rate on the way.

    Raises:
        ConfigError: a monitor is not measured.
    """
    assert config.keep is not None, "resolution does not leave it open"
    section, reducing, stopping = config.early_stopping, driven_by_results(recipe.schedule), None
    if config.keep.monitor:
        require_column("keep", config.keep.monitor, measure.columns)
    if section is not None:
        assert section.monitor is not None, "resolution does not leave it open"
        require_column("early_stopping", section.monitor, measure.columns)
        stopping = EarlyStopping(section.monitor, section.patience, section.min_delta)
    if reducing is not None:
        assert reducing.monitor is not None, "resolution does not leave it open"
        require_column("optimizer.schedule", reducing.monitor, measure.columns)
    return Control(config.keep, stopping, reducing, config.max_seconds or inf)


def expectations_of(config: Config, measure: Measure, loaded: Loaded) -> tuple[Expectation, ...]:
    """The expectations, each about what the run measures.

    Raises:
        ConfigError: one is about something else.
    """
    expected = tuple(map(parse_expectation, config.expect))
    tested = [f"{TEST}{name}" for name in ("loss", *measure.metrics)] if "test" in loaded.parts else []
    require_metrics(expected, [*measure.columns, *tested])
    return expected
