"""Every probe trains as by hand, under both engines, and is checked, resolved, rerun and explained."""

from __future__ import annotations

import csv
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.config.reading import read_config
from bpcli.data.sources import Examples
from bpcli.experiment import Experiment, build
from bpcli.nn import Array, IndexArray
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.gradient_check import Probe, crossings
from bpcli.nn.layers import LAYERS
from bpcli.nn.losses import LOSSES
from bpcli.nn.metrics import METRICS
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES
from bpcli.streams import stream
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.inference import assess
from bpcli.training.loop import train
from bpcli.training.measure import Measure
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.state import TrainingState, start
from tests.cli.support import bp, good, points, read_metrics, read_tensors, write_config
from tests.training.compiled.support import interpreted

from .choices import Decaying, Doubled, Dropping, ErrorRate, Fading, Hinge, LookAhead, NormLimit, Ridge

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: points.csv, split: {validation: 0.2}}
    network: {hidden: [4, 3], activation: tanh}
    loss: cross_entropy
    optimizer: {mode: mini_batch, batch_size: 7, name: gradient_descent, learning_rate: 0.2}
    epochs: 3
    """

REGISTERED: list[tuple[MutableMapping[str, Any], str, type[Any]]] = [
    (OPTIMIZERS, "look_ahead", LookAhead),
    (OPTIMIZERS, "fading", Fading),
    (LOSSES, "margin", Hinge),
    (PENALTIES, "ridge", Ridge),
    (CLIPPINGS, "norm_limit", NormLimit),
    (SCHEDULES, "decaying", Decaying),
    (LAYERS, "dropping", Dropping),
    (LAYERS, "doubled", Doubled),
]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each probe is one line of its registry; programs run without a compiler."""
    for registry, name, kind in REGISTERED:
        monkeypatch.setitem(registry, name, kind)
    monkeypatch.setattr(compiled, "load_kernel", interpreted)


@dataclass
class Walk:
    """Training by hand: θ after each update, from gradients that the checker computes."""

    experiment: Experiment
    theta: Array

    def gradient(self, theta: Array, batch: IndexArray, noise: list[Array | None] | None = None) -> Array:
        """∂L/∂θ of the loss alone, at any θ."""
        return self.probe(batch, noise).gradient(theta)

    def probe(self, batch: IndexArray, noise: list[Array | None] | None = None) -> Probe:
        network = self.experiment.network
        ws = network.workspace(len(batch), np.float64)
        self.experiment.loaded.parts["train"].gather(batch, ws.X, ws.Y)
        return Probe(network, ws.X, ws.Y, noise=noise or ())

    def batches(self) -> list[tuple[int, int, IndexArray]]:
        """Epoch, number of the update from 0, and the examples of every batch."""
        plan, size = self.experiment.plan, self.experiment.loaded.parts["train"].size
        found: list[tuple[int, int, IndexArray]] = []
        for epoch in range(1, plan.epochs + 1):
            order = stream(plan.seed, "shuffle", epoch).permutation(size)
            for first in range(0, size, plan.batch_size):
                found.append((epoch, len(found), order[first : first + plan.batch_size]))
        return found


def plain_rule(walk: Walk) -> None:
    for _, _, batch in walk.batches():
        walk.theta -= 0.2 * walk.gradient(walk.theta, batch)


def look_ahead(walk: Walk) -> None:
    velocity = np.zeros_like(walk.theta)
    for _, _, batch in walk.batches():
        velocity = 0.9 * velocity
        velocity = velocity - 0.05 * walk.gradient(walk.theta + velocity, batch)
        walk.theta += velocity


def fading(walk: Walk) -> None:
    for _, update, batch in walk.batches():
        walk.theta -= 0.75 ** (update + 1) * 0.2 * walk.gradient(walk.theta, batch)


def weights_alone(walk: Walk, theta: Array) -> Array:
    """θ with 0 for every bias."""
    parameters = walk.experiment.network.parameters(theta.copy())
    for b in parameters.b:
        b[...] = 0
    return parameters.theta


def ridge(walk: Walk) -> None:
    for _, _, batch in walk.batches():
        walk.theta -= 0.2 * (walk.gradient(walk.theta, batch) + 0.1 * weights_alone(walk, walk.theta))


def norm_limit(walk: Walk) -> None:
    for _, _, batch in walk.batches():
        gradient = walk.gradient(walk.theta, batch)
        walk.theta -= 0.2 * gradient * min(1, 0.05 / np.sqrt(np.sum(gradient**2)))


