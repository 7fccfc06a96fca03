"""Rules that join several keys of a config, checked on its plain values.

Each looks only at the keys it needs, so broken rules are reported together with
every other mistake, even where the rest of the config is wrong.
"""

from __future__ import annotations

from typing import Any

from bpcli.config.second_order import contradictions
from bpcli.data.encoding.dates import fault_of_format
from bpcli.errors import ConfigError
from bpcli.nn.optimizers import OPTIMIZERS

FULL_SPLIT = 1.0


def broken_rules(config: Any) -> list[ConfigError]:
    """Every rule that ``config``, plain values, breaks."""
    data = _mapping(config).get("data")
    optimizer = _choice(_mapping(config).get("optimizer"))
    of_data = [*_files(data), *_split(data), *_numerals(data), *_dates(data)] if isinstance(data, dict) else []
    of_both = _cancelling_weights(_mapping(config)) if isinstance(data, dict) else []
    network = _mapping(_mapping(config).get("network"))
    of_optimizer = [*_batches(optimizer), *_batch_only(optimizer), *_unscheduled(optimizer), *_unordered(optimizer)]
    of_optimizer += contradictions(_mapping(config), optimizer)
    return [*of_data, *of_both, *_settings_of_hidden(network), *of_optimizer, *_threads(_mapping(config))]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _choice(value: Any) -> dict[str, Any]:
    """A choice as a mapping, also where it is a bare name."""
    return {"name": value} if isinstance(value, str) else _mapping(value)


def _files(data: dict[str, Any]) -> list[ConfigError]:
    errors = []
    if "path" in data and "train" in data:
        errors.append(
            ConfigError("data.path and data.train both name the training file", key="data.train", hint="keep one")
        )
    if "path" not in data and "train" not in data:
        errors.append(
            ConfigError(
                "data names no training file", key="data", hint="data.path: a file to split, or data.train: a file"
            )
        )
    return errors


def _split(data: dict[str, Any]) -> list[ConfigError]:
    split = _mapping(data.get("split"))
    errors = [
        ConfigError(
            f"data.{part} names a file and data.split.{part} a fraction", key=f"data.split.{part}", hint="keep one"
        )
        for part in ("validation", "test")
        if part in data and split.get(part)
    ]
    fractions = [split.get(part, 0) for part in ("validation", "test")]
    if all(map(_is_fraction, fractions)) and sum(fractions) >= FULL_SPLIT:
        errors.append(
            ConfigError(
                f"validation and test take {sum(fractions):g} of the data",
                key="data.split",
                hint="leave some to train on",
            )
        )
    return [*errors, *_folds(data, split), *_split_columns(data, dealt="folds" in split or any(fractions))]


def _folds(data: dict[str, Any], split: dict[str, Any]) -> list[ConfigError]:
    """One of the folds is the test part, so nothing else names it."""
    if "folds" not in split:
        needless = "fold" in split
        hint = "data.split.folds: their number"
        return [ConfigError("data.split.fold, but no folds", key="data.split.fold", hint=hint)] * needless
    errors = [
        ConfigError(f"data.split.folds makes the test part, and {key} too", key=key, hint="keep one")
        for key, given in (("data.test", data.get("test")), ("data.split.test", split.get("test")))
        if given
    ]
    folds, fold = _integer(split["folds"]), _integer(split.get("fold", 0))
    if folds and fold >= folds:
        hint = f"0 to {folds - 1}"
        errors.append(ConfigError(f"fold {fold} of {folds}, counted from 0", key="data.split.fold", hint=hint))
    return errors


def _split_columns(data: dict[str, Any], *, dealt: bool) -> list[ConfigError]:
    """``group`` and ``order`` say how rows are dealt, so some are dealt, and one of the two says how."""
    given = [key for key in ("group", "order") if key in data]
    errors = [
        ConfigError(
            f"data.{key} says how rows are split, but nothing is split off",
            key=f"data.{key}",
            hint="data.split: {validation: 0.1, test: 0.2}, or leave it out",
        )
        for key in given
        if not dealt
    ]
    if len(given) > 1:
        errors.append(ConfigError("data.group and data.order are two ways to split", key="data.order", hint="keep one"))
    return errors


