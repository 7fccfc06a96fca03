"""Which document expresses which network, its steps and notes, and where its numbers differ from bp's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.explaining.documents import DOCUMENTS, choose, objection_to
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.explained import Explanation
from bpcli.explaining.tracing import trace
from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OPTIMIZERS, Gradient, Memory, OptimizerState, start
from tests.explaining.support import SUITED, explained, json_of
from tests.nn import support

FACTORS = {"binary": "N", "biswas": "m", "brawer": "m", "half-squared-error": "m", "general": ""}
"""By derivation: its letter for the number of examples where its gradient is a mean."""


def network(output: str, loss: str, sizes: tuple[int, ...] = (2, 3, 2), hidden: str = "sigmoid") -> Network:
    inner = tuple(support.activation(hidden) for _ in sizes[1:-1])
    return support.network(sizes, inner, support.activation(output), support.loss(loss))


def step(explanation: Explanation, key: str, layer: int | None = None, update: int = 0) -> DerivationStep:
    found = [step for step in explanation.updates[update].steps if (step.key, step.layer) == (key, layer)]
    assert len(found) == 1
    return found[0]


REFUSED = [
    (
        "biswas",
        network("sigmoid", "half_squared_error"),
        ("loss cross_entropy", "loss half_squared_error"),
        "general, half-squared-error",
    ),
    ("biswas", network("sigmoid", "cross_entropy"), ("output softmax", "output sigmoid"), "general"),
    (
        "biswas",
        network("softmax", "cross_entropy", hidden="softmax"),
        ("g to act on each unit by itself", "softmax in layer 1"),
        "",
    ),
    (
        "general",
        network("softmax", "cross_entropy"),
        ("f to act on each unit by itself", "softmax in layer 2"),
        "biswas",
    ),
    ("binary", network("sigmoid", "binary_cross_entropy"), ("one output", "2"), "brawer, general"),
    (
        "binary",
        network("sigmoid", "binary_cross_entropy", (2, 3, 1), "tanh"),
        ("sigmoid in every layer", "tanh in layer 1"),
        "brawer, general",
    ),
    ("binary", network("softmax", "cross_entropy"), ("loss binary_cross_entropy", "loss cross_entropy"), "biswas"),
    (
        "brawer",
        network("softmax", "binary_cross_entropy"),
        ("output sigmoid", "output softmax"),
        "",
    ),
    (
        "brawer",
        network("sigmoid", "half_squared_error"),
        ("loss binary_cross_entropy", "loss half_squared_error"),
        "general, half-squared-error",
    ),
    (
        "brawer",
        network("sigmoid", "binary_cross_entropy", hidden="softmax"),
        ("h to act on each unit by itself", "softmax in layer 1"),
        "",
    ),
    (
        "half-squared-error",
        network("softmax", "half_squared_error"),
        ("σ to act on each unit by itself", "softmax in layer 2"),
        "",
    ),
    (
        "half-squared-error",
        network("softmax", "cross_entropy"),
        ("loss half_squared_error", "loss cross_entropy"),
        "biswas",
    ),
]


@pytest.mark.parametrize(("name", "of", "clash", "able"), REFUSED)
def test_a_document_that_cannot_says_why_and_which_can(
    name: str, of: Network, clash: tuple[str, str], able: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        choose(name, of)
    needed, found = clash
    why = f"the document needs {needed}, the network has {found}"
    assert refusal.value.lines() == [
        f"error: command line: document {name} cannot express this network: {why}",
        f"hint: documents that can: {', '.join(filter(None, ('standard', able)))}",
    ]


@pytest.mark.parametrize(("output", "loss"), [("softmax", "half_squared_error"), ("sigmoid", "binary_cross_entropy")])
def test_the_default_is_the_standard_notation(output: str, loss: str) -> None:
    assert choose(None, network(output, loss)).name == "standard"


def test_an_unknown_document_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no document 'braver'") as refusal:
        choose("braver", network("softmax", "cross_entropy"))
    assert refusal.value.hint.startswith("did you mean 'brawer'?")


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "leaky_relu", "identity", "softmax"])
@pytest.mark.parametrize("name", FACTORS)
def test_a_document_tells_every_network_that_it_does_not_refuse(name: str, hidden: str) -> None:
    for pair, sizes in product(support.pairs(), ((2, 3, 1), (2, 3, 2), (2, 4, 3, 2), (2, 1))):
        output, of = pair[0], network(*pair, sizes, hidden)
        if objection_to(DOCUMENTS[name], of) or (sizes[-1] == 1 and output == "softmax"):
            continue
        case = support.draw(of, 2, np.random.default_rng(1))
        rule = support.optimizer("gradient_descent")
        theta = case.theta.copy()
        found = DOCUMENTS[name].steps(
            trace(support.recipe(of, rule), start(rule, theta), theta, case.X, case.Y, "batch")
        )
        assert {step.stage for step in found} == {"given", "forward", "loss", "backward", "update"}, (pair, sizes)
        assert all(step.formula for step in found if step.stage in ("loss", "update")), (pair, sizes)


def test_brawer_stacks_the_bias_and_counts_layers_from_one(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "labels", rows=(0, 1, 2))
    assert step(explanation, "theta", 1).value.shape == (3, 3)
    assert step(explanation, "theta", 2).value.shape == (2, 4)
    assert step(explanation, "theta", 2).columns == r"q = 0 \ldots 3"
    assert (step(explanation, "inputs", 1).value[0] == 1).all()
    assert step(explanation, "bias_factor", 2).value[0, 0] == pytest.approx(1 + np.exp(-1))
    assert [s.example for s in explanation.updates[0].steps if s.key == "carrier"] == [1, 2, 3]


def test_brawer_errors_are_each_samples_own_and_gradients_means(tmp_path: Path) -> None:
    one = [step(explained(tmp_path, "labels", rows=(row,)), "theta_gradient", 1).value for row in (0, 1, 2)]
    several = explained(tmp_path, "labels", rows=(0, 1, 2))
    assert np.allclose(step(several, "theta_gradient", 1).value, np.mean(one, axis=0), 1e-12)
    h, y = step(several, "activation", 3).value, step(several, "targets", 3).value
    assert np.allclose(step(several, "error", 3).value, h - y, 1e-12)


def test_the_general_case_transposes_sums_and_points_uphill(tmp_path: Path) -> None:
    general = explained(tmp_path, "labels", document="general", rows=(0, 1, 2))
    brawer = explained(tmp_path, "labels", document="brawer", rows=(0, 1, 2))
    theta = step(brawer, "theta_gradient", 1).value
    assert np.allclose(step(general, "weight_gradient", 0).value, -3 * theta[:, 1:].T, 1e-12)
    assert np.allclose(step(general, "bias_gradient", 0).value, -3 * theta[:, :1].T, 1e-12)
    assert float(step(general, "loss", 2).value) == pytest.approx(-3 * float(step(brawer, "loss", 3).value))
    assert r"+ \eta \cdot \frac{1}{P} \cdot" in step(general, "new_weights", 0).formula


def test_the_general_case_is_minimised_for_half_the_squared_error(tmp_path: Path) -> None:
    general = explained(tmp_path, "numbers", document="general", rows=(0, 1))
    half = explained(tmp_path, "numbers", rows=(0, 1))
    ratio = 2 * 2  # m times n_L
    assert np.allclose(
        step(general, "weight_gradient", 1).value, ratio * step(half, "weight_gradient", 2).value.T, 1e-12
    )
    assert r"- \eta \cdot \frac{1}{N_L P} \cdot" in step(general, "new_weights", 0).formula


SECTIONS = [
    ("number", "[3]", "§3, (12)"),
    ("numbers", "[3]", "§1, (9), (10)"),
    ("labels", "[3]", "§2, (11)"),
    ("binary", "[3]", "§5, (15)"),
    ("binary", "[3, 3]", "§4, (13)"),
    ("binary", "[{units: 3, activation: tanh}]", "§3, (12)"),
]


@pytest.mark.parametrize(("kind", "hidden", "reference"), SECTIONS)
def test_the_general_case_cites_its_most_special_section(
    tmp_path: Path, kind: str, hidden: str, reference: str
) -> None:
    explanation = explained(tmp_path, kind, f"network.hidden={hidden}", document="general")
    assert step(explanation, "activation_gradient", 1).reference == reference
    last = len(explanation.layers) - 2
    for key in ("weight_gradient", "bias_gradient"):
        assert step(explanation, key, last).reference == "§1, (9)"


def test_the_closed_form_is_cited_where_the_output_layer_is_the_second(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "binary", document="general", rows=(0, 1))
    found = step(explanation, "weight_gradient", 0)
    assert found.reference == "§5, (16), (17)"
    w, a, x = (step(explanation, *place).value for place in (("weights", 1), ("activation", 1), ("inputs", 0)))
    difference = step(explanation, "targets", 2).value - step(explanation, "activation", 2).value
    assert np.allclose(found.value, x @ (w * a * (1 - a) * difference).T, 1e-12)


def test_brawer_cites_the_equation_of_each_layer(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "labels", "network.hidden=[2, 2, 2]")
    references = [step(explanation, "theta_gradient", l).reference for l in (4, 3, 2, 1)]
    assert references == ["(26), (44)", "(35), (44)", "(41), (44)", "(44)"]
    errors = [step(explanation, "error", l) for l in (5, 4, 3, 2)]
    assert [found.reference for found in errors] == ["(20), (42)", "(34)", "(40)", "(43)"]
    assert [("M_" in found.formula, r"\theta_" in found.formula) for found in errors[1:]] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert (
        "(28), (29)"
        in step(explained(tmp_path, "binary", "network.hidden=[]", document="brawer"), "theta_gradient", 1).reference
    )


def test_biswas_goes_by_one_data_point_or_by_the_whole_of_x(tmp_path: Path) -> None:
    one, several = explained(tmp_path, "classes"), explained(tmp_path, "classes", rows=(0, 1))
    assert step(one, "error", 2).reference == "5.1"
    assert step(several, "error", 2).reference == "5.2"
    assert step(several, "error", 2).formula == r"\frac{1}{m} (\hat{Y} - E)"


MODES = {"sgd": "Stochastic gradient descent", "mini_batch": "Mini-batch gradient descent", "batch": "Batch gradient"}


@pytest.mark.parametrize("mode", MODES)
def test_half_squared_error_tells_its_three_modes(tmp_path: Path, mode: str) -> None:
    explanation = explained(tmp_path, "numbers", f"optimizer.mode={mode}")
    assert any(note.startswith(MODES[mode]) for note in step(explanation, "new_weights", 1).notes)


def test_stochastic_descent_updates_after_each_example(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "numbers", "optimizer.mode=sgd", rows=(4, 1))
    assert [update.examples[0].row for update in explanation.updates] == [4, 1]
    after, before = step(explanation, "new_weights", 1), step(explanation, "weights", 1, update=1)
    assert np.array_equal(after.value, before.value)


@dataclass(frozen=True)
class Halving:
    """A rule that no document and no equation here knows: θ ← θ/2."""

    learning_rate: float = 1.0

    batch_only: ClassVar[bool] = False

    def memory(self, size: int) -> dict[str, Memory]:
        return {}

    def buffers(self, size: int) -> dict[str, tuple[int, ...]]:
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        np.multiply(theta, 0.5, theta)
        return gradient(theta, state.dtheta, 1.0)


def test_a_rule_without_equations_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "bold_halving", Halving)
    of = network("softmax", "cross_entropy")
    case, rule = support.draw(of, 2, np.random.default_rng(1)), Halving()
    theta = case.theta.copy()
    steps = DOCUMENTS["biswas"].steps(
        trace(support.recipe(of, rule), start(rule, theta), theta, case.X, case.Y, "batch")
    )
    last = next(found for found in steps if found.stage == "update")
    assert last.formula == r"\text{bold halving}(W_<l>, \nabla W_<l>)".replace("<l>", "{1}")
    assert last.notes == ("The config's rule is bold_halving; see bp list optimizers bold_halving.",)
    assert np.array_equal(last.value, case.parameters.W[1] / 2)


@pytest.mark.parametrize(("kind", "document"), SUITED)
def test_a_config_that_sums_over_examples_moves_as_many_times_as_far(tmp_path: Path, kind: str, document: str) -> None:
    mean = explained(tmp_path, kind, "loss.examples=mean", document=document, rows=(0, 1, 2))
    total = explained(tmp_path, kind, "loss.examples=sum", document=document, rows=(0, 1, 2))
    before = {(found.key, found.layer): found.value for found in mean.updates[0].steps if found.stage == "given"}
    checked = 0
    for short, far in zip(mean.updates[0].steps, total.updates[0].steps, strict=True):
        if short.stage == "update":
            old = before[short.key.removeprefix("new_"), short.layer]
            assert np.allclose(far.value - old, 3 * (short.value - old), 1e-9, 1e-14)
            assert short.formula != far.formula
            checked += 1
    assert checked > 1


@pytest.mark.parametrize(("kind", "document"), SUITED)
def test_the_sum_over_examples_stands_in_the_update(tmp_path: Path, kind: str, document: str) -> None:
    explanation = explained(tmp_path, kind, "loss.outputs=sum", "loss.examples=sum", document=document, rows=(0, 1, 2))
    outputs = "n_L " if document == "half-squared-error" and explanation.layers[-1] > 1 else ""
    factor = f"{outputs}{FACTORS[document]}"
    for found in explanation.updates[0].steps:
        if found.stage == "update":
            after_rate = found.formula.partition(r"\eta \cdot ")[2]
            assert after_rate.startswith(rf"{factor} \cdot " if factor else r"\frac{\partial C}")


KINDS = [
    ("binary", "binary", 2),
    ("classes", "biswas", 2),
    ("labels", "brawer", 3),
    ("numbers", "half-squared-error", 2),
]


@pytest.mark.parametrize(("kind", "document", "last"), KINDS)
def test_a_config_that_reduces_otherwise_is_told_with_the_factor(
    tmp_path: Path, kind: str, document: str, last: int
) -> None:
    plain = explained(tmp_path, kind, document=document, rows=(0, 1))
    other = explained(tmp_path, kind, "loss.examples=sum", document=document, rows=(0, 1))
    assert not any("config's loss" in note for note in step(plain, "loss", last).notes)
    assert "its gradients are the ones below times the same factor" in step(other, "loss", last).notes[-1]
    assert float(step(other, "loss", last).value) == pytest.approx(float(step(plain, "loss", last).value), 1e-12)
    keys = {found.key for found in plain.updates[0].steps if "gradient" in found.key}
    for found, known in product(other.updates[0].steps, plain.updates[0].steps):
        if (found.key, found.layer) == (known.key, known.layer) and found.key in keys:
            assert np.allclose(found.value, known.value, 1e-12)


@pytest.mark.parametrize(("kind", "document"), [("binary", "binary"), ("classes", "biswas"), ("labels", "general")])
def test_numbers_are_the_engines_to_the_bit_where_the_reductions_agree(
    tmp_path: Path, kind: str, document: str
) -> None:
    changes = ("loss.examples=sum",) if document == "general" else ()
    explanation = explained(tmp_path, kind, *changes, document=document, rows=(0, 1, 2))
    values: dict[Any, Any] = {(s.key, s.layer): s.value for s in explanation.updates[0].steps}
    down = 1 if document == "general" else 0
    W2, dW2 = (values[key, 2 - down].T if down else values[key, 2] for key in ("weights", "weight_gradient"))
    assert np.array_equal(values["activation_gradient", 1], np.dot(W2.T, values["error", 2]))
    assert np.array_equal(dW2, np.dot(values["error", 2], values["activation", 1].T))


SLIPS = {
    ("binary", "binary"): ["it must be", "$N = 1$ only", "four times", "parentheses", "calls all parameters"],
    ("classes", "biswas"): ["$H_0 = X$", "each layer's own", "first sum", "parentheses", "relu"],
    ("labels", "brawer"): ["(31) and (6)", "starts at 1", "index of $y$", "(48)", "e^{-z}"],
    ("labels", "general"): ["uphill", "(7) sums", "times too large", "last weights", "(1) prints"],
    ("binary", "general"): ["(12) and (13) leave out", "a^{p1}", "x_{n_0}^p"],
    ("numbers", "half-squared-error"): ["a^{(0)} = x", "before the update", "downhill"],
}


@pytest.mark.parametrize(("kind", "document"), SLIPS)
def test_slips_are_told_once_beside_the_right_equation(tmp_path: Path, kind: str, document: str) -> None:
    explanation = explained(tmp_path, kind, document=document, rows=(0, 1))
    notes = [note for found in explanation.updates[0].steps for note in found.notes]
    for slip in SLIPS[kind, document]:
        assert sum(slip in note for note in notes) == 1


def test_several_examples_have_costs_of_their_own_and_their_mean(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "numbers", rows=(0, 1, 2))
    each, mean = step(explanation, "example_loss", 2), step(explanation, "loss", 2)
    assert (each.symbol, each.value.shape) == ("C_i", (1, 3))
    assert float(mean.value) == pytest.approx(each.value.mean(), 1e-12)
    assert mean.formula == r"\frac{1}{m} \sum_{i=1}^{m} C_i"
    slope = step(explanation, "activation_gradient", 2)
    assert slope.equation == r"\frac{d C_i}{d a_i^{({2})}} = \frac{1}{n_L} (a_i^{({2})} - y_i)"
    assert not any(found.key == "example_loss" for found in explained(tmp_path, "numbers").updates[0].steps)


def test_each_class_of_the_mean_loss_has_its_examples_index(tmp_path: Path) -> None:
    loss = step(explained(tmp_path, "classes", rows=(0, 1)), "loss", 2)
    assert loss.formula == r"\frac{1}{m} \sum_{i=1}^{m} -\log \hat{y}_{\ell_i,i}"
    assert any(r"\hat{y}_{\ell_i,i}" in note for note in loss.notes)


@pytest.mark.parametrize(("kind", "document"), [("binary", "binary"), ("classes", "biswas")])
def test_biases_are_added_to_every_column(tmp_path: Path, kind: str, document: str) -> None:
    one, several = (explained(tmp_path, kind, document=document, rows=rows) for rows in ((0,), (0, 1)))
    assert r"\mathbf{1}" not in step(one, "pre_activation", 1).formula
    assert step(several, "pre_activation", 1).formula.endswith(
        r"\mathbf{1}_%s^\top" % ("N" if kind == "binary" else "m")
    )


def test_functions_of_layers_that_differ_have_their_layers_numbers(tmp_path: Path) -> None:
    for kind, document in (("number", "half-squared-error"), ("number", "general")):
        letter = r"\sigma" if document == "half-squared-error" else "f"
        mixed = explained(tmp_path, kind, document=document)
        alike = explained(tmp_path, kind, "network.activation=tanh", document=document)
        assert letter + "_{1}(" in step(mixed, "activation", 1).formula
        assert letter + "(" in step(alike, "activation", 1).formula


def test_the_general_case_has_one_index_for_each_output(tmp_path: Path) -> None:
    several = explained(tmp_path, "labels", "network.hidden=[3, 2]", document="general", rows=(0, 1))
    assert step(several, "activation", 3).equation == "h_{n_L}^p = f(z_{n_L}^{p,{3}})"
    error = step(several, "error", 3)
    assert error.equation == r"\frac{\partial c^p}{\partial z_{n_L}^{p,{3}}} = y_{n_L}^p - h_{n_L}^p"
    assert error.rows == r"n_L = 1 \ldots 2"


def test_biswas_case_form_is_told_for_one_data_point(tmp_path: Path) -> None:
    assert "lacks the minus" in step(explained(tmp_path, "classes"), "activation_gradient", 2).notes[0]


def test_json_is_complete(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "classes", "network.hidden=[40]", rows=(0, 1, 2, 3, 4, 5))
    parsed = json_of(explanation)
    for found, written in zip(explanation.updates[0].steps, parsed["updates"][0]["steps"], strict=True):
        assert np.array_equal(np.array(written["value"]), found.value)
        assert written["shape"] == list(found.value.shape)
        assert written["reference"] == found.reference
        assert found.symbol in written["equation"]["latex"]
    assert parsed["layers"] == [2, 40, 3]
    assert parsed["updates"][0]["examples"][5] == {"row": 5, "part": "train"}
    assert parsed["document"]["name"] == "biswas"
    assert parsed["others"] == ["standard"]
    assert parsed["optimizer"] == {"mode": "batch", "name": "gradient_descent", "learning_rate": 0.3}
