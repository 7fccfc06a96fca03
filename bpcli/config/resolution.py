"""A config → the same config with every default written out, which reruns as it is.

A key that is left open is None, or ``auto``; what it becomes follows from the
rest of the config, or from the data. Everything else of a config is kept as it
is, so a key needs no mention here to be in the resolved config.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, TypeVar

from bpcli.choices import name_of
from bpcli.config.schema import AUTO, Config, DataSection, EarlyStoppingSection, NetworkSection, Trainer
from bpcli.config.sections import Section, UnsaidWhen, marker
from bpcli.config.writing import plain
from bpcli.data.encoding.tasks import Task
from bpcli.errors import ConfigError
from bpcli.nn.activations import ACTIVATIONS, Activation, Relu
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.layers import Layer
from bpcli.nn.metrics import Metric, column_of, suiting, usual_metrics
from bpcli.nn.schedules.course import Driven, Leading
from bpcli.nn.suitability import fitting_outputs, losses_of, misfit
from bpcli.nn.tallies import Judging, described
from bpcli.training.engines import Engine
from bpcli.training.keeping import VALIDATION_LOSS, Best, Last

USUAL_BATCH = 32
"""The batch size where the config names none."""

AnySection = TypeVar("AnySection", bound=Section)


@dataclass(frozen=True)
class Facts:
    """What the data tell: what is learned from which targets, how they are scaled, ``examples`` to train on.

    ``judging`` is how outputs are compared with the targets; ``validation`` says whether there is a validation part.
    """

    targets: list[str] | None
    task: Task | None
    scale: str | None
    scale_targets: str | None
    examples: int
    judging: Judging
    validation: bool = False


def resolve(config: Config, facts: Facts) -> Config:
    """The config without an open key, but for ``engine`` and ``shards``, which depend on the network too.

    A key that does not apply becomes None. ``threads`` stays auto: it is about the machine, and changes no number.

    Raises:
        ConfigError: the output does not suit the loss, or a metric the targets.
    """
    keep = config.keep or (Best() if facts.validation else Last())
    monitor = keep.monitor or VALIDATION_LOSS
    return _changed(
        config,
        data=_data(config.data, facts),
        network=_network(config),
        metrics=_metrics(config, facts.judging),
        optimizer=_trainer(config.optimizer, facts.examples, monitor),
        keep=keep,
        early_stopping=_monitored(config.early_stopping, monitor),
    )


def resolve_engine(config: Config, engine: Engine) -> Config:
    """The config with the engine that was chosen, and the number of shards."""
    return _changed(config, engine=engine.name, shards=engine.shards)


def _changed(section: AnySection, **values: Any) -> AnySection:
    return section.model_copy(update=values)


def _data(data: DataSection, facts: Facts) -> DataSection:
    split = data.split if data.split.deals else type(data.split)()
    scale_targets = facts.scale_targets if facts.task == "regression" else None
    return _changed(
        data, target=facts.targets, task=facts.task, split=split, scale=facts.scale, scale_targets=scale_targets
    )


def output_of(config: Config) -> Activation:
    """The output activation, by default the loss's usual one.

    Raises:
        ConfigError: it does not go with the loss.
    """
    output: Activation = config.network.output or ACTIVATIONS[config.loss.usual_output]()
    reason = misfit(output, config.loss)
    if reason:
        others = losses_of(output)
        instead = f"; the losses of {name_of(ACTIVATIONS, output)}: {', '.join(others)}" if others else ""
        hint = f"choose from {', '.join(fitting_outputs(config.loss))}{instead}"
        raise ConfigError(reason, key="network.output", hint=hint)
    return output


def _network(config: Config) -> NetworkSection:
    """The network with each layer's own settings; of what layers share, the section keeps the output layer's alone."""
    network, output = config.network, output_of(config)
    shared = {setting.name for layer in network.hidden for setting in _shared(layer)}
    of_output = {
        "output": output,
        "initializer": network.initializer or INITIALIZERS[output.usual_initializer](),
    }
    hidden = [_layer(layer, network) for layer in network.hidden]
    return _changed(network, **(dict.fromkeys(shared) | {"hidden": hidden, "activation": None} | of_output))


def _shared(layer: Any) -> list[Field[Any]]:
    """A layer's settings that are keys of the network too."""
    return [setting for setting in fields(layer) if setting.name in NetworkSection.model_fields]


