"""The loss and the metrics of a trained model on a set of examples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.targets import judging_of
from bpcli.data.loading import Part
from bpcli.nn import IndexArray
from bpcli.nn.metrics import Metric, metric_values, tallies_for
from bpcli.runs.model_file import Model
from bpcli.training import inference
from bpcli.training.shards.ranks import ALONE, Ranks


def assess_model(
    model: Model, part: Part, metrics: Mapping[str, Metric], threads: int = 1, ranks: Ranks = ALONE
) -> dict[str, float]:
    """``loss``, in training units, then each metric by its column's name, in the targets' own units."""
    tallies = tallies_for(metrics, judging_of(model.targets, model.network.head.activation.range))
    loss = inference.assess(model.network, model.parameters, part, tallies, threads=threads, ranks=ranks)
    return {"loss": loss, **metric_values(metrics, tallies)}


def single_class_note(model: Model, part: Part, name: str, threads: int = 1, ranks: Ranks = ALONE) -> str:
    """A warning where every example of the part ``name`` is decided for one class, wrongly for some; else nothing."""
    targets, network = model.targets, model.network
    if not isinstance(targets, Classes):
        return ""
    judging = judging_of(targets, network.head.activation.range)
    decided = inference.only_class(network, model.parameters, part.features, judging, threads, ranks)
    if decided is None:
        return ""
    Y = network.targets(part.size, model.dtype)
    part.targets.gather(np.arange(part.size), Y)
    return decided_alike(targets, np.full(part.size, decided), judging.true_classes(Y), name)


def decided_alike(targets: Classes, decided: IndexArray, true: IndexArray, name: str) -> str:
    """The warning, from the decided and the true classes, (N,)."""
    wrong = int(np.count_nonzero(decided != true))
    if not wrong or (decided != decided[0]).any():
        return ""
    threshold = ", --threshold of bp evaluate" if len(targets.labels) == 2 else ""
    return (
        f"each of the {len(true):,} {name} examples is decided {str(targets.labels[decided[0]])!r}, "
        f"{wrong:,} of them wrongly: try data.class_weight{threshold}, metrics: [balanced_accuracy]"
    )
