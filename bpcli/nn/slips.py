"""What mistake makes this gradient? Known slips, each computed, and held against somebody's arrays.

Going down from the output, the first layer whose dW or db is wrong is looked at:
its dZ is computed once more with each slip in turn, all layers above it being
right. The slip that reproduces the arrays, perhaps times a constant, is named;
where several do, one that explains dW and db with the same constant comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Identity, Sigmoid, Softmax
from bpcli.nn.gradcheck import Probe, rounding
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import LOSSES, HalfSquaredError, Loss
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

TOLERANCE = {"f8": 1e-9, "f4": 1e-4, "f2": 1e-2}
"""How far apart the same numbers may lie in each precision, of the layer's largest."""

NONE = "none of the known slips gives these numbers"


@dataclass(frozen=True)
class Verdict:
    """The first wrong layer counted from the output, 0 if none is; which of its arrays, and the slip that fits."""

    layer: int
    wrong: tuple[str, ...] = ()
    slip: str = ""


@dataclass(frozen=True)
class Candidate:
    """A slip in its words, the dZ it makes, and dW = dZ Aᵀ, ``below`` being the A."""

    words: str
    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    below: Array


@dataclass(frozen=True)
class Match:
    """A candidate whose dW, perhaps transposed, is somebody's but for the factor ``c``."""

    candidate: Candidate
    c: float
    transposed: bool
    with_db: bool
    """Whether db is the candidate's times the same factor."""


@dataclass(frozen=True)
class Task:
    """A network, its parameters, and a batch that has gone forward and backward."""

    network: Network
    parameters: Parameters
    ws: Workspace


def judge(network: Network, parameters: Parameters, ws: Workspace, given: dict[str, Array]) -> Verdict:
    """Judge ``given``, arrays dW1, db1, …, on the examples in ``ws``, all real arrays of it in float64.

    ``given`` may hold db as (n,), (n, 1) or (1, n); any other shape than that of the parameters is wrong.
    """
    right = Parameters(network.sizes, np.empty_like(parameters.theta))
    places = Parameters(network.sizes, np.arange(right.theta.size))
    with np.errstate(all="ignore"):
        network.forward(parameters, ws)
        network.backward(parameters, right, ws)
    probe = Probe(network, ws.X, ws.Y)
    for layer in range(len(network.sizes) - 1, 0, -1):
        dW, db = given[f"dW{layer}"], _column(given[f"db{layer}"])
        of_layer = (("dW", dW, right.W[layer], places.W[layer]), ("db", db, right.b[layer], places.b[layer]))
        wrong = tuple(
            f"{name}{layer}"
            for name, array, truth, numbers in of_layer
            if not _agrees(array, truth, numbers, probe, parameters.theta)
        )
        if wrong:
            with np.errstate(all="ignore"):
                return Verdict(layer, wrong, _slip(Task(network, parameters, ws), layer, dW, db))
    return Verdict(0)


def _column(db: Array) -> Array:
    """db as a column, if it is a vector in any shape; a matrix is left as it is."""
    return db.reshape(-1, 1) if db.size == max(db.shape, default=0) else db


def tolerance(array: Array) -> float:
    """How far the numbers of an array may lie off, of its largest."""
    return TOLERANCE.get(array.dtype.str[1:], TOLERANCE["f8"])


def _agrees(array: Array, truth: Array, numbers: Array, probe: Probe, theta: Array) -> bool:
    """Whether two arrays are the same but for rounding, theirs or that of the outputs; ``numbers``: places in θ."""
    if _same(array, truth):
        return True
    if array.shape != truth.shape:
        return False
    errors = np.abs(array - truth).reshape(-1)
    coarser = np.finfo(array.dtype).eps / np.finfo(np.float64).eps
    beyond = np.flatnonzero(errors > tolerance(array) * np.abs(truth).max())
    largest_first = beyond[np.argsort(-errors[beyond])]
    return all(errors[k] <= coarser * rounding(probe, theta, int(numbers.flat[k])) for k in largest_first)


def _same(array: Array, truth: Array) -> bool:
    """Whether two arrays agree in shape and, to their precision, in numbers."""
    if array.shape != truth.shape:
        return False
    return bool(np.abs(array - truth).max() <= tolerance(array) * np.abs(truth).max())


def _factor(array: Array, truth: Array) -> float | None:
    """c where ``array`` is c times ``truth``, None where it is no multiple."""
    if array.shape != truth.shape or not np.isfinite(truth).all() or not truth.any():
        return None
    unit = truth / np.abs(truth).max()  # no square of it underflows
    c = float(np.sum(array * unit) / np.sum(unit * unit)) / float(np.abs(truth).max())
    if c == 0 or not _same(array, c * truth):
        return None
    return 1.0 if _close(c, 1, array) else c


