"""Somebody's gradients judged: the first wrong layer from the output, where it is wrong, and the mistake in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.checking.acceptance import Acceptance
from bpcli.checking.known_mistakes.correct_pass import CorrectPass, correct_pass
from bpcli.checking.known_mistakes.explanations import explain
from bpcli.checking.known_mistakes.guess import Explanation, is_composed
from bpcli.checking.known_mistakes.locations import Location, locate
from bpcli.checking.known_mistakes.mistakes import mistakes_of
from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters, layer_of
from bpcli.nn.workspace import Workspace

UNRECOGNISED = "none of the known mistakes gives these numbers"

MOST_NAMED = 3
"""The most mistakes that are named where several give the same numbers."""

APART = 2
"""What two mistakes, one in dW and one in db, cost beside their own costs."""


@dataclass(frozen=True)
class Diagnosis:
    """The first wrong layer counted from the output, 0 if none is; its wrong arrays; the mistake in words.

    ``recognised`` is True where a known mistake explains each of the wrong arrays; ``location`` says of each where
    it is wrong. Where none is wrong, ``unjudgeable`` are the arrays of which rounding leaves too little, and
    ``excused`` counts the entries that differ by rounding.
    """

    layer: int
    wrong: tuple[str, ...] = ()
    mistake: str = ""
    recognised: bool = True
    location: tuple[Location, ...] = ()
    unjudgeable: tuple[str, ...] = ()
    excused: int = 0


def diagnose(network: Network, parameters: Parameters, ws: Workspace, given: Mapping[str, Array]) -> Diagnosis:
    """Diagnose the arrays dW1, db1, … in ``given`` on the batch in ``ws``, X (n_0, m) and Y in float64.

    db may be (n,), (n, 1) or (1, n), and () for n = 1; any other shape than that of the parameters is wrong.
    """
    with np.errstate(all="ignore"):
        shaped = in_shape(given)
        acceptance = Acceptance(network, parameters, ws, shaped)
        for layer in range(len(network.layers), 0, -1):
            wrong = wrong_arrays(acceptance, layer)
            if wrong:
                correct = correct_pass(network, parameters, ws)
                return _of_layer(correct, shaped, layer, {layer_of(name)[0]: shaped[name] for name in wrong})
        verdicts = {name: acceptance.of(name) for name in acceptance.names}
    unjudgeable = tuple(name for name, one in verdicts.items() if one.verdict == "not judgeable")
    return Diagnosis(0, unjudgeable=unjudgeable, excused=sum(one.excused for one in verdicts.values()))


def wrong_arrays(acceptance: Acceptance, layer: int) -> tuple[str, ...]:
    """Which arrays of a layer are wrong, or are not given."""
    names = (f"d{name}" for name in acceptance.network.layout.names(layer))
    return tuple(name for name in names if acceptance.of(name).verdict == "wrong")


def in_shape(given: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays with each that is no dW as a column."""
    return {name: array if layer_of(name)[0] == "dW" else as_column(array) for name, array in given.items()}


def as_column(db: Array) -> Array:
    """db as a column, if it is a vector in any shape or a number; a matrix is left as it is."""
    return db.reshape(-1, 1) if db.size == max(db.shape, default=1) else db


def _of_layer(correct: CorrectPass, given: Mapping[str, Array], layer: int, wrong: Mapping[str, Array]) -> Diagnosis:
    """The diagnosis of a layer's wrong arrays; known mistakes are those of dW and db."""
    known = {name: array for name, array in wrong.items() if name in ("dW", "db")}
    mistake, recognised = _named(correct, given, layer, known) if known else (UNRECOGNISED, False)
    location = tuple(locate(correct, layer, name, array) for name, array in wrong.items())
    return Diagnosis(layer, tuple(f"{name}{layer}" for name in wrong), mistake, recognised, location)


def _named(
    correct: CorrectPass, given: Mapping[str, Array], layer: int, wrong: Mapping[str, Array]
) -> tuple[str, bool]:
    """The simplest mistakes that give the wrong arrays, together or each for itself, and whether all are known."""
    mistakes = mistakes_of(correct, layer)
    together = explain(correct, given, layer, wrong, mistakes) if len(wrong) > 1 else []
    if together and together[0].cost <= APART:
        return _in_words(together), True
    apart = {name: explain(correct, given, layer, {name: array}, mistakes) for name, array in wrong.items()}
    if together and (not all(apart.values()) or together[0].cost <= APART + sum(one[0].cost for one in apart.values())):
        return _in_words(together), True
    if not any(apart.values()):
        return UNRECOGNISED, False
    sentences = [_in_words(found) or f"{name} fits none of the known mistakes" for name, found in apart.items()]
    return "; ".join(sentences), all(apart.values())


def _in_words(found: list[Explanation]) -> str:
    """Explanations as a sentence, empty for none; two mistakes at once only where no single one is as simple."""
    words = [one.words for one in found]
    single = [one for one in words if not is_composed(one)]
    return ", or ".join(single[:MOST_NAMED] or words[:1])
