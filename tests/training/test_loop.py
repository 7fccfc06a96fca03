"""The training loop: what it visits, what it yields, and that interruptions change nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import count as counting
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.errors import DivergedError, ExitStatus
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import Identity, Relu, Softmax, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import CrossEntropy, HalfSquaredError, Reduction
from bpcli.nn.metrics import METRICS, Metric, tallies_for
from bpcli.nn.network import dense
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent, Optimizer
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.tallies import Judging
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training import loop, pace
from bpcli.training.loop import Epoch, Stretch, TrainingEvent
from bpcli.training.measure import Measure
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import TrainingState, start
from tests.nn.support import STEP_RULES

SIZE, EPOCHS, BATCH = 20, 3, 6
SIZES = (3, 5, 2)


class Task:
    """A small problem: a classification, or with ``reals`` a regression of two targets."""

    def __init__(self, *, reals: bool = False, reduction: Reduction = "mean", dtype: str = "float32") -> None:
        rng = np.random.default_rng(0)
        self.dtype = np.dtype(dtype)
        self.X = rng.normal(0, 1, (SIZE, 3)).astype(dtype)
        self.V = rng.normal(0, 1, (7, 3)).astype(dtype)
        self.start = rng.normal(0, 1, Layout(SIZES).count).astype(dtype)
        self.reals = reals
        if reals:
            head = join(Identity(), HalfSquaredError(examples=reduction))
            self.Y = rng.normal(0, 1, (2, SIZE)).astype(dtype)
            self.examples = Examples(Rows(self.X), Columns(self.Y))
            self.validation = Examples(Rows(self.V), Columns(rng.normal(0, 1, (2, 7)).astype(dtype)))
        else:
            head = join(Softmax(), CrossEntropy(examples=reduction))
            self.labels = np.arange(SIZE) % 2
            self.examples = Examples(Rows(self.X), ClassIndices(self.labels))
            self.validation = Examples(Rows(self.V), ClassIndices(np.arange(7) % 2))
        self.network = dense(SIZES, (Tanh(),), head)

    @property
    def metrics(self) -> dict[str, Metric]:
        return {name: METRICS[name]() for name in (("r2", "rmse", "mae") if self.reals else ("accuracy",))}

    @property
    def judging(self) -> Judging:
        return Judging(2, "residuals" if self.reals else "largest", units=np.array([1.0, 3.0]))

    def state(self, optimizer: Optimizer, theta: Array | None = None) -> TrainingState:
        tallies = tallies_for(self.metrics, self.judging)
        return start(self.recipe(optimizer), (self.start if theta is None else theta).copy(), tallies)

    def recipe(self, optimizer: Optimizer, plan: Plan | None = None) -> Recipe:
        return Recipe(self.network, optimizer, plan or Plan(EPOCHS, BATCH, shuffle=True, seed=4))

    def train(self, optimizer: Optimizer, state: TrainingState, plan: Plan | None = None) -> Iterator[TrainingEvent]:
        recipe = self.recipe(optimizer, plan)
        measure = Measure(self.network, self.metrics, self.validation)
        return loop.train(NumpySteps(recipe, state, self.examples), recipe.plan, state, measure)


def optimizer(name: str) -> Optimizer:
    made: Optimizer = OPTIMIZERS[name]()
    return made


def numbers(events: list[TrainingEvent]) -> list[tuple[int, int, float, dict[str, float]]]:
    """All that epochs say but the time they took."""
    return [(e.epoch, e.step, e.learning_rate, e.values) for e in events if isinstance(e, Epoch)]


def contents(state: TrainingState) -> dict[str, bytes]:
    """Every bit of a state."""
    return {name: array.tobytes() for name, array in state.tensors().items()} | {"": repr(state.counters()).encode()}


# Stretches.


def test_a_stretch_ends_with_the_step_after_which_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.training.batch_results.MOST", 1)
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0)
    task = Task()
    events = list(task.train(GradientDescent(), task.state(GradientDescent())))
    seen = [(type(event), getattr(event, "epoch", 0), getattr(event, "examples", None)) for event in events]
    one = [(Stretch, 6), (Stretch, 12), (Stretch, 18), (Epoch, None)]  # the last batch, of 2, ends the epoch
    assert seen == [(kind, epoch, examples) for epoch in (1, 2, 3) for kind, examples in one]


def test_an_epoch_in_time_has_no_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 1e9)
    task = Task()
    events = list(task.train(GradientDescent(), task.state(GradientDescent())))
    assert [type(event) for event in events] == [Epoch] * EPOCHS


def test_a_stretch_tells_the_mean_loss_of_the_examples_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0)
    task = Task()
    state = task.state(GradientDescent())
    for event in task.train(GradientDescent(), state):
        if isinstance(event, Stretch):
            assert event.loss == pytest.approx(state.losses.sums[0] / event.examples, rel=1e-15)


@pytest.mark.parametrize("reals", [False, True], ids=["classes", "reals"])
@pytest.mark.parametrize("name", STEP_RULES)
def test_the_length_of_stretches_changes_no_number(monkeypatch: pytest.MonkeyPatch, name: str, reals: bool) -> None:  # noqa: FBT001
    task = Task(reals=reals)
    found = []
    for seconds in (1e9, 0.0, -1.0, 1e-5, 1e-4):
        monkeypatch.setattr(pace, "STRETCH_SECONDS", seconds)
        state = task.state(optimizer(name))
        found.append((numbers(list(task.train(optimizer(name), state))), contents(state)))
    assert all(one == found[0] for one in found[1:])


@pytest.mark.parametrize("reals", [False, True], ids=["classes", "reals"])
@pytest.mark.parametrize("name", STEP_RULES)
def test_a_state_saved_at_any_stretch_goes_on_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    reals: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0)
    task = Task(reals=reals)
    whole = task.state(optimizer(name))
    expected: list[TrainingEvent] = []
    for number, event in enumerate(task.train(optimizer(name), whole)):
        expected.append(event)
        write_tensors(tmp_path / str(number), whole.tensors(), whole.counters())
    for number in range(len(expected)):
        tensors, counters = read_tensors(tmp_path / str(number))
        assert counters is not None
        state = task.state(optimizer(name), np.full_like(task.start, 9))
        state.restore(tensors, counters)
        rest = list(task.train(optimizer(name), state))
        assert numbers(rest) == numbers(expected[number + 1 :])
        assert contents(state) == contents(whole)


def test_a_saved_state_is_a_copy_of_every_bit(tmp_path: Path) -> None:
    task = Task()
    adam = optimizer("adam")
    state = task.state(adam)
    list(task.train(adam, state))
    write_tensors(tmp_path / "state", state.tensors(), state.counters())
    tensors, counters = read_tensors(tmp_path / "state")
    assert counters is not None
    other = task.state(adam, np.zeros_like(task.start))
    other.restore(tensors, counters)
    assert contents(other) == contents(state)


def test_a_finished_state_trains_no_further() -> None:
    task = Task()
    state = task.state(GradientDescent())
    list(task.train(GradientDescent(), state))
    before = contents(state)
    assert list(task.train(GradientDescent(), state)) == []
    assert contents(state) == before


def test_more_epochs_go_on_as_if_there_had_been_no_end() -> None:
    task = Task()
    one, other = task.state(GradientDescent()), task.state(GradientDescent())
    long = numbers(list(task.train(GradientDescent(), one, Plan(5, BATCH, shuffle=True, seed=4))))
    short = numbers(list(task.train(GradientDescent(), other, Plan(2, BATCH, shuffle=True, seed=4))))
    rest = numbers(list(task.train(GradientDescent(), other, Plan(5, BATCH, shuffle=True, seed=4))))
    assert short + rest == long
    assert contents(one) == contents(other)


# What is visited.


class Watched(Rows):
    """Rows that note the examples asked for."""

    def __init__(self, rows: Array) -> None:
        super().__init__(rows)
        self.asked: list[list[int]] = []

    def gather(self, indices: IndexArray, out: Array) -> None:
        self.asked.append(indices.tolist())
        super().gather(indices, out)


def visits(batch_size: int, *, shuffle: bool, epochs: int = 3, seed: int = 0) -> list[list[list[int]]]:
    """The batches of each epoch."""
    task = Task()
    watched = Watched(task.X)
    task.examples = Examples(watched, task.examples.targets)
    found: list[list[list[int]]] = []
    state = task.state(GradientDescent())
    plan = Plan(epochs, batch_size, shuffle, seed)
    for event in task.train(GradientDescent(), state, plan):
        if isinstance(event, Epoch):
            found.append(watched.asked)
            watched.asked = []
    return found


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 20), (6, [6, 6, 6, 2]), (10, [10, 10]), (19, [19, 1]), (20, [20])]
)
def test_every_epoch_visits_every_example_once_in_batches_of_this_size(batch_size: int, sizes: list[int]) -> None:
    for batches in visits(batch_size, shuffle=True):
        assert [len(batch) for batch in batches] == sizes
        assert sorted(i for batch in batches for i in batch) == list(range(SIZE))


def test_examples_are_in_a_new_order_each_epoch() -> None:
    orders = [[i for batch in batches for i in batch] for batches in visits(1, shuffle=True)]
    assert all(order != list(range(SIZE)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


def test_the_order_depends_on_the_seed_and_not_on_the_batch_size() -> None:
    flat = {
        (size, seed): [i for batches in visits(size, shuffle=True, seed=seed) for batch in batches for i in batch]
        for size in (1, 7, 20)
        for seed in (0, 1)
    }
    assert flat[1, 0] == flat[7, 0] == flat[20, 0]
    assert flat[1, 1] != flat[1, 0]


def test_examples_are_in_the_files_order_without_shuffle() -> None:
    for batches in visits(6, shuffle=False):
        assert [i for batch in batches for i in batch] == list(range(SIZE))


def test_the_last_batch_may_be_short_and_counts_with_its_own_size() -> None:
    task = Task(reals=True, dtype="float64")
    task.network = dense((3, 2), (), join(Identity(), HalfSquaredError()))
    task.start = np.zeros(Layout((3, 2)).count)
    state = task.state(GradientDescent())
    plan = Plan(1, 18, shuffle=False, seed=0)
    (epoch,) = numbers(list(task.train(GradientDescent(0.5), state, plan)))
    W, b = np.zeros((2, 3)), np.zeros(2)
    loss = 0.0
    for part in (slice(0, 18), slice(18, 20)):
        E = task.X[part] @ W.T + b - task.Y[:, part].T
        loss += (E**2).sum() / 2 / 2  # two outputs, averaged
        W = W - 0.5 * E.T @ task.X[part] / 2 / len(E)
        b = b - 0.5 * E.sum(axis=0) / 2 / len(E)
    assert epoch[1] == 2
    assert epoch[3]["loss"] == pytest.approx(loss / SIZE, rel=1e-13)
    theta = Parameters(Layout((3, 2)), state.theta)
    np.testing.assert_allclose(theta.W[1], W, rtol=1e-12)
    np.testing.assert_allclose(theta.b[1][:, 0], b, rtol=1e-12)


# What an epoch tells.


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_of_one_batch_is_the_loss_before_its_update(reduction: Reduction) -> None:
    task = Task(reduction=reduction, dtype="float64")
    state = task.state(GradientDescent())
    (epoch,) = numbers(list(task.train(GradientDescent(), state, Plan(1, SIZE, shuffle=False, seed=0))))
    theta = Parameters(Layout(SIZES), task.start)
    Z = np.tanh(task.X @ theta.W[1].T + theta.b[1][:, 0]) @ theta.W[2].T + theta.b[2][:, 0]
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    total = -np.log(P[np.arange(SIZE), task.labels]).sum()
    assert epoch[3]["loss"] == pytest.approx(total / (SIZE if reduction == "mean" else 1), rel=1e-12)
    assert epoch[3]["accuracy"] == (P.argmax(axis=1) == task.labels).mean()


def test_validation_is_a_full_pass_with_the_parameters_after_the_epoch() -> None:
    task = Task(dtype="float64")
    state = task.state(GradientDescent())
    for event in task.train(GradientDescent(), state):
        if isinstance(event, Epoch):
            theta = Parameters(Layout(SIZES), state.theta)
            Z = np.tanh(task.V @ theta.W[1].T + theta.b[1][:, 0]) @ theta.W[2].T + theta.b[2][:, 0]
            P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
            labels = np.arange(7) % 2
            assert event.values["val_loss"] == pytest.approx(-np.log(P[np.arange(7), labels]).mean(), rel=1e-12)
            assert event.values["val_accuracy"] == (P.argmax(axis=1) == labels).mean()


def test_values_are_named_as_the_columns_of_metrics() -> None:
    task = Task(reals=True)
    (first, *_) = task.train(GradientDescent(), task.state(GradientDescent()), Plan(1, SIZE, shuffle=False, seed=0))
    assert isinstance(first, Epoch)
    assert list(first.values) == ["loss", "r2", "rmse", "mae", "val_loss", "val_r2", "val_rmse", "val_mae"]
    assert all(type(value) is float for value in first.values.values())


def test_after_an_epoch_the_state_keeps_its_parameters_and_counts_anew() -> None:
    task = Task()
    state = task.state(GradientDescent())
    for number, event in enumerate(task.train(GradientDescent(), state), start=1):
        assert isinstance(event, Epoch)
        assert (state.epoch, state.position) == (number, 0)
        assert not state.losses.sums.any()
        assert not any(array.any() for array in state.tallies.tensors().values())
        assert state.kept.theta.tobytes() == state.theta.tobytes()


# Divergence.


def test_a_loss_that_is_not_finite_ends_training_with_the_last_epochs_parameters_kept() -> None:
    task = Task(reals=True)
    task.network = dense((3, 2), (), join(Identity(), HalfSquaredError()))
    task.start = task.start[: Layout((3, 2)).count]
    rule = GradientDescent(20.0)
    state = task.state(rule)
    ends: list[bytes] = []
    events = task.train(rule, state, Plan(1000, BATCH, shuffle=True, seed=0))
    with pytest.raises(DivergedError) as caught:
        ends.extend(state.theta.tobytes() for event in events if isinstance(event, Epoch))
    assert caught.value.status == ExitStatus.DIVERGED
    assert "is no longer finite at epoch " in caught.value.message
    assert f"epoch {len(ends) + 1}, step {state.optimizer.step}; first " in caught.value.message
    assert state.epoch == len(ends) > 1
    assert np.isfinite(state.kept.theta).all()
    last_finite = state.theta if 0 < state.position < SIZE else np.frombuffer(ends[-1], "float32")
    assert state.kept.theta.tobytes() == last_finite.tobytes()


def test_a_parameter_that_is_not_finite_ends_training_though_the_loss_was() -> None:
    task = Task(reals=True)
    rule = GradientDescent(3e38)
    task.X *= 100
    state = task.state(rule)
    with pytest.raises(DivergedError) as caught:
        list(task.train(rule, state, Plan(1, SIZE, shuffle=False, seed=0)))
    assert caught.value.message == (
        "training diverged: a parameter is no longer finite at epoch 1, step 1; "
        "first in step 1: η times the gradient of W of layer 1"
    )
    assert state.kept.theta.tobytes() == task.start.tobytes()


def test_a_validation_loss_that_is_not_finite_ends_training() -> None:
    task = Task(reals=True)
    task.validation = Examples(task.validation.features, Columns(np.full((2, 7), 1e30, "float32")))
    state = task.state(GradientDescent())
    with pytest.raises(DivergedError) as caught:
        list(task.train(GradientDescent(), state))
    tanh, output = task.network.parameters(state.theta).W[1:]
    biases = task.network.parameters(state.theta).b
    largest = np.abs(output @ np.tanh(tanh @ task.V.T + biases[1]) + biases[2]).max()
    assert caught.value.message == (
        "training diverged: the validation loss is no longer finite at epoch 1, step 4; "
        f"first of the validation examples: the loss, of outputs that reach {largest:.2g}"
    )
    assert (state.epoch, state.kept.theta.tobytes()) == (0, task.start.tobytes())


# Memory.


@pytest.mark.parametrize("name", STEP_RULES)
def test_a_step_allocates_next_to_nothing_once_its_buffers_exist(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0)
    rng = np.random.default_rng(0)
    sizes = (784, 30, 10)
    network = dense(sizes, (Relu(),), join(Softmax(), CrossEntropy()))
    size = 640 * 8  # steps of eight batches are looked at together
    examples = Examples(Rows(rng.normal(0, 1, (size, 784)).astype("f4")), ClassIndices(rng.integers(0, 10, size)))
    theta = rng.normal(0, 0.1, Layout(sizes).count).astype("f4")
    metrics: dict[str, Metric] = {"accuracy": METRICS["accuracy"]()}
    recipe = Recipe(network, optimizer(name), Plan(1, 32, shuffle=True, seed=0))
    state = start(recipe, theta, tallies_for(metrics, Judging(10, "largest")))
    steps, measure = NumpySteps(recipe, state, examples), Measure(network, metrics)
    events = loop.train(steps, recipe.plan, state, measure)
    for _ in range(3):
        next(events)
    tracemalloc.start()
    try:
        peaks = []
        for _ in range(10):
            tracemalloc.reset_peak()
            held = tracemalloc.get_traced_memory()[0]
            next(events)
            peaks.append(tracemalloc.get_traced_memory()[1] - held)
    finally:
        tracemalloc.stop()
    assert sorted(peaks)[-3] < 4096  # another thread of the test runner allocates now and then


def test_the_clock_is_read_for_timings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = counting()
    task = Task()
    calm = task.state(GradientDescent())
    expected = numbers(list(task.train(GradientDescent(), calm)))
    monkeypatch.setattr(loop, "perf_counter", lambda: float(next(ticks)) ** 2)
    state = task.state(GradientDescent())
    assert numbers(list(task.train(GradientDescent(), state))) == expected
    assert contents(state) == contents(calm)
