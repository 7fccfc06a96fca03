"""The loss and the metrics of a trained model on a set of examples."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.data.loading import Part
from bpcli.nn.metrics import Metric
from bpcli.runs.model_file import Model
from bpcli.training import inference
from bpcli.training.loop import read


def assess_model(model: Model, part: Part, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """``loss``, in training units, then each metric by name, in the targets' own units."""
    tally = inference.new_tally(model.targets.counted_by, model.network.sizes[-1])
    loss = inference.assess(model.network, model.parameters, part.features, part.targets, tally)
    return {"loss": loss, **read(metrics, tally, model.targets.units)}
