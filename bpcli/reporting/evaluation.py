"""A trained model evaluated on examples: loss, metrics, classes and confusions, from every output of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from bpcli.data.encoding.classes import Classes
from bpcli.data.encoding.labels import Labels
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.targets import Targets, judging_of
from bpcli.data.loading import Part
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.metrics import Metric, by_column, metric_values, suiting
from bpcli.nn.tallies import Choices, ClassCounts, Judging, Outputs, Tallies, described, empty_tallies
from bpcli.nn.workspace import layer_scratch, output_scratch
from bpcli.reporting.confusion import confusion_matrices
from bpcli.reporting.finite import require_finite
from bpcli.runs.assessment import decided_alike
from bpcli.runs.model_file import Model
from bpcli.training import inference

MOST_CLASSES = 1000
"""Of more classes not every output and every pair is kept: with 20,000 they would take gigabytes."""

EXAMPLES_AT_ONCE = 1 << 14
"""How many examples are counted at a time."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model gives on examples: the ``loss``, in training units, and ``tallies`` of every output and more.

    ``names`` are those of the classes or labels, none for a regression; ``picked`` are the metrics that the run's
    config picks, by their columns.
    """

    loss: float
    targets: Targets
    judging: Judging
    tallies: Tallies
    names: list[Any]
    picked: Mapping[str, Metric]

    @property
    def outputs(self) -> Outputs:
        """Every output with its target and weight."""
        outputs: Outputs = self.tallies.of(Outputs)
        return outputs

    @property
    def of_labels(self) -> bool:
        """Whether each column of the targets is a question of its own, with a confusion matrix of its own."""
        return isinstance(self.targets, Labels)

    @property
    def many_classes(self) -> bool:
        """Whether there are more than :data:`MOST_CLASSES`: then ``confusions`` has what occurs."""
        return _many_classes(self.judging)

    @cached_property
    def confusions(self) -> list[list[Any]]:
        """Of many classes a row for each true and decided class that occur together, and how many examples they have.

        None of them are right.
        """
        pairs = self.tallies.of(Choices).pairs() if self.many_classes else []
        return [
            [self.names[true], self.names[decided], _count(weight)]
            for true, decided, weight in pairs
            if true != decided and weight
        ]

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric that suits, the picked ones first, by the names of their columns."""
        return metric_values(_every(self.picked, self.judging), self.tallies)

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """A row for each class or label, in their order."""
        if not self.names:
            return []
        counts = self.tallies.of(ClassCounts).rows.T.tolist()[-len(self.names) :]  # of one label yes, but not no
        return [_class_row(name, *map(_count, row)) for name, row in zip(self.names, counts, strict=True)]

    @cached_property
    def confusion(self) -> list[Any]:
        """Of classes a row for each true class, with how many of it are decided for each class; of labels one of each.

        A label's has a row for no and one for yes. No rows for a regression, or where there are ``many_classes``.
        """
        if not self.names or self.many_classes:
            return []
        several = [matrix.tolist() for matrix in confusion_matrices(self.outputs)]
        matrices = [[[_count(entry) for entry in row] for row in matrix] for matrix in several]
        return matrices if self.of_labels else matrices[0]

    def note(self, part: str) -> str:
        """A warning where every example of the part is decided for one class, wrongly for some; else nothing."""
        if not isinstance(self.targets, Classes):
            return ""
        if self.many_classes:
            choices = self.tallies.of(Choices)
            return decided_alike(self.targets, choices.decided, choices.true, part)
        decided = self.judging.decided_classes(self.outputs.outputs)
        return decided_alike(self.targets, decided, self.judging.true_classes(self.outputs.targets), part)


