"""scikit-learn: ``partial_fit`` on a whole epoch's examples, put into their order beforehand.

That is one pass in batches over slices, without the checks of a call per batch,
and it keeps Adam's memory, which ``fit`` with ``warm_start`` begins anew. Where
every epoch has the same order, one ``fit`` with ``warm_start`` does them all. Its
squared error exists for regression alone; classifiers train cross-entropy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Array

ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu"}


class ScikitLearn:
    """An estimator without penalty, momentum and stopping."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.room = np.empty_like(task.X)
        self.y = task.Y[:, 0] if task.workload.regression else task.classes
        self.keys = {} if task.workload.regression else {"classes": np.unique(task.classes)}
        self.model = _estimator(task)
        self.model.partial_fit(task.X, self.y, **self.keys)  # makes the arrays that reset fills
        self.reset()

    def reset(self) -> None:
        """The initial parameters, W turned, and an optimizer without memory."""
        for arrays, initial in ((self.model.coefs_, self.task.W), (self.model.intercepts_, self.task.b)):
            for array, given in zip(arrays, initial, strict=True):
                array[...] = given.T
        del self.model._optimizer  # noqa: SLF001 - nothing public takes its memory away

    def run(self, measurement: int) -> list[float]:
        """One epoch after another, or all in one call."""
        if self.task.workload.shuffled:
            return [self._epoch(order) for order in self.task.order(measurement)]
        self.model.fit(self.task.X, self.y)
        return [float(loss) for loss in self.model.loss_curve_[-self.task.workload.epochs :]]

    def _epoch(self, order: Array) -> float:
        self.task.X.take(order, axis=0, out=self.room, mode="clip")
        self.model.partial_fit(self.room, self.y[order])
        return float(self.model.loss_)


def _estimator(task: Task) -> Any:
    workload = task.workload
    kind = MLPRegressor if workload.regression else MLPClassifier
    return kind(
        hidden_layer_sizes=workload.sizes[1:-1],
        activation=ACTIVATIONS[workload.activation],
        solver="adam" if workload.rule == "adam" else "sgd",
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        batch_size=workload.batch_size,
        learning_rate_init=workload.learning_rate,
        shuffle=False,
        warm_start=True,
        max_iter=workload.epochs,
        tol=0,
        n_iter_no_change=sys.maxsize,
    )


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """One way."""
    return {"": lambda: ScikitLearn(task)}


if __name__ == "__main__":
    serve(build, {"scikit-learn": sklearn.__version__})
