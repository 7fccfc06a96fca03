"""What a choice is tried on: small networks and examples drawn from a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.checking.comparison import GradientComparison, GroupCheck
from bpcli.checking.subject import gradients_of, parameter_groups, probe_of
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array
from bpcli.nn.activations import Activation, Identity, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError, Loss, TargetForm
from bpcli.nn.network import Network, dense, initial
from bpcli.nn.optimizers import GradientDescent, Optimizer
from bpcli.nn.workspace import Scratch, layer_scratch
from bpcli.training.recipe import Plan, Recipe

SEED = 20
EXAMPLES, FEATURES, UNITS, OUTPUTS, BATCH = 8, 3, 4, 2, 4
"""The sizes of the samples."""


def network_with(
    activation: Activation | None = None, loss: Loss | None = None, output: Activation | None = None
) -> Network:
    """A network with one hidden layer; by default tanh, identity and half squared error."""
    head = join(output or Identity(), loss or HalfSquaredError())
    outputs = OUTPUTS * head.loss.targets.outputs_per_target
    return dense((FEATURES, UNITS, outputs), (activation or Tanh(),), head)


def examples_for(form: TargetForm) -> Examples:
    """Examples with targets that the form admits."""
    rng = np.random.default_rng(SEED)
    rows = Rows(rng.normal(size=(EXAMPLES, FEATURES)))
    if form.class_indices:
        return Examples(rows, ClassIndices(np.arange(EXAMPLES) % OUTPUTS))
    return Examples(rows, Columns(_targets(form, rng)))


def _targets(form: TargetForm, rng: np.random.Generator) -> Array:
    """(n_L, m) numbers that the form admits."""
    uniform = rng.uniform(0.1, 0.9, (OUTPUTS, EXAMPLES))
    if form.shares:
        return np.asarray(uniform / uniform.sum(axis=0))
    if np.isfinite(form.low) and np.isfinite(form.high):
        return np.asarray(form.low + (form.high - form.low) * uniform)
    numbers = form.low + 3 * uniform if np.isfinite(form.low) else 2 * uniform - 1
    return np.tile(numbers, (form.outputs_per_target, 1))


def recipe_for(network: Network, rule: Optimizer | None = None) -> Recipe:
    """The network trained by a rule, by default gradient descent, two batches an epoch."""
    return Recipe(network, rule or GradientDescent(), Plan(3, BATCH, shuffle=False, seed=SEED))


def first_theta(network: Network) -> Array:
    """Random parameters, (P,) float64, biases among them."""
    parameters = initial(network, np.dtype(np.float64), np.random.default_rng(SEED))
    for b in parameters.b[1:]:
        b[...] = np.linspace(-0.5, 0.5, b.size)[:, None]
    return parameters.theta


def comparison(network: Network, examples: Examples) -> GradientComparison:
    """The gradient that trains, with the certified derivative and the complex step that it is compared with."""
    theta, batch, recipe = first_theta(network), np.arange(EXAMPLES), recipe_for(network)
    (gradient,) = gradients_of(recipe, theta, examples, [batch])
    return GradientComparison(network, theta, gradient, probe_of(recipe, examples, batch), "complex-step")


def group_checks(compared: GradientComparison) -> Iterator[tuple[str, GroupCheck]]:
    """The check of every array of the network, by the array's name."""
    for group in parameter_groups(compared.network, None, SEED):
        yield f"{group.kind}{group.layer}", compared.check(group)


def scratch(n: int, m: int, dtype: Any) -> Scratch:
    """A layer's buffers for n units and m examples."""
    return layer_scratch(n, m, dtype)
