"""What was asked of a run, in words: the resolved config, sentence by sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpcli.config.schema import Config, DataSection
from bpcli.config.writing import plain
from bpcli.nn.tallies import Judging, described
from bpcli.report.contents import Facts, Section
from bpcli.report.wording import count, listed, number, sentence
from bpcli.runs.kept_parameters import describe_kept

OWN_WORDS = ("name", "mode", "batch_size", "shuffle", "schedule", "clip", "learning_rate")
"""The settings of ``optimizer`` that have a place in its sentence."""


def asked(
    config: Config, record: Mapping[str, Any], judging: Judging, classes: list[Any], *, several: bool = False
) -> Section:
    """The section: what is learned from what, by which network and training; ``record`` is the run's.

    Of ``several`` runs it says what was asked of each, and not how one ended.
    """
    whole = plain(config)
    pairs = [
        ("Task", _task(config.data, judging, classes)),
        ("Examples", _examples(config.data, record)),
        ("Network", _network(whole, record)),
        ("Loss", _loss(whole)),
        ("Training", _training(whole)),
    ]
    if not several:
        pairs.append(("Kept", _kept(record)))
    if record.get("expect") and not several:
        pairs.append(("Expected", sentence([_expectation(one) for one in record["expect"]])))
    return Section("asked", "What was asked", [Facts(pairs)])


def _task(data: DataSection, judging: Judging, classes: list[Any]) -> str:
    target = listed([data.target] if isinstance(data.target, str) else data.target or ["the last column"])
    if judging.of_numbers:
        return f"predict {target}: {described(judging)}"
    if judging.labels:
        return f"decide {count(len(classes), 'label')} of each example: {listed(classes)}"
    return f"tell {count(judging.classes, 'class', 'classes')} of {target} apart: {listed(classes, 12)}"


def _examples(data: DataSection, record: Mapping[str, Any]) -> str:
    sizes = record.get("examples", {})
    counted = ", ".join(f"{sizes[part]:,} {use}" for part, use in USES.items() if part in sizes)
    weight = f"each counted by its {data.sample_weight}" if data.sample_weight is not None else ""
    return sentence([counted, _files(data), _dealing(data), weight])


USES = {"train": "to train on", "validation": "to validate", "test": "to test"}
"""What the examples of a part are for."""


def _files(data: DataSection) -> str:
    pairs = {"": data.path or data.train, "validation": data.validation, "test": data.test}
    return "from " + ", ".join(
        f"{Path(pair.features).name}{f' ({part})' if part else ''}" for part, pair in pairs.items() if pair is not None
    )


def _dealing(data: DataSection) -> str:
    split = data.split
    if not split.deals:
        return ""
    if split.folds is not None:
        return f"fold {split.fold or 0} of {split.folds} is the test part"
    if data.order is not None:
        return f"split in the order of {data.order}, the latest to test"
    if data.group is not None:
        return f"split at random, rows of one {data.group} together"
    return "split at random" + (f" with seed {split.seed}" if split.seed is not None else "")


def _network(whole: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    network = whole["network"]
    layers = "–".join(map(str, record.get("layers", [])))
    activations = listed([*(_named(one["activation"]) for one in network["hidden"]), _named(network["output"])])
    parameters = f"{record['parameters']:,} parameters" if "parameters" in record else ""
    return sentence([f"layers of {layers} units", f"activations {activations}", parameters, _regularization(whole)])


def _regularization(whole: Mapping[str, Any]) -> str:
    hidden = whole["network"]["hidden"]
    dropped = [one["dropout"] for one in hidden if one.get("dropout")]
    limited = [one["max_norm"] for one in hidden if one.get("max_norm")]
    noise = whole["data"].get("input_noise")
    parts = [
        f"dropout {listed(dropped)}" if dropped else "",
        f"weights of a unit at most {listed(limited)} long" if limited else "",
        f"noise on the inputs: {_choice(noise)}" if noise else "",
    ]
    return ", ".join(filter(None, parts))


def _loss(whole: Mapping[str, Any]) -> str:
    penalties = [_choice(one) for one in whole.get("penalties", [])]
    weights = whole["data"].get("class_weight")
    parts = [_choice(whole["loss"])]
    parts += [f"penalties {listed(penalties)}"] if penalties else []
    parts += [f"classes weighed: {_plain(weights)}"] if weights else []
    return sentence(parts)


def _training(whole: Mapping[str, Any]) -> str:
    optimizer = whole["optimizer"]
    settings = {key: value for key, value in optimizer.items() if key not in OWN_WORDS}
    rate = optimizer.get("learning_rate")
    stopping = whole.get("early_stopping")
    return sentence(
        [
            f"{optimizer['name']}, learning rate {_plain(rate)}" if rate is not None else str(optimizer["name"]),
            _settings(settings),
            _batches(optimizer),
            f"schedule {_choice(optimizer['schedule'])}" if "schedule" in optimizer else "",
            f"gradient clipped by {_choice(optimizer['clip'])}" if "clip" in optimizer else "",
            f"at most {count(whole['epochs'], 'epoch')}",
            f"ends early: {_choice(stopping)}" if stopping else "",
            f"{whole['dtype']}, seed {whole['seed']}",
        ]
    )


def _batches(optimizer: Mapping[str, Any]) -> str:
    if optimizer["mode"] == "mini_batch":
        return f"an update after each {optimizer['batch_size']} examples"
    return "an update after each example" if optimizer["mode"] == "sgd" else "an update after all examples"


def _kept(record: Mapping[str, Any]) -> str:
    ended = record.get("ended") or "not yet"
    return sentence([describe_kept(record), f"trained {count(record['epochs'], 'epoch')}", f"ended: {ended}"])


def _expectation(one: Mapping[str, Any]) -> str:
    return f"{one['expected']}: {'met' if one['met'] else 'not met'} ({number(one['value'])})"


def _named(choice: Any) -> str:
    return str(choice["name"]) if isinstance(choice, dict) else str(choice)


def _choice(choice: Any) -> str:
    """A choice with its settings: ``l2 (strength 0.0001)``."""
    if not isinstance(choice, dict):
        return _plain(choice)
    settings = _settings({key: value for key, value in choice.items() if key != "name"})
    if "name" not in choice:
        return settings
    return f"{choice['name']} ({settings})" if settings else str(choice["name"])


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_choice(value)}" for key, value in settings.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list):
        return listed(value)
    return number(value, 12) if isinstance(value, float) else str(value)
