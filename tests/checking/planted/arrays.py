"""Mistakes in dW or db of a layer, or in what is made of the whole gradient afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.nn import Array

from .kinds import Kind, Planting
from .passes import Gradient, Pass, activate

Change = Callable[[Pass, int, np.random.Generator], Array | None]


def dW(change: Change) -> Planting:
    """Another dW in one layer."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last + 1):
            found = change(p, l, rng)
            if found is not None:
                yield p.but(**{f"dW{l}": found})

    return plant


def db(change: Change) -> Planting:
    """Another db in one layer."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last + 1):
            found = change(p, l, rng)
            if found is not None:
                yield p.but(**{f"db{l}": found})

    return plant


def inputs(A: Callable[[Pass, int], Array | None]) -> Planting:
    """dW of the right dZ and other inputs."""

    def change(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
        found = A(p, l)
        return None if found is None or found.shape != p.A[l - 1].shape else p.dZ[l] @ found.T

    return dW(change)


def every(change: Callable[[Pass, str, Array], Array | None]) -> Planting:
    """Every array changed in the same way."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        found = {name: change(p, name, array) for name, array in p.right.items()}
        if all(array is not None for array in found.values()):
            yield {name: array for name, array in found.items() if array is not None}

    return plant


def weighted(weights: Callable[[Pass, np.random.Generator], Array | None]) -> Planting:
    """Every layer's sum over the examples, weighted."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        w = weights(p, rng)
        if w is not None:
            yield p.below(p.last, p.dZ[-1] * w)

    return plant


def forward(change: Callable[[Pass], tuple[list[Array], list[Array]] | None]) -> Planting:
    """A backward pass that is right for a forward pass that is not."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        changed = change(p)
        if changed is not None:
            yield Pass(p.sizes, p.names, p.loss, p.outputs, p.examples, *changed, p.X, p.Y).right

    return plant


