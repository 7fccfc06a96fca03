"""The starter scripts for JAX, and for Flax and Keras, which run on it and share its words for losses."""

from __future__ import annotations

from bpcli.checking.starters.dialect import Dialect

HEAD = '''\
"""The gradient of an exported network in $framework; then: bp gradcheck CONFIG --against $gradients_name."""

from pathlib import Path
'''

GIVEN = """
here = Path(__file__).resolve()
given = $load(here.with_name($export))
X = jnp.asarray(given["X"].T)  # an example is a row
Y = jnp.asarray(given["Y"]$targets)
"""

SAVED = """
np.savez(here.with_name($gradients), **gradients)
print(here.with_name($gradients))
"""

JAX_TEMPLATE = (
    HEAD
    + """
import jax
import jax.numpy as jnp
import numpy as np
${import_load}
jax.config.update("jax_enable_x64", True)
"""
    + GIVEN
    + """parameters = {name: jnp.asarray(given[name]) for name in given if name[0] in "Wb"}


def loss(parameters):
    A = X
${hidden}    Z = A @ parameters["W$last"].T + parameters["b$last"]
$terms
    return $total


gradients = {f"d{name}": array for name, array in jax.grad(loss)(parameters).items()}"""
    + SAVED
)

FLAX_TEMPLATE = (
    HEAD
    + """
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict
${import_load}
jax.config.update("jax_enable_x64", True)
"""
    + GIVEN
    + """

class Network(nn.Module):
    @nn.compact
    def __call__(self, A):
${hidden}        return nn.Dense($outputs, param_dtype=jnp.float64)(A)  # Z: the loss contains the output's activation


layers = range($last)
dense = {f"Dense_{l}": {"kernel": given[f"W{l + 1}"].T, "bias": given[f"b{l + 1}"]} for l in layers}


def loss(parameters):
    Z = Network().apply(parameters, X)
$terms
    return $total


gradients = flatten_dict(jax.grad(loss)({"params": dense}), sep="/")"""
    + SAVED
)

KERAS_TEMPLATE = (
    HEAD.replace("\nfrom pathlib", "\nimport os\nfrom pathlib")
    + """
os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import numpy as np
${import_load}
jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")
"""
    + GIVEN
    + """
network = keras.Sequential(
    [
        keras.Input(($inputs,)),
${hidden}        keras.layers.Dense($outputs),  # Z: the loss below contains the output's activation
    ]
)
for number, layer in enumerate(network.layers, start=1):
    layer.set_weights([given[f"W{number}"].T, given[f"b{number}"]])


def loss(parameters):
    Z, _ = network.stateless_call(parameters, [], X)
$terms
    return $total


found = jax.grad(loss)([variable.value for variable in network.trainable_variables])
gradients = {variable.path: array for variable, array in zip(network.trainable_variables, found)}"""
    + SAVED
)

ACTIVATIONS_OF_Z = {
    "identity": "Z",
    "sigmoid": "jax.nn.sigmoid(Z)",
    "tanh": "jnp.tanh(Z)",
    "relu": "jax.nn.relu(Z)",
    "leaky_relu": "jnp.where(Z > 0, Z, {slope} * Z)",
    "softmax": "jax.nn.softmax(Z, axis=1)",
    "elu": "jax.nn.elu(Z, {alpha})",
    "selu": "jax.nn.selu(Z)",
    "gelu": 'jax.nn.gelu(Z, approximate="{approximate}" == "tanh")',
    "silu": "jax.nn.silu(Z)",
    "mish": "jax.nn.mish(Z)",
    "softplus": "jax.nn.softplus(Z)",
    "softsign": "jax.nn.soft_sign(Z)",
    "relu6": "jax.nn.relu6(Z)",
    "hard_tanh": "jax.nn.hard_tanh(Z)",
    "hard_sigmoid": "jax.nn.hard_sigmoid(Z)",
    "hard_swish": "jax.nn.hard_swish(Z)",
    "exponential": "jnp.exp(Z)",
}

LOG_OUTPUTS = {
    "sigmoid": "jax.nn.log_sigmoid(Z)",
    "softmax": "jax.nn.log_softmax(Z, axis=1)",
    "exponential": "Z",
}

LOG_RESTS = {
    "sigmoid": "jax.nn.log_sigmoid(-Z)",
    "softmax": (
        "jnp.stack([jax.nn.logsumexp(jnp.delete(Z, k, 1), 1) for k in range(Z.shape[1])], 1)"
        " - jax.nn.logsumexp(Z, 1, keepdims=True)"
    ),
}

LOSSES_OF_OUTPUTS = {
    "cross_entropy": "-log_A[jnp.arange(len(X)), Y]",
    "binary_cross_entropy": "-(Y * log_A + (1 - Y) * log_rest).sum(axis=1)",
    "half_squared_error": "(0.5 * (A - Y) ** 2).sum(axis=1)",
    "absolute_error": "jnp.abs(A - Y).sum(axis=1)",
    "huber": (
        "jnp.where(jnp.abs(A - Y) <= {delta}, 0.5 * (A - Y) ** 2, {delta} * (jnp.abs(A - Y) - 0.5 * {delta}))"
        ".sum(axis=1)"
    ),
    "log_cosh": "(jnp.logaddexp(A - Y, Y - A) - jnp.log(2.0)).sum(axis=1)",
    "quantile": (
        "(jax.nn.relu(A - Y) - jnp.repeat(jnp.array({levels}), Z.shape[1] // len({levels})) * (A - Y)).sum(axis=1)"
    ),
    "poisson": "(A - Y + jax.scipy.special.xlogy(Y, Y) - Y * log_A).sum(axis=1)",
    "gamma": "(Y * jnp.exp(-log_A) - 1 - jnp.log(Y) + log_A).sum(axis=1)",
    "hinge": "jax.nn.relu(1 - Y * A).sum(axis=1)",
    "squared_hinge": "(jax.nn.relu(1 - Y * A) ** 2).sum(axis=1)",
    "focal": (
        "-({alpha} * Y * jnp.exp({gamma} * log_rest) * log_A"
        " + (1 - {alpha}) * (1 - Y) * jnp.exp({gamma} * log_A) * log_rest).sum(axis=1)"
    ),
    "categorical_focal": "-(jnp.exp({gamma} * log_rest) * log_A)[jnp.arange(len(X)), Y]",
    "kullback_leibler": "(jax.scipy.special.xlogy(Y, Y) - Y * log_A).sum(axis=1)",
}


def _on_jax(framework: str, template: str, hidden: str) -> Dialect:
    """A framework on JAX."""
    return Dialect(
        framework=framework,
        template=template,
        declared="",
        hidden=hidden,
        activations=ACTIVATIONS_OF_Z,
        log_outputs=LOG_OUTPUTS,
        log_rests=LOG_RESTS,
        losses=LOSSES_OF_OUTPUTS,
        indent="    ",
    )


JAX = _on_jax("JAX", JAX_TEMPLATE, '    Z = A @ parameters["W{l}"].T + parameters["b{l}"]\n    A = {activation}')

FLAX = _on_jax("Flax", FLAX_TEMPLATE, "        Z = nn.Dense({n}, param_dtype=jnp.float64)(A)\n        A = {activation}")

KERAS = _on_jax("Keras", KERAS_TEMPLATE, "        keras.layers.Dense({n}, activation=lambda Z: {activation}),")
