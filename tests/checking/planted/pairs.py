"""Two mistakes at once, and the gradient at parameters other than those given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.nn import Array

from .kinds import Kind, Planting
from .passes import Gradient, Pass

OfLayer = Callable[[Pass, int], Gradient | None]


def averaged(made: OfLayer) -> Planting:
    """In each layer, where 1/m can be missing."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last + 1):
            found = made(p, l) if p.examples == "mean" and p.m > 1 and p.sizes[l] > 2 else None
            if found is not None:
                yield found

    return plant


def rows_of(p: Pass, l: int, change: Callable[[Array], Array]) -> Gradient:
    """Rows of dW and db changed, and 1/m missing."""
    return p.but(**{name: p.m * change(p.right[name]) for name in (f"dW{l}", f"db{l}")})


def without_row(array: Array) -> Array:
    found = array.copy()
    found[1] = 0
    return found


def decayed(p: Pass, gradient: Gradient) -> Gradient:
    return {name: array + 0.1 * p.W[int(name[2:])] if name[1] == "W" else array for name, array in gradient.items()}


def of_errors(dZ: Callable[[Pass], Array]) -> Planting:
    """Another dZ of the output layer, and λ W added in every layer."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        if p.m > 2:
            yield decayed(p, p.below(p.last, dZ(p)))

    return plant


def clipped(p: Pass, l: int) -> Gradient:
    dW = p.m * p.right[f"dW{l}"]
    v = float(np.quantile(np.abs(dW), 0.7))
    return p.but(**{f"dW{l}": np.clip(dW, -v, v)})


def changed_pass(p: Pass, W: list[Array], b: list[Array]) -> Gradient:
    return Pass(p.sizes, p.names, p.loss, p.outputs, p.examples, W, b, p.X, p.Y).right


def after_a_step(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    eta = float(rng.choice([0.5, 0.1, 0.01]))
    layers = range(1, p.last + 1)
    W = [p.W[0], *(p.W[l] - eta * p.right[f"dW{l}"] for l in layers)]
    b = [p.b[0], *(p.b[l] - eta * p.right[f"db{l}"][:, None] for l in layers)]
    yield changed_pass(p, W, b)


def without_biases(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    if p.examples == "mean" and p.m > 1:
        found = changed_pass(p, p.W, [0 * b for b in p.b])
        yield {name: p.m * array for name, array in found.items()}


def first_left_out(p: Pass) -> Array:
    return p.dZ[-1] * (np.arange(p.m) > 0)


PAIRS: dict[str, Kind] = {
    "rows rolled, 1/m missing": Kind(
        averaged(lambda p, l: rows_of(p, l, lambda array: np.roll(array, 1, axis=0))),
        ("rows are rolled by 1, but without",),
    ),
    "a row missing, 1/m missing": Kind(
        averaged(lambda p, l: rows_of(p, l, without_row)), ("zero at row 1, but without",)
    ),
    "clipped by value, 1/m missing": Kind(averaged(clipped), ("clipped by value",)),
    "transposed, with L2": Kind(
        averaged(lambda p, l: p.but(**{f"dW{l}": (p.right[f"dW{l}"] + 0.1 * p.W[l]).T})),
        ("transposed; 2) λ W is added",),
    ),
    "f′ missing, with L2": Kind(
        averaged(lambda p, l: decayed(p, p.below(l, p.dA[l])) if l == p.last else None), ("λ W is added",)
    ),
    "f′ missing and Z below": Kind(
        averaged(lambda p, l: p.but(**{f"dW{l}": p.dA[l] @ p.Z[l - 1].T}) if l > 1 else None),
        ("before its activation",),
    ),
    "an example left out, the sign turned": Kind(
        averaged(lambda p, l: p.below(l, -first_left_out(p)) if l == p.last else None),
        ("left out, number 0, but with the sign",),
    ),
    "an example left out, with L2": Kind(of_errors(first_left_out), ("left out, number 0; 2) λ W is added",)),
    "db zero, dW with L2": Kind(
        averaged(lambda p, l: decayed(p, p.but(**{f"db{l}": 0 * p.right[f"db{l}"]}))), ("λ W is added",)
    ),
    "forward without b, 1/m missing": Kind(without_biases, ("leaves out every b, but without", "leaves out b")),
    "the gradient after a step": Kind(after_a_step, ("after an update",)),
}
