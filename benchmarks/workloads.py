"""What is trained: the workloads, and the arrays that every competitor is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.streams import stream

Array = NDArray[Any]

SEED = 7
"""Of data, initial parameters and the orders of examples."""

DATASETS = Path(__file__).parents[1] / "datasets"

NOISE = 0.1
"""Of synthetic targets, in parts of their spread: enough that no network fits them at once."""


@dataclass(frozen=True)
class Workload:
    """A network, its data and how it is trained.

    The loss is averaged over examples; half squared error is summed over outputs.
    ``epochs`` make one measurement: more of them where an epoch is short.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    examples: int
    batch_size: int
    epochs: int
    learning_rate: float
    activation: Literal["sigmoid", "relu"] = "relu"
    output: Literal["sigmoid", "softmax", "identity"] = "softmax"
    loss: Literal["half_squared_error", "cross_entropy"] = "cross_entropy"
    rule: Literal["gradient_descent", "adam"] = "gradient_descent"
    data: Literal["synthetic", "digits", "iris"] = "synthetic"

    @property
    def steps(self) -> int:
        """Updates per epoch; batches are all of one size."""
        assert self.examples % self.batch_size == 0, "a short last batch would make peers compile twice"
        return self.examples // self.batch_size

    @property
    def shuffled(self) -> bool:
        """Whether each epoch has an order of its own; not where all examples are one batch."""
        return self.batch_size < self.examples

    @property
    def regression(self) -> bool:
        """Whether targets are numbers, not classes."""
        return self.output == "identity"

    @property
    def products(self) -> int:
        """Multiply-adds of a step's matrix products: W A, dZ Aᵀ and, but for the inputs, Wᵀ dZ."""
        weights = [n * fan_in for fan_in, n in pairwise(self.sizes)]
        return self.batch_size * (3 * sum(weights) - weights[0])

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(n * (fan_in + 1) for fan_in, n in pairwise(self.sizes))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "nielsen",
            "784-30-10, batch 10, sigmoid, half squared error",
            sizes=(784, 30, 10),
            examples=4000,
            batch_size=10,
            epochs=2,
            learning_rate=0.3,
            activation="sigmoid",
            output="sigmoid",
            loss="half_squared_error",
        ),
        Workload(
            "relu",
            "784-128-10, batch 32, ReLU, cross-entropy",
            sizes=(784, 128, 10),
            examples=4096,
            batch_size=32,
            epochs=2,
            learning_rate=0.005,
        ),
        Workload(
            "deep",
            "784-512-512-10, batch 128, ReLU, cross-entropy",
            sizes=(784, 512, 512, 10),
            examples=4096,
            batch_size=128,
            epochs=2,
            learning_rate=0.005,
        ),
        Workload(
            "wide",
            "784-2048-2048-10, batch 512, ReLU, cross-entropy",
            sizes=(784, 2048, 2048, 10),
            examples=2048,
            batch_size=512,
            epochs=1,
            learning_rate=0.005,
        ),
        Workload(
            "sgd",
            "784-30-10, one example at a time, sigmoid, half squared error",
            sizes=(784, 30, 10),
            examples=2000,
            batch_size=1,
            epochs=1,
            learning_rate=0.03,
            activation="sigmoid",
            output="sigmoid",
            loss="half_squared_error",
        ),
        Workload(
            "digits",
            "64-32-10, digits, batch 32, ReLU, cross-entropy, adam",
            sizes=(64, 32, 10),
            examples=1792,
            batch_size=32,
            epochs=5,
            learning_rate=0.0003,
            rule="adam",
            data="digits",
        ),
        Workload(
            "iris_batch",
            "4-10-3, iris, all examples at once, sigmoid, half squared error",
            sizes=(4, 10, 3),
            examples=150,
            batch_size=150,
            epochs=200,
            learning_rate=0.3,
            activation="sigmoid",
            output="sigmoid",
            loss="half_squared_error",
            data="iris",
        ),
        Workload(
            "iris_sgd",
            "4-10-3, iris, one example at a time, sigmoid, half squared error",
            sizes=(4, 10, 3),
            examples=150,
            batch_size=1,
            epochs=100,
            learning_rate=0.03,
            activation="sigmoid",
            output="sigmoid",
            loss="half_squared_error",
            data="iris",
        ),
        Workload(
            "regression",
            "100-256-256-1, batch 256, ReLU, half squared error, adam",
            sizes=(100, 256, 256, 1),
            examples=4096,
            batch_size=256,
            epochs=2,
            learning_rate=0.0003,
            output="identity",
            loss="half_squared_error",
            rule="adam",
        ),
    )
}


