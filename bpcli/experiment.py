"""One experiment: a checked config made into data, a network and a trainer.

What the config leaves open is decided here, and the resolved config says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import choices
from bpcli.choices import name_of
from bpcli.config.reading import Read
from bpcli.config.schema import Config, DataSection, PairSection
from bpcli.data.encoding.targets import Labels, Targets
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import DataRequest, Files, Loaded, Part, load_parts
from bpcli.errors import BpError, ConfigError, DataError, raise_all
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, Identity, Relu, Softmax
from bpcli.nn.heads import join
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.layers import Dense
from bpcli.nn.losses import LOSSES
from bpcli.nn.metrics import METRICS, Metric, Tally
from bpcli.nn.network import Network, initial
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.parameters import Parameters
from bpcli.streams import stream
from bpcli.training.engines import Engine, Work, resolve
from bpcli.training.inference import new_tally
from bpcli.training.initial_parameters import other_than, read_weights
from bpcli.training.loop import Plan

USUAL_BATCH = 32
"""The batch size where the config names none."""


@dataclass(frozen=True)
class Experiment:
    """Everything that training takes; the config that says it all; what it left open and was assumed."""

    loaded: Loaded
    network: Network
    parameters: Parameters
    optimizer: Optimizer
    plan: Plan
    metrics: dict[str, Metric]
    engine: Engine
    form: Format
    resolved: dict[str, Any]
    assumed: list[str]

    def tally(self) -> Tally:
        """An empty tally for its outputs."""
        return new_tally(self.loaded.targets.counted_by, self.network.sizes[-1])

    @property
    def units(self) -> Array:
        """(n_L,): one training unit in the target's own."""
        return self.loaded.targets.units

    def examples(self, part: str) -> Part | None:
        """A part's examples, None where there is no such part."""
        return self.loaded.parts.get(part)


def build(read: Read) -> Experiment:
    """Load the data and make the network that ``read`` asks for.

    Raises:
        ConfigError: the config does not fit its data or itself, at its place.
        DataError: a data or weights file is absent or malformed.
    """
    try:
        return _build(read.config)
    except BpError as error:
        raise read.placed(error) from error


def parts_of(read: Read) -> Loaded:
    """The data alone, as :func:`build` loads them."""
    try:
        return _load(read.config)[0]
    except BpError as error:
        raise read.placed(error) from error


def _build(config: Config) -> Experiment:
    loaded, form = _load(config)
    network = _network(config, loaded)
    plan = _plan(config, loaded.parts["train"])
    rng = stream(config.seed, "initial weights")
    parameters = initial(network, np.dtype(config.dtype), rng)
    if config.network.weights is not None:
        _take_weights(Path(config.network.weights), network, parameters, loaded)
    engine = _engine(config, network, loaded, plan)
    return Experiment(
        loaded=loaded,
        network=network,
        parameters=parameters,
        optimizer=config.optimizer.rule,
        plan=plan,
        metrics=metrics_of(loaded.targets),
        engine=engine,
        form=form,
        resolved=_resolved(config, loaded, network, plan, engine),
        assumed=_assumed(config, loaded, network, plan, engine),
    )


def _engine(config: Config, network: Network, loaded: Loaded, plan: Plan) -> Engine:
    if config.shards > plan.batch_size:
        raise ConfigError(
            f"shards is {config.shards}, but a batch has {plan.batch_size} examples", key="shards", hint="fewer shards"
        )
    tally = new_tally(loaded.targets.counted_by, network.sizes[-1])
    dtype, examples = np.dtype(config.dtype), loaded.parts["train"].size
    work = Work(network, config.optimizer.rule, tally, dtype, plan, examples)
    engine, note = resolve(config.engine, config.shards, config.threads, work)
    if note:
        loaded.warnings.other.append(note)
    return engine


