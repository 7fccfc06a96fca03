"""Training with dropout, noise on inputs, penalties, clipping and limited weights: as by hand, and repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.config.reading import read_config
from bpcli.experiment import Experiment, build
from bpcli.nn import Array, layers
from bpcli.nn.layers import limit_rows
from bpcli.streams import stream
from bpcli.training.compiled import portions, shard_passes
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.shard_passes import CompiledPasses
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.noise import Noise
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.shards import Division, NumpyPasses
from bpcli.training.state import TrainingState, start
from bpcli.training.steps import Steps
from tests.cli.support import bp, good, points, read_metrics, refused, write_config
from tests.training.compiled.support import interpreted

CONFIG = """
    seed: 5
    dtype: float64
    data: {path: points.csv, target: tree, input_noise: {std: 0.3}}
    network: {hidden: [{units: 6, dropout: 0.5}, 4], activation: tanh, dropout: 0.25, max_norm: 0.9}
    loss: cross_entropy
    penalties: [{name: l2, strength: 0.05, per_example: true}, {name: l1, strength: 0.01}]
    optimizer: {mode: mini_batch, batch_size: 7, learning_rate: 0.3, clip: {norm: 0.6}}
    epochs: 3
    """

SIZE, TOGETHER = 48, 256 // 7
"""Examples, which leave a short last batch; and the updates that draw from one stream."""

ENGINES: list[Callable[..., Steps]] = [NumpySteps, CompiledSteps]
every_engine = pytest.mark.parametrize("kind", ENGINES)


@pytest.fixture(autouse=True)
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run in Python."""
    monkeypatch.setattr(compiled, "load_kernel", interpreted)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv", SIZE)
    write_config(tmp_path / "noisy.yaml", CONFIG)
    return tmp_path


def experiment(folder: Path, *changes: str) -> Experiment:
    return build(read_config(folder / "noisy.yaml", list(changes)))


def fresh(built: Experiment) -> TrainingState:
    return start(built.recipe, built.parameters.theta.copy(), built.tallies())


def trained(built: Experiment, kind: Callable[..., Steps], seconds: float = np.inf) -> TrainingState:
    """The state after all epochs, in as few calls as can be, or update by update where no time is left."""
    state, train_part = fresh(built), built.loaded.parts["train"]
    steps = kind(built.recipe, state, train_part)
    for epoch in range(1, built.plan.epochs + 1):
        order = built.plan.order(epoch, train_part.size)
        while state.position < train_part.size:
            steps.run(order, built.plan.batch_size, seconds)
        state.begin_epoch(epoch)
    return state


def drawn(seed: int, update: int, m: int) -> tuple[Array, list[Array]]:
    """An update's noise on X, (2, m), and its masks, from the streams themselves."""
    block, place = divmod(update, TOGETHER)
    rng = stream(seed, "noise", step=block)
    masks = [
        (rng.random((TOGETHER, units, 7)) >= rate)[place, :, :m] / (1 - rate) for units, rate in ((6, 0.5), (4, 0.25))
    ]
    noise = 0.3 * stream(seed, "input noise", step=block).standard_normal((TOGETHER, 7, 2))
    return noise[place, :m].T, masks


def by_hand(built: Experiment) -> tuple[Array, list[float]]:
    """θ after training, and each epoch's loss, every line written out."""
    train_part, parameters = built.loaded.parts["train"], built.network.parameters(built.parameters.theta.copy())
    W, b = parameters.W, parameters.b
    losses, update = [], 0
    for epoch in (1, 2, 3):
        order, total = stream(5, "shuffle", epoch).permutation(SIZE), 0.0
        for first in range(0, SIZE, 7):
            batch = order[first : first + 7]
            m = len(batch)
            X, Y = np.empty((2, m), order="F"), np.empty(m, np.intp)
            train_part.gather(batch, X, Y)
            noise, (M1, M2) = drawn(5, update, m)
            update += 1
            A0 = X + noise
            F1 = np.tanh(W[1] @ A0 + b[1])
            A1 = F1 * M1
            F2 = np.tanh(W[2] @ A1 + b[2])
            A2 = F2 * M2
            Z3 = W[3] @ A2 + b[3]
            P = np.exp(Z3) / np.exp(Z3).sum(axis=0)
            penalty = sum(0.5 * 0.05 / m * (w**2).sum() + 0.01 * np.abs(w).sum() for w in W[1:])
            total += m * (-np.log(P[Y, np.arange(m)]).mean() + penalty)
            dZ3 = (P - np.eye(3)[:, Y]) / m
            dZ2 = (W[3].T @ dZ3) * M2 * (1 - F2**2)
            dZ1 = (W[2].T @ dZ2) * M1 * (1 - F1**2)
            dW = [dZ1 @ A0.T, dZ2 @ A1.T, dZ3 @ A2.T]
            dW = [d + 0.05 / m * w + 0.01 * np.sign(w) for d, w in zip(dW, W[1:], strict=True)]
            db = [d.sum(axis=1, keepdims=True) for d in (dZ1, dZ2, dZ3)]
            length = np.sqrt(sum((d**2).sum() for d in (*dW, *db)))
            for w, d in zip((*W[1:], *b[1:]), (*dW, *db), strict=True):
                w -= 0.3 * min(1.0, 0.6 / length) * d
            for w in W[1:3]:
                lengths = np.sqrt((w**2).sum(axis=1, keepdims=True))
                w *= np.where(lengths > 0.9, 0.9 / lengths, 1)
        losses.append(total / SIZE)
    return parameters.theta, losses


