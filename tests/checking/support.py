"""Networks on random examples, as the trainer sees them, and which layers a check finds wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli import choices
from bpcli.checking.comparison import GradientComparison, GroupCheck, Method
from bpcli.checking.subject import gradients_of, parameter_groups, probe_of
from bpcli.data.sources import ClassIndices, Columns, Examples, Rows, Source
from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import ACTIVATIONS, Activation, ExponentialOutput, HardSigmoid, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES, Loss, Reduction
from bpcli.nn.network import Network, dense
from bpcli.nn.optimizers import Momentum
from bpcli.nn.parameters import Parameters
from bpcli.training.recipe import Plan, Recipe
from tests.nn.support import REDUCTIONS, fits, targets

GAIN = 1.25
"""The standard deviation of a random network's pre-activations, about, where those below have a mean square of 1."""

Wrong = set[tuple[str, int, str]]
"""Batch (full or shorter), layer and kind."""


def activation(name: str) -> Activation:
    return ACTIVATIONS[name]()


def loss(name: str, outputs: Reduction | None = None, examples: Reduction = "mean") -> Loss:
    """A loss; without ``outputs`` they are reduced as is usual for it."""
    reduced = {} if outputs is None else {"outputs": outputs}
    made: Loss = choices.build(LOSSES, {"name": name, "examples": examples, **reduced})
    return made


@dataclass(frozen=True)
class Subject:
    """A network at θ with examples, a full batch of them and then a shorter one."""

    network: Network
    theta: Array
    examples: Examples
    batches: list[IndexArray]

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.network, Momentum(), Plan(epochs=1, batch_size=1, shuffle=False, seed=0))

    @property
    def layers(self) -> int:
        return len(self.network.sizes) - 1

    @property
    def parameters(self) -> Parameters:
        return Parameters(self.network.layout, self.theta)

    def comparisons(self, method: Method = "complex-step") -> list[GradientComparison]:
        """The trainer's gradient on each batch, against differences of the loss."""
        gradients = gradients_of(self.recipe, self.theta, self.examples, self.batches)
        return [
            GradientComparison(self.network, self.theta, gradient, probe_of(self.recipe, self.examples, batch), method)
            for gradient, batch in zip(gradients, self.batches, strict=True)
        ]

    def check(self) -> list[list[GroupCheck]]:
        """For each batch, every layer's W and b, as the command checks them."""
        chosen = parameter_groups(self.network, None, seed=0)
        return [[comparison.check(group) for group in chosen] for comparison in self.comparisons()]

    def wrong(self) -> Wrong:
        """All that does not agree."""
        checked = zip(("full", "shorter"), self.check(), strict=True)
        return {(batch, one.layer, one.kind) for batch, found in checked for one in found if one.verdict == "wrong"}


def subject(
    sizes: tuple[int, ...] = (4, 5, 5, 3),
    hidden: tuple[str, ...] = ("tanh", "tanh"),
    output: str = "softmax",
    of: Loss | None = None,
    m: int = 7,
    seed: int = 3,
) -> Subject:
    """A network with a full batch of ``m`` examples; the shorter one holds the last ⌈m/2⌉ of them."""
    of = of or loss("cross_entropy")
    network = dense(sizes, tuple(activation(name) for name in hidden), join(activation(output), of))
    return drawn(network, m, np.random.default_rng(seed))


def drawn(network: Network, m: int, rng: np.random.Generator) -> Subject:
    """Random parameters and examples for a network."""
    sizes, of = network.sizes, network.head.loss
    theta = rng.normal(0, 0.8, network.layout.count)
    rows = rng.normal(0, 1, (m, sizes[0]))
    Y = targets(of, sizes[-1], m, rng)
    source: Source = ClassIndices(Y) if of.targets.class_indices else Columns(Y)
    return Subject(network, theta, Examples(Rows(rows), source), [np.arange(m), np.arange(m - (m + 1) // 2, m)])


def random_subject(rng: np.random.Generator) -> Subject:
    """A network of depth 0 to 6 and widths 1 to 40, of any activations, loss and reductions.

    A softmax of one unit is always 1, so there is none, nor a loss that takes no other output. Weights are
    drawn so that signals neither die out nor blow up on their way.
    """
    widths = [int(n) for n in rng.integers(1, 41, rng.integers(0, 7) + 2)]
    sizes = tuple(widths)
    hidden = tuple(_any_activation(n, rng) for n in sizes[1:-1])
    outputs, examples = (REDUCTIONS[int(rng.integers(2))] for _ in range(2))
    of = _any_loss(outputs, examples, rng)
    while not any(_is_output(activation(name), of) for name in _activations(sizes[-1])):
        of = _any_loss(outputs, examples, rng)
    while not _is_output(output := _any_activation(sizes[-1], rng), of):
        pass
    made = drawn(dense(sizes, hidden, join(output, of)), int(rng.integers(1, 9)), rng)
    for W, below in zip(made.parameters.W[1:], (None, *hidden), strict=True):
        W *= GAIN / np.sqrt(W.shape[1])
        if isinstance(below, ExponentialOutput):
            W /= np.exp(GAIN**2)  # the root mean square of e^z for normal z of this deviation
    return made


def _any_loss(outputs: Reduction, examples: Reduction, rng: np.random.Generator) -> Loss:
    return loss(str(rng.choice(list(LOSSES))), outputs, examples)


def _any_activation(n: int, rng: np.random.Generator) -> Activation:
    return activation(str(rng.choice(_activations(n))))


def _activations(n: int) -> list[str]:
    """Those that n units may have."""
    return [name for name, kind in ACTIVATIONS.items() if n > 1 or kind is not Softmax]


def _is_output(output: Activation, of: Loss) -> bool:
    """Whether it goes with the loss; hard_sigmoid is 0 and 1, of which there is no logarithm."""
    return fits(output, of) and not isinstance(output, HardSigmoid)
