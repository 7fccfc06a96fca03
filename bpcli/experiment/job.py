"""The training that a config describes as the model of its cost sees it; the data are counted, not encoded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bpcli.choices import name_of
from bpcli.config.reading import LocatedConfig
from bpcli.config.resolution import Facts, output_of, resolve
from bpcli.config.schema import Config
from bpcli.data.encoding.targets import judging_of
from bpcli.errors import BpError, ConfigError
from bpcli.experiment.data import dimensions
from bpcli.experiment.memory_needed import remembered
from bpcli.experiment.network import network_of
from bpcli.experiment.training import recipe_of, shards_of
from bpcli.nn.metrics import by_column, tallies_for
from bpcli.nn.noise import INPUT_NOISES, Masking
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.second_order.rule import SecondOrder
from bpcli.scaling.job import Job
from bpcli.training.engines import Work, choose_engine
from bpcli.training.recipe import Recipe
from bpcli.training.shards.updating import elementwise


@dataclass(frozen=True)
class PlannedJob:
    """A job, and with which engine and how many threads of a rank it is computed: one, if the config does not say."""

    job: Job
    engine: str
    threads: int


def job_of(located: LocatedConfig) -> PlannedJob:
    """The job of a config.

    Raises:
        ConfigError: the config does not fit its data or itself, or its rule takes no steps.
        DataError: a data file is absent or malformed.
    """
    try:
        return _job(located.config)
    except BpError as error:
        raise located.placed(error) from error


def _job(given: Config) -> PlannedJob:
    rule = given.optimizer.rule
    if isinstance(rule, SecondOrder):
        name = name_of(OPTIMIZERS, rule)
        raise ConfigError(f"{name} takes no steps that ranks could share", key="optimizer", hint="plan another rule")
    found = dimensions(given)
    judging = judging_of(found.targets, output_of(given).range)
    decided, examples = found.request, found.parts["train"]
    facts = Facts(
        decided.targets,
        decided.task,
        decided.scale,
        decided.scale_targets,
        examples,
        judging,
        "validation" in found.parts,
    )
    config = resolve(given, facts)
    network = network_of(config, found.inputs, found.targets.outputs)
    recipe = recipe_of(config, network, examples)
    assert config.metrics is not None, "resolution does not leave it open"
    work = Work(recipe, tallies_for(by_column(config.metrics), judging), np.dtype(config.dtype), examples)
    engine, _ = choose_engine(config.engine, shards_of(config, recipe), config.threads, work)
    job = Job(
        sizes=network.sizes,
        batch_size=recipe.plan.batch_size,
        shards=engine.shards,
        examples=examples,
        epochs=recipe.plan.epochs,
        kept=remembered(rule),
        validation=found.parts.get("validation", 0),
        itemsize=np.dtype(config.dtype).itemsize,
        compiled=engine.name == "numba",
        drawn=_drawn(recipe),
        limited=sum(network.sizes[l] * network.sizes[l - 1] for l in network.constrained),
        elementwise=elementwise(recipe.optimizer, network.layout.count),
    )
    return PlannedJob(job, engine.name, config.threads if isinstance(config.threads, int) else 1)


def _drawn(recipe: Recipe) -> dict[str, int]:
    """The random numbers for each example, by kind of noise; a layer's mask is drawn as that of inputs is."""
    network, of_input = recipe.network, recipe.input_noise
    found = Counter[str]()
    if network.noisy:
        found[name_of(INPUT_NOISES, Masking())] += sum(network.sizes[l] for l in network.noisy)
    if of_input is not None:
        found[name_of(INPUT_NOISES, of_input)] += network.sizes[0]
    return dict(found)
