"""Updates of small networks with every activation, loss and rule that the touchable page takes."""

from __future__ import annotations

import numpy as np

from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn import optimizers
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import dense
from tests.nn import support


def update_of(hidden: str, output: str, loss: str, rule: str) -> Trace:
    """An update of a 2-3-2-… network from random numbers."""
    rng, made = np.random.default_rng(5), support.loss(loss)
    outputs = 3 if made.targets.class_indices else 2
    activation = ACTIVATIONS[hidden]()
    network = dense((2, 3, 2, outputs), (activation, activation), join(ACTIVATIONS[output](), made))
    theta, X = rng.normal(0, 0.7, network.layout.count), rng.normal(0, 1, (2, 3))
    if made.targets.class_indices:
        Y = np.array([2, 0, 1])
    else:
        low, high = max(made.targets.low, -1), min(made.targets.high, 2)
        Y = rng.uniform(low + 0.1, high - 0.1, (outputs, 3))
        Y = Y / Y.sum(axis=0) if made.targets.shares else Y
    recipe = support.recipe(network, support.optimizer(rule))
    state = optimizers.start(recipe.optimizer, theta, network.parameters(theta).W[1:])
    return trace(recipe, state, theta, X, Y, "batch")


RULES = [name for name in support.STEP_RULES if name != "nesterov"]

CASES = [
    *((name, "identity", "half_squared_error", "gradient_descent") for name in ACTIVATIONS if name != "softmax"),
    *(("tanh", LOSSES[name]().usual_output, name, "gradient_descent") for name in LOSSES),
    *(("tanh", "softmax", "half_squared_error", rule) for rule in RULES),
]
"""Hidden activation, output, loss and rule."""