def decaying(walk: Walk) -> None:
    for _, update, batch in walk.batches():
        walk.theta -= 0.2 * 0.8**update * walk.gradient(walk.theta, batch)


def dropping(walk: Walk) -> None:
    together = 256 // 7  # updates that draw from one stream
    for _, update, batch in walk.batches():
        rng = stream(walk.experiment.plan.seed, "noise", step=update // together)
        drawn = (rng.random((together, 4, 7)) >= 0.5)[update % together] / 0.5
        noise = [None, drawn[:, : len(batch)], None, None]
        walk.theta -= 0.2 * walk.gradient(walk.theta, batch, noise)


@dataclass(frozen=True)
class Case:
    """A probe as a user asks for it, and what training then is."""

    changes: tuple[str, ...]
    by_hand: Callable[[Walk], None]
    explained: bool = True


CASES = {
    "a rule that looks ahead": Case(("optimizer.name=look_ahead",), look_ahead),
    "a rule with a memory of one number": Case(("optimizer.name=fading",), fading),
    "a loss with a kink and targets ±1": Case(("loss=margin",), plain_rule),
    "a penalty with its value in the loss": Case(("penalties=[{name: ridge, strength: 0.1}]",), ridge),
    "a clipped gradient": Case(("optimizer.clip=norm_limit",), norm_limit),
    "a decaying rate": Case(("optimizer.schedule=decaying",), decaying),
    "a layer of its own kind": Case(
        ("network.hidden=[{name: doubled, units: 4, activation: tanh}, 3]",), plain_rule, explained=False
    ),
    "a layer that drops units": Case(
        ("network.hidden=[{name: dropping, units: 4, activation: tanh}, 3]",),
        dropping,
        explained=False,
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def cases(wanted: Callable[[Case], bool]) -> pytest.MarkDecorator:
    """A parameter for the cases of a kind."""
    chosen = {name: case for name, case in CASES.items() if wanted(case)}
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen)


explained_cases = cases(lambda case: case.explained)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv", 50)
    write_config(tmp_path / "probe.yaml", CONFIG)
    return tmp_path


def trained(folder: Path, case: Case, engine: str = "numpy", run: str = "run") -> dict[str, Array]:
    """W1, b1, … of a run of the command."""
    good("train", "probe.yaml", *case.changes, f"engine={engine}", "--run", run, "--quiet", cwd=folder)
    return read_tensors(folder / run / "model.safetensors")[0]


def experiment(folder: Path, *changes: str) -> Experiment:
    return build(read_config(folder / "probe.yaml", list(changes)))


@every_case
def test_the_command_trains_as_by_hand(folder: Path, case: Case) -> None:
    found = trained(folder, case)
    built = experiment(folder, *case.changes)
    walk = Walk(built, built.parameters.theta.copy())
    case.by_hand(walk)
    for name, array in built.network.parameters(walk.theta).named().items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12, err_msg=name)
    usual = trained(folder, replace(case, changes=()), run="usual")
    assert not np.allclose(found["W1"], usual["W1"], rtol=1e-3), "the probe must make a difference"


@every_case
def test_the_compiled_engine_gives_the_same(folder: Path, case: Case) -> None:
    pytest.importorskip("numba")
    found, wanted = trained(folder, case, "numba", "compiled"), trained(folder, case)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12, err_msg=name)
    for one, other in zip(read_metrics(folder / "compiled"), read_metrics(folder / "run"), strict=True):
        assert one == pytest.approx(other, rel=1e-10)


def test_the_compiled_engine_refuses_by_name_what_it_cannot_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(Dropping, "forward", lambda self, Z, own, out, *rest: np.cumsum(Z, axis=0, out=out))
    changes = CASES["a layer that drops units"].changes
    result = bp("train", "probe.yaml", *changes, "engine=numba", cwd=folder)
    why = "engine numba cannot compile numpy.cumsum"
    assert (result.status, result.errors[0]) == (2, f"error: command line: engine=numba: {why}")


@every_case
@pytest.mark.parametrize("method", ["complex-step", "central"])
def test_the_gradient_check_agrees(folder: Path, case: Case, method: str) -> None:
    report = good("gradcheck", "probe.yaml", *case.changes, "--method", method, "--json", cwd=folder).json
    assert report["passed"]
    assert all(layer["checked"] for layer in report["layers"])


