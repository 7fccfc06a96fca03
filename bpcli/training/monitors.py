"""Whether what a config wants to go by is measured: the columns of metrics.csv."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn.metrics import METRICS, column_of, kind_of_column
from bpcli.training.measure import VALIDATION

TEST = "test_"
"""The prefix of what is measured on the test part."""


def require_column(key: str, monitor: str, columns: Sequence[str]) -> None:
    """Refuse the ``monitor`` of a key unless it is one of the columns.

    Raises:
        ConfigError: it needs a validation part that is not there, or the test part, or is unknown.
    """
    if monitor in columns:
        return
    named = monitor.replace(TEST, VALIDATION, 1) if monitor.startswith(TEST) else monitor
    measured = how_to_measure(named, columns)
    where = f"{key}.monitor"
    if monitor.startswith(TEST):
        raise ConfigError(
            f"{where} is {monitor}, but the test part is evaluated once, after training", key=where, hint=measured
        )
    if monitor.startswith(VALIDATION) and monitor.removeprefix(VALIDATION) in columns:
        raise ConfigError(
            f"{key} goes by {monitor}, but there is no validation part",
            key=where,
            hint=f"hold one out with data.split.validation: 0.2, or {where}: loss",
        )
    raise ConfigError(f"{where} is {monitor}, which is not measured", key=where, hint=measured)


def how_to_measure(name: str, columns: Sequence[str]) -> str:
    """A hint for a name that is not among the measured columns: what to add to metrics, or which column it may mean."""
    prefix = next((each for each in (VALIDATION, TEST) if name.startswith(each)), "")
    bare = name.removeprefix(prefix)
    kind = METRICS.get(bare) or kind_of_column(bare)
    column = "" if kind is None else prefix + column_of(kind())
    if kind is None or (bare in METRICS and column in columns):
        return did_you_mean(name, columns, "measured are")
    metric = next(each for each in METRICS if METRICS[each] is kind)
    if bare in METRICS and column != name:
        return f"add {metric} to metrics, whose column is {column} with its defaults"
    return f"add {metric} to metrics" + (", with its settings" if column != name else "")
