"""A network over a whole source, some examples per pass."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from bpcli import memory
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import Identity, Softmax, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy, HalfSquaredError, Reduction
from bpcli.nn.metrics import METRICS, metric_values, tallies_for
from bpcli.nn.network import Network, dense
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.tallies import Decisions, Judging, Residuals, Tallies, empty_tallies
from bpcli.training import inference, source_passes
from bpcli.training.shards.ranks import ALONE, Ranks
from bpcli.training.source_passes import EXAMPLES_PER_PASS
from tests.training.shards.played import PlayedRanks, Together

SIZES = (3, 4, 2)


def examples(size: int) -> Array:
    return np.random.default_rng(1).normal(0, 1, (size, 3))


def parameters() -> Parameters:
    return Parameters(Layout(SIZES), np.random.default_rng(0).normal(0, 1, Layout(SIZES).count))


def by_hand(X: Array) -> Array:
    """Z_2 of a 3-4-2 network with tanh, (N, 2)."""
    theta = parameters()
    hidden = np.tanh(X @ theta.W[1].T + theta.b[1][:, 0])
    return np.asarray(hidden @ theta.W[2].T + theta.b[2][:, 0])


def softmax(Z: Array) -> Array:
    return np.asarray(np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True))


def classifier(examples: Reduction = "mean", outputs: Reduction = "sum") -> Network:
    return dense(SIZES, (Tanh(),), join(Softmax(), CrossEntropy(outputs, examples)))


UNITS = np.array([2.0, 10.0])


def judged(name: str) -> Tallies:
    """The tally that this metric of two outputs reads."""
    return tallies_for(
        {name: METRICS[name]()}, Judging(2, "largest" if name == "accuracy" else "residuals", units=UNITS)
    )


@pytest.mark.parametrize("size", [1, 5, EXAMPLES_PER_PASS, EXAMPLES_PER_PASS + 1, 2 * EXAMPLES_PER_PASS + 7])
def test_outputs_are_the_networks_for_every_example_in_order(size: int) -> None:
    X = examples(size)
    A = inference.outputs(classifier(), parameters(), Rows(X))
    assert A.shape == (2, size)
    np.testing.assert_allclose(A.T, softmax(by_hand(X)), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 5, EXAMPLES_PER_PASS + 1])
@pytest.mark.parametrize("outputs", ["sum", "mean"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_loss_is_reduced_over_all_examples(size: int, outputs: Reduction, reduction: Reduction) -> None:
    X, labels = examples(size), np.arange(size) % 2
    tallies = judged("accuracy")
    network = classifier(reduction, outputs)
    loss = inference.assess(network, parameters(), Examples(Rows(X), ClassIndices(labels)), tallies)
    terms = -np.log(softmax(by_hand(X))[np.arange(size), labels])
    divisor = (size if reduction == "mean" else 1) * (2 if outputs == "mean" else 1)
    assert loss == pytest.approx(terms.sum() / divisor, rel=1e-12)
    weighted = Examples(Rows(X), ClassIndices(labels), weights=np.full(size, 3.0))
    losses = inference.losses(network, parameters(), weighted)
    np.testing.assert_allclose(losses, terms / (2 if outputs == "mean" else 1), rtol=1e-12)
    right = (by_hand(X).argmax(axis=1) == labels).mean()
    assert METRICS["accuracy"]().value(tallies.of(Decisions)) == right


def test_metrics_of_a_regression_are_those_of_all_examples() -> None:
    size = EXAMPLES_PER_PASS + 300
    X = examples(size)
    Y = np.random.default_rng(2).normal(50, 3, (size, 2))
    network = dense(SIZES, (Tanh(),), join(Identity(), HalfSquaredError()))
    tallies = judged("r2")
    loss = inference.assess(network, parameters(), Examples(Rows(X), Columns(np.ascontiguousarray(Y.T))), tallies)
    E = by_hand(X) - Y
    assert loss == pytest.approx((E**2).sum() / 2 / 2 / size, rel=1e-12)
    values = {name: METRICS[name]().value(tallies.of(Residuals)) for name in ("r2", "rmse", "mae")}
    assert values == pytest.approx(
        {
            "r2": np.mean(1 - (E**2).sum(axis=0) / ((Y - Y.mean(axis=0)) ** 2).sum(axis=0)),
            "rmse": np.mean(np.sqrt((E**2).mean(axis=0)) * UNITS),
            "mae": np.mean(np.abs(E).mean(axis=0) * UNITS),
        },
        rel=1e-10,
    )


def test_the_parameters_are_only_read() -> None:
    theta = parameters()
    before = theta.theta.copy()
    inference.outputs(classifier(), theta, Rows(examples(9)))
    assert theta.theta.tobytes() == before.tobytes()


def test_overflow_is_a_number_and_no_warning() -> None:
    network = dense(SIZES, (Tanh(),), join(Identity(), HalfSquaredError()))
    far = Columns(np.full((2, 3), 1e200))
    loss = inference.assess(network, parameters(), Examples(Rows(examples(3)), far), judged("r2"))
    assert loss == np.inf


def test_tallies_are_kept_by_how_outputs_are_judged() -> None:
    assert list(judged("rmse").by_kind) == [Residuals]
    for scoring in ("largest", "threshold"):
        tally = empty_tallies([Decisions], Judging(3, scoring)).of(Decisions)
        assert (tally.judging.scoring, tally.n) == (scoring, 3)


def test_a_single_answer_is_known_only_after_every_example_and_two_at_once() -> None:
    size, passes = 3 * EXAMPLES_PER_PASS, []

    class Counted(Rows):
        def gather(self, indices: IndexArray, out: Array) -> None:
            passes.append(len(indices))
            super().gather(indices, out)

    judging, theta = Judging(2, "largest"), parameters()
    assert inference.only_class(classifier(), theta, Counted(examples(size)), judging) is None
    assert passes == [EXAMPLES_PER_PASS]
    theta.b[-1][:] = [[0.0], [100.0]]
    passes.clear()
    assert inference.only_class(classifier(), theta, Counted(examples(size)), judging) == 1
    assert passes == [EXAMPLES_PER_PASS] * 3


class Late:
    """Rows of which some passes take longer than those after them."""

    pages = None

    def __init__(self, X: Array) -> None:
        self.rows, self.size = Rows(X), len(X)

    def gather(self, indices: IndexArray, out: Array) -> None:
        time.sleep(0.003 * (indices[0] // EXAMPLES_PER_PASS % 3))
        self.rows.gather(indices, out)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_threads_change_no_bit_and_no_order(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_passes, "WORTH_A_POOL", 0)
    size = 7 * EXAMPLES_PER_PASS + 3
    X, network, weights = examples(size), classifier(), np.random.default_rng(3).random(size)
    classes = np.arange(size) % 2
    of = Examples(Late(X), ClassIndices(classes), weights=weights, metric_weights=weights)

    def found(threads: int) -> list[object]:
        tallies, seen = judged("accuracy"), list[tuple[int, bytes]]()
        loss = inference.assess(
            network, parameters(), of, tallies, lambda at, A: seen.append((int(at[0]), A.tobytes())), threads
        )
        return [
            loss,
            metric_values({"accuracy": METRICS["accuracy"]()}, tallies),
            seen,
            inference.outputs(network, parameters(), of.features, threads).tobytes(),
            [A.tobytes() for A in inference.output_batches(network, parameters(), of.features, threads)],
            inference.losses(network, parameters(), of, threads).tobytes(),
        ]

    assert found(threads) == found(1)


def test_ranks_gather_half_of_the_examples_each_and_get_the_numbers_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_passes, "WORTH_A_RANK", 0)
    monkeypatch.setattr(source_passes, "EXAMPLES_PER_PASS", 10)
    size, together, gathered = 107, Together(2), [0, 0, 0]
    X, network, weights = examples(size), classifier(), np.random.default_rng(3).random(size)
    judging, biased = Judging(2, "largest"), parameters()
    biased.b[-1][:] = [[0.0], [100.0]]

    def found(index: int) -> list[Any]:
        class Counted(Rows):
            def gather(self, indices: IndexArray, out: Array) -> None:
                gathered[index] += len(indices)
                super().gather(indices, out)

        ranks: Ranks = PlayedRanks(index, 2, together) if index < 2 else ALONE
        of = Examples(Counted(X), ClassIndices(np.arange(size) % 2), weights=weights, metric_weights=weights)
        tallies, threads = judged("accuracy"), 1 + index
        loss = inference.assess(network, parameters(), of, tallies, threads=threads, ranks=ranks)
        once = gathered[index]
        alike = inference.only_class(network, biased, of.features, judging, threads, ranks)
        return [loss, metric_values({"accuracy": METRICS["accuracy"]()}, tallies), alike, gathered[index] - once]

    with ThreadPoolExecutor(2) as team:
        *ranks, alone = [*team.map(found, range(2)), found(2)]
    assert [one[:3] for one in ranks] == [alone[:3]] * 2
    assert alone[2:] == [1, size]
    assert sum(one[3] for one in ranks) == size
    assert min(one[3] for one in ranks) >= 47


def test_as_many_threads_are_used_as_have_work_and_room(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def counted(function: Any, items: Any, threads: int) -> Any:
        begun.append(threads)
        return map(function, items)

    monkeypatch.setattr(source_passes, "side_by_side", counted)
    features = Rows(examples(3 * EXAMPLES_PER_PASS))
    inference.outputs(classifier(), parameters(), features, 8)
    monkeypatch.setattr(source_passes, "WORTH_A_POOL", 0)
    inference.outputs(classifier(), parameters(), features, 8)
    inference.outputs(classifier(), parameters(), features, 2)
    monkeypatch.setattr(memory, "left", lambda: memory.Left(1_400_000))  # two passes of 319,488 bytes in half of it
    inference.outputs(classifier(), parameters(), features, 8)
    monkeypatch.setattr(memory, "left", lambda: memory.Left(0))
    inference.outputs(classifier(), parameters(), features, 8)
    assert begun == [1, 3, 2, 2, 1]