@every_case
def test_a_run_repeats_to_the_same_bytes_from_its_resolved_config(folder: Path, case: Case) -> None:
    trained(folder, case)
    good("train", "run/config.yaml", "--run", "again", "--quiet", cwd=folder)
    for file in ("config.yaml", "metrics.csv", "model.safetensors", "checkpoint.safetensors"):
        assert (folder / "again" / file).read_bytes() == (folder / "run" / file).read_bytes(), file


@explained_cases
@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_it_is_explained(folder: Path, case: Case, form: str) -> None:
    words = ["--document", "general", "--example", "0", "--example", "3", "--format", form]
    given = [*case.changes, *([] if "loss=margin" in case.changes else ["network.output=sigmoid"])]
    assert good("explain", "probe.yaml", *given, *words, cwd=folder).out
    if form == "json":
        assert good("explain", "probe.yaml", *case.changes, "--derive", cwd=folder).out


def test_a_rule_whose_gradient_is_elsewhere_is_explained_by_its_name(folder: Path) -> None:
    changes = (*CASES["a rule that looks ahead"].changes, "network.output=sigmoid")
    explained = good("explain", "probe.yaml", *changes, "--document", "general", cwd=folder).out
    assert "The config's rule is look_ahead; see bp list optimizers look_ahead." in " ".join(explained.split())
    assert "look ahead(" in explained


def test_a_layer_of_another_kind_is_not_explained_as_a_dense_one(folder: Path) -> None:
    changes = CASES["a layer that drops units"].changes
    result = bp("explain", "probe.yaml", *changes, cwd=folder)
    assert result.status == 2
    assert "layer 1 is a dropping one" in result.err


def test_an_explained_update_is_of_the_gradient_after_the_chain(folder: Path) -> None:
    given = ["penalties=[ridge]", "optimizer.clip=norm_limit", "network.output=sigmoid", "optimizer.mode=batch"]
    words = ["optimizer.batch_size=null", "--document", "general", "--example", "0", "--format", "json"]
    steps = good("explain", "probe.yaml", *given, *words, cwd=folder).json["updates"][0]["steps"]
    values = {(step["key"], step["layer"]): np.array(step["value"]) for step in steps}
    titles = {step["key"]: step["title"] for step in steps}
    assert titles["chained_weights"].startswith("Gradient after norm limit")
    for layer in range(3):
        for key in ("weights", "biases"):
            moved = values["new_" + key, layer] - values[key, layer]
            np.testing.assert_allclose(moved, -0.2 * values["chained_" + key, layer], rtol=0, atol=1e-12)
    squares = sum(float(np.sum(values["chained_" + key, l] ** 2)) for l in range(3) for key in ("weights", "biases"))
    assert squares == pytest.approx(0.05**2, rel=1e-9)


def test_a_layers_kind_is_part_of_the_model(folder: Path) -> None:
    case = CASES["a layer of its own kind"]
    trained(folder, case)
    last = read_metrics(folder / "run")[-1]
    found = good("evaluate", "run", "--split", "validation", "--json", cwd=folder).json
    assert found["loss"] == pytest.approx(last["val_loss"], rel=1e-12)
    warned = bp("train", "probe.yaml", "network.weights=run", "--run", "other", cwd=folder)
    assert "learned with other activations" in warned.err


@pytest.mark.parametrize("name", ["a penalty with its value in the loss", "a layer that drops units"])
@pytest.mark.parametrize("option", ["--export", "--against"])
def test_gradients_of_others_are_of_plain_losses(folder: Path, name: str, option: str) -> None:
    result = bp("gradcheck", "probe.yaml", *CASES[name].changes, option, "file.npz", cwd=folder)
    assert result.status in (2, 3)
    if option == "--export":
        assert "--export and --against are of the loss on X and Y alone" in result.err
        assert not (folder / "file.npz").exists()


# What is wrong is noticed.