def evaluate_model(
    model: Model, part: Part, picked: Mapping[str, Metric], threshold: float | None = None, threads: int = 1
) -> Evaluation:
    """The model's evaluation; ``threshold`` is what a probability must exceed for a yes, or for the second class.

    Raises:
        ConfigError: the outputs are not compared with a threshold, or never reach this one.
        DataError: a mapped file was written to meanwhile, or a prediction is not finite.
    """
    judging = judging_of(model.targets, model.network.head.activation.range)
    if threshold is not None:
        _require_threshold(model, judging, threshold)
        judging = replace(judging, threshold=threshold)
    tallies = _tallies(picked, judging)
    look = partial(_require_finite, model, part)
    loss = inference.assess(model.network, model.parameters, part, tallies, look, threads)
    part.require_learned_bytes()
    if threshold is not None and judging.scoring == "largest":
        judging = replace(judging, n=1, scoring="threshold", middle=0.5)
        tallies = _of_second_class(tallies.of(Outputs), _tallies(picked, judging), part)
    return Evaluation(loss, model.targets, judging, tallies, class_names(model), picked)


def _require_finite(model: Model, part: Part, examples: IndexArray, A: Array) -> None:
    """What is predicted of these examples from the outputs A, (n_L, m), is finite.

    Raises:
        DataError: it is not; the row is named.
    """
    require_finite(model, A, part.features, examples, part.where)


def _every(picked: Mapping[str, Metric], judging: Judging) -> dict[str, Metric]:
    """The picked metrics, then the others that suit; of many classes those that need no output but once."""
    others = list(suiting(judging).values())
    if _many_classes(judging):
        others = [metric for metric in others if metric.tally_kind is not Outputs]
    return {**picked, **by_column(others)}


def _many_classes(judging: Judging) -> bool:
    return judging.classes > MOST_CLASSES


def _tallies(picked: Mapping[str, Metric], judging: Judging) -> Tallies:
    """What every metric, the table of classes and the curves are read from."""
    kinds = [metric.tally_kind for metric in _every(picked, judging).values()]
    kept = Choices if _many_classes(judging) else Outputs
    return empty_tallies([*kinds, kept, *([] if judging.of_numbers else [ClassCounts])], judging)


def _of_second_class(outputs: Outputs, tallies: Tallies, part: Part) -> Tallies:
    """The tallies after every output of the second of two classes, as of a network that has no other."""
    A, Y = outputs.outputs[1:], outputs.judging.true_classes(outputs.targets)[None].astype(outputs.outputs.dtype)
    for start in range(0, A.shape[1], EXAMPLES_AT_ONCE):
        some = slice(start, start + EXAMPLES_AT_ONCE)
        batch = np.ascontiguousarray(A[:, some])
        scratch = output_scratch(layer_scratch(batch.shape[0], batch.shape[1], batch.dtype))
        tallies.update(batch, Y[:, some], scratch, None if part.metric_weights is None else part.metric_weights[some])
    return tallies


def class_names(model: Model) -> list[Any]:
    """The names of a model's classes or labels; none of a regression."""
    targets = model.targets
    if isinstance(targets, Classes):
        return list(targets.labels)
    return list(targets.columns) if isinstance(targets, Labels | Shares) else []


def _require_threshold(model: Model, judging: Judging, threshold: float) -> None:
    if judging.scoring != "threshold" and not (judging.binary and judging.probabilities):
        raise ConfigError(
            f"--threshold decides between two classes or on labels, the run is of {described(judging)}",
            where="command line",
            hint="leave it out",
        )
    low, high = model.network.head.activation.range
    if not low <= threshold <= high:
        raise ConfigError(
            f"--threshold is {threshold:g}", where="command line", hint=f"outputs lie between {low:g} and {high:g}"
        )


def _count(value: float) -> int | float:
    """A weight; a whole number as such."""
    return int(value) if value.is_integer() else value


def _class_row(name: object, hits: float, predictions: float, members: float) -> dict[str, Any]:
    """Precision, recall and F₁ of one class; None where nothing is predicted or present."""
    return {
        "class": name,
        "examples": members,
        "predicted": predictions,
        "precision": hits / predictions if predictions else None,
        "recall": hits / members if members else None,
        "f1": 2 * hits / (predictions + members) if predictions + members else None,
    }
