"""Every step computed again from the steps before it and nothing else: NumPy on the arrays of the JSON.

One function per document, in the document's own notation, orientation and sign.
A step that none of them knows fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.nn import Array

Place = tuple[str, int | None, int | None]
"""A step's key, layer and example."""

TOLERANCE = 1e-12


def value(name: str, z: Array) -> Array:
    """f(z) as textbooks have it."""
    functions: dict[str, Callable[[Array], Array]] = {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.where(z > 0, z, 0),
        "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=0),
    }
    return functions[name](z)


def slope(name: str, z: Array) -> Array:
    """f′(z)."""
    functions: dict[str, Callable[[Array], Array]] = {
        "identity": np.ones_like,
        "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
        "tanh": lambda z: 1 / np.cosh(z) ** 2,
        "relu": lambda z: np.where(z > 0, 1.0, 0),
        "leaky_relu": lambda z: np.where(z > 0, 1, 0.01),
    }
    return functions[name](z)


@dataclass
class Account:
    """One update's steps, as far as they are checked; ``kept`` are the steps of the update before."""

    explanation: dict[str, Any]
    number: int
    kept: dict[Place, Array]
    seen: dict[Place, Array] = field(default_factory=dict)

    def __call__(self, key: str, layer: int | None = None, example: int | None = None) -> Array:
        return self.seen[key, layer, example]

    @property
    def last(self) -> int:
        """bp's L."""
        return len(self.explanation["layers"]) - 1

    @property
    def m(self) -> int:
        """The number of examples."""
        return len(self.explanation["updates"][self.number - 1]["examples"])

    @property
    def n(self) -> int:
        """The number of outputs."""
        return int(self.explanation["layers"][-1])

    def name(self, l: int) -> str:
        """The activation of bp's layer l."""
        return str(self.explanation["activations"][l - 1]["name"])

    def engine(self, *, outputs: str, examples: str, sign: int = 1) -> float:
        """bp's gradient over one that is reduced and signed like this."""
        loss, factor = self.explanation["loss"], float(sign)
        for own, bps, size in ((outputs, loss["outputs"], self.n), (examples, loss["examples"], self.m)):
            factor *= {("mean", "sum"): size, ("sum", "mean"): 1 / size}.get((own, bps), 1)
        return factor


def updated(account: Account, block: str, gradient: str, l: int, factor: float) -> dict[str, Array]:
    """What the config's rule makes of a block, and of what it remembers of it."""
    rule, t = account.explanation["optimizer"], account.number
    old, g = account(block, l), factor * account(gradient, l)
    eta = account("learning_rate")
    before = {
        name: account.kept.get((f"{name}_{block}", l, None), np.zeros_like(old))
        for name in ("velocity", "mean", "square")
    }
    if rule["name"] == "gradient_descent":
        return {"new": old - eta * g}
    if rule["name"] == "momentum":
        velocity = rule["momentum"] * before["velocity"] - eta * g
        return {"velocity": velocity, "new": old + velocity}
    mean = rule["beta1"] * before["mean"] + (1 - rule["beta1"]) * g
    square = rule["beta2"] * before["square"] + (1 - rule["beta2"]) * g**2
    root = np.sqrt(square / (1 - rule["beta2"] ** t))
    new = old - eta * (mean / (1 - rule["beta1"] ** t)) / (root + rule["epsilon"])
    return {"mean": mean, "square": square, "new": new}


def of_block(account: Account, key: str, l: int, gradients: dict[str, str], factor: float) -> Array:
    """The update's step ``key``, such as ``velocity_weights``."""
    name, _, block = key.partition("_")
    return updated(account, block, gradients[block], l, factor)[name]


APART = {"weights": "weight_gradient", "biases": "bias_gradient"}


def binary_loss(h: Array, y: Array) -> Array:
    """Every term of the binary cross-entropy."""
    return np.asarray(-(y * np.log(h) + (1 - y) * np.log(1 - h)))


def of_matrices(account: Account, key: str, l: int, error: float, gradient: float) -> Array:
    """What the three documents in W and b have in common: dZ divided by ``error`` each, dW by ``gradient`` more."""
    if key == "pre_activation":
        return account("weights", l) @ account.seen.get(
            ("activation", l - 1, None), account.seen["inputs", 0, None]
        ) + account("biases", l)
    if key == "activation":
        return value(account.name(l), account("pre_activation", l))
    if key == "slope":
        return slope(account.name(l), account("pre_activation", l))
    if key == "activation_gradient":
        return account("weights", l + 1).T @ account("error", l + 1)
    if key == "error":
        return account("activation_gradient", l) * account("slope", l)
    if key == "weight_gradient":
        below = account("inputs", 0) if l == 1 else account("activation", l - 1)
        return account("error", l) @ below.T / gradient
    if key == "bias_gradient":
        return np.asarray(account("error", l).sum(axis=1, keepdims=True) / gradient)
    raise KeyError(key)


def binary(account: Account, key: str, l: int, example: int | None) -> Array:
    y, N = account("targets", account.last), account.m
    if key == "loss":
        return np.asarray(binary_loss(account("activation", l), y).sum() / N)
    if key == "activation_gradient" and l == account.last:
        p = account("activation", l)
        return np.asarray((-y / p + (1 - y) / (1 - p)) / N)
    if key == "error" and l == account.last:
        return (account("activation", l) - y) / N
    if key.endswith(("_weights", "_biases")):
        return of_block(account, key, l, APART, account.engine(outputs="sum", examples="mean"))
    return of_matrices(account, key, l, 1, 1)