def _take_weights(path: Path, network: Network, parameters: Parameters, loaded: Loaded) -> None:
    """Start from a file's W and b, and tell where they were learned on something else."""
    read_weights(path, parameters)
    other = other_than(path, network, loaded.features, loaded.targets)
    if other:
        loaded.warnings.other.append(
            f"the weights of {path} were learned with other {'; '.join(other)}: only W and b are taken over"
        )


def _output(config: Config) -> Activation:
    output: Activation = config.network.output or ACTIVATIONS[config.loss.usual_output]()
    (low, high), (least, most) = output.range, config.loss.domain
    if low < least or high > most:
        ranges = {name: kind().range for name, kind in ACTIVATIONS.items()}
        fitting = [name for name, (low, high) in ranges.items() if low >= least and high <= most]
        raise ConfigError(
            f"{name_of(LOSSES, config.loss)} needs outputs in [{least:g}, {most:g}], "
            f"{name_of(ACTIVATIONS, output)}'s range is [{low:g}, {high:g}]",
            key="network.output",
            hint=f"choose from {', '.join(fitting)}",
        )
    return output


def _pair(section: PairSection | None) -> FilePair | None:
    return None if section is None else FilePair(section.features, section.targets)


def _require_files(data: DataSection) -> None:
    """Every file that the config names is there; all that are not are told at once, at their keys."""
    missing: list[BpError] = []
    for part in ("path", "train", "validation", "test"):
        section: PairSection | None = getattr(data, part)
        named = {} if section is None else section.model_dump(exclude_none=True)
        for key, path in named.items():
            if not Path(path).exists():
                place = f"data.{part}.{key}"
                missing.append(DataError(f"{path}: no such file", key=place, hint=f"check data.{part}"))
    raise_all(missing)


def _load(config: Config) -> tuple[Loaded, Format]:
    data = config.data
    _require_files(data)
    form = Format(data.delimiter, data.header, tuple(data.missing))
    train = _pair(data.path or data.train)
    assert train is not None, "the rules let no config through without one"
    fractions = {"validation": data.split.validation, "test": data.split.test}
    files = Files(train, _pair(data.validation), _pair(data.test), fractions, form)
    request = DataRequest(
        config.loss.targets,
        open_output=isinstance(_output(config), Identity),
        targets=data.target,
        features=data.features,
        drop=data.drop,
        task=data.task,
        scale=data.scale,
        scale_targets=data.scale_targets,
    )
    seed = config.seed if data.split.seed is None else data.split.seed
    return load_parts(files, request, np.dtype(config.dtype), stream(seed, "split")), form


def _network(config: Config, loaded: Loaded) -> Network:
    output, layers = _output(config), config.network.hidden
    default = config.network.activation or Relu()
    wanted = [(layer.units, layer.activation or default, layer.initializer) for layer in layers]
    wanted.append((loaded.targets.outputs, output, None))
    for place, (n, activation, _) in enumerate(wanted):
        if isinstance(activation, Softmax) and n == 1:
            last = place == len(layers)
            raise ConfigError(
                "a softmax of one unit is always 1, so nothing below it can learn",
                key="network.output" if last else f"network.hidden.{place}",
                hint="sigmoid with binary_cross_entropy has one output" if last else "give it more units",
            )
    made = tuple(
        Dense(n, activation, own or config.network.initializer or INITIALIZERS[activation.usual_initializer]())
        for n, activation, own in wanted
    )
    return Network(loaded.features.size, made, join(output, config.loss))


def _plan(config: Config, train: Part) -> Plan:
    trainer = config.optimizer
    if trainer.batch_size is not None and trainer.batch_size > train.size:
        raise ConfigError(
            f"batch_size is {trainer.batch_size}, but there are {train.size} training examples",
            key="optimizer.batch_size",
            hint="make it smaller, or mode: batch for all of them",
        )
    size = {"sgd": 1, "batch": train.size, "mini_batch": trainer.batch_size or min(USUAL_BATCH, train.size)}
    shuffle = trainer.mode != "batch" if trainer.shuffle is None else trainer.shuffle
    return Plan(config.epochs, size[trainer.mode], shuffle, config.seed)