SHORT = 2_000_000_000
"""Multiply-adds of a measurement that takes some hundredths of a second."""


def shorter(workload: Workload) -> Workload:
    """The same for a quick look: one epoch where orders differ, of about :data:`SHORT` at least two batches."""
    if workload.data != "synthetic":
        return replace(workload, epochs=max(1, workload.epochs // 2))
    steps = min(workload.steps, max(2, SHORT // workload.products))
    return replace(workload, examples=steps * workload.batch_size, epochs=1)


def arrays(workload: Workload, measurements: int) -> dict[str, Array]:
    """All that a worker starts from, in float32.

    ``X`` (N, n_0); ``Y`` (N, n_L) numbers or one-hot rows; ``classes`` (N,), zeros
    in a regression; ``W1, b1, …``; ``orders``, the examples of every epoch in the
    order in which bp draws them, none where examples are not shuffled.
    """
    rng = np.random.default_rng(SEED)
    X, Y, classes = _examples(workload, rng)
    epochs = measurements * workload.epochs if workload.shuffled else 0
    orders = [stream(SEED, "shuffle", epoch).permutation(workload.examples) for epoch in range(1, epochs + 1)]
    known = {"X": X, "Y": Y, "classes": classes, "orders": np.array(orders, np.int64)}
    return known | _initial(workload, rng)


def _examples(workload: Workload, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    if workload.data == "synthetic":
        return _synthetic(workload, rng)
    table = np.loadtxt(DATASETS / f"{workload.data}.csv", delimiter=",", skiprows=1, dtype=str)
    X = table[: workload.examples, :-1].astype(np.float32)
    classes = np.unique(table[:, -1], return_inverse=True)[1][: workload.examples]
    X = X / np.float32(16) if workload.data == "digits" else (X - X.mean(axis=0)) / X.std(axis=0)
    return X, np.eye(workload.sizes[-1], dtype=np.float32)[classes], classes


def _synthetic(workload: Workload, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Standard-normal features, and targets that a random linear map with noise gives."""
    N, n, outputs = workload.examples, workload.sizes[0], workload.sizes[-1]
    X = rng.standard_normal((N, n), dtype=np.float32)
    teacher = rng.standard_normal((n, outputs), dtype=np.float32) / np.float32(np.sqrt(n))
    Y = X @ teacher + np.float32(NOISE) * rng.standard_normal((N, outputs), dtype=np.float32)
    if workload.regression:
        return X, Y, np.zeros(N, np.int64)
    classes = Y.argmax(axis=1)
    return X, np.eye(outputs, dtype=np.float32)[classes], classes


def _initial(workload: Workload, rng: np.random.Generator) -> dict[str, Array]:
    """Normal weights of variance 2/n for ReLU, else 1/n, n the units below; biases of 0."""
    gain = 2 if workload.activation == "relu" else 1
    known: dict[str, Array] = {}
    for l, (fan_in, n) in enumerate(pairwise(workload.sizes), start=1):
        known[f"W{l}"] = rng.standard_normal((n, fan_in), dtype=np.float32) * np.float32(np.sqrt(gain / fan_in))
        known[f"b{l}"] = np.zeros(n, np.float32)
    return known
