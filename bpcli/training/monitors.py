"""Whether what a config wants to go by is measured: the columns of metrics.csv."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.errors import ConfigError, did_you_mean
from bpcli.training.loop import VALIDATION

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
    measured = did_you_mean(named, columns, "measured are")
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