def _metrics(config: Config, judging: Judging) -> list[Metric]:
    """The metrics that the config picks, else the usual ones."""
    if config.metrics is None:
        return usual_metrics(judging)
    columns = [column_of(metric) for metric in config.metrics]
    for index, metric in enumerate(config.metrics):
        if columns[index] in columns[:index]:
            raise ConfigError(f"metrics has {columns[index]} twice", key=f"metrics.{index}", hint="leave one out")
        if not metric.suits(judging):
            raise ConfigError(
                f"{column_of(metric)} is no metric for {described(judging)}",
                key=f"metrics.{index}",
                hint=f"choose from {', '.join(suiting(judging))}",
            )
    return config.metrics


def _layer(layer: Any, network: NetworkSection) -> Layer:
    """The layer with what it leaves open as the network says, or as usual."""
    open_ = [setting for setting in _shared(layer) if getattr(layer, setting.name) is None]
    layer = replace(layer, **{setting.name: _inherited(setting, network) for setting in open_})
    activation = layer.activation or Relu()
    initializer = layer.initializer or INITIALIZERS[activation.usual_initializer]()
    resolved: Layer = replace(layer, activation=activation, initializer=initializer)
    return resolved


def _inherited(setting: Field[Any], network: NetworkSection) -> Any:
    """The network's value of a layer's setting, else the setting's own default, else None."""
    value = getattr(network, setting.name)
    return setting.default if value is None and setting.default is not MISSING else value


def _monitored(section: EarlyStoppingSection | None, monitor: str) -> EarlyStoppingSection | None:
    """The section with its monitor, by default the one given."""
    return section if section is None else _changed(section, monitor=section.monitor or monitor)


def _schedule(schedule: Any, monitor: str) -> Any:
    """The schedule, and those that follow in it, with their monitors, by default the one given."""
    if schedule is None:
        return None
    changes: dict[str, Any] = {}
    if isinstance(schedule, Driven) and schedule.monitor is None:
        changes["monitor"] = monitor
    if isinstance(schedule, Leading):
        changes["then"] = _schedule(schedule.then, monitor)
    return replace(schedule, **changes)


def _trainer(trainer: Trainer, examples: int, monitor: str) -> Trainer:
    batch_size = trainer.batch_size
    if trainer.mode == "mini_batch" and batch_size is None:
        batch_size = min(USUAL_BATCH, examples)
    shuffle = trainer.mode != "batch" if trainer.shuffle is None else trainer.shuffle
    schedule = _schedule(trainer.schedule, monitor)
    return replace(trainer, batch_size=batch_size, shuffle=shuffle, schedule=schedule)


def assumptions(given: Config, resolved: Config) -> list[str]:
    """What was assumed: every key that ``given`` leaves open, with its value in ``resolved``.

    The initializer is that of each layer that names none, where these differ.
    """
    hidden = zip(given.network.hidden, resolved.network.hidden, strict=True)
    of_hidden = [name_of(INITIALIZERS, full.initializer) for layer, full in hidden if layer.initializer is None]
    assumed = {key: value for key, value in _filled(plain(given), plain(resolved)) if not _unsaid(key, value)}
    if "initializer" in assumed:
        assumed["initializer"] = list(dict.fromkeys([*of_hidden, _shown(assumed["initializer"])]))
    return [f"{key} {_shown(value)}" for key, value in assumed.items()]


def _unsaid(key: str, value: Any) -> bool:
    """Whether a key of the config itself became what changes nothing."""
    field = Config.model_fields.get(key)
    mark = None if field is None else marker(field, UnsaidWhen)
    return mark is not None and mark.value == value


def _filled(given: dict[str, Any], resolved: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in resolved.items():
        before = given.get(key, AUTO)
        if isinstance(before, dict) and isinstance(value, dict):
            yield from _filled(before, value)
        elif before == AUTO != value:
            yield key, value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return _shown(value["name"]) if "name" in value else _shown(list(value.values()))
    return str(value).lower() if isinstance(value, bool) else str(value)
