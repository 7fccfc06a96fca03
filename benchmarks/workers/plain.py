"""A plain script: one example at a time, gradients added up by hand, as in Nielsen's first chapter.

Written from the equations of backpropagation for column vectors (Nielsen 2015,
*Neural Networks and Deep Learning*, ch. 2, BP1 to BP4): for each example of a
batch forward, back, and a sum; then one update with the mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Array


class Plain:
    """Lists of arrays and loops over them."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.X = task.X[:, :, None]
        self.Y = task.Y[:, :, None]
        self.reset()

    def reset(self) -> None:
        """The initial parameters."""
        self.W = [W.copy() for W in self.task.W]
        self.b = [b[:, None].copy() for b in self.task.b]

    def run(self, measurement: int) -> list[float]:
        """One epoch after another."""
        return [self._epoch(order) for order in self.task.order(measurement)]

    def _epoch(self, order: Array) -> float:
        batches = order.reshape(-1, self.task.workload.batch_size)
        return sum(self._batch(batch) for batch in batches) / len(order)

    def _batch(self, batch: Array) -> float:
        """Update with a batch; its losses before that, added up."""
        dW, db = [np.zeros_like(W) for W in self.W], [np.zeros_like(b) for b in self.b]
        total = 0.0
        for i in batch:
            loss, dW_i, db_i = self._example(self.X[i], self.Y[i])
            total += loss
            dW = [so_far + new for so_far, new in zip(dW, dW_i, strict=True)]
            db = [so_far + new for so_far, new in zip(db, db_i, strict=True)]
        eta = self.task.workload.learning_rate / len(batch)
        self.W = [W - eta * d for W, d in zip(self.W, dW, strict=True)]
        self.b = [b - eta * d for b, d in zip(self.b, db, strict=True)]
        return total

    def _example(self, x: Array, y: Array) -> tuple[float, list[Array], list[Array]]:
        """The loss of one example and its gradient."""
        a, activations = x, [x]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            a = self._hidden(W @ a + b)
            activations.append(a)
        loss, delta = self._output(self.W[-1] @ a + self.b[-1], y)
        dW, db = [delta @ a.T], [delta]
        for l in range(len(self.W) - 1, 0, -1):
            delta = (self.W[l].T @ delta) * self._slope(activations[l])
            dW.insert(0, delta @ activations[l - 1].T)
            db.insert(0, delta)
        return loss, dW, db

    def _hidden(self, z: Array) -> Array:
        return np.maximum(z, 0) if self.task.workload.activation == "relu" else _sigmoid(z)

    def _slope(self, a: Array) -> Array:
        """f′, from the activation."""
        return a > 0 if self.task.workload.activation == "relu" else a * (1 - a)

    def _output(self, z: Array, y: Array) -> tuple[float, Array]:
        """The loss and dz."""
        if self.task.workload.loss == "half_squared_error":
            a = _sigmoid(z)
            return 0.5 * float(np.sum((a - y) ** 2)), (a - y) * a * (1 - a)
        e = np.exp(z - z.max())
        a = e / e.sum()
        return -float(np.log(a[y == 1][0])), a - y


def _sigmoid(z: Array) -> Array:
    a: Array = 1 / (1 + np.exp(-z))
    return a


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """One way."""
    return {"": lambda: Plain(task)}


if __name__ == "__main__":
    serve(build, {"numpy": np.__version__})