def _is_fraction(value: Any) -> bool:
    """Whether a value is valid by itself; if it is not, validation reports it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < FULL_SPLIT


def _numerals(data: dict[str, Any]) -> list[ConfigError]:
    decimal, thousands = data.get("decimal", "."), data.get("thousands")
    if decimal != thousands:
        return []
    return [
        ConfigError(
            f"data.thousands is {thousands!r}, which is the decimal mark too",
            key="data.thousands",
            hint=f"data.decimal: {',' if thousands == '.' else '.'!r}, or another mark between thousands",
        )
    ]


def _dates(data: dict[str, Any]) -> list[ConfigError]:
    declared = {name: _mapping(kind) for name, kind in _mapping(data.get("types")).items()}
    formats = {name: kind["format"] for name, kind in declared.items() if isinstance(kind.get("format"), str)}
    return [
        ConfigError(
            f"data.types.{name}.format is {form!r}, which {fault}",
            key=f"data.types.{name}.format",
            hint='the directives are those of Python\'s strptime: "%d.%m.%Y %H:%M" reads 31.12.2024 23:59',
        )
        for name, form in formats.items()
        if (fault := fault_of_format(form))
    ]


def _cancelling_weights(config: dict[str, Any]) -> list[ConfigError]:
    """The mean over a batch of one example divides by its weight, so the weight would change nothing."""
    if _mapping(config.get("optimizer")).get("mode") != "sgd" or _mapping(config.get("loss")).get("examples") == "sum":
        return []
    return [
        ConfigError(
            f"data.{key} changes nothing in mode sgd: the mean over one example divides by its weight",
            key=f"data.{key}",
            hint="mode: mini_batch, or a loss with examples: sum",
        )
        for key in ("sample_weight", "class_weight")
        if key in config["data"]
    ]


def _batches(optimizer: dict[str, Any]) -> list[ConfigError]:
    mode = optimizer.get("mode", "mini_batch")
    if "batch_size" not in optimizer or mode not in ("sgd", "batch"):
        return []
    batch = "one example" if mode == "sgd" else "all examples"
    return [
        ConfigError(
            f"optimizer: mode {mode} takes {batch} at a time, batch_size has no place in it",
            key="optimizer.batch_size",
            hint="leave batch_size out, or mode: mini_batch",
        )
    ]


def _batch_only(optimizer: dict[str, Any]) -> list[ConfigError]:
    """A rule that works on all examples at once, in another mode."""
    name, rule, mode = optimizer.get("name"), _rule(optimizer), optimizer.get("mode", "mini_batch")
    if rule is None or not rule.batch_only or mode not in ("sgd", "mini_batch"):
        return []
    batch = "one" if mode == "sgd" else "some"
    return [
        ConfigError(
            f"optimizer: {name} takes all examples at once, and mode {mode} gives it {batch}",
            key="optimizer.mode" if "mode" in optimizer else "optimizer",
            hint="mode: batch, or another rule; see bp list optimizers",
        )
    ]


def _rule(optimizer: dict[str, Any]) -> Any:
    """The class of the update rule; None where it is not known by that name, which validation reports."""
    name = optimizer.get("name")
    return OPTIMIZERS.get(name) if isinstance(name, str) else None


def _unscheduled(optimizer: dict[str, Any]) -> list[ConfigError]:
    """A schedule for a rule whose steps no learning rate multiplies."""
    if getattr(_rule(optimizer), "takes_schedule", True) or optimizer.get("schedule") is None:
        return []
    return [
        ConfigError(
            f"optimizer: a schedule changes the learning rate, which the steps of {optimizer['name']} do not follow",
            key="optimizer.schedule",
            hint="leave schedule out, or choose another rule",
        )
    ]


def _unordered(optimizer: dict[str, Any]) -> list[ConfigError]:
    """Two settings of a rule of which the first may not be above the second."""
    errors, rule = [], _rule(optimizer)
    for pair in getattr(rule, "ordered", ()):
        low, high = (optimizer.get(name, getattr(rule, name)) for name in pair)
        if _is_number(low) and _is_number(high) and low > high > 0:
            given = next(name for name in pair[::-1] if name in optimizer)
            errors.append(
                ConfigError(
                    f"optimizer: {pair[0]} {low:g} is above {pair[1]} {high:g}",
                    key=f"optimizer.{given}",
                    hint=f"a smaller {pair[0]}, or a larger {pair[1]}",
                )
            )
    return errors


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _settings_of_hidden(network: dict[str, Any]) -> list[ConfigError]:
    """The settings of hidden layers where there is none."""
    if network.get("hidden", []) != []:
        return []
    return [
        ConfigError(
            f"network.{key} is of hidden layers, and there is none",
            key=f"network.{key}",
            hint=f"hidden: [32], or leave {key} out; the output layer has none",
        )
        for key in ("dropout", "max_norm")
        if key in network
    ]


def _threads(config: dict[str, Any]) -> list[ConfigError]:
    shards, threads = (_integer(config.get(key, 1)) for key in ("shards", "threads"))
    errors = []
    if threads > shards > 0:
        errors.append(
            ConfigError(
                f"threads is {threads}, but it is shards that threads compute side by side, and shards is {shards}",
                key="threads",
                hint=f"shards: {threads}, which changes the last bits of results, or fewer threads",
            )
        )
    if shards > 1 and config.get("engine") == "numba":
        errors.append(
            ConfigError(
                f"shards is {shards}, but compiled code takes a batch whole",
                key="shards",
                hint="engine: numpy, or shards: 1",
            )
        )
    return errors


def _integer(value: Any) -> int:
    """A number that is valid by itself, else 0; validation reports the others."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