@every_engine
def test_training_is_as_by_hand(folder: Path, kind: Callable[..., Steps]) -> None:
    built = experiment(folder)
    theta, _ = by_hand(built)
    np.testing.assert_allclose(trained(built, kind).theta, theta, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_loss_column_has_noise_and_penalties_of_each_batch(folder: Path, engine: str) -> None:
    pytest.importorskip("numba")
    good("train", "noisy.yaml", f"engine={engine}", "--run", "run", "--quiet", cwd=folder)
    _, losses = by_hand(experiment(folder))
    assert [row["loss"] for row in read_metrics(folder / "run")] == pytest.approx(losses, rel=1e-12)


CHANGES = ["data.input_noise.std=1.0", "network.hidden=[6, 4]", "network.max_norm=0.5", "optimizer.clip.norm=0.1"]


@pytest.mark.parametrize("change", [*CHANGES, "penalties=[]", "data.input_noise={name: dropout, rate: 0.5}"])
def test_every_part_makes_a_difference(folder: Path, change: str) -> None:
    usual, other = (trained(experiment(folder, *changes), NumpySteps) for changes in ((), (change,)))
    assert not np.allclose(usual.theta, other.theta, rtol=1e-3)


@every_engine
@pytest.mark.parametrize("changes", [(), ("optimizer.mode=sgd", "optimizer.batch_size=null")], ids=["batches", "sgd"])
def test_where_training_pauses_changes_no_bit(
    folder: Path, changes: tuple[str, ...], kind: Callable[..., Steps], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = experiment(folder, *changes)
    at_once = trained(built, kind)
    monkeypatch.setattr(portions, "PORTION", 1)
    np.testing.assert_array_equal(trained(built, kind, seconds=-np.inf).theta, at_once.theta)


@every_engine
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_in_the_middle_of_an_epoch_to_the_same_bits(
    folder: Path, dtype: str, kind: Callable[..., Steps]
) -> None:
    built = experiment(folder, f"dtype={dtype}", "data.input_noise=dropout")
    part, order = built.loaded.parts["train"], built.plan.order(1, SIZE)
    whole, first, second = fresh(built), fresh(built), fresh(built)
    kind(built.recipe, whole, part).run(order, 7, np.inf)
    kind(built.recipe, first, part).run(order[:21], 7, np.inf)
    second.restore(first.tensors(), first.counters())
    kind(built.recipe, second, part).run(order, 7, np.inf)
    np.testing.assert_array_equal(second.theta, whole.theta)
    np.testing.assert_allclose(second.losses.sums, whole.losses.sums, rtol=1e-6)  # added up in other groups


@every_engine
def test_weights_keep_to_their_length_after_every_update(folder: Path, kind: Callable[..., Steps]) -> None:
    built = experiment(folder, "optimizer.learning_rate=3", "optimizer.clip=null")
    state, part, longest = fresh(built), built.loaded.parts["train"], []
    order = built.plan.order(1, SIZE)
    for end in range(7, SIZE, 7):
        kind(built.recipe, state, part).run(order[:end], 7, np.inf)
        parameters = built.network.parameters(state.theta)
        longest.append([float(np.linalg.norm(W, axis=1).max()) for W in parameters.W[1:]])
    assert np.max(longest, axis=0)[:2] == pytest.approx([0.9, 0.9], rel=1e-12)
    assert np.max(longest, axis=0)[2] > 1, "the output layer has no limit"


@pytest.mark.parametrize("shards", [2, 3])
def test_what_is_drawn_does_not_depend_on_shards(folder: Path, shards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    built = experiment(folder)
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    whole = trained(built, NumpySteps)
    for passes in (NumpyPasses, CompiledPasses):
        cut = trained(built, partial(NumpySteps, division=Division(shards), passes=passes))
        np.testing.assert_allclose(cut.theta, whole.theta, rtol=0, atol=1e-12)


def test_engines_draw_the_same_in_float32(folder: Path) -> None:
    built = experiment(folder, "dtype=float32", "penalties=[]", "optimizer.clip=null")
    one, other = (trained(built, kind).theta for kind in ENGINES)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_rerun_gives_the_same_bytes_and_the_model_is_without_noise(folder: Path) -> None:
    good("train", "noisy.yaml", "data.split.validation=0.25", "--run", "run", "--quiet", cwd=folder)
    good("train", "run/config.yaml", "--run", "again", "--quiet", cwd=folder)
    for file in ("config.yaml", "metrics.csv", "model.safetensors", "checkpoint.safetensors"):
        assert (folder / "again" / file).read_bytes() == (folder / "run" / file).read_bytes(), file
    words = ("evaluate", "run", "--split", "validation", "--json")
    found, second = (good(*words, cwd=folder).json for _ in range(2))
    assert found == second
    kept = min(read_metrics(folder / "run"), key=lambda row: row["val_loss"])
    assert found["loss"] == pytest.approx(kept["val_loss"], rel=1e-12)


def test_gradient_and_updates_are_checked_with_what_is_drawn(folder: Path) -> None:
    for method in ("complex-step", "central"):
        assert good("gradcheck", "noisy.yaml", "--method", method, "--json", cwd=folder).json["passed"]
    assert good("stepcheck", "noisy.yaml", "--engine", "numpy", "--json", cwd=folder).json["passed"]


def limited_otherwise(W: Array, longest: Any, spare: Array, column: Array) -> None:
    """Columns in place of rows."""
    W *= np.minimum(1, longest / np.sqrt((W**2).sum(axis=0)))


def limited_by_more(W: Array, longest: Any, spare: Array, column: Array) -> None:
    limit_rows(W, longest * 0.999, spare, column)


@pytest.mark.parametrize("slip", [limited_otherwise, limited_by_more, lambda *given: None])
def test_a_limit_that_is_not_as_stated_is_found(
    folder: Path, slip: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "limit_rows", slip)
    found = bp("stepcheck", "noisy.yaml", "--engine", "numpy", "--parameters", "7", cwd=folder)
    assert (found.status, "WRONG" in found.out) == (1, True)


def test_a_file_for_another_program_is_of_the_rule_alone(folder: Path) -> None:
    refused(
        *("stepcheck", "noisy.yaml", "--export", "file.npz"),
        cwd=folder,
        status=2,
        error="command line: --export and --against are of the rule alone, but max_norm changes W after it",
        hint="leave max_norm out with an override",
    )


def test_an_update_is_explained_without_what_is_drawn(folder: Path) -> None:
    explained = good("explain", "noisy.yaml", "--example", "0", cwd=folder)
    assert "training drops units of layer 1, 2; this is the update without it" in " ".join(explained.err.split())
    assert "training adds noise to the inputs" in explained.err


def test_a_batch_has_the_first_numbers_of_a_wider_one(folder: Path) -> None:
    recipe = experiment(folder).recipe
    found = []
    for m in (7, 3):
        noise: list[Any] = [None, np.empty((2, 6, m)), np.empty((2, 4, m)), None]
        Noise(recipe, np.dtype(np.float64)).fill(TOGETHER - 1, m, noise)  # across two blocks
        found.append(noise[1])
    np.testing.assert_array_equal(found[1], found[0][..., :3])
    one = np.empty((1, 6, 7))
    Noise(recipe, np.dtype(np.float64)).fill(TOGETHER, 7, [None, one, np.empty((1, 4, 7)), None])
    np.testing.assert_array_equal(one[0], found[0][1])


def test_batches_larger_than_the_plans_are_drawn_too(folder: Path) -> None:
    recipe = experiment(folder).recipe
    wide = replace(recipe, plan=replace(recipe.plan, batch_size=1))
    noise: list[Any] = [None, np.full((1, 6, 9), np.nan), np.full((1, 4, 9), np.nan), None]
    Noise(wide, np.dtype(np.float64)).fill(0, 9, noise)
    assert np.isfinite(noise[1]).all()


# What makes no sense is refused when the config loads.


@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        ("network.dropout=1", "network.dropout is 1", "it must be less than 1"),
        ("network.hidden=[{units: 3, dropout: 1}]", "network.hidden.0.dropout is 1", "it must be less than 1"),
        ("network.max_norm=0", "network.max_norm is 0", "it must be greater than 0"),
        ("network.output={name: softmax, dropout: 0.5}", "output: softmax has no setting 'dropout'",
         "`dropout` is network.dropout here, or a hidden layer's own: the probability that an output is 0 in training"),
        ("data.input_noise={std: 0}", "data.input_noise.std is 0", "it must be greater than 0"),
        ("data.input_noise={name: dropout, rate: 1}", "data.input_noise.rate is 1", "it must be less than 1"),
    ],
)  # fmt: skip
def test_settings_beyond_their_bounds_are_refused(folder: Path, change: str, what: str, hint: str) -> None:
    refused("train", "noisy.yaml", change, cwd=folder, status=2, error=f"command line: {change}: {what}", hint=hint)


def test_dropout_and_a_limit_need_a_hidden_layer(folder: Path) -> None:
    write_config(folder / "flat.yaml", "data: {path: points.csv}\nloss: cross_entropy\nnetwork: {dropout: 0.5}\n")
    refused(
        *("train", "flat.yaml"),
        cwd=folder,
        status=2,
        error="flat.yaml:3: network.dropout is of hidden layers, and there is none",
        hint="hidden: [32], or leave dropout out; the output layer has none",
    )
