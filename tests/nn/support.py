"""Small networks on random examples, tallies of random batches, and when a gradient agrees with a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from bpcli import choices
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, Elu, Gelu, LeakyRelu, PRelu
from bpcli.nn.gradient_check import Probe, central, complex_step
from bpcli.nn.heads import join
from bpcli.nn.initializers import INITIALIZERS, Initializer
from bpcli.nn.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CategoricalFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Quantile,
    Reduction,
)
from bpcli.nn.metrics import METRICS, Metric
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.optimizers.second_order.rule import is_second_order
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.suitability import misfit
from bpcli.nn.tallies import Decisions, Judging, Residuals, Scoring
from bpcli.nn.workspace import OutputScratch, Workspace
from bpcli.training.recipe import Plan, Recipe

deterministic = settings(derandomize=True, deadline=None, max_examples=60)

REDUCTIONS: tuple[Reduction, ...] = ("sum", "mean")
PRECISIONS = ("float32", "float64")

STEP_RULES = [name for name, kind in OPTIMIZERS.items() if not is_second_order(kind)]
"""The rules that take steps; those of second order have tests of their own."""

KINK_MARGIN = 1e-3
"""A hundred central steps: no difference crosses a kink this far away."""

SMALLEST_GRADIENT = 1e-4
"""A check of a layer whose largest gradient is smaller would prove nothing."""


def activation(name: str) -> Activation:
    return ACTIVATIONS[name]()


def activations() -> dict[str, Activation]:
    """Every activation with its defaults, then those with settings at other values."""
    slopes = {f"leaky_relu {slope}": LeakyRelu(slope) for slope in (0.0, 0.3, 1.0)}
    others: dict[str, Activation] = {"elu 0.5": Elu(0.5), "gelu by tanh": Gelu("tanh"), "prelu 1.5": PRelu(1.5)}
    return {**{name: activation(name) for name in ACTIVATIONS}, **slopes, **others}


def loss(name: str, outputs: Reduction = "sum", examples: Reduction = "mean") -> Loss:
    made: Loss = choices.build(LOSSES, {"name": name, "outputs": outputs, "examples": examples})
    return made


def initializer(name: str) -> Initializer:
    return INITIALIZERS[name]()


def optimizer(name: str, **values: Any) -> Optimizer:
    made: Optimizer = choices.build(OPTIMIZERS, {"name": name, **values})
    return made


def metric(name: str) -> Metric:
    return METRICS[name]()


def tally_kind(name: str) -> type:
    """The kind of tally that the metric is computed from."""
    return metric(name).tally_kind


Cuts = tuple[int, ...]
"""Where examples are cut into batches."""


@st.composite
def cut_batches(draw: st.DrawFn) -> tuple[int, Cuts, int]:
    """A number of examples, where to cut them, and a seed."""
    examples = draw(st.integers(1, 24))
    cuts = draw(st.sets(st.integers(1, examples - 1))) if examples > 1 else set()
    return examples, tuple(sorted(cuts)), draw(st.integers(0, 2**32 - 1))


def tallied(tally: Any, A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    """The tally after the batches between the cuts."""
    for start, end in pairwise((0, *cuts, A.shape[1])):
        outputs, of_outputs = np.ascontiguousarray(A[:, start:end]), np.ascontiguousarray(Y[..., start:end])
        tally.update(outputs, of_outputs, output_scratch(outputs))
    return tally


def residuals(A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    """The residuals of batches between the cuts."""
    return tallied(Residuals(Judging(A.shape[0], "residuals")), A, Y, cuts)


def decisions(scoring: Scoring, A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    """The decisions in batches between the cuts."""
    return tallied(Decisions(Judging(A.shape[0], scoring)), A, Y, cuts)


def fits(output: Activation, of: Loss) -> bool:
    """Whether the output goes with the loss."""
    return not misfit(output, of)


SETTINGS: dict[str, tuple[str, Loss]] = {
    "huber 0.3": ("identity", Huber(delta=0.3)),
    "quantile of three": ("identity", Quantile(levels=(0.1, 0.5, 0.9))),
    "quantile 0.8": ("tanh", Quantile(levels=(0.8,))),
    "softmax, cross-entropy, smoothed": ("softmax", CrossEntropy(label_smoothing=0.1)),
    "sigmoid, cross-entropy, smoothed": ("sigmoid", CrossEntropy(label_smoothing=0.2)),
    "sigmoid, binary cross-entropy, smoothed": ("sigmoid", BinaryCrossEntropy(label_smoothing=0.1)),
    "softmax, binary cross-entropy, smoothed": ("softmax", BinaryCrossEntropy(label_smoothing=0.3)),
    "focal 0.5 0.7": ("sigmoid", Focal(gamma=0.5, alpha=0.7)),
    "focal 0": ("sigmoid", Focal(gamma=0.0, alpha=0.5)),
    "categorical_focal 0.5": ("softmax", CategoricalFocal(gamma=0.5)),
    "categorical_focal 0": ("softmax", CategoricalFocal(gamma=0.0)),
}
"""Outputs under losses with settings at other values than their defaults."""


CORE = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "softmax")
"""The outputs that are joined with every loss; the others differ from them in f alone."""


def pairs() -> list[tuple[str, str]]:
    """Outputs with losses whose domain they fit: all of the core ones, every other one with the squared error."""
    return [
        (f, c)
        for f in ACTIVATIONS
        for c in LOSSES
        if fits(activation(f), loss(c)) and (f in CORE or c == "half_squared_error" or f == loss(c).usual_output)
    ]


def network(sizes: tuple[int, ...], hidden: tuple[Activation, ...], output: Activation, of: Loss) -> Network:
    return dense(sizes, hidden, join(output, of))


def targets(of: Loss, n: int, m: int, rng: np.random.Generator) -> Array:
    """Random targets in the loss's domain, probabilities among them soft."""
    if of.targets.class_indices:
        return rng.integers(0, n, m)
    form = of.targets
    if (form.low, form.high) == (0, 1):
        return rng.uniform(0, 1, (n, m))
    if np.isfinite(form.high):
        return rng.choice([form.off, form.on], (n, m))
    return rng.normal(0, 1, (n, m)) if np.isinf(form.low) else rng.gamma(2, 1, (n, m))


