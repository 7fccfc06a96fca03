"""Compiled shards do what the reference's shards do, and threads change no bit of theirs either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from bpcli.data.sources import Examples
from bpcli.nn.activations import ACTIVATIONS
from bpcli.training.compiled import shard_passes
from bpcli.training.compiled.shard_passes import CompiledPasses
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.shards import Division, NumpyPasses, PassesOf, gradients
from tests.nn.support import loss
from tests.training.compiled.support import Task, agree, interpreted, labels, numbers, residuals, task
from tests.training.shards.test_gradients import same

TOLERANCE = {"float64": 1e-12, "float32": 1e-4}


@dataclass
class Weighted(Task):
    """Examples that weigh, in the loss and otherwise in the metrics."""

    def examples(self) -> Examples:
        rng = np.random.default_rng(8)
        weights, others = (rng.uniform(0, 2, self.size).astype(self.dtype) for _ in range(2))
        return replace(super().examples(), weights=weights, metric_weights=others)


TASKS: dict[str, Callable[[], Task]] = {
    **{name: partial(task, hidden=(name,), dtype="float32") for name in ACTIVATIONS if name != "softmax"},
    "softmax": lambda: task(hidden=("softmax",)),
    "targets": lambda: task("identity", loss("half_squared_error", "mean", "mean"), tallies=residuals),
    "labels": lambda: task("sigmoid", loss("binary_cross_entropy"), tallies=labels, optimizer="adam"),
    "composed": lambda: task("softmax", loss("half_squared_error")),
    "weighted": lambda: Weighted(task().network),
    "ahead": lambda: task(optimizer="nesterov"),
}


def divided(threads: int, passes: PassesOf) -> Callable[..., NumpySteps]:
    return partial(NumpySteps, division=Division(3, threads), passes=passes)


@pytest.mark.parametrize("name", TASKS)
def test_a_shard_is_computed_as_by_the_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    one = TASKS[name]()
    for batch_size in (5, 11):
        found, expected = (one.trained(divided(1, kind), batch_size) for kind in (CompiledPasses, NumpyPasses))
        agree(found, expected, TOLERANCE[one.dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_no_bit_of_compiled_shards(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    one = Weighted(task(optimizer="adam").network, dtype=dtype)
    alone = numbers(one.trained(divided(1, CompiledPasses), 5))
    for threads in (2, 3, 5):
        same(numbers(one.trained(divided(threads, CompiledPasses), 5)), alone)


def test_the_gradient_is_taken_where_a_rule_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vector gets views of its own: a rule that looks ahead hands in another than θ."""
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    one = task()
    one.optimizer = replace(task(optimizer="nesterov").optimizer, look_ahead=True)  # type: ignore[type-var]
    found, expected = (one.trained(divided(1, kind), 5) for kind in (CompiledPasses, NumpyPasses))
    agree(found, expected, 1e-12)
