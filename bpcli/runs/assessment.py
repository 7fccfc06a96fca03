"""The loss and the metrics of a trained model on a set of examples."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.data.loading import Part
from bpcli.nn.metrics import Metric, metric_values, tallies_for
from bpcli.runs.model_file import Model
from bpcli.training import inference


def assess_model(model: Model, part: Part, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """``loss``, in training units, then each metric by name, in the targets' own units."""
    targets = model.targets
    tallies = tallies_for(metrics, targets.outputs, targets.counted_by, targets.threshold)
    loss = inference.assess(model.network, model.parameters, part, tallies)
    return {"loss": loss, **metric_values(metrics, tallies, targets.units)}