def output_scratch(A: Array) -> OutputScratch:
    """The output layer's buffers for outputs of A's shape and precision."""
    n, m = A.shape
    return Workspace((1, n), m, A.dtype, class_indices=False).output


@dataclass(frozen=True)
class Case:
    """A network, its parameters and a batch, all in float64."""

    network: Network
    theta: Array
    X: Array
    Y: Array

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.network.sizes

    @property
    def parameters(self) -> Parameters:
        return self.network.parameters(self.theta)

    @property
    def gradient(self) -> Array:
        return Probe(self.network, self.X, self.Y).gradient(self.theta)

    @property
    def loss(self) -> float:
        return Probe(self.network, self.X, self.Y)(self.theta).real

    def examples(self, indices: Array) -> Case:
        """The same network on some of the examples, in that order."""
        return Case(self.network, self.theta, self.X[:, indices], self.Y[..., indices])


def layers(net: Network) -> Iterator[slice]:
    """Where each layer's parameters stand in θ."""
    place = 0
    for pair, own in zip(pairwise(net.sizes), net.layout.own, strict=True):
        count = Layout(pair, (own,)).count
        yield slice(place, place + count)
        place += count


def largest_by_layer(net: Network, gradient: Array) -> Array:
    """max |∂L/∂θ_i| over each layer, in every place of the layer, (P,)."""
    largest = np.empty(net.layout.count)
    for layer in layers(net):
        largest[layer] = np.abs(gradient[layer]).max()
    return largest


def distance_to_kinks(case: Case) -> float:
    """How close any pre-activation comes to a kink of its unit; 0 where an output is within a margin of the loss's."""
    ws = filled(case)
    case.network.forward(case.parameters, ws)
    of_loss, A = case.network.head.loss.sides, ws.A[-1]
    if of_loss is not None and (of_loss(A + KINK_MARGIN, case.Y) != of_loss(A - KINK_MARGIN, case.Y)).any():
        return 0.0
    units = zip(ws.Z[1:], case.network.activations, strict=True)
    return min((float(np.abs(Z - kink).min()) for Z, f in units for kink in f.kinks), default=np.inf)


def filled(case: Case, dtype: str = "float64") -> Workspace:
    """A workspace that holds the case's batch."""
    ws = case.network.workspace(case.X.shape[1], np.dtype(dtype))
    ws.X[...] = case.X
    ws.Y[...] = case.Y
    return ws


def draw(net: Network, m: int, rng: np.random.Generator) -> Case:
    """Random parameters and examples."""
    theta = rng.normal(0, 0.8, net.layout.count)
    X = rng.normal(0, 1, (net.sizes[0], m))
    return Case(net, theta, X, targets(net.head.loss, net.sizes[-1], m, rng))


def smooth_case(net: Network, m: int, seed: int) -> Case:
    """A draw away from every kink, where each layer has something to learn."""
    rng = np.random.default_rng(seed)
    for _ in range(200):
        case = draw(net, m, rng)
        if distance_to_kinks(case) < KINK_MARGIN:
            continue
        if largest_by_layer(net, case.gradient).min() > SMALLEST_GRADIENT:
            return case
    raise AssertionError(f"no draw of {net} is away from kinks with a gradient in every layer")


Disagreement = Callable[[Case, Array], float]
"""How far a gradient is from a measured one; up to 1 they agree."""


def disagreement_with_central(case: Case, gradient: Array) -> float:
    """The largest error over what rounding allows central differences."""
    measured = central(Probe(case.network, case.X, case.Y), case.theta, range(case.theta.size))
    bound = 1e-7 * largest_by_layer(case.network, measured) + 1e-9 * max(1.0, abs(case.loss))
    return float(np.max(np.abs(gradient - measured) / bound))


def disagreement_with_complex_step(case: Case, gradient: Array) -> float:
    """The largest error over what rounding allows the complex step."""
    measured = complex_step(Probe(case.network, case.X, case.Y), case.theta, range(case.theta.size))
    return float(np.max(np.abs(gradient - measured) / (1e-13 * largest_by_layer(case.network, measured))))


def total(of: Network, ws: Workspace) -> float:
    """The sum of the loss's terms, after forward."""
    return float(np.add.reduce(of.terms(ws)))


def recipe(of: Network, rule: Optimizer) -> Recipe:
    """A recipe without penalties, for one epoch of single examples in order."""
    return Recipe(of, rule, Plan(epochs=1, batch_size=1, shuffle=False, seed=0))