def biswas(account: Account, key: str, l: int, example: int | None) -> Array:
    E, m = account("targets", account.last), account.m
    if key == "loss":
        return np.asarray(-np.log((E * account("activation", l)).sum(axis=0)).sum() / m)
    if key == "activation_gradient" and l == account.last:
        return -E / account("activation", l)
    if key == "error" and l == account.last:
        return -(E - account("activation", l)) / m
    if key.endswith(("_weights", "_biases")):
        return of_block(account, key, l, APART, account.engine(outputs="sum", examples="mean"))
    return of_matrices(account, key, l, 1, 1)


def half_squared_error(account: Account, key: str, l: int, example: int | None) -> Array:
    y, n, m = account("targets", account.last), account.n, account.m
    if key == "loss":
        return np.asarray((0.5 * (account("activation", l) - y) ** 2).sum() / n / m)
    if key == "activation_gradient" and l == account.last:
        return (account("activation", l) - y) / n
    if key.endswith(("_weights", "_biases")):
        return of_block(account, key, l, APART, account.engine(outputs="mean", examples="mean"))
    return of_matrices(account, key, l, 1, m)


def brawer(account: Account, key: str, l: int, example: int | None) -> Array:
    L = account.last + 1
    y, m = account("targets", L), account.m
    name = account.name(l - 1) if l > 1 else "identity"
    if key == "activation":
        return value(name, account("inputs", 1) if l == 1 else account("pre_activation", l))
    if key == "bias_factor":
        factors = np.ones((1, account("activation", l).shape[0]))
        factors[0, 0] = 1 / value(name, np.ones(1))[0]
        return factors
    if key == "pre_activation":
        out = account("theta", l - 1) @ (account("activation", l - 1) * account("bias_factor", l - 1).T)
        return out if l == L else np.vstack([np.ones((1, m)), out])
    if key == "loss":
        return np.asarray(binary_loss(account("activation", L), y).sum() / m)
    if key == "error" and l == L:
        return account("activation", L) - y
    if key == "slope":
        return slope(name, account("pre_activation", l)[1:])
    if key == "carrier":
        assert example is not None
        return account("theta", l)[:, 1:] * account("slope", l)[:, example - 1]
    if key == "error":
        columns = [account("carrier", l, i + 1).T @ account("error", l + 1)[:, i] for i in range(m)]
        return np.stack(columns, axis=1)
    if key == "theta_gradient":
        return np.asarray(account("error", l + 1) @ (account("activation", l) * account("bias_factor", l).T).T / m)
    factor = account.engine(outputs="sum", examples="mean")
    return of_block(account, key, l, {"theta": "theta_gradient"}, factor)


def general_cost(loss: str, h: Array, y: Array) -> Array:
    """C: half the squared error, or a log-likelihood, to be raised."""
    if loss == "half_squared_error":
        return np.asarray((0.5 * (h - y) ** 2).sum())
    return np.asarray((y * np.log(h)).sum() if loss == "cross_entropy" else -binary_loss(h, y).sum())


def general(account: Account, key: str, l: int, example: int | None) -> Array:
    L, loss = account.last, account.explanation["loss"]["name"]
    y = account("targets", L)
    sign = 1 if loss == "half_squared_error" else -1
    if key == "pre_activation":
        below = account("inputs", 0) if l == 1 else account("activation", l - 1)
        return account("weights", l - 1).T @ below + account("biases", l - 1).T
    if key in ("activation", "slope"):
        return {"activation": value, "slope": slope}[key](account.name(l), account("pre_activation", l))
    if key == "loss":
        return general_cost(loss, account("activation", L), y)
    if key == "error" and l == L and loss == "binary_cross_entropy":
        return y - account("activation", L)
    if key == "activation_gradient":
        h = account("activation", L)
        at_output = y / h if loss == "cross_entropy" else h - y
        return at_output if l == L else account("weights", l) @ account("error", l + 1)
    if key == "error":
        return account("activation_gradient", l) * account("slope", l)
    if key == "weight_gradient":
        below = account("inputs", 0) if l == 0 else account("activation", l)
        return below @ account("error", l + 1).T
    if key == "bias_gradient":
        return np.asarray(account("error", l + 1).sum(axis=1)[None, :])
    return of_block(account, key, l, APART, account.engine(outputs="sum", examples="sum", sign=sign))


DOCUMENTS: dict[str, Callable[[Account, str, int, int | None], Array]] = {
    "binary": binary,
    "biswas": biswas,
    "brawer": brawer,
    "general": general,
    "half-squared-error": half_squared_error,
}


def wrong_steps(explanation: dict[str, Any]) -> list[tuple[int, Place]]:
    """The steps whose numbers do not follow from those before: the update's number and the step's place."""
    of_document = DOCUMENTS[explanation["document"]["name"]]
    wrong, kept = [], dict[Place, Array]()
    for number, update in enumerate(explanation["updates"], start=1):
        account = Account(explanation, number, kept)
        for step in update["steps"]:
            place = (step["key"], step["layer"], step["example"])
            assert place not in account.seen, place
            given = np.array(step["value"], np.float64)
            assert list(given.shape) == step["shape"]
            if step["stage"] == "given":
                before = kept.get((f"new_{step['key']}", step["layer"], None), given)
                right = bool((before == given).all())
            else:
                expected = of_document(account, step["key"], step["layer"], step["example"])
                right = np.shape(expected) == given.shape and np.allclose(given, expected, TOLERANCE, TOLERANCE)
            if not right:
                wrong.append((number, place))
            account.seen[place] = given
        kept = account.seen
    return wrong
