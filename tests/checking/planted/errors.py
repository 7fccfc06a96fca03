"""Mistakes in dZ, which travel down to the layers below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from bpcli.nn import Array

from .kinds import Kind, Planting
from .passes import SLOPE, Gradient, Pass, activate, loss_slope, pull


def scaled(c: Callable[[Pass], float | None]) -> Planting:
    """Every layer times a factor, where there is one."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        factor = c(p)
        if factor is not None:
            yield p.below(p.last, factor * p.dZ[-1])

    return plant


def hidden(dZ: Callable[[Pass, int], Array | None], *names: str) -> Planting:
    """Another dZ in a hidden layer with one of these activations, or with any."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last):
            found = dZ(p, l) if not names or p.names[l - 1] in names else None
            if found is not None:
                yield p.below(l, found)

    return plant


def output(dZ: Callable[[Pass], Array | None]) -> Planting:
    """Another dZ of the output layer."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        found = dZ(p)
        if found is not None:
            yield p.below(p.last, found)

    return plant


def targets(Y: Callable[[Pass], Array | None]) -> Planting:
    """Other targets."""
    return output(lambda p: None if (found := Y(p)) is None else for_targets(p, found))


def for_targets(p: Pass, Y: Array) -> Array:
    if p.canonical:
        return (p.A[-1] - Y) * p.scale
    return p.pulled(p.last, loss_slope(p.loss, p.A[-1], Y) * p.scale)


def exchanged(axis: int) -> Planting:
    """The targets of any two classes or examples exchanged."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for i, j in combinations(range(p.Y.shape[axis]), 2):
            order = list(range(p.Y.shape[axis]))
            order[i], order[j] = j, i
            yield p.below(p.last, for_targets(p, np.take(p.Y, order, axis=axis)))

    return plant


def drawn(dZ: Callable[[Pass, int, np.random.Generator], Array | None]) -> Planting:
    """Another dZ in a hidden layer, with a number that is drawn."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last):
            found = dZ(p, l, rng)
            if found is not None:
                yield p.below(l, found)

    return plant