def test_a_wrong_derivative_of_a_probes_loss_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Hinge.backward

    def wrong(self: Hinge, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
        right(self, A, Y, scale * 1.001, out, scratch)

    monkeypatch.setattr(Hinge, "backward", wrong)
    for method in ("complex-step", "central"):
        assert bp("gradcheck", "probe.yaml", "loss=margin", "--method", method, cwd=folder).status == 1


def test_a_penalty_whose_value_and_derivative_differ_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Ridge.apply
    monkeypatch.setattr(Ridge, "apply", lambda self, *given: 1.001 * right(self, *given))
    changes = CASES["a penalty with its value in the loss"].changes
    assert bp("gradcheck", "probe.yaml", *changes, cwd=folder).status == 1


def test_a_layers_wrong_backward_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Dropping.backward
    monkeypatch.setattr(
        Dropping,
        "backward",
        lambda self, dA, Z, A, own, noise, *rest: right(self, dA, Z, A, own, None, *rest),
    )
    assert bp("gradcheck", "probe.yaml", *CASES["a layer that drops units"].changes, cwd=folder).status == 1


# What metrics.csv and the checkpoint say.


def test_the_loss_column_contains_the_penalty_before_each_update(folder: Path) -> None:
    changes = ("optimizer.mode=batch", "optimizer.batch_size=null", "penalties=[ridge]", "epochs=1")
    for engine in ("numpy", "numba"):
        trained(folder, Case(changes, ridge), engine, engine)
        built = experiment(folder, *changes)
        train_part, theta = built.loaded.parts["train"], built.parameters.theta
        data = assess(built.network, built.parameters, train_part, built.tallies())
        weights = weights_alone(Walk(built, theta), theta)
        (row,) = read_metrics(folder / engine)
        assert row["loss"] == pytest.approx(data + 0.05 * np.sum(weights**2), rel=1e-12)


def test_the_rate_column_has_the_last_updates(folder: Path) -> None:
    for engine in ("numpy", "numba"):
        trained(folder, CASES["a decaying rate"], engine, engine)
        for row in read_metrics(folder / engine):
            assert row["learning_rate"] == 0.2 * 0.8 ** (row["step"] - 1)


def test_a_memory_of_one_number_is_saved(folder: Path) -> None:
    trained(folder, CASES["a rule with a memory of one number"])
    tensors = read_tensors(folder / "run/checkpoint.safetensors")[0]
    updates = read_metrics(folder / "run")[-1]["step"]
    np.testing.assert_allclose(tensors["optimizer.strength"], [0.75**updates], rtol=1e-12)


def test_classes_are_written_as_the_loss_takes_them(folder: Path) -> None:
    built = experiment(folder, "loss=margin")
    part = built.loaded.parts["train"]
    Y = np.empty((3, part.size))
    part.targets.gather(np.arange(part.size), Y)
    assert sorted(set(Y.ravel().tolist())) == [-1.0, 1.0]
    assert (Y.sum(axis=0) == -1).all()


def test_a_central_difference_across_a_losss_kink_is_not_judged(folder: Path) -> None:
    built = experiment(folder, "loss=margin", "network.hidden=[]")
    walk = Walk(built, built.parameters.theta.copy())
    probe = walk.probe(np.arange(1))
    probe(walk.theta)
    A = probe.workspace(np.dtype(np.float64)).A[-1]
    bias = built.network.parameters(walk.theta).b[1]
    bias[0] += probe.Y[0, 0] - A[0, 0]  # y a = 1 for the first output
    place = walk.theta.size - 3
    assert crossings(probe, walk.theta, place) == [(1, 0, 0)]
    assert crossings(probe, walk.theta, place + 1) == []


def test_units_are_dropped_in_training_alone(folder: Path) -> None:
    case = CASES["a layer that drops units"]
    trained(folder, case)
    evaluated = [good("evaluate", "run", "--split", "validation", "--json", cwd=folder).json for _ in range(2)]
    assert evaluated[0] == evaluated[1]
    with (folder / "run/metrics.csv").open(encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["val_loss"]) == pytest.approx(evaluated[0]["loss"], rel=1e-12)


@pytest.mark.parametrize("shards", [2, 3])
def test_what_is_dropped_does_not_depend_on_shards(folder: Path, shards: int) -> None:
    case = CASES["a layer that drops units"]
    whole = trained(folder, case)
    cut = trained(folder, replace(case, changes=(*case.changes, f"shards={shards}")), run="cut")
    for name, array in whole.items():
        np.testing.assert_allclose(cut[name], array, rtol=0, atol=1e-12)


# Weights of examples.


def weighted(part: Examples, weights: Array, rows: IndexArray | None = None) -> Examples:
    """The examples ``rows`` with weights."""
    return Examples(_Chosen(part.features, rows), _Chosen(part.targets, rows), weights=weights)


@dataclass(frozen=True)
class _Chosen:
    """A source's examples in another choice and order, repeated where named twice."""

    source: Any
    rows: IndexArray | None
    pages: None = None

    @property
    def size(self) -> int:
        return self.source.size if self.rows is None else len(self.rows)

    def gather(self, indices: IndexArray, out: Array) -> None:
        self.source.gather(indices if self.rows is None else self.rows[indices], out)


def descended(built: Experiment, examples: Examples, kind: Callable[..., Any]) -> tuple[TrainingState, list[Any]]:
    """The state after full-batch training on these examples, and the events."""
    recipe = replace(built.recipe, plan=replace(built.plan, batch_size=examples.size, shuffle=False))
    state = start(recipe, built.parameters.theta.copy(), built.tallies())
    measure = Measure(built.network, built.metrics, examples)
    return state, list(train(kind(recipe, state, examples), recipe.plan, state, measure))


LOSS_CASES = [
    ("loss.name=cross_entropy",),
    ("loss.name=binary_cross_entropy",),
    ("loss.name=half_squared_error",),
    ("loss.name=margin",),
    ("loss.name=cross_entropy", "loss.examples=sum", "optimizer.learning_rate=0.01"),
    ("loss.name=half_squared_error", "network.output=softmax"),
    ("loss.name=cross_entropy", "penalties=[ridge]"),
]

every_engine = pytest.mark.parametrize("kind", [NumpySteps, CompiledSteps])


RULES = ["gradient_descent", "momentum", "adam", "look_ahead", "fading"]


@every_engine
@pytest.mark.parametrize(
    ("changes", "rule"),
    [(changes, RULES[k % 2]) for k, changes in enumerate(LOSS_CASES)] + [(LOSS_CASES[0], rule) for rule in RULES[2:]],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_weight_2_is_the_row_twice_and_weight_0_none(
    folder: Path, changes: tuple[str, ...], rule: str, kind: Callable[..., Any]
) -> None:
    built = experiment(folder, *changes, f"optimizer.name={rule}")
    part = built.loaded.parts["train"]
    counts = np.arange(part.size) % 3
    rows = np.repeat(np.arange(part.size), counts)
    by_weight, told = descended(built, weighted(part, counts.astype(float)), kind)
    by_row, expected = descended(built, weighted(part, np.ones(len(rows)), rows), kind)
    np.testing.assert_allclose(by_weight.theta, by_row.theta, rtol=0, atol=1e-12)
    for one, other in zip(told, expected, strict=True):
        for column in ("loss", "val_loss"):
            assert one.values[column] == pytest.approx(other.values[column], rel=1e-12)


@pytest.mark.parametrize("changes", LOSS_CASES, ids=lambda changes: " ".join(changes))
def test_the_gradient_of_weighted_examples_is_that_of_their_loss(folder: Path, changes: tuple[str, ...]) -> None:
    from bpcli.checking.comparison import GradientComparison
    from bpcli.checking.subject import gradients_of, parameter_groups, probe_of

    built = experiment(folder, *changes)
    examples = weighted(built.loaded.parts["train"], np.random.default_rng(5).uniform(0, 3, 40))
    batch, theta = np.arange(9), built.parameters.theta
    (gradient,) = gradients_of(built.recipe, theta, examples, [batch])
    comparison = GradientComparison(
        built.network, theta, gradient, probe_of(built.recipe, examples, batch), "complex-step"
    )
    assert all(comparison.check(group).passed for group in parameter_groups(built.network, None, 0))
    unweighted = weighted(built.loaded.parts["train"], np.ones(40))
    other = GradientComparison(
        built.network, theta, gradient, probe_of(built.recipe, unweighted, batch), "complex-step"
    )
    assert not all(other.check(group).passed for group in parameter_groups(built.network, None, 0))


def test_a_penalty_that_is_not_finite_is_a_divergence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ridge, "apply", lambda *_: np.inf)
    result = bp("train", "probe.yaml", "penalties=[ridge]", cwd=folder)
    assert result.status == 4
    assert "the loss (inf) is no longer finite at epoch 1" in result.errors[-2]


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_metric_is_a_column_of_its_own(folder: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "error_rate", ErrorRate)
    good(
        "train",
        "probe.yaml",
        "metrics=[accuracy, error_rate]",
        f"engine={engine}",
        "--run",
        "run",
        "--quiet",
        cwd=folder,
    )
    for row in read_metrics(folder / "run"):
        assert float(row["error_rate"]) == pytest.approx(1 - float(row["accuracy"]), abs=1e-12)
        assert float(row["val_error_rate"]) == pytest.approx(1 - float(row["val_accuracy"]), abs=1e-12)
    assert "error_rate" in good("evaluate", "run", "--split", "validation", cwd=folder).out
