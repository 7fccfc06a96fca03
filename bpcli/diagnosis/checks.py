"""The checks of ``bp doctor``, by name, in the order in which they are shown.

A check is one function and one line here: of the data's columns, or of a short training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpcli.config.reading import LocatedConfig
from bpcli.data.raw import RawData
from bpcli.diagnosis.chance import initial_loss
from bpcli.diagnosis.columns import constant_columns, ids, missing_values, shift
from bpcli.diagnosis.duplicates import duplicates
from bpcli.diagnosis.findings import Finding
from bpcli.diagnosis.leaks import leaking_columns
from bpcli.diagnosis.learning import overfits, update_ratios
from bpcli.diagnosis.rates import suggested_rates
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.diagnosis.scales import feature_scales, target_scale
from bpcli.diagnosis.table import Table
from bpcli.diagnosis.target import class_balance, constant_target
from bpcli.diagnosis.units import units_after_training, units_at_start
from bpcli.experiment import build

DATA_CHECKS: dict[str, Callable[[Table], Finding]] = {
    "constant target": constant_target,
    "leaking columns": leaking_columns,
    "duplicates": duplicates,
    "ids": ids,
    "constant columns": constant_columns,
    "missing values": missing_values,
    "class balance": class_balance,
    "shift between parts": shift,
}
"""What is looked at in the columns of the file, before they are encoded."""

TRAINING_CHECKS: dict[str, Callable[[Rehearsal], Finding]] = {
    "scale of features": feature_scales,
    "scale of targets": target_scale,
    "initial loss": initial_loss,
    "units at the start": units_at_start,
    "overfits twenty examples": overfits,
    "updates beside weights": update_ratios,
    "units after training": units_after_training,
    "learning rates": suggested_rates,
}
"""What is looked at in the network and in short trainings of it."""


def diagnose(located: LocatedConfig) -> Iterator[tuple[str, Finding]]:
    """Every check of a config, by name; first, under ``rows``, how much was looked at.

    Raises:
        ConfigError: the config does not fit its data or itself.
        DataError: a file is absent or malformed.
    """
    found: dict[str, Finding] = {}

    def look(raw: RawData) -> list[str]:
        table = Table(raw)
        found.update({name: check(table) for name, check in DATA_CHECKS.items()})
        if table.seen:
            found.update({"sample": Finding("ok", f"columns were looked at in {table.seen}")})
        return []

    experiment = build(located, look)
    yield from found.items()
    rehearsal = Rehearsal(experiment)
    for name, check in TRAINING_CHECKS.items():
        yield name, check(rehearsal)
