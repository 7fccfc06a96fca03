"""Which arrays of a student's gradient deserve their points? Each layer is judged by what it makes of the one above.

An array is right where it is the gradient. Below a wrong layer it is also right
where it follows correctly from that layer's error, as far as the error is known:
the wrong layer's dZ is taken to be the right one times the constant by which its
dW or db is off, or the dZ of a known mistake that gives its dW or db. A
forgotten 1/m costs points at the output alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bpcli.checking.acceptance import Acceptance
from bpcli.checking.known_mistakes.correct_pass import CorrectPass, correct_pass
from bpcli.checking.known_mistakes.diagnosis import as_column, in_shape, wrong_arrays
from bpcli.checking.known_mistakes.wrong_errors import wrong_errors
from bpcli.checking.precisions import agrees, tolerance_of
from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters, layer_of
from bpcli.nn.workspace import Workspace

MOST_FOLLOWED = 32
"""The most possible errors of a layer after mistakes above it, so that the work does not grow with the depth."""

ROWS_NAMED = 4
"""The most wrong rows that a message names."""


@dataclass(frozen=True)
class ArrayGrade:
    """An array of a layer, whether it deserves its points, and a message that does not give the numbers away."""

    layer: int
    name: str
    right: bool
    message: str


@dataclass(frozen=True)
class LayerError:
    """What a layer's gradient follows from: dZ, (n, m), and ∂L/∂own, (k,), of what its activation owns."""

    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    own: Array


def grade(network: Network, parameters: Parameters, ws: Workspace, given: Mapping[str, Array]) -> list[ArrayGrade]:
    """Grade dW1, db1, … on the batch in ``ws``, from the output down; an array that is not given is wrong."""
    grades: list[ArrayGrade] = []
    with np.errstate(all="ignore"):
        correct = correct_pass(network, parameters, ws)
        acceptance = Acceptance(network, parameters, ws, in_shape(given))
        followed: list[LayerError] = []  # what the layer's may be after mistakes above it
        for layer in range(correct.layers, 0, -1):
            wrong = wrong_arrays(acceptance, layer)
            right = LayerError(correct.ws.dZ[layer], correct.gradient.own[layer])
            error = min([right, *followed], key=lambda error: len(_wrong(correct, layer, error, given)))
            instead = _wrong(correct, layer, error, given) if wrong else ()
            grades += _grades(correct, layer, error, wrong, instead, given)
            grades = [_unless_unjudgeable(one, acceptance) for one in grades]
            if layer > 1:
                possible = [one.dZ for one in followed]
                possible += _mistaken(correct, layer, given, possible) if wrong else []
                followed = _distinct(_below(correct, layer, dZ) for dZ in possible)
    return grades


def _unless_unjudgeable(grade: ArrayGrade, acceptance: Acceptance) -> ArrayGrade:
    """The grade, or none where rounding leaves too few digits to tell right from wrong."""
    if not grade.right or acceptance.of(grade.name).verdict != "not judgeable":
        return grade
    words = "cannot be judged at these parameters and examples, for anybody; ask for another export"
    return replace(grade, right=False, message=f"layer {grade.layer}: {grade.name} {words}.")


def _distinct(errors: Iterable[LayerError]) -> list[LayerError]:
    """Those whose dZ is not 0, each once, and the first few of them."""
    found: list[LayerError] = []
    for error in errors:
        dZ = error.dZ
        if len(found) < MOST_FOLLOWED and dZ.any() and not any(np.allclose(dZ, one.dZ, 1e-9, 0) for one in found):
            found.append(error)
    return found


def _expected(correct: CorrectPass, layer: int, error: LayerError) -> dict[str, Array]:
    """The gradient of a layer by its error."""
    names = (f"d{name}" for name in correct.network.layout.names(layer))
    return dict(zip(names, (*_of_dZ(correct, layer, error.dZ), *error.own.reshape(-1, 1, 1)), strict=True))


def _of_dZ(correct: CorrectPass, layer: int, dZ: Array) -> tuple[Array, Array]:
    """dW and db of a layer by its dZ."""
    return dZ @ correct.ws.A[layer - 1].T, dZ.sum(axis=1, keepdims=True)


def _found(name: str, given: Mapping[str, Array]) -> Array:
    """A given array in bp's shape."""
    return given[name] if layer_of(name)[0] == "dW" else as_column(given[name])


def _wrong(correct: CorrectPass, layer: int, error: LayerError, given: Mapping[str, Array]) -> tuple[str, ...]:
    """Which arrays of a layer do not follow from its error, or are not given."""
    expected = _expected(correct, layer, error)
    return tuple(
        name for name, array in expected.items() if name not in given or not agrees(_found(name, given), array)
    )


