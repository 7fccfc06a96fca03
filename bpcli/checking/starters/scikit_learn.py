"""The starter script for scikit-learn, whose multi-layer perceptron knows four pairs of output and loss."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from bpcli.checking.starters.dialect import Files, refuse, refuse_settings, require_dense
from bpcli.choices import name_of
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.network import Network

HIDDEN = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
"""Its activations of hidden layers, by bp's names."""

OUTPUTS = {"softmax": "softmax", "sigmoid": "logistic", "identity": "identity", "exponential": "exp"}

PAIRS = {
    ("softmax", "cross_entropy"): "log_loss",
    ("sigmoid", "binary_cross_entropy"): "log_loss",
    ("identity", "half_squared_error"): "squared_error",
    ("exponential", "poisson"): "poisson",
}
"""Its losses, by output and loss."""

TEMPLATE = '''\
"""The gradient of an exported network in scikit-learn; then: bp gradcheck CONFIG --against $gradients_name."""

from pathlib import Path

import numpy as np
${import_load}from sklearn.neural_network import $estimator

here = Path(__file__).resolve()
given = $load(here.with_name($export))
X = given["X"].T.copy()  # an example is a row
Y = $targets
layers = range(1, $after)

# fit() would train at once: the fitted attributes are set instead, and one backward pass is asked for
network = $estimator(hidden_layer_sizes=$hidden_sizes, activation=$activation, alpha=0)
network.loss = $loss
network.out_activation_ = $output
network.n_layers_, network.n_outputs_ = $after, $outputs
network.coefs_ = [given[f"W{l}"].T.copy() for l in layers]
network.intercepts_ = [given[f"b{l}"].copy() for l in layers]

activations, empty = [X] + [None] * $last, [None] * $last
_, coef_grads, intercept_grads = network._backprop(X, Y, None, activations, empty[:], empty[:], empty[:])

scale = $scale  # from scikit-learn's mean over examples and sum over outputs to this loss
gradients = {f"coef_grads_{l}": array * scale for l, array in enumerate(coef_grads)}
gradients |= {f"intercept_grads_{l}": array * scale for l, array in enumerate(intercept_grads)}
np.savez(here.with_name($gradients), **gradients)
print(here.with_name($gradients))
'''


@dataclass(frozen=True)
class ScikitLearn:
    """MLPClassifier or MLPRegressor, by their own backward pass."""

    def script(self, network: Network, files: Files) -> str:
        """The template with the network's words in it.

        Raises:
            ConfigError: hidden layers differ, or it lacks an activation or the pair of output and loss.
        """
        require_dense(network, "scikit-learn")
        output, loss = name_of(ACTIVATIONS, network.head.activation), name_of(LOSSES, network.head.loss)
        if (output, loss) not in PAIRS:
            known = [f"{of} with {what}" for what, of in PAIRS]
            refuse("scikit-learn", f"{loss} with {output}", known)
        refuse_settings("scikit-learn", loss, network.head.loss)
        classes = network.sizes[-1]
        one_hot = f'np.eye({classes})[given["Y"]]'
        return Template(TEMPLATE).substitute(
            files.words,
            estimator="MLPClassifier" if network.head.loss.targets.task == "classification" else "MLPRegressor",
            targets=one_hot if network.head.loss.targets.class_indices else 'given["Y"].T.copy()',
            hidden_sizes=repr(network.sizes[1:-1]),
            activation=f'"{_hidden_activation(network)}"',
            loss=f'"{PAIRS[output, loss]}"',
            output=f'"{OUTPUTS[output]}"',
            last=len(network.layers),
            after=len(network.layers) + 1,
            outputs=classes,
            scale=_scale(network.head.loss, classes),
        )


def _hidden_activation(network: Network) -> str:
    """The one activation of all hidden layers."""
    names = list(dict.fromkeys(name_of(ACTIVATIONS, layer.activation) for layer in network.layers[:-1])) or ["identity"]
    for name in names:
        if name not in HIDDEN:
            refuse("scikit-learn", name, list(HIDDEN))
    if len(names) > 1:
        refuse("scikit-learn", " and ".join(names), ["one activation for all hidden layers"])
    return HIDDEN[names[0]]


def _scale(loss: Loss, outputs: int) -> str:
    """What turns scikit-learn's gradient into that of the loss, as an expression."""
    examples = "1" if loss.examples == "mean" else "len(X)"
    return examples + (f" / {outputs}" if loss.outputs == "mean" else "")
