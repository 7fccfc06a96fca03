"""prelu, whose slope is a parameter: by hand, checked, trained in both engines, saved and used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.nn.activations import Identity, PRelu, first_values, rectified
from bpcli.nn.gradient_check import Probe, complex_step
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import dense, initial
from bpcli.nn.penalties import PENALTIES
from bpcli.training.compiled import steps as compiled
from tests.cli.support import bp, good, points, read_tensors, write_config
from tests.training.compiled.support import interpreted

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: points.csv, split: {validation: 0.2}}
    network: {hidden: [{units: 4, activation: prelu}, 3], activation: tanh, output: softmax}
    loss: cross_entropy
    optimizer: {mode: mini_batch, batch_size: 7, name: gradient_descent, learning_rate: 0.2}
    epochs: 3
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "prelu.yaml", CONFIG)
    return tmp_path


def test_by_hand() -> None:
    """z = (2, −4), slope ¼: a = (2, −1); dA = (3, 5): dZ = (3, 5/4), dslope = −4 · 5."""
    net = dense((1, 2, 1), (PRelu(),), join(Identity(), HalfSquaredError()))
    parameters = initial(net, np.dtype(np.float64), np.random.default_rng(0))
    assert list(parameters.named()) == ["W1", "b1", "slope1", "W2", "b2"]
    assert parameters.own[1].tolist() == [0.25]
    parameters.W[1][:, 0], parameters.W[2][0], parameters.b[2][0] = (2, -4), (3, 5), 1.0
    probe = Probe(net, np.array([[1.0]]), np.array([[1.0]]))
    gradient = net.parameters(probe.gradient(parameters.theta))  # a_2 − y = 3·2 − 5·1 + 1 − 1 = 1
    assert gradient.own[1].tolist() == [-20]
    assert gradient.b[1][:, 0].tolist() == [3, 1.25]


def test_the_slope_starts_where_it_is_set() -> None:
    assert first_values(PRelu(0.1), np.float32).tolist() == [np.float32(0.1)]


@pytest.mark.parametrize("weighted", [False, True])
def test_an_output_that_learns_its_slope_has_its_derivative(*, weighted: bool) -> None:
    rng = np.random.default_rng(2)
    net = dense((3, 4, 2), (PRelu(),), join(PRelu(-0.5), HalfSquaredError()))
    theta = initial(net, np.dtype(np.float64), rng).theta + rng.normal(0, 0.3, net.layout.count)
    weights = rng.uniform(0, 2, 5) if weighted else None
    probe = Probe(net, rng.normal(size=(3, 5)), rng.normal(size=(2, 5)), weights=weights)
    np.testing.assert_allclose(probe.gradient(theta), complex_step(probe, theta, range(theta.size)), rtol=1e-12)


def test_a_wrong_derivative_of_the_slope_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bp("gradcheck", "prelu.yaml", cwd=folder).status == 0
    right = rectified.prelu_slope_backward
    monkeypatch.setattr(rectified, "prelu_slope_backward", lambda *given: 1.001 * right(*given))
    result = bp("gradcheck", "prelu.yaml", cwd=folder)
    assert result.status == 1
    wrong = {tuple(line.split()[1:3]) for line in result.out.splitlines() if "WRONG" in line.split()[-1:]}
    assert wrong == {("1", "slope")}


def test_penalties_leave_the_slope_alone() -> None:
    net = dense((2, 3, 1), (PRelu(),), join(Identity(), HalfSquaredError()))
    rng = np.random.default_rng(0)
    for kind in PENALTIES.values():
        parameters = initial(net, np.dtype(np.float64), rng)
        gradient, spare = (net.parameters(np.zeros(net.layout.count)) for _ in range(2))
        kind().apply(parameters, gradient, spare, 4)
        assert gradient.W[1].any()
        assert not gradient.own[1].any()
        assert not gradient.b[1].any()


def test_both_engines_train_to_the_same_numbers_and_a_run_reruns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)
    for name, engine in (("a", "numpy"), ("b", "numba"), ("c", "numpy")):
        good("train", "prelu.yaml", f"engine={engine}", "--run", name, cwd=folder)
    one, other = (read_tensors(folder / name / "model.safetensors")[0] for name in ("a", "b"))
    assert one["slope1"].shape == (1,)
    assert one["slope1"] != 0.25
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], rtol=1e-12, atol=1e-15)
    models = [(folder / name / "model.safetensors").read_bytes() for name in ("a", "c")]
    assert models[0] == models[1]


def test_a_run_starts_from_anothers_slope_and_exchanges_it(folder: Path) -> None:
    good("train", "prelu.yaml", "--run", "a", cwd=folder)
    good("gradcheck", "prelu.yaml", "network.weights=a", "--export", "given.npz", cwd=folder)
    with np.load(folder / "given.npz") as given:
        assert given["slope1"] == read_tensors(folder / "a" / "model.safetensors")[0]["slope1"]


def test_no_document_expresses_a_learned_slope(folder: Path) -> None:
    result = bp("explain", "prelu.yaml", "--document", "biswas", cwd=folder)
    assert result.status == 2
    assert "prelu in layer 1 learns its slope, where the document's parameters are W and b alone" in result.errors[0]