def _mistaken(correct: CorrectPass, layer: int, given: Mapping[str, Array], followed: list[Array]) -> Iterator[Array]:
    """What dZ a layer that is wrong may have: by a factor or a known mistake that gives its dW or its db."""
    known = [correct.ws.dZ[layer], *(dZ for _, dZ, _ in wrong_errors(correct, layer))]
    for dZ in (*known, *followed):
        for name, array in zip((f"dW{layer}", f"db{layer}"), _of_dZ(correct, layer, dZ), strict=True):
            c = _factor(_found(name, given), array) if name in given else None
            if c is not None and (dZ is not known[0] or c != 1):
                yield c * dZ


def _below(correct: CorrectPass, layer: int, dZ: Array) -> LayerError:
    """The error of the layer below one with this dZ."""
    below, ws = layer - 1, correct.ws
    own = correct.parameters.own[below]
    found = LayerError(np.empty_like(ws.dZ[below]), np.empty_like(own))
    given = correct.parameters.W[layer].T @ dZ, ws.Z[below], ws.A[below], own, None
    correct.network.layers[below - 1].backward(*given, found.dZ, found.own, ws.scratch[below])
    return found


def _grades(
    correct: CorrectPass,
    layer: int,
    error: LayerError,
    wrong: tuple[str, ...],
    instead: tuple[str, ...],
    given: Mapping[str, Array],
) -> Iterator[ArrayGrade]:
    """The grades of a layer: ``wrong`` are its arrays that are no gradient, ``instead`` those that do not follow."""
    for name, expected in _expected(correct, layer, error).items():
        if name not in wrong:
            yield ArrayGrade(layer, name, right=True, message=f"layer {layer}: {name} is right.")
        elif name not in instead:
            words = f"layer {layer}: {name} follows correctly from a mistake in a layer above it."
            yield ArrayGrade(layer, name, right=True, message=words)
        elif name not in given:
            yield ArrayGrade(layer, name, right=False, message=f"layer {layer}: {name} is missing.")
        else:
            words = _in_words(_found(name, given), expected)
            advice = _advice(correct, layer, instead)
            yield ArrayGrade(layer, name, right=False, message=f"layer {layer}: {name} {words}. {advice}")


def _in_words(array: Array, expected: Array) -> str:
    """What is wrong with an array: its shape, or the rows with wrong numbers."""
    if array.shape != expected.shape:
        return f"has shape {array.shape}, not {expected.shape}"
    off = np.abs(array - expected) > tolerance_of(array) * np.abs(expected).max()
    rows = np.flatnonzero(off.any(axis=1)).tolist()
    if not rows or len(rows) == len(array):
        place = "every row"
    elif len(rows) > ROWS_NAMED:
        place = f"{len(rows)} of its {len(array)} rows"
    else:
        *others, last = map(str, rows)
        place = f"rows {', '.join(others)} and {last}" if others else f"row {last}"
    return f"has the right shape but wrong numbers in {place}"


def _advice(correct: CorrectPass, layer: int, wrong: tuple[str, ...]) -> str:
    """Where to look, by which of the layer's arrays are wrong."""
    if wrong == (f"dW{layer}",):
        return "Check what multiplies dZ here."
    if wrong == (f"db{layer}",):
        return "Check how dZ is added up here."
    if {f"dW{layer}", f"db{layer}"}.isdisjoint(wrong):
        return "Check how it is added up over the layer's units and examples, from dA."
    if layer == correct.layers:
        return "Check dZ here: the loss, its means, and the output's activation."
    return f"Check dZ here: what comes from layer {layer + 1}, and the activation's derivative."


def _factor(array: Array, right: Array, largest_term: float = 0.0) -> float | None:
    """The c for which ``array`` is c times ``right``; None where ``array`` is no multiple.

    c is 1 where both arrays are nothing but rounding errors of sums of terms up to ``largest_term``.
    """
    if array.shape != right.shape or not np.isfinite(right).all():
        return None
    largest, negligible = float(np.abs(right).max()), tolerance_of(array) * largest_term
    if largest <= negligible:
        return 1.0 if np.abs(array).max() <= max(negligible, np.finfo(np.float64).tiny) else None
    if not largest:
        return None
    unit = right / largest  # no square of it underflows
    c = float(np.sum(array * unit) / np.sum(unit * unit)) / largest
    if c == 0 or not np.isfinite(c):
        return None
    if np.abs(array - c * right).max() > tolerance_of(array) * np.abs(c * right).max():
        return None
    return 1.0 if abs(c - 1) <= 10 * tolerance_of(array) else c