def threshold(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    if p.names[l - 1] != "relu":
        return None
    return p.dA[l] * (p.Z[l] > rng.normal(0, 0.7))


def updated(p: Pass, l: int, rng: np.random.Generator) -> Array:
    W = p.W[l + 1] - float(rng.choice([0.5, 0.1, 0.01, 1.0])) * p.right[f"dW{l + 1}"]
    return p.pulled(l, W.T @ p.dZ[l + 1])


def other_slope(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    if p.names[l - 1] != "leaky_relu":
        return None
    return p.dA[l] * np.where(p.Z[l] > 0, 1, float(rng.choice([0.1, 0.2, 0.3])))


def not_transposed(p: Pass, l: int) -> Array | None:
    W = p.W[l + 1]
    return p.pulled(l, W @ p.dZ[l + 1]) if W.shape[0] == W.shape[1] > 1 else None


def without_weights(p: Pass, l: int) -> Array | None:
    return p.pulled(l, p.dZ[l + 1]) if p.sizes[l] == p.sizes[l + 1] else None


def weights_below(p: Pass, l: int) -> Array | None:
    return p.pulled(l, p.W[l].T @ p.dZ[l + 1]) if p.W[l].shape == p.W[l + 1].shape else None


def another_activation(p: Pass, l: int) -> Array:
    name = "tanh" if p.names[l - 1] == "sigmoid" else "sigmoid"
    return pull(name, p.dA[l], p.Z[l], p.A[l])


def derivative_of_other_layer(p: Pass, l: int) -> Array | None:
    return pull(p.names[l - 1], p.dA[l], p.Z[l + 1], p.A[l + 1]) if p.sizes[l] == p.sizes[l + 1] else None


def other_outputs(name: str, p: Pass) -> Array | None:
    """A − Y of another output activation."""
    return None if p.names[-1] == name else (activate(name, p.Z[-1]) - p.Y) * p.scale


def softmax_over(axis: int | None, p: Pass) -> Array | None:
    """A − Y of a softmax over the examples, or over everything."""
    if p.names[-1] != "softmax" or p.m < 2:
        return None
    powers: Array = np.exp(p.Z[-1])
    return np.asarray((powers / powers.sum(axis=axis, keepdims=True) - p.Y) * p.scale)


def again(p: Pass) -> Array:
    return activate(p.names[-1], p.A[-1])


def another_loss(name: str) -> Planting:
    def dZ(p: Pass) -> Array | None:
        outside = name != "half_squared_error" and p.names[-1] not in ("sigmoid", "softmax")
        if p.loss == name or outside or (name == "cross_entropy" and not one_hot(p)):
            return None
        return p.pulled(p.last, loss_slope(name, p.A[-1], p.Y) * p.scale)

    return output(dZ)


def permuted(order: Callable[[int], list[int] | None], axis: int) -> Callable[[Pass], Array | None]:
    def Y(p: Pass) -> Array | None:
        found = order(p.Y.shape[axis])
        return None if found is None else np.take(p.Y, found, axis=axis)

    return Y


def shuffled(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    if p.m <= p.sizes[-2] + 1:  # the inputs tell the examples apart
        yield p.below(p.last, for_targets(p, p.Y[:, rng.permutation(p.m)]))


def one_label(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    if p.loss == "cross_entropy" and p.sizes[-1] > 1:
        Y, j = p.Y.copy(), int(rng.integers(p.m))
        Y[:, j] = np.roll(Y[:, j], 1)
        yield p.below(p.last, for_targets(p, Y))


def rolled(n: int) -> list[int] | None:
    return [n - 1, *range(n - 1)] if n > 1 else None


def flipped(n: int) -> list[int] | None:
    return list(range(n))[::-1] if n > 1 else None


def averaged(p: Pass) -> bool:
    return p.examples == "mean" and p.m > 1


def of_squares(p: Pass) -> bool:
    return p.loss == "half_squared_error"


def one_hot(p: Pass) -> bool:
    return classes(p) and bool((p.Y.sum(axis=0) == 1).all())


def classes(p: Pass) -> bool:
    return bool(np.isin(p.Y, (0, 1)).all())


ERRORS: dict[str, Kind] = {
    "1/m is missing": Kind(scaled(lambda p: p.m if averaged(p) else None), ("(1/m)",)),
    "1/m is there twice": Kind(scaled(lambda p: 1 / p.m if p.m > 1 else None), ("examples once too often",)),
    "m − 1 for m": Kind(scaled(lambda p: p.m / (p.m - 1) if averaged(p) else None), ("m − 1",)),
    "1/n_L is missing": Kind(scaled(lambda p: p.sizes[-1] if p.outputs == "mean" else None), ("(1/n_L)",)),
    "1/n_L is there twice": Kind(scaled(lambda p: 1 / p.sizes[-1]), ("n_L outputs once too often",)),
    "both divisions are missing": Kind(
        scaled(lambda p: p.m * p.sizes[-1] if averaged(p) and p.outputs == "mean" else None), ("(1/m, 1/n_L)",)
    ),
    "½ is missing": Kind(scaled(lambda p: 2 if of_squares(p) else None), ("½ of the loss",)),
    "½ too many": Kind(scaled(lambda p: 0.5 if of_squares(p) else None), ("½ too many",)),
    "the sign is turned": Kind(scaled(lambda p: -1), ("sign",)),
    "two passes are added up": Kind(scaled(lambda p: 2), ("accumulated",)),
    "a squared error without its ½": Kind(
        output(lambda p: 2 * (p.A[-1] - p.Y) * p.scale if p.canonical and not of_squares(p) else None),
        ("squared error without its ½",),
    ),
    "three passes are added up": Kind(scaled(lambda p: 3), ("accumulated",)),
    "a constant": Kind(scaled(lambda p: 1.7321), ("scaled by a constant: 1.7321",)),
    "next to nothing": Kind(scaled(lambda p: 1e-15), ("scaled by a constant: 1e-15", "practically zero")),
    "a little too large": Kind(scaled(lambda p: 1 + 1e-6), ("1.000001",)),
    "a step −η dW": Kind(scaled(lambda p: -0.05), ("step −η",)),
    "1/m missing, sign turned": Kind(scaled(lambda p: -p.m if averaged(p) else None), ("(1/m) and the sign turned",)),
    "f′ is missing": Kind(hidden(lambda p, l: p.dA[l]), ("derivative is missing",)),
    "f′ is there twice": Kind(hidden(lambda p, l: p.pulled(l, p.dZ[l])), ("derivative is applied twice",)),
    "f′ at A": Kind(hidden(lambda p, l: pull(p.names[l - 1], p.dA[l], p.A[l])), ("derivative is taken at A",)),
    "f′ by the formula of A, from Z": Kind(
        hidden(lambda p, l: pull(p.names[l - 1], p.dA[l], p.Z[l], p.Z[l]), "sigmoid", "tanh"),
        ("from Z by the formula",),
    ),
    "f′ at Z without b": Kind(
        hidden(lambda p, l: pull(p.names[l - 1], p.dA[l], p.Z[l] - p.b[l])), ("Z without its bias",)
    ),
    "f′ of another activation": Kind(hidden(another_activation), ("another activation", "diagonal")),
    "f′ of another layer's Z and A": Kind(hidden(derivative_of_other_layer), ("Z and A of another layer",)),
    "f for f′": Kind(hidden(lambda p, l: p.dA[l] * p.A[l]), ("a stands for", "− a aᵀ")),
    "1 − a for f′": Kind(hidden(lambda p, l: p.dA[l] * (1 - p.A[l])), ("1 − a stands for",)),
    "f′ missing and 1/m missing": Kind(
        hidden(lambda p, l: p.m * p.dA[l] if averaged(p) else None),
        ("derivative is missing, but without the division",),
    ),
    "ReLU looks at δ": Kind(hidden(lambda p, l: p.dA[l] * (p.dA[l] > 0), "relu"), ("sign of dA",)),
    "guided ReLU": Kind(hidden(lambda p, l: p.dA[l] * (p.dA[l] > 0) * (p.Z[l] > 0), "relu"), ("guided",)),
    "ReLU on the wrong side": Kind(hidden(lambda p, l: p.dA[l] * (p.Z[l] <= 0), "relu"), ("wrong side",)),
    "ReLU's threshold is shifted": Kind(drawn(threshold), ("shifted threshold",)),
    "the slope is forgotten": Kind(
        hidden(lambda p, l: p.dA[l] * (p.Z[l] > 0), "leaky_relu"), ("slope of the leaky", "another activation, relu")
    ),
    "the slope is on the wrong side": Kind(
        hidden(lambda p, l: p.dA[l] * np.where(p.Z[l] > 0, SLOPE, 1), "leaky_relu"), ("wrong side",)
    ),
    "another slope": Kind(drawn(other_slope), ("has the slope",)),
    "a softmax that is diagonal": Kind(hidden(lambda p, l: p.dA[l] * p.A[l] * (1 - p.A[l]), "softmax"), ("diagonal",)),
    "a softmax over the batch": Kind(
        hidden(lambda p, l: p.A[l] * (p.dA[l] - (p.dA[l] * p.A[l]).sum() / p.m), "softmax"), ("over the whole batch",)
    ),
    "a softmax derived over the examples": Kind(
        hidden(lambda p, l: p.A[l] * (p.dA[l] - (p.dA[l] * p.A[l]).sum(axis=1, keepdims=True)), "softmax"),
        ("over the examples",),
    ),
    "W is not transposed": Kind(hidden(not_transposed), ("not transposed",)),
    "W is left out": Kind(hidden(without_weights), ("W of the layer above is left out",)),
    "W of the layer below": Kind(hidden(weights_below), ("W of another layer",)),
    "W not transposed and f′ missing": Kind(
        hidden(lambda p, l: p.W[l + 1] @ p.dZ[l + 1] if p.sizes[l] == p.sizes[l + 1] > 1 else None),
        ("not transposed; 2) the activation's derivative is missing",),
    ),
    "W is already updated": Kind(drawn(updated), ("already updated",)),
    "the error above is left out": Kind(
        hidden(lambda p, l: p.pulled(l, p.W[l + 1].T @ np.ones_like(p.dZ[l + 1]))),
        ("error of the layer above is left",),
    ),
    "dA for dZ above": Kind(
        hidden(lambda p, l: p.pulled(l, p.W[l + 1].T @ p.dA[l + 1])), ("derivative of the layer above is left out",)
    ),
    "dA_L is taken for dZ_L": Kind(output(lambda p: p.dA[-1]), ("derivative is missing",)),
    "the shortcut A − Y where it does not hold": Kind(
        output(lambda p: None if p.canonical else (p.A[-1] - p.Y) * p.scale), ("A − Y",)
    ),
    "the shortcut with f′ once more": Kind(
        output(lambda p: p.pulled(p.last, (p.A[-1] - p.Y) * p.scale)), ("once more", "half_squared_error")
    ),
    "the gradient of cross-entropy": Kind(another_loss("cross_entropy"), ("another loss, cross_entropy",)),
    "the gradient of binary cross-entropy": Kind(
        another_loss("binary_cross_entropy"), ("another loss, binary_cross_entropy",)
    ),
    "the gradient of half the squared error": Kind(
        another_loss("half_squared_error"), ("another loss, half_squared_error",)
    ),
    "the gradient of the absolute error": Kind(
        output(lambda p: p.pulled(p.last, np.sign(p.A[-1] - p.Y) * p.scale)), ("absolute error",)
    ),
    "Z − Y": Kind(output(lambda p: (p.Z[-1] - p.Y) * p.scale), ("logits",)),
    "sigmoid outputs for another activation's": Kind(
        output(lambda p: other_outputs("sigmoid", p)), ("outputs are those of another activation, sigmoid",)
    ),
    "softmax outputs for another activation's": Kind(
        output(lambda p: other_outputs("softmax", p) if p.sizes[-1] > 1 else None),
        ("outputs are those of another activation, softmax",),
    ),
    "softmax over the examples": Kind(output(lambda p: softmax_over(1, p)), ("taken over the examples",)),
    "softmax over the whole batch": Kind(output(lambda p: softmax_over(None, p)), ("taken over the whole batch",)),
    "the output is activated twice": Kind(output(lambda p: (again(p) - p.Y) * p.scale), ("applied twice",)),
    "the output is activated twice, and so is f′": Kind(
        output(lambda p: p.pulled(p.last, (again(p) - p.Y) * p.scale)), ("applied twice",)
    ),
    "the targets are left out": Kind(output(lambda p: p.A[-1] * p.scale), ("targets Y are left out",)),
    "binary cross-entropy lacks its second term": Kind(
        output(lambda p: p.pulled(p.last, -p.Y / p.A[-1] * p.scale) if p.loss == "binary_cross_entropy" else None),
        ("second term",),
    ),
    "−1/a for every class": Kind(
        output(lambda p: p.pulled(p.last, -1 / p.A[-1] * p.scale) if p.loss == "cross_entropy" else None),
        ("every class",),
    ),
    "labels rolled over the classes": Kind(targets(permuted(rolled, 0)), ("of other classes",)),
    "two labels exchanged": Kind(exchanged(0), ("of other classes",)),
    "labels rolled over the examples": Kind(targets(permuted(rolled, 1)), ("of other examples",)),
    "labels of two examples exchanged": Kind(exchanged(1), ("of other examples",)),
    "labels in reverse order": Kind(targets(permuted(flipped, 1)), ("of other examples",)),
    "labels in any order": Kind(shuffled, ("of other examples", "one example")),
    "one label is wrong": Kind(one_label, ("target of one example", "of other classes")),
    "labels are smoothed": Kind(
        targets(lambda p: 0.9 * p.Y + 0.1 / len(p.Y) if p.canonical and classes(p) and len(p.Y) > 1 else None),
        ("smoothed",),
    ),
    "targets are not scaled": Kind(
        targets(lambda p: 3.7 * p.Y + 1.2 if p.canonical and not classes(p) else None), ("not scaled",)
    ),
    "labels −1 and 1": Kind(
        targets(lambda p: 2 * p.Y - 1 if p.canonical and p.Y.ndim == 2 and classes(p) else None), ("2Y − 1",)
    ),
    "labels turned": Kind(
        targets(lambda p: 1 - p.Y if p.loss == "binary_cross_entropy" and classes(p) else None), ("1 − Y",)
    ),
}
