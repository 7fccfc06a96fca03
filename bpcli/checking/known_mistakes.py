"""What mistake makes this gradient? Known slips, each computed, and held against somebody's arrays.

Going down from the output, the first layer whose dW or db is wrong is looked at:
its dZ is computed once more with each slip in turn, all layers above it being
right. The slip that reproduces the arrays, perhaps times a constant, is named:
first one that explains all that is wrong at once, else dW and db apart. A slip
that needs no constant comes before one whose constant has a meaning, and that
before any other; where several are as good, up to three are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Identity, Relu, Sigmoid, Softmax
from bpcli.nn.gradient_check import LAST_BIT, Probe, rounding
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import LOSSES, HalfSquaredError, Loss
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.streams import stream

TOLERANCE = {"f8": 1e-9, "f4": 1e-4, "f2": 1e-2}
"""How far apart the same numbers may lie in each precision, of the layer's largest."""

NONE = "none of the known slips gives these numbers"

NAMED = 3
"""At most so many slips are named where several give the same numbers."""


@dataclass(frozen=True)
class Verdict:
    """The first wrong layer counted from the output, 0 if none is; which of its arrays, and the slip that fits.

    ``recognised`` is whether one does, for each array that is wrong.
    """

    layer: int
    wrong: tuple[str, ...] = ()
    slip: str = ""
    recognised: bool = True


@dataclass(frozen=True)
class Candidate:
    """A slip in its words, the dZ it makes, and dW = dZ Aᵀ, ``below`` being the A."""

    words: str
    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    below: Array


@dataclass(frozen=True)
class Match:
    """What makes somebody's array but for the factor ``c``, in words, and the candidate it comes from."""

    words: str
    c: float
    candidate: Candidate
    slips: int = 1
    """How many slips it takes, besides the factor."""


@dataclass(frozen=True)
class Task:
    """A network, its parameters, and a batch that has gone forward and backward, with ``right``, its gradient."""

    network: Network
    parameters: Parameters
    ws: Workspace
    right: Parameters

    @cached_property
    def rounding(self) -> Parameters:
        """How far rounding in float64 may turn each gradient."""
        rng = stream(0, "gradient check")
        turned = rounding(Probe(self.network, self.ws.X, self.ws.Y), self.parameters.theta, rng)
        return Parameters(self.network.sizes, turned)


def judge(network: Network, parameters: Parameters, ws: Workspace, given: dict[str, Array]) -> Verdict:
    """Judge ``given``, arrays dW1, db1, …, on the examples in ``ws``, all real arrays of it in float64.

    ``given`` may hold db as (n,), (n, 1) or (1, n), and () for n = 1; any other shape than that of the
    parameters is wrong.
    """
    task = Task(network, parameters, ws, Parameters(network.sizes, np.empty_like(parameters.theta)))
    with np.errstate(all="ignore"):
        network.forward(parameters, ws)
        network.backward(parameters, task.right, ws, network.scale(ws.m))
        for layer in range(len(network.sizes) - 1, 0, -1):
            dW, db = given[f"dW{layer}"], _column(given[f"db{layer}"])
            truth_W, truth_b = task.right.W[layer], task.right.b[layer]
            dW_wrong = not (_agrees(dW, truth_W) or _agrees(dW, truth_W, task.rounding.W[layer]))
            db_wrong = not (_agrees(db, truth_b) or _agrees(db, truth_b, task.rounding.b[layer]))
            if dW_wrong or db_wrong:
                wrong = (f"dW{layer}",) * dW_wrong + (f"db{layer}",) * db_wrong
                slip, recognised = _slip(task, layer, dW if dW_wrong else None, db if db_wrong else None)
                return Verdict(layer, wrong, slip, recognised)
    return Verdict(0)


def _column(db: Array) -> Array:
    """db as a column, if it is a vector in any shape or a number; a matrix is left as it is."""
    return db.reshape(-1, 1) if db.size == max(db.shape, default=1) else db


def tolerance(array: Array) -> float:
    """How far the numbers of an array may lie off, of its largest."""
    return TOLERANCE.get(array.dtype.str[1:], TOLERANCE["f8"])


