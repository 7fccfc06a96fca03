"""Batches in shards: as many threads as one likes, the same bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bpcli.training import shards as gradients
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.shards import Gradients
from tests.nn.support import loss
from tests.training.compiled.support import Task, agree, labels, numbers, residuals, task

KINDS: dict[str, Callable[[], Task]] = {
    "classes": lambda: task(optimizer="adam"),
    "classes, summed": lambda: task(of=loss("cross_entropy", "mean", "sum")),
    "targets": lambda: task("identity", loss("half_squared_error", "mean", "mean"), tallies=residuals),
    "labels": lambda: task("sigmoid", loss("binary_cross_entropy"), tallies=labels),
}

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def sharded(shards: int, threads: int = 1) -> Callable[..., NumpySteps]:
    return partial(NumpySteps, shards=shards, threads=threads)


@every_kind
@pytest.mark.parametrize("shards", [2, 3, 5])
@pytest.mark.parametrize("batch_size", [5, 11])
def test_shards_add_up_to_the_batch(kind: Callable[[], Task], shards: int, batch_size: int) -> None:
    agree(kind().trained(sharded(shards), batch_size), kind().trained(NumpySteps, batch_size), 1e-12)


@every_kind
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(kind: Callable[[], Task], threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "WORTH_A_THREAD", 0)
    alone, together = (numbers(kind().trained(sharded(3, n), 5)) for n in (1, threads))
    assert alone.keys() == together.keys()
    for name, array in alone.items():
        np.testing.assert_array_equal(array, together[name])


def test_a_short_batch_has_no_empty_shards() -> None:
    one = task()
    state = one.state()
    found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), shards=4)
    assert [ws.m for ws in found.at(np.arange(11)).workspaces] == [2, 3, 3, 3]
    assert [ws.m for ws in found.at(np.arange(2)).workspaces] == [1, 1]


def test_small_shards_get_no_threads() -> None:
    one = task()
    state = one.state()
    found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), shards=2, threads=2)
    assert found.pool is not None
    found.pool.shutdown()  # a task handed to it would now be refused
    found.at(np.arange(4)).gradient(state.theta, state.optimizer.dtheta, 1.0)
    assert state.optimizer.dtheta.any()
