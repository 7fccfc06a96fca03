"""The standard notation: every choice that bp has follows from its formulas, number for number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import exp
from typing import Any

import numpy as np
import pytest

from bpcli.explaining.derivations import derive
from bpcli.explaining.documents import DOCUMENTS
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn import Array
from bpcli.nn.activations import Relu, Sigmoid, Softmax, Tanh
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.layers import Dense
from bpcli.nn.losses import CrossEntropy, Focal, HalfSquaredError, Quantile
from bpcli.nn.network import Network
from bpcli.nn.optimizers import start
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.pairs import SoftmaxKullbackLeibler, pair_statements
from bpcli.nn.penalties import L1, L2, PENALTIES
from bpcli.training.recipe import Recipe
from tests.explaining.following import TOLERANCE, wrong_in
from tests.nn import support

ACTIVATIONS = support.activations()
REDUCTIONS: tuple[tuple[Any, Any], ...] = (("sum", "mean"), ("mean", "sum"), ("mean", "mean"), ("sum", "sum"))


def traced(
    network: Network,
    m: int,
    rule: str = "gradient_descent",
    weights: Array | None = None,
    change: Callable[[Recipe], Recipe] = lambda recipe: recipe,
) -> Trace:
    """One update on a random network away from kinks; shares add up to 1."""
    case, optimizer = support.smooth_case(network, m, seed=3), support.optimizer(rule)
    if network.head.loss.targets.shares:
        case.Y[...] /= case.Y.sum(axis=0)
    theta = case.theta * 0.7
    state = start(optimizer, theta, network.parameters(theta).W[1:])
    return trace(change(support.recipe(network, optimizer)), state, theta, case.X, case.Y, "batch", weights=weights)


def steps_of(found: Trace) -> tuple[DerivationStep, ...]:
    with np.errstate(all="ignore"):
        return DOCUMENTS["standard"].steps(found)


def wrong(found: Trace) -> list[Any]:
    return [(one.place, one.reason) for one in wrong_in(steps_of(found), "standard", found)]


def combinations() -> Iterator[tuple[tuple[str, str, str], Network]]:
    """Every output with every loss that it fits; the hidden layers take all activations in turn."""
    hidden = list(ACTIVATIONS)
    for place, (output, loss) in enumerate(support.pairs()):
        inner = hidden[place % len(hidden)]
        of = support.loss(loss, *REDUCTIONS[place % len(REDUCTIONS)])
        n = 1 if place % 3 == 0 and ACTIVATIONS[output].elementwise else 3
        yield (inner, output, loss), support.network((2, 3, n), (ACTIVATIONS[inner],), ACTIVATIONS[output], of)


def test_every_activation_with_every_loss_follows_from_the_formulas_shown() -> None:
    seen = set[str]()
    for place, (names, network) in enumerate(combinations()):
        assert wrong(traced(network, 1 if place % 2 else 3)) == [], names
        seen |= set(names)
    assert seen >= {*ACTIVATIONS, *(loss for _, loss in support.pairs())}


def test_every_factor_of_the_chain_rule_holds() -> None:
    for place, (names, network) in enumerate(combinations()):
        if place % 4 == 0 or names[0] != "tanh":
            steps, _ = derive("standard", traced(network, 1 if place % 8 else 2))
            assert max(step.distance or 0 for step in steps) <= TOLERANCE, names
    assert len(steps) > 8


@dataclass(frozen=True)
class Own:
    """An update with settings of its own, by what is asked of a network."""

    network: Network
    m: int = 2
    rule: str = "gradient_descent"
    weights: tuple[float, ...] | None = None
    change: Callable[[Recipe], Recipe] = lambda recipe: recipe


def _network(loss: Any, output: Any, hidden: Any = None, n: int = 2) -> Network:
    return support.network((2, 3, n), (hidden or Tanh(),), output, loss)


PLAIN = _network(HalfSquaredError(), Tanh())
LEVELS = Quantile(levels=(0.1, 0.5, 0.9))
ODD = {
    "softmax under a mean of squares": Own(_network(HalfSquaredError(outputs="mean"), Softmax(), n=3)),
    "softmax in a hidden layer": Own(_network(HalfSquaredError(), Tanh(), Softmax())),
    "softmax in a hidden layer of one example": Own(_network(HalfSquaredError(), Tanh(), Softmax()), m=1),
    "prelu inside and outside": Own(
        _network(HalfSquaredError(), ACTIVATIONS["prelu"], ACTIVATIONS["prelu"]), rule="adam"
    ),
    "focal": Own(_network(Focal(gamma=1.5, alpha=0.3), Sigmoid())),
    "quantiles of several levels": Own(_network(LEVELS, ACTIVATIONS["identity"], n=3)),
    "quantiles of several levels, two targets": Own(_network(LEVELS, ACTIVATIONS["identity"], n=6), m=1),
    "smoothed labels": Own(_network(CrossEntropy(label_smoothing=0.2), Softmax(), n=4)),
    "weights in a mean": Own(_network(CrossEntropy(), Softmax(), n=3), 3, weights=(0.5, 2.0, 0.0)),
    "weights in a sum": Own(_network(CrossEntropy(examples="sum"), Softmax(), n=3), 3, weights=(0.5, 2.0, 0.0)),
    "a weight of one example": Own(_network(CrossEntropy(examples="sum"), Softmax(), n=3), 1, weights=(2.5,)),
    "a weight that cancels": Own(_network(CrossEntropy(), Softmax(), n=3), 1, weights=(2.5,)),
    "weights that are all 0": Own(_network(CrossEntropy(), Softmax(), n=3), 2, weights=(0.0, 0.0)),
    "no hidden layer": Own(support.network((3, 2), (), Softmax(), CrossEntropy())),
    "penalties and clipping": Own(
        PLAIN,
        change=lambda recipe: replace(recipe, penalties=(L1(0.1), L2(0.2)), clip=CLIPPINGS["norm"](0.01)),  # type: ignore[call-arg]
    ),
    "clipping alone, looking ahead": Own(
        PLAIN,
        rule="nesterov",
        change=lambda recipe: replace(recipe, clip=CLIPPINGS["value"](0.01)),  # type: ignore[call-arg]
    ),
    "penalties by example and weight": Own(
        PLAIN, 2, "sgd", (0.5, 3.0), lambda recipe: replace(recipe, penalties=(L1(0.1, per_example=True),))
    ),
}
ODD["penalties by example and weight"] = replace(ODD["penalties by example and weight"], rule="momentum")


@pytest.mark.parametrize("name", ODD)
def test_an_odd_update_follows_from_the_formulas_shown(name: str) -> None:
    own = ODD[name]
    weights = None if own.weights is None else np.array(own.weights)
    found = traced(own.network, own.m, own.rule, weights, own.change)
    assert wrong(found) == []
    assert max(step.distance or 0 for step in derive("standard", found)[0]) <= TOLERANCE


def test_every_rule_that_takes_steps_is_written_out() -> None:
    network = _network(CrossEntropy(), Softmax(), ACTIVATIONS["prelu"])
    for rule in support.STEP_RULES:
        found = traced(network, 2, rule)
        assert wrong(found) == [], rule
        last = [step for step in steps_of(found) if step.key.startswith("new_")]
        assert {step.key for step in last} == {"new_weights", "new_biases", "new_own_slope"}
        assert not any(step.formula.startswith(r"\text{") for step in last), rule


def test_every_penalty_is_written_out() -> None:
    for name, kind in PENALTIES.items():
        penalties: tuple[Any, ...] = (kind(),)
        recipe = partial(replace, penalties=penalties)
        found = traced(PLAIN, 2, change=recipe)
        chained = [step for step in steps_of(found) if step.key == "chained_weights"]
        assert wrong(found) == [], name
        assert len(chained) == 2
        assert all(step.formula.startswith(r"\nabla W^") for step in chained)


def test_a_constraint_is_a_step_after_the_rule() -> None:
    network = _network(HalfSquaredError(), Tanh())
    first = network.layers[0]
    assert isinstance(first, Dense)
    first = replace(first, max_norm=0.05)
    found = traced(replace(network, layers=(first, network.layers[1])), 2)
    steps = {(step.key, step.layer): step for step in steps_of(found)}
    assert wrong(found) == []
    lengths = np.linalg.norm(steps["constrained_weights", 1].value, axis=1)
    np.testing.assert_allclose(lengths, 0.05)
    assert ("constrained_weights", 2) not in steps
    assert np.array_equal(steps["constrained_weights", 1].value, found.after.W[1])


PLANTED = [
    (Tanh, "derivative", r"1 - <a>", ("slope", 1)),
    (Tanh, "formula", r"\frac{e^{<z>} - e^{-<z>}}{e^{<z>} + 1.001 e^{-<z>}}", ("activation", 1)),
    (Relu, "derivative", "1", ("slope", 1)),
    (HalfSquaredError, "term", r"(<a> - <y>)^2", ("example_loss", 2)),
    (HalfSquaredError, "term_derivative", r"<y> - <a>", ("activation_gradient", 2)),
    (Softmax, "derivative", r"\mathrm{diag}(<a>) + <a> \cdot <a>^\top", ("jacobian", 2)),
    (Softmax, "formula", r"\frac{e^{<z>}}{1 + \sum e^{<z>}}", ("activation", 2)),
]


@pytest.mark.parametrize(("kind", "statement", "formula", "place"), PLANTED)
def test_a_wrong_formula_is_caught(
    monkeypatch: pytest.MonkeyPatch, kind: type, statement: str, formula: str, place: tuple[str, int]
) -> None:
    monkeypatch.setattr(kind, statement, formula)
    hidden, output = (kind() if kind in (Tanh, Relu) else Tanh()), (kind() if kind is Softmax else Sigmoid())
    found = traced(_network(HalfSquaredError(), output, hidden), 3)
    assert place in {(key, layer) for (key, layer, _), _ in wrong(found)}


def test_a_wrong_short_form_of_a_pair_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network(support.loss("kullback_leibler"), Softmax())
    assert wrong(traced(network, 2)) == []
    monkeypatch.setattr(SoftmaxKullbackLeibler, "error", "<y> - <a>")
    assert [place for place, _ in wrong(traced(network, 2))] == [("error", 2, None)]


def test_a_wrong_equation_of_a_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = Adam().equations
    monkeypatch.setattr(Adam, "equations", (replace(first, formula=first.formula.replace("1 - ", "1 + ")), *others))
    assert {key for (key, _, _), _ in wrong(traced(PLAIN, 2, "adam"))} >= {f"{first.name}_weights"}


def test_a_pairs_short_form_is_shown_beside_the_chain_rule() -> None:
    found = traced(_network(CrossEntropy(), Softmax(), n=3), 2)
    assert pair_statements(found.network.head).error == "<a> - <y>"
    (error,) = [step for step in steps_of(found) if (step.key, step.layer) == ("error", 2)]
    assert error.more == (r"\frac{1}{m} \left( a_{j,i}^{({2})} - y_{j,i} \right)",)


def test_the_numbers_of_softmax_under_half_the_squared_error_are_those_of_plain_loops() -> None:
    found = traced(_network(HalfSquaredError(outputs="mean"), Softmax(), n=3), 2)
    values = {(step.key, step.layer): step.value.tolist() for step in steps_of(found)}
    W, b, x, y = (values[place] for place in (("weights", 2), ("biases", 2), ("activation", 1), ("targets", 2)))
    n, m, delta = 3, 2, values["error", 2]
    for i in range(m):
        z = [sum(W[j][k] * x[k][i] for k in range(3)) + b[j][0] for j in range(n)]
        a = [exp(z_j) / sum(map(exp, z)) for z_j in z]
        by_a = [(a[j] - y[j][i]) / (n * m) for j in range(n)]
        for j in range(n):
            through = sum(by_a[k] * a[k] * ((k == j) - a[j]) for k in range(n))
            assert delta[j][i] == pytest.approx(through, rel=1e-13)
    for j in range(n):
        for k in range(3):
            summed = sum(delta[j][i] * x[k][i] for i in range(m))
            assert values["weight_gradient", 2][j][k] == pytest.approx(summed, rel=1e-13)