def _agrees(array: Array, truth: Array, rounding: Array | float = 0.0) -> bool:
    """Whether two arrays are the same but for ``rounding``, that of float64, or of the array's coarser precision."""
    if array.shape != truth.shape:
        return False
    coarser = max(1.0, float(np.finfo(array.dtype).eps) / LAST_BIT)
    allowed = tolerance(array) * np.abs(truth).max() + coarser * rounding
    return bool((np.abs(array - truth) <= allowed).all())


def _factor(array: Array, truth: Array, zero: float = 0.0) -> float | None:
    """c where ``array`` is c times ``truth``, None where it is no multiple.

    Both may be nothing but the rounding of terms as large as ``zero``; then they are the same.
    """
    if array.shape != truth.shape or not np.isfinite(truth).all():
        return None
    largest, least = float(np.abs(truth).max()), tolerance(array) * zero
    if largest <= least:
        return 1.0 if np.abs(array).max() <= max(least, np.finfo(np.float64).tiny) else None
    if not largest:
        return None
    unit = truth / largest  # no square of it underflows
    c = float(np.sum(array * unit) / np.sum(unit * unit)) / largest
    if c == 0 or not np.isfinite(c) or np.abs(array - c * truth).max() > tolerance(array) * np.abs(c * truth).max():
        return None
    return 1.0 if _close(c, 1, array) else c


def _close(c: float, value: float, array: Array) -> bool:
    """Whether a factor of ``array`` is this value, as far as the array's precision tells."""
    return bool(np.isclose(c, value, rtol=10 * tolerance(array), atol=0))


def _slip(task: Task, layer: int, dW: Array | None, db: Array | None) -> tuple[str, bool]:
    """The words for the slips that give the arrays that are wrong, the others being None; and whether all are known."""
    if dW is not None and db is not None:
        together = _best(_weight_matches(task, layer, dW, db), dW, task)
        if together:
            return _in_words(together, dW, task), True
    told, origin = [], _right(task, layer)
    if dW is not None:
        found = _best(_weight_matches(task, layer, dW), dW, task)
        origin = found[0].candidate if found else origin
        told.append(_in_words(found, dW, task) or "dW fits none of the known slips")
    if db is not None:
        found = _best(_bias_matches(task, layer, db, origin), db, task)
        told.append(_in_words(found, db, task) or "db fits none of the known slips")
    unknown = ["fits none" in words for words in told]
    return (NONE if all(unknown) else "; ".join(told)), not any(unknown)


def _weight_matches(task: Task, layer: int, dW: Array, db: Array | None = None) -> Iterator[Match]:
    """What makes dW, perhaps transposed, and, where it is given, db with the same factor.

    A single number is a multiple of any other, so by itself its factor must have a meaning.
    """
    right = _right(task, layer)
    if db is None and not dW.any():
        yield Match("dW is all zeros", 1.0, right)
    for candidate in _candidates(task, layer):
        truth = candidate.dZ @ candidate.below.T
        of_db = None if db is None else _factor(db, candidate.dZ.sum(axis=1, keepdims=True))
        for array, transposed in ((dW, ""), (dW.T, "dW is transposed"))[: 1 + (dW.size > 1)]:
            c = _factor(array, truth)
            if c is None or (c == 1 and not transposed and not candidate.words):
                continue
            if db is None:
                words = _about("dW", candidate.words)
                if dW.size == 1 and not _meanings(c, dW, task):
                    continue
            else:
                words = candidate.words or "right"
                if of_db is None or not _close(of_db, c, db):
                    continue
            if transposed:
                words = f"{transposed}, and {candidate.words}" if candidate.words else transposed
            yield Match(words, c, candidate, bool(candidate.words) + bool(transposed))


def _bias_matches(task: Task, layer: int, db: Array, origin: Candidate) -> Iterator[Match]:
    """What makes db, dW being of ``origin``: a wrong sum of its dZ or of the right one, or another dZ.

    A single number is a multiple of any other; only the right one is looked for with a factor.
    """
    right = _right(task, layer)
    if not db.any():
        yield Match("db is all zeros", 1.0, right)
    sums = [(words, array, zero, one) for one in (right, origin) for words, array, zero in _wrong_sums(one.dZ, db)]
    plain = ((_about("db", one.words), one.dZ.sum(axis=1, keepdims=True), 0.0, one) for one in _candidates(task, layer))
    for words, array, zero, candidate in chain(sums, plain):
        c = _factor(db, array, zero)
        is_right = words == _about("db", "")
        if c is None or (is_right and c == 1):
            continue
        if db.size > 1 or c == 1 or (is_right and _meanings(c, db, task)):
            yield Match(words, c, candidate, 0 if is_right else 1)


