"""What is measured of every epoch: loss and metrics, as its batches gave them and of the validation part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bpcli.data.sources import Examples
from bpcli.nn.metrics import Metric, metric_columns, metric_values
from bpcli.nn.network import Network
from bpcli.training.inference import assess
from bpcli.training.shards.ranks import Ranks
from bpcli.training.state import TrainingState
from bpcli.training.steps import Along

VALIDATION = "val_"
"""The prefix of what is measured on the validation part."""


@dataclass(frozen=True)
class Measure:
    """How a network is judged: its metrics by the names of their columns, and the validation part.

    ``threads`` judge it side by side, which changes no bit.
    """

    network: Network
    metrics: Mapping[str, Metric]
    validation: Examples | None = None
    threads: int = 1

    @property
    def columns(self) -> list[str]:
        """What is measured of every epoch, by its names in metrics.csv."""
        names = ["loss", *self.metrics]
        return names if self.validation is None else [*names, *(VALIDATION + name for name in names)]

    def higher(self, column: str) -> bool:
        """Whether a higher value in a column of metrics.csv is better."""
        metric = self.metrics.get(column.removeprefix(VALIDATION))
        return metric is not None and metric.higher

    def running(self, state: TrainingState) -> dict[str, float]:
        """The loss and the metrics of an epoch as its batches gave them."""
        return {"loss": state.losses.value(), **metric_values(self.metrics, state.tallies)}

    def running_along(self, state: TrainingState, along: Along) -> list[dict[str, float]]:
        """The same of each of the epochs that were taken along with another."""
        columns = {"loss": state.losses.values(along.losses).tolist(), **metric_columns(self.metrics, along.tallies)}
        rows: list[dict[str, float]] = [{} for _ in columns["loss"]]
        for name, column in columns.items():
            for row, value in zip(rows, column, strict=True):
                row[name] = value
        return rows

    def validated(self, state: TrainingState, ranks: Ranks) -> dict[str, float]:
        """The loss and the metrics of the validation part, by all ``ranks`` together; nothing where there is none."""
        if self.validation is None:
            return {}
        tallies, parameters = state.tallies.fresh(), self.network.parameters(state.theta)
        loss = assess(self.network, parameters, self.validation, tallies, threads=self.threads, ranks=ranks)
        found = {"loss": loss, **metric_values(self.metrics, tallies)}
        return {VALIDATION + name: value for name, value in found.items()}
