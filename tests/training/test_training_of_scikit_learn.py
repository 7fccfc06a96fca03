"""The same numbers as scikit-learn: five epochs from the same parameters, in the same order, by the same settings.

What its settings are here: ``alpha`` is an l2 penalty ``per_example``; ``invscaling`` is inverse_time ``per: example``;
Adam's ε is at the uncorrected root; the loss is a sum over outputs and a mean over examples.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpcli.choices import build
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES
from bpcli.nn.tallies import Tallies
from bpcli.training.iteration_steps import IterationSteps
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import start

N, FEATURES, HIDDEN, EPOCHS, BATCH = 47, 5, (6, 4), 5, 10
"""The last batch of an epoch has 7 examples."""


class Problem(NamedTuple):
    """Targets as scikit-learn takes them; the output's activation and the loss that they have here."""

    targets: Array
    output: str
    loss: str

    @property
    def outputs(self) -> int:
        if self.output == "softmax":
            return int(self.targets.max()) + 1
        return 1 if self.targets.ndim == 1 else self.targets.shape[1]


def problems() -> Iterator[tuple[str, Problem]]:
    rng = np.random.default_rng(3)
    yield "binary", Problem(rng.integers(0, 2, N), "sigmoid", "binary_cross_entropy")
    yield "multiclass", Problem(np.arange(N) % 3, "softmax", "cross_entropy")
    yield "multi-label", Problem(rng.integers(0, 2, (N, 3)), "sigmoid", "binary_cross_entropy")
    yield "regression", Problem(rng.normal(0, 1, N), "identity", "half_squared_error")
    yield "multi-output regression", Problem(rng.normal(0, 1, (N, 2)), "identity", "half_squared_error")


PROBLEMS = dict(problems())
X = np.random.default_rng(4).normal(0, 1, (N, FEATURES))
WEIGHTS = np.random.default_rng(5).uniform(0, 2, N)

ACTIVATIONS_THERE = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
RATE = 0.05


class Solver(NamedTuple):
    """A rule and a schedule, and what they are there."""

    rule: dict[str, Any]
    there: dict[str, Any]
    schedule: dict[str, Any]


