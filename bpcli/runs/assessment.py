"""The loss and the metrics of a trained model on a set of examples."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.data.loading import Part
from bpcli.nn.metrics import Metric, read_metrics, tallies_for
from bpcli.runs.model_file import Model
from bpcli.training import inference


def assess_model(model: Model, part: Part, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """``loss``, in training units, then each metric by name, in the targets' own units."""
    tallies = tallies_for(metrics, model.network.sizes[-1], model.targets.counted_by)
    loss = inference.assess(model.network, model.parameters, part, tallies)
    return {"loss": loss, **read_metrics(metrics, tallies, model.targets.units)}