def _close(c: float, value: float, array: Array) -> bool:
    """Whether a factor of ``array`` is this value, as far as the array's precision tells."""
    return bool(np.isclose(c, value, rtol=10 * tolerance(array), atol=0))


def _slip(task: Task, layer: int, dW: Array, db: Array) -> str:
    """The words for the slips that give these arrays, or for none."""
    right = _right(task, layer)
    if not dW.any() and (right.dZ @ right.below.T).any():
        return "dW is all zeros"
    matches = [match for candidate in _candidates(task, layer) for match in _matches(candidate, dW, db, task)]
    if not matches:
        return NONE
    best = min(matches, key=lambda match: (not match.with_db, not _meanings(match.c, dW, task)))
    return _in_words(best, dW, db, task)


def _matches(candidate: Candidate, dW: Array, db: Array, task: Task) -> Iterator[Match]:
    """The ways in which dW is the candidate's: as it is, or transposed.

    A single number is a multiple of any other, so its factor must be db's too, or have a meaning.
    """
    truth = candidate.dZ @ candidate.below.T
    of_db = _factor(db, candidate.dZ.sum(axis=1, keepdims=True))
    for transposed, array in enumerate((dW, dW.T)):
        c = _factor(array, truth)
        if c is None:
            continue
        with_db = of_db is not None and _close(of_db, c, db)
        if array.size > 1 or with_db or _meanings(c, array, task):
            yield Match(candidate, c, bool(transposed), with_db)


def _in_words(match: Match, dW: Array, db: Array, task: Task) -> str:
    """A match as a sentence, with what is wrong about db besides."""
    times = _times(match.c, dW, task)
    words = match.candidate.words
    if match.transposed:
        words = f"dW is transposed, and {words}" if words else "dW is transposed"
    if match.with_db:
        return (words or "right") + times
    of_db = _bias_slip(match.candidate.dZ, db, task)
    if not words:
        words = "dW is right" if times else ""
    return "; ".join(part for part in (words + times, of_db) if part)


def _meanings(c: float, array: Array, task: Task) -> list[str]:
    """What a constant factor can mean; empty for one without a meaning."""
    loss, m, n = task.network.head.loss, task.ws.m, task.network.sizes[-1]
    averaged, over_outputs = loss.examples == "mean", loss.outputs == "mean"
    halved = isinstance(loss, HalfSquaredError)
    known = [
        (1.0, True, ""),
        (float(m), averaged, "without the division by the m examples (1/m)"),
        (1.0 / m, True, "divided by the m examples once too often"),
        (float(n), over_outputs, "without the division by the outputs (1/n_L)"),
        (1.0 / n, True, "divided by the n_L outputs once too often"),
        (
            float(m * n),
            averaged and over_outputs and m > 1 < n,
            "without the divisions by examples and outputs (1/m, 1/n_L)",
        ),
        (2.0, halved, "with the ½ of the loss left out"),
        (0.5, halved, "with a ½ too many"),
    ]
    fitting = [words for value, possible, words in known if possible and value != 1 and _close(c, value, array)]
    fitting += [
        f"{words} and the sign turned" if words else "with the sign of the gradient turned"
        for value, possible, words in known
        if possible and (value != 1 or not words) and _close(c, -value, array)
    ]
    return fitting or (["as it should be"] if c == 1 else [])


def _times(c: float, array: Array, task: Task) -> str:
    """The constant factor and what it means, as the end of a sentence."""
    if c == 1:
        return ""
    words = ", or ".join(_meanings(c, array, task)) or "scaled by a constant"
    return f", but {words}: {c:.6g} times what it should be"


def _bias_slip(dZ: Array, db: Array, task: Task) -> str:
    """What is wrong with db, dW having come from ``dZ``; empty if nothing is."""
    truth = dZ.sum(axis=1, keepdims=True)
    if _same(db, truth):
        return ""
    if not db.any():
        return "db is all zeros"
    c = _factor(db, truth)
    if c is not None and (db.size > 1 or _meanings(c, db, task)):
        return "db is right" + _times(c, db, task)
    for words, array in _wrong_sums(dZ, db):
        c = _factor(db, array)
        if c is not None and (db.size > 1 or c == 1):
            return words + _times(c, db, task)
    return "db fits none of the known slips"