def metrics_of(targets: Targets) -> dict[str, Metric]:
    """The metrics that suit the targets, by name."""
    if targets.counted_by == "residuals":
        names = ["r2", "rmse", "mae"]
    elif isinstance(targets, Labels) and targets.outputs > 1:
        names = ["accuracy", "label_accuracy"]
    else:
        names = ["accuracy"]
    return {name: METRICS[name]() for name in names}


def _assumed(config: Config, loaded: Loaded, network: Network, plan: Plan, engine: Engine) -> list[str]:
    """What the data or a default decided, in a few words each."""
    data, trainer, decided = config.data, config.optimizer, loaded.request
    assumed = []
    if data.target is None:
        assumed.append(f"target {', '.join(decided.targets or [])}")
    if data.task is None:
        assumed.append(str(decided.task))
    if data.scale is None:
        assumed.append(f"scale {decided.scale}")
    if decided.task == "regression" and data.scale_targets is None:
        assumed.append(f"scale_targets {decided.scale_targets}")
    if config.network.output is None:
        assumed.append(f"output {name_of(ACTIVATIONS, network.head.activation)}")
    if trainer.mode == "mini_batch" and trainer.batch_size is None:
        assumed.append(f"batch_size {plan.batch_size}")
    if config.engine == "auto":
        assumed.append(f"engine {engine.name}")
    return assumed


def _resolved(
    config: Config,
    loaded: Loaded,
    network: Network,
    plan: Plan,
    engine: Engine,
) -> dict[str, Any]:
    """The config with every default written out: it reruns as is."""
    trainer = config.optimizer
    hidden = [
        {
            "units": layer.units,
            "activation": _brief(ACTIVATIONS, layer.activation),
            "initializer": _brief(INITIALIZERS, layer.initializer),
        }
        for layer in network.layers[:-1]
    ]
    weights = {} if config.network.weights is None else {"weights": config.network.weights}
    batch = {"batch_size": plan.batch_size} if trainer.mode == "mini_batch" else {}
    return {
        "seed": config.seed,
        "dtype": config.dtype,
        "data": _resolved_data(config.data, loaded),
        "network": {
            "hidden": hidden,
            "output": _brief(ACTIVATIONS, network.head.activation),
            "initializer": _brief(INITIALIZERS, network.layers[-1].initializer),
            **weights,
        },
        "loss": choices.describe(LOSSES, config.loss),
        "optimizer": {
            "mode": trainer.mode,
            **batch,
            "shuffle": plan.shuffle,
            **choices.describe(OPTIMIZERS, trainer.rule),
        },
        "epochs": config.epochs,
        "engine": engine.name,
        "shards": engine.shards,
        "threads": engine.threads,
    }


def _brief(room: choices.Registry, choice: Any) -> Any:
    """The name alone where there are no settings."""
    described = choices.describe(room, choice)
    return described["name"] if len(described) == 1 else described


def _resolved_data(data: DataSection, loaded: Loaded) -> dict[str, Any]:
    resolved: dict[str, Any] = {}
    for part in ("path", "train", "validation", "test"):
        section: PairSection | None = getattr(data, part)
        if section is not None:
            resolved[part] = section.features if section.targets is None else section.model_dump()
    decided, names = loaded.request, loaded.request.targets or []
    resolved["target"] = names[0] if len(names) == 1 else names
    if data.features is not None:
        resolved["features"] = data.features
    if data.drop:
        resolved["drop"] = data.drop
    resolved["task"] = decided.task
    split = {part: fraction for part, fraction in data.split.model_dump().items() if fraction is not None}
    if data.split.validation or data.split.test:
        resolved["split"] = split
    resolved["scale"] = decided.scale
    if decided.task == "regression":
        resolved["scale_targets"] = decided.scale_targets
    if data.delimiter is not None:
        resolved["delimiter"] = data.delimiter
    resolved["header"] = data.header
    resolved["missing"] = data.missing
    return resolved
