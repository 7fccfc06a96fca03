"""Rules about ``data``: its files, how they are split and read, and the weights of examples."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.rules.values import Plain, integer, is_number, mapping
from bpcli.data.encoding.dates import fault_of_format
from bpcli.errors import ConfigError

FULL_SPLIT = 1.0


def one_training_file(config: Plain) -> Iterator[ConfigError]:
    """Either ``path`` or ``train`` names it."""
    data = config.get("data")
    if not isinstance(data, dict):
        return
    if "path" in data and "train" in data:
        yield ConfigError("data.path and data.train both name the training file", key="data.train", hint="keep one")
    if "path" not in data and "train" not in data:
        yield ConfigError(
            "data names no training file", key="data", hint="data.path: a file to split, or data.train: a file"
        )


def parts_named_once(config: Plain) -> Iterator[ConfigError]:
    """A part is a file or a fraction."""
    data, split = _data(config), _split(config)
    for part in ("validation", "test"):
        if part in data and split.get(part):
            message = f"data.{part} names a file and data.split.{part} a fraction"
            yield ConfigError(message, key=f"data.split.{part}", hint="keep one")


def examples_left(config: Plain) -> Iterator[ConfigError]:
    """The fractions leave some to train on; one that is no fraction is validation's to report."""
    fractions = _fractions(config)
    if all(is_number(value) and 0 <= value < FULL_SPLIT for value in fractions) and sum(fractions) >= FULL_SPLIT:
        message = f"validation and test take {sum(fractions):g} of the data"
        yield ConfigError(message, key="data.split", hint="leave some to train on")


def one_test_part(config: Plain) -> Iterator[ConfigError]:
    """One of the folds is the test part, so nothing else names it."""
    data, split = _data(config), _split(config)
    for key, given in (("data.test", data.get("test")), ("data.split.test", split.get("test"))):
        if "folds" in split and given:
            yield ConfigError(f"data.split.folds makes the test part, and {key} too", key=key, hint="keep one")


def fold_of_folds(config: Plain) -> Iterator[ConfigError]:
    """``fold`` is one of ``folds``."""
    split = _split(config)
    if "folds" not in split:
        if "fold" in split:
            hint = "data.split.folds: their number"
            yield ConfigError("data.split.fold, but no folds", key="data.split.fold", hint=hint)
        return
    folds, fold = integer(split["folds"]), integer(split.get("fold", 0))
    if folds and fold >= folds:
        hint = f"0 to {folds - 1}"
        yield ConfigError(f"fold {fold} of {folds}, counted from 0", key="data.split.fold", hint=hint)


def columns_that_split(config: Plain) -> Iterator[ConfigError]:
    """``group`` and ``order`` say how rows are dealt, so some are dealt, and one of the two says how."""
    given = [key for key in ("group", "order") if key in _data(config)]
    dealt = "folds" in _split(config) or any(_fractions(config))
    for key in given:
        if not dealt:
            yield ConfigError(
                f"data.{key} says how rows are split, but nothing is split off",
                key=f"data.{key}",
                hint="data.split: {validation: 0.1, test: 0.2}, or leave it out",
            )
    if len(given) > 1:
        yield ConfigError("data.group and data.order are two ways to split", key="data.order", hint="keep one")


def two_marks(config: Plain) -> Iterator[ConfigError]:
    """The decimal mark and that between thousands are two."""
    decimal, thousands = _data(config).get("decimal", "."), _data(config).get("thousands")
    if decimal == thousands:
        yield ConfigError(
            f"data.thousands is {thousands!r}, which is the decimal mark too",
            key="data.thousands",
            hint=f"data.decimal: {',' if thousands == '.' else '.'!r}, or another mark between thousands",
        )


def readable_dates(config: Plain) -> Iterator[ConfigError]:
    """A date's format says which day it is."""
    for name, kind in mapping(_data(config).get("types")).items():
        form = mapping(kind).get("format")
        fault = fault_of_format(form) if isinstance(form, str) else ""
        if fault:
            yield ConfigError(
                f"data.types.{name}.format is {form!r}, which {fault}",
                key=f"data.types.{name}.format",
                hint='the directives are those of Python\'s strptime: "%d.%m.%Y %H:%M" reads 31.12.2024 23:59',
            )


def effective_weights(config: Plain) -> Iterator[ConfigError]:
    """The mean over a batch of one example divides by its weight, so the weight would change nothing."""
    if mapping(config.get("optimizer")).get("mode") != "sgd" or mapping(config.get("loss")).get("examples") == "sum":
        return
    for key in ("sample_weight", "class_weight"):
        if key in _data(config):
            yield ConfigError(
                f"data.{key} changes no update in mode sgd, unless it is 0: "
                "the mean over one example divides by its weight",
                key=f"data.{key}",
                hint="mode: mini_batch, or a loss with examples: sum",
            )


def _data(config: Plain) -> Plain:
    return mapping(config.get("data"))


def _split(config: Plain) -> Plain:
    return mapping(_data(config).get("split"))


def _fractions(config: Plain) -> list[float]:
    return [_split(config).get(part, 0) for part in ("validation", "test")]
