"""The loss and the metrics of a trained model on a set of examples."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Part
from bpcli.nn.metrics import Metric, metric_values, tallies_for
from bpcli.runs.model_file import Model
from bpcli.training import inference


def assess_model(model: Model, part: Part, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """``loss``, in training units, then each metric by its column's name, in the targets' own units."""
    tallies = tallies_for(metrics, judging_of(model.targets, model.network.head.activation.range))
    loss = inference.assess(model.network, model.parameters, part, tallies)
    return {"loss": loss, **metric_values(metrics, tallies)}
