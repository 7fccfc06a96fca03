"""The same update with other activations in the hidden layers: what the page can change a network into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bpcli.choices import name_of
from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn import optimizers
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network
from bpcli.training.recipe import Recipe


@dataclass(frozen=True)
class Variant:
    """An update of a network, with the activation that all hidden layers have, empty for those of the config."""

    activation: str
    trace: Trace


def variants(found: Trace, recipe: Recipe) -> Iterator[Variant]:
    """The update itself; then it with every other activation that acts on each unit by itself and learns nothing."""
    yield Variant("", replace(found, step_symbol="t"))
    hidden = set(found.network.activations[:-1])
    for name, kind in ACTIVATIONS.items() if hidden else ():
        activation = kind()
        if activation.elementwise and not activation.owned and hidden != {activation}:
            yield Variant(name, _with(found, recipe, activation))


def _with(found: Trace, recipe: Recipe, activation: Activation) -> Trace:
    """The same update from the same θ with this activation in every hidden layer."""
    network = _hidden(found.network, activation)
    theta = network.parameters(found.before.theta.copy())
    state = optimizers.start(recipe.optimizer, theta.theta, theta.W[1:])
    changed = replace(recipe, network=network)
    again = trace(changed, state, theta.theta, found.A[0], found.Y, found.mode, found.learning_rate, found.weights)
    return replace(again, step_symbol="t")


def _hidden(network: Network, activation: Activation) -> Network:
    *below, output = network.layers
    layers = tuple(Dense(layer.units, activation, layer.initializer) for layer in below)
    return Network(network.inputs, (*layers, output), network.head)


def activations_of(network: Network) -> list[str]:
    """The activations' names by layer, from 1."""
    return [name_of(ACTIVATIONS, activation) for activation in network.activations]