def _wrong_sums(dZ: Array, db: Array) -> Iterator[tuple[str, Array]]:
    """Sums of dZ that are no bias gradient; first those with more numbers in which to agree."""
    n, m = dZ.shape
    if m > 1:
        for array in (dZ, dZ.T):
            yield "db is not summed over the examples", array
    if n > 1:
        yield "db is summed over the units, the wrong axis, instead of the examples", dZ.sum(axis=0)[:, None]
    for example in range(m if m > 1 else 0):
        words = f"db is of one example, number {example}, instead of the sum over all"
        yield words, dZ[:, example : example + 1]
    if n > 1 and db.size in (1, n):
        yield "db is summed over both axes", np.full(db.shape, dZ.sum())


def _right(task: Task, layer: int) -> Candidate:
    return Candidate("", task.ws.dZ[layer], task.ws.A[layer - 1])


def _candidates(task: Task, layer: int) -> Iterator[Candidate]:
    """No slip, then one slip each, the layers above being right."""
    ws, right = task.ws, _right(task, layer)
    yield right
    for words, dZ in _wrong_dZ(task, layer):
        yield Candidate(words, dZ, right.below)
    if layer > 1:
        yield Candidate("dW takes the layer below before its activation, Z, for A", right.dZ, ws.Z[layer - 1])
    for example in range(ws.m if ws.m > 1 else 0):
        alone = np.zeros_like(right.dZ)
        alone[:, example] = right.dZ[:, example]
        yield Candidate(f"it is of one example, number {example}, instead of the sum over all", alone, right.below)


def _wrong_dZ(task: Task, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of ``layer`` with one slip each."""
    network, ws = task.network, task.ws
    activation, Z, A, scratch = network.activations[layer - 1], ws.Z[layer], ws.A[layer], ws.scratch[layer]
    dA, again, dZ = _dA(task, layer), np.empty_like(A), np.empty_like(A)
    output = layer == len(network.sizes) - 1
    short = output and isinstance(network.head, Composed) and isinstance(network.head.loss, HalfSquaredError)
    yield "the activation's derivative is missing" + ", as in the shortcut A − Y of another pair" * short, dA
    activation.forward(A, again, scratch)
    activation.backward(dA, A, again, dZ, scratch)
    yield "the activation's derivative is taken at A, where it needs Z", dZ.copy()
    activation.backward(dA, Z, Z, dZ, scratch)
    yield "the activation's derivative is computed from Z by the formula that needs A", dZ.copy()
    for name, kind in ACTIVATIONS.items():
        if kind not in (type(activation), Identity):
            kind().backward(dA, Z, A, dZ, scratch)
            diagonal = isinstance(activation, Softmax) and kind is Sigmoid
            other = f"the derivative is that of another activation, {name}"
            yield "softmax's derivative is taken as diagonal, a(1 − a)" if diagonal else other, dZ.copy()
    yield from _wrong_losses(task) if output else _wrong_dA(task, layer)


def _wrong_dA(task: Task, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of a hidden layer from a wrong dA."""
    ws, W, dZ = task.ws, task.parameters.W[layer + 1], np.empty_like(task.ws.dZ[layer])
    wrong = {"the error of the layer above is left out": W.T @ np.ones_like(ws.dZ[layer + 1])}
    if W.shape[0] == W.shape[1]:
        wrong["W of the layer above is not transposed"] = W @ ws.dZ[layer + 1]
    for words, dA in wrong.items():
        task.network.activations[layer - 1].backward(dA, ws.Z[layer], ws.A[layer], dZ, ws.scratch[layer])
        yield words, dZ.copy()


def _dA(task: Task, layer: int) -> Array:
    network, ws = task.network, task.ws
    if layer < len(network.sizes) - 1:
        below: Array = task.parameters.W[layer + 1].T @ ws.dZ[layer + 1]
        return below
    dA = np.empty_like(ws.A[layer])
    network.head.loss.backward(ws.A[layer], ws.Y, network.scale(ws.m), dA, ws.output)
    return dA


def _wrong_losses(task: Task) -> Iterator[tuple[str, Array]]:
    """dZ_L of every other loss that takes these targets, and of the shortcut A − Y."""
    network, ws = task.network, task.ws
    A, Z = ws.A[-1], ws.Z[-1]
    dense = np.eye(A.shape[0])[:, ws.Y] if ws.Y.ndim == 1 else ws.Y
    scale = network.scale(ws.m)
    own = type(network.head.loss)
    if isinstance(network.head, Composed):
        yield "the shortcut A − Y is used, which belongs to another pair of output and loss", (A - dense) * scale
    for name, kind in LOSSES.items():
        if kind is own:
            continue
        loss: Loss = kind()
        Y = np.argmax(dense, axis=0) if loss.class_indices else dense
        dZ = np.empty_like(A)
        join(network.head.activation, loss).backward(Z, A, Y, scale, np.empty_like(A), dZ, ws.output)
        yield f"it is the gradient of another loss, {name}", dZ
