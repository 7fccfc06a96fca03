"""What the driver and a worker say to each other, from the worker's side.

A worker is started with a task file. It answers on standard output, a line of
JSON for each: once it is built; to ``warm-up``; to every ``epoch``, which is one
measurement of as many epochs as the workload says. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TextIO

import numpy as np

from benchmarks.workloads import Array, Workload

TRIES = 3
"""How often a variant is timed before the fastest is kept."""


@dataclass(frozen=True)
class Task:
    """What a worker is to train: the arrays of :func:`benchmarks.workloads.arrays`, W and b by layer."""

    workload: Workload
    X: Array
    Y: Array
    classes: Array
    W: list[Array]
    b: list[Array]
    orders: Array
    threads: int
    options: dict[str, Any]

    @property
    def targets(self) -> Array:
        """Class indices where the loss is cross-entropy, else numbers."""
        return self.classes if self.workload.loss == "cross_entropy" else self.Y

    @property
    def measurements(self) -> int:
        """How many measurements there are orders for; 1 where every epoch has the same."""
        return max(1, len(self.orders) // self.workload.epochs)

    def order(self, measurement: int) -> Array:
        """(epochs, N): the examples of a measurement's epochs, in order."""
        epochs = self.workload.epochs
        if not self.workload.shuffled:
            return np.broadcast_to(np.arange(self.workload.examples), (epochs, self.workload.examples))
        return self.orders[measurement * epochs :][:epochs]


class Trainer(Protocol):
    """A competitor, ready to train."""

    def reset(self) -> None:
        """Go back to the initial parameters; keep what was compiled."""
        ...

    def run(self, measurement: int) -> list[float]:
        """Train for a measurement's epochs to their very end; the mean loss of each, batches before their update.

        An empty list, if there is no loss.
        """
        ...


Build = Callable[[Task], Mapping[str, Callable[[], Trainer]]]
"""The ways to set a competitor up, by name; the fastest of them is measured."""


def serve(build: Build, versions: Mapping[str, str]) -> None:
    """Do what the driver says until it says no more."""
    answers = _private_output()
    task = _read(Path(sys.argv[1]))
    variants = build(task)
    _answer(answers, {"versions": versions})
    trainer: Trainer | None = None
    measurement = 0
    for line in sys.stdin:
        if line.strip() == "warm-up":
            trainer, report = _warm_up(variants)
            _answer(answers, report)
        else:
            assert trainer is not None, "a warm-up comes first"
            seconds, losses = _timed(trainer, measurement)
            measurement += 1
            _answer(answers, {"seconds": seconds, "losses": losses})


def _private_output() -> TextIO:
    """Standard output for answers alone; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, value: dict[str, Any]) -> None:
    print(json.dumps(value), file=answers, flush=True)


def _read(path: Path) -> Task:
    given = json.loads(path.read_text(encoding="utf-8"))
    workload = Workload(**given["workload"] | {"sizes": tuple(given["workload"]["sizes"])})
    layers = range(1, len(workload.sizes))
    with np.load(given["arrays"]) as file:
        return Task(
            workload=workload,
            X=file["X"],
            Y=file["Y"],
            classes=file["classes"],
            W=[file[f"W{l}"] for l in layers],
            b=[file[f"b{l}"] for l in layers],
            orders=file["orders"],
            threads=given["threads"],
            options=given["options"],
        )


def _timed(trainer: Trainer, measurement: int) -> tuple[float, list[float]]:
    began = perf_counter()
    losses = trainer.run(measurement)
    return perf_counter() - began, losses


def _warm_up(variants: Mapping[str, Callable[[], Trainer]]) -> tuple[Trainer, dict[str, Any]]:
    """Run every variant, and keep the fastest at its initial parameters.

    ``compile_seconds`` is what its first measurement took more than later ones, with the building.
    """
    tried = list(_tried(variants))
    seconds, first, name, trainer = min(tried, key=lambda one: one[0])
    trainer.reset()
    return trainer, {"variant": name if len(tried) > 1 else "", "compile_seconds": max(0.0, first - seconds)}


def _tried(variants: Mapping[str, Callable[[], Trainer]]) -> Iterator[tuple[float, float, str, Trainer]]:
    """Each variant's time, its first time, its name, itself."""
    for name, make in variants.items():
        began = perf_counter()
        trainer = make()
        trainer.run(0)
        first = perf_counter() - began
        again = min(_timed(trainer, 0)[0] for _ in range(TRIES if len(variants) > 1 else 1))
        yield again, first, name, trainer