def _about(name: str, words: str) -> str:
    """A candidate's words as a sentence on dW or db alone."""
    if not words:
        return f"{name} is right"
    return f"{name} {words.removeprefix('it ')}" if words.startswith("it ") else f"{name}: {words}"


def _best(matches: Iterable[Match], array: Array, task: Task) -> list[Match]:
    """The matches of the simplest kind; of those whose constant has no meaning only the first."""

    def rank(match: Match) -> tuple[int, int]:
        return (0 if match.c == 1 else 1 if _meanings(match.c, array, task) else 2), match.slips

    found = sorted(((rank(match), match) for match in matches), key=itemgetter(0))
    best = [match for place, match in found if place == found[0][0]]
    return best[:1] if best and found[0][0][0] == 2 else best


def _in_words(matches: list[Match], array: Array, task: Task) -> str:
    """Matches as a sentence, empty for none."""
    return ", or ".join(list(dict.fromkeys(one.words + _times(one.c, array, task) for one in matches))[:NAMED])


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


def _wrong_sums(dZ: Array, db: Array) -> Iterator[tuple[str, Array, float]]:
    """Sums of dZ that are no bias gradient, and how large the terms are whose rounding a sum of 0 consists of."""
    n, m = dZ.shape
    if m > 1:
        for array in (dZ, dZ.T):
            yield "db is not summed over the examples", array, 0.0
    if n > 1:
        words = "db is summed over the units, the wrong axis, instead of the examples"
        yield words, dZ.sum(axis=0)[:, None], float(np.abs(dZ).sum(axis=0).max())
    if n > 1 and db.size in (1, n):
        yield "db is summed over both axes", np.full(db.shape, dZ.sum()), float(np.abs(dZ).sum())


def _right(task: Task, layer: int) -> Candidate:
    return Candidate("", task.ws.dZ[layer], task.ws.A[layer - 1])


def _candidates(task: Task, layer: int) -> Iterator[Candidate]:
    """No slip, then one slip each, the layers above being right."""
    ws, right = task.ws, _right(task, layer)
    yield right
    for words, dZ in _wrong_dZ(task, layer):
        yield Candidate(words, dZ, right.below)
    if layer > 1:
        yield Candidate("the layer below is taken before its activation, Z, for A", right.dZ, ws.Z[layer - 1])
    for example in range(ws.m if ws.m > 1 else 0):
        alone = np.zeros_like(right.dZ)
        alone[:, example] = right.dZ[:, example]
        yield Candidate(f"it is of one example, number {example}, instead of the sum over all", alone, right.below)


def _wrong_dZ(task: Task, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of ``layer`` with one slip each."""
    output = layer == len(task.network.sizes) - 1
    different = [task.ws.dZ[layer]]
    derivatives = []
    for words, dZ in _wrong_derivatives(task, layer):
        if not any(np.allclose(dZ, other, rtol=1e-12, atol=0) for other in different):
            different.append(dZ)
            derivatives.append((words, dZ))
    yield from derivatives[:1]
    yield from _wrong_losses(task) if output else _wrong_dA(task, layer)
    yield from derivatives[1:]


def _wrong_derivatives(task: Task, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of ``layer`` with another derivative of the activation; it may happen to be the same."""
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
            kind().backward(dA, Z, np.maximum(A, 0) if kind is Relu else A, dZ, scratch)  # whose A is never below 0
            diagonal = isinstance(activation, Softmax) and kind is Sigmoid
            other = f"the derivative is that of another activation, {name}"
            yield "softmax's derivative is taken as diagonal, a(1 − a)" if diagonal else other, dZ.copy()


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
        Y = np.argmax(dense, axis=0) if loss.targets.class_indices else dense
        dZ = np.empty_like(A)
        join(network.head.activation, loss).backward(Z, A, Y, scale, np.empty_like(A), dZ, ws.output)
        yield f"it is the gradient of another loss, {name}", dZ