def solvers() -> Iterator[Solver]:
    schedules: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "constant": ({"name": "constant"}, {}),
        "invscaling": ({"name": "inverse_time", "per": "example", "power": 0.3}, {"power_t": 0.3}),
    }
    for name, (schedule, more) in schedules.items():
        sgd = {"solver": "sgd", "learning_rate": name, **more}
        yield Solver({"name": "gradient_descent"}, {**sgd, "momentum": 0.0}, schedule)
        for rule, nesterov in (("momentum", False), ("nesterov", True)):
            there = {**sgd, "momentum": 0.9, "nesterovs_momentum": nesterov}
            yield Solver({"name": rule, "momentum": 0.9}, there, schedule)
    ours = {"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "epsilon_at": "uncorrected"}
    yield Solver(ours, {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}, {"name": "constant"})


def network(problem: Problem, activation: str) -> Network:
    loss = build(LOSSES, {"name": problem.loss, "outputs": "sum", "examples": "mean"})
    head = join(ACTIVATIONS[problem.output](), loss)
    return dense((FEATURES, *HIDDEN, problem.outputs), tuple(ACTIVATIONS[activation]() for _ in HIDDEN), head)


def first_parameters(of: Network) -> Parameters:
    size = of.layout.count
    return of.parameters(np.random.default_rng(6).normal(0, 0.5, size))


def trained(problem: Problem, activation: str, solver: Solver, alpha: float, weights: Array | None) -> Parameters:
    """The parameters after the epochs, here."""
    of = network(problem, activation)
    plan = Plan(EPOCHS, BATCH, shuffle=False, seed=0)
    penalties = (build(PENALTIES, {"name": "l2", "strength": alpha, "per_example": True}),) if alpha else ()
    rule = build(OPTIMIZERS, {**solver.rule, "learning_rate": RATE})
    recipe = Recipe(of, rule, plan, build(SCHEDULES, solver.schedule), penalties)
    columns = ClassIndices(problem.targets) if problem.output == "softmax" else Columns(_columns(problem.targets))
    examples = Examples(Rows(X), columns, weights=weights)
    state = start(recipe, first_parameters(of).theta, Tallies(()))
    steps = NumpySteps(recipe, state, examples)
    for epoch in range(1, EPOCHS + 1):
        steps.run(plan.order(epoch, N), BATCH, np.inf)
        state.begin_epoch(epoch)
    return of.parameters(state.theta)


def _columns(targets: Array) -> Array:
    return np.ascontiguousarray(targets.reshape(N, -1).T, dtype=np.float64)


def trained_there(
    problem: Problem, activation: str, solver: Solver, alpha: float, weights: Array | None
) -> tuple[list[Array], list[Array]]:
    """The weights by layer, and the biases, after the epochs of scikit-learn."""
    parameters = first_parameters(network(problem, activation))
    layers = iter(zip(parameters.W[1:], parameters.b[1:], strict=True))
    kind: Any = MLPRegressor if problem.output == "identity" else MLPClassifier

    class Started(kind):  # type: ignore[misc]
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Array, Array]:
            W, b = next(layers)
            assert W.shape == (fan_out, fan_in)
            return W.T.copy(), b[:, 0].copy()

    settings = {"alpha": alpha, "learning_rate_init": RATE, "batch_size": BATCH, "max_iter": EPOCHS, **solver.there}
    settings |= {"hidden_layer_sizes": HIDDEN, "activation": ACTIVATIONS_THERE[activation]}
    model = Started(shuffle=False, n_iter_no_change=1000, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that five epochs are few
        model.fit(X, problem.targets, sample_weight=weights)
    assert model.n_iter_ == EPOCHS or model.solver == "lbfgs"
    return model.coefs_, model.intercepts_


def distance(found: Parameters, expected: tuple[list[Array], list[Array]]) -> float:
    """The largest difference of two parameters, relative to the larger of 1 and the largest parameter."""
    pairs = [(W.T, other) for W, other in zip(found.W[1:], expected[0], strict=True)]
    pairs += [(b[:, 0], other) for b, other in zip(found.b[1:], expected[1], strict=True)]
    size = max(1.0, *(float(np.abs(other).max()) for _, other in pairs))
    return max(float(np.abs(own - other).max()) for own, other in pairs) / size


@pytest.mark.parametrize("activation", ACTIVATIONS_THERE)
@pytest.mark.parametrize("name", PROBLEMS)
def test_parameters_after_five_epochs_are_those_of_scikit_learn(name: str, activation: str) -> None:
    problem = PROBLEMS[name]
    ends = []
    for solver in solvers():
        for alpha, weights in ((0.0, None), (0.5, None), (0.5, WEIGHTS)):
            found = trained(problem, activation, solver, alpha, weights)
            expected = trained_there(problem, activation, solver, alpha, weights)
            assert distance(found, expected) < 1e-9, (solver, alpha, weights is not None)
            ends.append(found.theta)
    for one, other in pairwise(ends):
        assert np.abs(one - other).max() > 1e-6, "every setting must show"


def objective(problem: Problem, activation: str, found: Parameters) -> float:
    """What is minimised there: the mean loss and ½ α ΣW² divided by the number of examples, α being 1."""
    of = network(problem, activation)
    ws = of.workspace(N, np.float64, training=False)
    ws.X[...] = X.T
    ws.Y[...] = problem.targets if problem.output == "softmax" else _columns(problem.targets)
    of.forward(found, ws)
    squares = sum(float(np.sum(W * W)) for W in found.W[1:])
    return float(np.mean(of.terms(ws))) + 0.5 * squares / N


def minimised(problem: Problem, activation: str) -> Parameters:
    """The parameters at which L-BFGS has nothing left to do, or after 500 iterations."""
    of, plan = network(problem, activation), Plan(500, N, shuffle=False, seed=0)
    penalty = build(PENALTIES, {"name": "l2", "strength": 1.0, "per_example": True})
    recipe = Recipe(of, build(OPTIMIZERS, {"name": "lbfgs"}), plan, penalties=(penalty,))
    columns = ClassIndices(problem.targets) if problem.output == "softmax" else Columns(_columns(problem.targets))
    state = start(recipe, first_parameters(of).theta, Tallies(()))
    steps = IterationSteps(recipe, state, Examples(Rows(X), columns))
    for epoch in range(1, plan.epochs + 1):
        steps.run(plan.order(epoch, N), N, np.inf)
        state.begin_epoch(epoch)
        if steps.ended():
            break
    return of.parameters(state.theta)


@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
def test_lbfgs_ends_at_the_minimum_of_scikit_learn_or_below(activation: str) -> None:
    """With these two there is one minimum; where tanh or relu have several, the two line searches choose others."""
    solver = Solver({}, {"solver": "lbfgs", "max_iter": 15_000, "max_fun": 100_000, "tol": 1e-12}, {})
    for name, problem in PROBLEMS.items():
        coefs, intercepts = trained_there(problem, activation, solver, 1.0, None)
        theirs = first_parameters(network(problem, activation))
        for l, (W, b) in enumerate(zip(coefs, intercepts, strict=True), start=1):
            theirs.W[l][...], theirs.b[l][:, 0] = W.T, b
        ours, there = (objective(problem, activation, one) for one in (minimised(problem, activation), theirs))
        assert ours <= there * (1 + 1e-8), name
        assert ours == pytest.approx(there, rel=1e-3), name