def rounding(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    """Noise where the gradient should be."""
    yield {name: 1e-17 * np.abs(array).max() * rng.normal(0, 1, array.shape) for name, array in p.right.items()}


def right(p: Pass, l: int) -> Array:
    return p.right[f"dW{l}"]


def rows(order: Callable[[int, np.random.Generator], list[int] | None]) -> Planting:
    """Rows of dW and db in another order, in one layer."""

    def plant(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
        for l in range(1, p.last + 1):
            found = order(p.sizes[l], rng)
            if found is not None:
                yield p.but(**{f"dW{l}": right(p, l)[found], f"db{l}": p.right[f"db{l}"][found]})

    return plant


def columns(order: Callable[[int, np.random.Generator], list[int] | None]) -> Planting:
    def change(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
        found = order(p.sizes[l - 1], rng)
        return None if found is None else right(p, l)[:, found]

    return dW(change)


def rolled(n: int, rng: np.random.Generator) -> list[int] | None:
    return [n - 1, *range(n - 1)] if n > 2 else None


def exchanged(n: int, rng: np.random.Generator) -> list[int] | None:
    if n < 2:
        return None
    order = list(range(n))
    i, j = rng.choice(n, 2, replace=False)
    order[i], order[j] = order[j], order[i]
    return order


def shuffled(n: int, rng: np.random.Generator) -> list[int] | None:
    return [int(i) for i in rng.permutation(n)] if n > 3 else None


def one_entry(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    found = right(p, l).copy()
    if found.size < 3:
        return None
    place = np.unravel_index(np.argmax(np.abs(found)), found.shape)
    found[place] *= float(rng.choice([1.001, -1, 0, 3.3]))
    return found


def missing_row(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    found = right(p, l).copy()
    if found.shape[0] < 2:
        return None
    found[rng.integers(len(found))] = 0
    return found


def missing_column(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    found = right(p, l).copy()
    if found.shape[1] < 2:
        return None
    found[:, -1] = 0
    return found


def decayed(p: Pass, l: int, rng: np.random.Generator) -> Array:
    return right(p, l) + float(rng.choice([0.1, 0.01, 0.5, 1e-4])) * p.W[l]


def decayed_everywhere(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    strength = float(rng.choice([0.1, 0.01, 0.003]))
    yield p.but(**{f"dW{l}": right(p, l) + strength * p.W[l] for l in range(1, p.last + 1)})


def scaled_and_decayed(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    if p.examples == "mean" and p.m > 1:
        yield {name: p.m * array + 0.1 * _parameter(p, name) for name, array in p.right.items()}


def _parameter(p: Pass, name: str) -> Array:
    l = int(name[2:])
    return p.W[l] if name.startswith("dW") else 0 * p.b[l][:, 0]


def clipped_by_value(p: Pass, l: int, rng: np.random.Generator) -> Array | None:
    found = right(p, l)
    if found.size < 3:
        return None
    v = float(np.quantile(np.abs(found), 0.6))
    return np.clip(found, -v, v)


def norm(p: Pass) -> float:
    return float(np.sqrt(sum((array**2).sum() for array in p.right.values())))


def clipped_by_norm(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    bound = float(f"{0.4 * norm(p):.0e}")
    yield {name: array * bound / norm(p) for name, array in p.right.items()}


def swapped(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    for l in range(1, p.last):
        if p.W[l].shape == p.W[l + 1].shape:
            names = [(f"dW{l}", f"dW{l + 1}"), (f"db{l}", f"db{l + 1}")]
            yield p.but(**{a: p.right[b] for pair in names for a, b in (pair, pair[::-1])})


def unscaled(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    s, t = rng.uniform(0.5, 20, (p.sizes[0], 1)), rng.normal(0, 3, (p.sizes[0], 1))
    yield p.but(dW1=p.dZ[1] @ (s * p.X + t).T)


def unscaled_without_shift(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    yield p.but(dW1=p.dZ[1] @ (rng.uniform(0.5, 20, (p.sizes[0], 1)) * p.X).T)


def transposed_without_division(p: Pass, rng: np.random.Generator) -> Iterator[Gradient]:
    if p.examples == "mean" and p.m > 1:
        for l in range(1, p.last + 1):
            yield p.but(**{f"dW{l}": p.m * right(p, l).T})


def chosen(p: Pass, rng: np.random.Generator) -> Array | None:
    if p.m < 4:
        return None
    w = np.ones(p.m)
    w[rng.choice(p.m, 2, replace=False)] = 0
    return w


def any_weights(p: Pass, rng: np.random.Generator) -> Array | None:
    return rng.uniform(0.2, 3, p.m) if p.m > 1 and p.sizes[-1] > 2 else None


def class_weights(p: Pass, rng: np.random.Generator) -> Array | None:
    if p.loss != "cross_entropy" or p.sizes[-1] < 3:
        return None
    by_class: Array = rng.uniform(0.2, 3, p.sizes[-1])[np.argmax(p.Y, axis=0)]
    return by_class


def unit(m: int, j: int) -> Array:
    w = np.zeros(m)
    w[j] = 1
    return w


def without(b: list[Array], l: int) -> list[Array]:
    return [0 * one if k == l else one for k, one in enumerate(b)]


ARRAYS: dict[str, Kind] = {
    "dW is zero": Kind(dW(lambda p, l, rng: 0 * right(p, l)), ("all zeros",)),
    "dW is transposed": Kind(dW(lambda p, l, rng: right(p, l).T if right(p, l).size > 1 else None), ("transposed",)),
    "dW is transposed, 1/m missing": Kind(transposed_without_division, ("transposed, but without the division",)),
    "dW by Z below": Kind(inputs(lambda p, l: p.Z[l - 1]), ("before its activation",)),
    "dW by the layer's own A": Kind(inputs(lambda p, l: p.A[l]), ("stands for A of the layer below",)),
    "dW by X": Kind(inputs(lambda p, l: p.X if l > 1 else None), ("stands for A of the layer below",)),
    "dW by inputs activated twice": Kind(
        inputs(lambda p, l: activate(p.names[l - 2], p.A[l - 1]) if l > 1 else None), ("activation twice",)
    ),
    "dW by the inputs of the next example": Kind(
        inputs(lambda p, l: np.roll(p.A[l - 1], -1, axis=1)), ("example after",)
    ),
    "dW by centred inputs": Kind(
        inputs(lambda p, l: p.A[l - 1] - p.A[l - 1].mean(axis=1, keepdims=True)), ("centred",)
    ),
    "dW of dA": Kind(dW(lambda p, l, rng: p.dA[l] @ p.A[l - 1].T), ("dW: the activation's derivative is missing",)),
    "dW of dZ of the layer above": Kind(
        dW(lambda p, l, rng: p.dZ[l + 1] @ p.A[l - 1].T if l < p.last and p.sizes[l] == p.sizes[l + 1] else None),
        ("dZ is that of another layer",),
    ),
    "the sums are multiplied": Kind(
        dW(lambda p, l, rng: np.outer(p.dZ[l].sum(axis=1), p.A[l - 1].sum(axis=1))), ("sums of dZ and of the inputs",)
    ),
    "1/m is missing in dW alone": Kind(
        dW(lambda p, l, rng: p.m * right(p, l) if p.examples == "mean" and p.m > 1 else None),
        ("dW is right, but without",),
    ),
    "dW is twice what it should be": Kind(dW(lambda p, l, rng: 2 * right(p, l)), ("counted twice",)),
    "dW's sign is turned": Kind(dW(lambda p, l, rng: -right(p, l)), ("sign of the gradient turned",)),
    "dW has L2 in one layer": Kind(dW(decayed), ("weight decay",)),
    "dW has L2 in every layer": Kind(decayed_everywhere, ("weight decay",)),
    "dW has L2 and lacks 1/m": Kind(scaled_and_decayed, ("weight decay",)),
    "dW has L1": Kind(dW(lambda p, l, rng: right(p, l) + 0.05 * np.sign(p.W[l])), ("(L1)",)),
    "W is given": Kind(dW(lambda p, l, rng: p.W[l]), ("parameters",)),
    "the updated W is given": Kind(dW(lambda p, l, rng: p.W[l] - 0.1 * right(p, l)), ("W already updated",)),
    "db is added into dW": Kind(dW(lambda p, l, rng: right(p, l) + p.right[f"db{l}"][:, None]), ("db is added",)),
    "the last example is left out": Kind(
        weighted(lambda p, rng: 1 - unit(p.m, p.m - 1) if p.m > 1 else None), ("left out, number", "first")
    ),
    "an example is left out": Kind(
        weighted(lambda p, rng: 1 - unit(p.m, int(rng.integers(p.m))) if p.m > 2 else None),
        ("left out, number", "first", "last"),
    ),
    "one example alone": Kind(
        weighted(lambda p, rng: unit(p.m, int(rng.integers(p.m))) if p.m > 1 else None), ("of one example",)
    ),
    "one example twice": Kind(
        weighted(lambda p, rng: 1 + unit(p.m, int(rng.integers(p.m))) if p.m > 1 else None), ("counted twice, number",)
    ),
    "the first half": Kind(
        weighted(lambda p, rng: (np.arange(p.m) < p.m // 2).astype(float) if p.m > 3 else None), ("of the first",)
    ),
    "the first half, averaged anew": Kind(
        weighted(
            lambda p, rng: (
                (np.arange(p.m) < p.m // 2) * (p.m / (p.m // 2)) if p.m > 3 and p.examples == "mean" else None
            )
        ),
        ("of the first",),
    ),
    "some examples are left out": Kind(weighted(chosen), ("left out", "of the first", "of the last")),
    "examples are weighted": Kind(weighted(any_weights), ("weighted",)),
    "classes are weighted": Kind(weighted(class_weights), ("weighted",)),
    "db is zero": Kind(db(lambda p, l, rng: 0 * p.right[f"db{l}"]), ("all zeros",)),
    "db over the units": Kind(
        db(lambda p, l, rng: p.dZ[l].sum(axis=0) if p.sizes[l] > 1 < p.m and p.m != p.sizes[l] else None),
        ("wrong axis",),
    ),
    "db over both axes": Kind(
        db(lambda p, l, rng: np.full(p.sizes[l], p.dZ[l].sum()) if p.sizes[l] > 1 else None), ("both axes",)
    ),
    "db of one example": Kind(db(lambda p, l, rng: p.dZ[l][:, 0] if p.m > 1 else None), ("one example, number 0",)),
    "db is not summed": Kind(db(lambda p, l, rng: p.dZ[l] if p.m > 1 else None), ("not summed",)),
    "db is the mean": Kind(
        db(lambda p, l, rng: p.dZ[l].mean(axis=1) if p.m > 1 else None), ("examples once too often",)
    ),
    "db of dA": Kind(db(lambda p, l, rng: p.dA[l].sum(axis=1)), ("db: the activation's derivative is missing",)),
    "db is the sum of dW": Kind(db(lambda p, l, rng: right(p, l).sum(axis=1)), ("sum of dW",)),
    "rows are rolled": Kind(rows(rolled), ("rows are rolled",)),
    "rows are exchanged": Kind(rows(exchanged), ("are exchanged",)),
    "rows are permuted": Kind(rows(shuffled), ("permuted", "rolled", "exchanged", "reverse")),
    "columns are rolled": Kind(columns(rolled), ("columns are rolled",)),
    "columns are exchanged": Kind(columns(exchanged), ("are exchanged",)),
    "columns are permuted": Kind(columns(shuffled), ("permuted", "rolled", "exchanged", "reverse")),
    "dW is read in another order": Kind(
        dW(lambda p, l, rng: right(p, l).T.reshape(right(p, l).shape) if min(right(p, l).shape) > 1 else None),
        ("read column by column",),
    ),
    "one entry is wrong": Kind(dW(one_entry), ("at one entry", "at row", "at column")),
    "a row is missing": Kind(dW(missing_row), ("zero at row",)),
    "a column is missing": Kind(dW(missing_column), ("zero at column",)),
    "clipped by value": Kind(dW(clipped_by_value), ("clipped by value",)),
    "clipped by norm": Kind(clipped_by_norm, ("clipped by norm",)),
    "normalised": Kind(every(lambda p, name, array: array / norm(p)), ("normalised",)),
    "the sign alone, as Adam's first step": Kind(every(lambda p, name, array: np.sign(array)), ("Adam",)),
    "Adam's first step": Kind(every(lambda p, name, array: -0.001 * array / (np.abs(array) + 1e-8)), ("Adam",)),
    "sizes without signs": Kind(every(lambda p, name, array: np.abs(array)), ("without its signs",)),
    "squares": Kind(every(lambda p, name, array: array**2), ("square of the gradient",)),
    "rounding alone": Kind(rounding, ("practically zero",)),
    "half precision": Kind(every(lambda p, name, array: array.astype(np.float16).astype(float)), ("half precision",)),
    "single precision": Kind(
        every(lambda p, name, array: array.astype(np.float32).astype(float)), ("single precision",)
    ),
    "layers are swapped": Kind(swapped, ("that of another layer",)),
    "inputs are not scaled": Kind(unscaled, ("not scaled",)),
    "inputs are not divided by their width": Kind(unscaled_without_shift, ("not scaled",)),
    "forward without b of the first layer": Kind(forward(lambda p: (p.W, without(p.b, 1))), ("leaves out b",)),
    "forward without b of the last layer": Kind(forward(lambda p: (p.W, without(p.b, p.last))), ("leaves out b",)),
    "forward without any b": Kind(
        forward(lambda p: (p.W, [0 * one for one in p.b])), ("leaves out every b", "leaves out b")
    ),
}
