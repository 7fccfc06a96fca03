"""One experiment: a checked config made into data, a network, a recipe and an engine.

The way has one direction: the config says how the data are loaded, the data
resolve what the config leaves open, and the network, the plan and the engine are
made from the resolved config.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.reading import LocatedConfig
from bpcli.config.resolution import Facts, assumptions, output_of, resolve, resolve_engine
from bpcli.config.schema import Config, DataSection, PairSection, SplitSection
from bpcli.config.writing import plain
from bpcli.data.dealing import SplitColumns
from bpcli.data.encoding.targets import judging_of
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import Files, Loaded, Part, load_parts
from bpcli.data.request import DataRequest
from bpcli.data.splitting import Fold, SplitRequest
from bpcli.data.weighting import WeightRequest
from bpcli.errors import BpError, ConfigError, DataError, raise_all
from bpcli.nn.activations import Identity, Softmax
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense, Layer
from bpcli.nn.metrics import Metric, by_column, tallies_for
from bpcli.nn.network import Network, initial
from bpcli.nn.parameters import Parameters
from bpcli.nn.schedules import Constant
from bpcli.nn.schedules.course import driven_by_results, needs_horizon, objection
from bpcli.nn.tallies import Judging, Tallies
from bpcli.streams import stream
from bpcli.training import engines
from bpcli.training.control import Control
from bpcli.training.engines import Engine, Work
from bpcli.training.expectations import Expectation, parse_expectation, require_metrics
from bpcli.training.initial_parameters import differences_of_origin, read_initial_parameters
from bpcli.training.loop import Measure
from bpcli.training.monitors import TEST, require_column
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.stopping import EarlyStopping
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
        return _measure(self.network, self.metrics, self.loaded)

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


def build(located: LocatedConfig) -> Experiment:
    """Load the data and make the network that a config asks for.

    Raises:
        ConfigError: the config does not fit its data or itself, at its place.
        DataError: a data or weights file is absent or malformed.
    """
    try:
        return _experiment(located.config)
    except BpError as error:
        raise located.placed(error) from error


def parts_of(located: LocatedConfig) -> Loaded:
    """The data alone, as :func:`build` loads them."""
    try:
        return _load(located.config)
    except BpError as error:
        raise located.placed(error) from error


def _experiment(given: Config) -> Experiment:
    loaded = _load(given)
    judging = judging_of(loaded.targets, output_of(given).range)
    config = resolve(given, _facts(loaded, judging))
    network = _network(config, loaded)
    recipe = _recipe(config, network, loaded.parts["train"])
    _require_fitting_schedule(given, recipe, loaded.parts["train"].size)
    parameters = _parameters(config, network, loaded)
    require_suited(recipe, parameters.theta.size)
    assert config.metrics is not None, "resolution does not leave it open"
    metrics = by_column(config.metrics)
    engine = _engine(config, recipe, loaded, tallies_for(metrics, judging))
    config = resolve_engine(config, engine)
    return Experiment(
        config=config,
        assumed=assumptions(given, config),
        loaded=loaded,
        form=_format(config.data),
        recipe=recipe,
        parameters=parameters,
        judging=judging,
        metrics=metrics,
        engine=engine,
        control=_control(config, recipe, _measure(network, metrics, loaded)),
        expected=_expected(config, _measure(network, metrics, loaded), loaded),
    )


def _load(config: Config) -> Loaded:
    data = config.data
    _require_files(data)
    train = _pair(data.path or data.train)
    assert train is not None, "the rules let no config through without one"
    files = Files(train, _pair(data.validation), _pair(data.test), _split_request(data.split), _format(data))
    request = DataRequest(
        config.loss.targets,
        open_output=isinstance(output_of(config), Identity),
        targets=data.target,
        features=data.features,
        drop=data.drop,
        types=data.types,
        task=data.task,
        scale=data.scale,
        scale_targets=data.scale_targets,
        split_columns=SplitColumns(data.group, data.order),
        weights=WeightRequest(data.sample_weight, data.class_weight),
    )
    seed = config.seed if data.split.seed is None else data.split.seed
    return load_parts(files, request, np.dtype(config.dtype), stream(seed, "split"))


def _split_request(section: SplitSection) -> SplitRequest:
    fractions = {"validation": section.validation, "test": section.test}
    return SplitRequest(fractions, None if section.folds is None else Fold(section.fold or 0, section.folds))


def _require_files(data: DataSection) -> None:
    """Every file that the config names is there; all that are not are reported at once, at their keys."""
    missing: list[BpError] = []
    for part in ("path", "train", "validation", "test"):
        section: PairSection | None = getattr(data, part)
        named = {} if section is None else section.model_dump(exclude_none=True)
        for key, path in named.items():
            if not Path(path).exists():
                place = f"data.{part}.{key}"
                missing.append(DataError(f"{path}: no such file", key=place, hint=f"check data.{part}"))
    raise_all(missing)


def _pair(section: PairSection | None) -> FilePair | None:
    return None if section is None else FilePair(section.features, section.targets)


def _format(data: DataSection) -> Format:
    return Format(data.delimiter, data.header, tuple(data.missing), data.decimal, data.thousands)


def _facts(loaded: Loaded, judging: Judging) -> Facts:
    decided, size = loaded.request, loaded.parts["train"].size
    validation = "validation" in loaded.parts
    return Facts(decided.targets, decided.task, decided.scale, decided.scale_targets, size, judging, validation)


def _network(config: Config, loaded: Loaded) -> Network:
    """The network of a resolved config."""
    hidden, output, initializer = config.network.hidden, config.network.output, config.network.initializer
    assert output is not None, "resolution does not leave it open"
    assert initializer is not None, "resolution does not leave it open"
    layers = (*hidden, Dense(loaded.targets.outputs, output, initializer))
    for index, layer in enumerate(hidden):
        _refuse_lonely_softmax(layer, f"network.hidden.{index}", "give it more units")
    _refuse_lonely_softmax(layers[-1], "network.output", "sigmoid with binary_cross_entropy has one output")
    return Network(loaded.features.size, layers, join(output, config.loss))


def _refuse_lonely_softmax(layer: Layer, key: str, hint: str) -> None:
    if isinstance(layer.activation, Softmax) and layer.units == 1:
        raise ConfigError("a softmax of one unit is always 1, so nothing below it can learn", key=key, hint=hint)


def _plan(config: Config, train: Part) -> Plan:
    trainer, size = config.optimizer, train.size
    if trainer.batch_size is not None and trainer.batch_size > size:
        raise ConfigError(
            f"batch_size is {trainer.batch_size}, but there are {size} training examples",
            key="optimizer.batch_size",
            hint="make it smaller, or mode: batch for all of them",
        )
    assert trainer.shuffle is not None, "resolution does not leave it open"
    batch_size = trainer.batch_size or (1 if trainer.mode == "sgd" else size)
    return Plan(config.epochs, batch_size, trainer.shuffle, config.seed)


def _recipe(config: Config, network: Network, train: Part) -> Recipe:
    trainer = config.optimizer
    return Recipe(
        network=network,
        optimizer=trainer.rule,
        plan=_plan(config, train),
        schedule=trainer.schedule or Constant(),
        penalties=tuple(config.penalties),
        clip=trainer.clip,
        input_noise=config.data.input_noise,
    )


def _parameters(config: Config, network: Network, loaded: Loaded) -> Parameters:
    """The initial parameters: drawn, or W and b of a file; a warning tells of what else differed there."""
    parameters = initial(network, np.dtype(config.dtype), stream(config.seed, "initial weights"))
    if config.network.weights is not None:
        path = Path(config.network.weights)
        origin = read_initial_parameters(path, parameters)
        if origin.naming:
            loaded.warnings.other.append(f"{path} is {origin.naming}")
        other = differences_of_origin(origin.header, network, loaded.features, loaded.targets)
        if other:
            loaded.warnings.other.append(
                f"the weights of {path} were learned with other {'; '.join(other)}: only W and b are taken over"
            )
    return parameters


def _engine(config: Config, recipe: Recipe, loaded: Loaded, tallies: Tallies) -> Engine:
    plan, train = recipe.plan, loaded.parts["train"]
    if config.shards > plan.batch_size:
        raise ConfigError(
            f"shards is {config.shards}, but a batch has {plan.batch_size} examples", key="shards", hint="fewer shards"
        )
    work = Work(
        recipe,
        tallies,
        np.dtype(config.dtype),
        train.size,
        weighted=train.weights is not None,
        metrics_weighted=train.metric_weights is not None,
    )
    engine, note = engines.choose_engine(config.engine, config.shards, config.threads, work)
    if note:
        loaded.warnings.other.append(note)
    return engine


def _measure(network: Network, metrics: dict[str, Metric], loaded: Loaded) -> Measure:
    return Measure(network, metrics, loaded.parts.get("validation"))


def _control(config: Config, recipe: Recipe, measure: Measure) -> Control:
    assert config.keep is not None, "resolution does not leave it open"
    section, reducing, stopping = config.early_stopping, driven_by_results(recipe.schedule), None
    if config.keep.monitor:
        require_column("keep", config.keep.monitor, measure.columns)
    if section is not None:
        assert section.monitor is not None, "resolution does not leave it open"
        require_column("early_stopping", section.monitor, measure.columns)
        stopping = EarlyStopping(section.monitor, section.patience, section.min_delta)
    if reducing is not None:
        require_column("optimizer.schedule", reducing.monitor, measure.columns)
    return Control(config.keep, stopping, reducing, config.max_seconds or inf)


def _expected(config: Config, measure: Measure, loaded: Loaded) -> tuple[Expectation, ...]:
    """The expectations, each about what the run measures."""
    expected = tuple(map(parse_expectation, config.expect))
    tested = [f"{TEST}{name}" for name in ("loss", *measure.metrics)] if "test" in loaded.parts else []
    require_metrics(expected, [*measure.columns, *tested])
    return expected


def _require_fitting_schedule(given: Config, recipe: Recipe, examples: int) -> None:
    """The schedule knows how long training is, where it has to, and fits into it."""
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
