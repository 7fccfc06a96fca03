"""Batches in shards: as many threads and processes as one likes, the same bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.team import Team
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.shards import Division, Gradients, buckets, cutting, gradients
from bpcli.training.shards.cutting import block_of
from bpcli.training.shards.equations import bands_of
from bpcli.training.shards.ranks import Alone, OwnVectors, Ranks, Vectors
from bpcli.training.state import TrainingState
from tests.nn.support import loss
from tests.training.compiled.support import Task, agree, labels, numbers, residuals, task
from tests.training.shards.played import PlayedRanks, Together

KINDS: dict[str, Callable[[], Task]] = {
    "classes": lambda: task(optimizer="adam"),
    "classes, summed": lambda: task(of=loss("cross_entropy", "mean", "sum"), dtype="float32"),
    "targets": lambda: task("identity", loss("half_squared_error", "mean", "mean"), tallies=residuals),
    "labels": lambda: task("sigmoid", loss("binary_cross_entropy"), tallies=labels),
}

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def divided(shards: int, threads: int = 1, ranks: Ranks | None = None) -> Callable[..., NumpySteps]:
    division = Division(shards, threads) if ranks is None else Division(shards, threads, ranks)
    return partial(NumpySteps, division=division)


def same(found: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@every_kind
@pytest.mark.parametrize("shards", [2, 3, 5])
@pytest.mark.parametrize("batch_size", [5, 11])
def test_shards_add_up_to_the_batch(kind: Callable[[], Task], shards: int, batch_size: int) -> None:
    one = kind()
    tolerance = 1e-12 if one.dtype == "float64" else 1e-5
    agree(one.trained(divided(shards), batch_size), one.trained(NumpySteps, batch_size), tolerance)


@every_kind
def test_threads_change_no_bit(kind: Callable[[], Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "WORTH_A_THREAD", 0)
    alone = numbers(kind().trained(divided(5), 5))
    for threads in (2, 3, 5):
        same(numbers(kind().trained(divided(5, threads), 5)), alone)


@pytest.mark.parametrize("activation", ["relu", "tanh", "softmax", "prelu"])
def test_bands_compute_what_the_whole_layer_does(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(threads: int = 1) -> TrainingState:
        one = task(hidden=(activation, activation), widths=(4, 8, 6, 3))
        return one.trained(divided(1, threads), 5)

    whole = trained()
    for name, least in (("ROWS_REPEATED", 1), ("LEAST_BAND", 1)):
        monkeypatch.setattr(cutting, name, least)
    network = task(hidden=(activation,), widths=(4, 8, 3)).network
    assert [len(bands_of(network, l, 5, 1)) for l in (1, 2)] == [4 if activation in ("relu", "tanh") else 1, 1]
    alone = trained()
    agree(alone, whole, 1e-12)
    for threads in (2, 3, 5):
        same(numbers(trained(threads)), numbers(alone))


def in_ranks(one: Task, shards: int, count: int) -> list[dict[str, Array]]:
    """What each of so many played processes ends with."""
    together, found = Together(count), list[dict[str, Array]]()

    def train(index: int, _: int) -> None:
        ranks = PlayedRanks(index, count, together)
        found.append(numbers(one.trained(divided(shards, ranks=ranks), 5)))

    Team(count).run(count, train)
    assert len(found) == count
    return found


@every_kind
@pytest.mark.parametrize("shards", [1, 4, 5])
def test_processes_change_no_bit(kind: Callable[[], Task], shards: int) -> None:
    """Each has its own shards alone, and all end with the same θ, memory, sums and tallies."""
    alone = numbers(kind().trained(divided(shards), 5))
    for count in (2, 3, 4):
        for one in in_ranks(kind(), shards, count):
            same(one, alone)


class ByItself(PlayedRanks):
    """Of several, the only one that is played."""

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        return OwnVectors(len(block_of(self.index, self.count, shards)), like)


def test_a_process_gathers_the_examples_of_its_shards_alone() -> None:
    one = task()
    state, ranks = one.state(), ByItself(1, 3, Together(3))
    found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), Division(6, 1, ranks))
    batch = found.at(np.arange(11))
    assert [shard.number for shard in batch.shards] == [2, 3]
    assert sum(ws.m for ws in batch.workspaces) == 4
    assert [one.A.shape[1] for one in batch.results] == [1, 2, 2, 2, 2, 2]


class Watched(OwnVectors):
    """Vectors that keep what says which buckets are done."""

    def overlap(self, compute: Callable[[], None], shards: int, done: Callable[[int], bool]) -> None:
        self.done = done
        compute()


class Overlapping(Alone):
    """A rank that hands out its gradients in buckets."""

    overlaps = True

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        return Watched(shards, like)


def test_a_bucket_is_done_when_all_shards_have_its_gradient_and_no_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "LEAST_BYTES", 1)
    one = task(hidden=("prelu", "tanh"), widths=(4, 6, 5, 3))
    state = one.state()
    division = Division(3, 1, Overlapping())
    found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), division)
    vectors: Any = found.vectors
    looked = list[list[bool]]()

    def look(shards: int) -> None:
        of = vectors.gradients[:shards]
        looked.append([all(np.isfinite(vector[one.entries]).all() for vector in of) for one in found.buckets])
        assert [vectors.done(k) for k in range(3)] == looked[-1]

    class Reports(np.ndarray[Any, Any]):
        def __setitem__(self, place: Any, value: Any) -> None:
            np.ndarray.__setitem__(self, place, value)
            if place is not Ellipsis:
                look(shards)

    found.reports.of_shard = found.reports.of_shard.view(Reports)
    for m, shards in ((5, 3), (2, 2), (4, 3)):
        for vector in vectors.gradients:
            vector.fill(np.nan)
        found.at(np.arange(m)).gradient(state.theta, state.optimizer.dtheta, 1.0)
        assert len(looked) == 3 * shards
        assert looked[-3:] == [[True, False, False], [True, True, False], [True, True, True]]
        looked.clear()


def test_a_short_batch_has_no_empty_shards() -> None:
    one = task()
    state = one.state()
    found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), Division(4))
    assert [ws.m for ws in found.at(np.arange(11)).workspaces] == [2, 3, 3, 3]
    assert [ws.m for ws in found.at(np.arange(2)).workspaces] == [1, 1]


def test_small_shards_get_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    one = task()
    state = one.state()
    for worth, size in ((1, 2), (1e9, 1)):
        monkeypatch.setattr(gradients, "WORTH_A_THREAD", worth)
        found = Gradients(one.recipe(), state.theta, state.optimizer.dtheta, one.examples(), Division(2, 2))
        assert found.at(np.arange(4)).team.size == size
