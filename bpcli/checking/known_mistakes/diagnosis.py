"""Somebody's gradients judged: the first wrong layer from the output, and the mistake that explains it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.checking.acceptance import Acceptance
from bpcli.checking.known_mistakes.candidates import CorrectPass, correct_pass, without_mistake
from bpcli.checking.known_mistakes.factors import meanings
from bpcli.checking.known_mistakes.matches import (
    ArrayMatch,
    bias_matches,
    joint_matches,
    simplest,
    weight_matches,
)
from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace

UNRECOGNISED = "none of the known mistakes gives these numbers"

MOST_NAMED = 3
"""The most mistakes that are named where several give the same numbers."""


@dataclass(frozen=True)
class Diagnosis:
    """The first wrong layer counted from the output, 0 if none is; its wrong arrays; the mistake in words.

    ``recognised`` is True where a known mistake explains each of the wrong arrays. Where none is wrong,
    ``unjudgeable`` are the arrays of which rounding leaves too little, and ``excused`` counts the entries that
    differ by rounding.
    """

    layer: int
    wrong: tuple[str, ...] = ()
    mistake: str = ""
    recognised: bool = True
    unjudgeable: tuple[str, ...] = ()
    excused: int = 0


def diagnose(network: Network, parameters: Parameters, ws: Workspace, given: Mapping[str, Array]) -> Diagnosis:
    """Diagnose the arrays dW1, db1, … in ``given`` on the batch in ``ws``, X (n_0, m) and Y in float64.

    db may be (n,), (n, 1) or (1, n), and () for n = 1; any other shape than that of the parameters is wrong.
    """
    with np.errstate(all="ignore"):
        acceptance = Acceptance(network, parameters, ws, in_shape(given))
        for layer in range(len(network.layers), 0, -1):
            wrong = wrong_arrays(acceptance, layer)
            if wrong:
                correct = correct_pass(network, parameters, ws)
                dW, db = given[f"dW{layer}"], as_column(given[f"db{layer}"])
                dW_wrong, db_wrong = f"dW{layer}" in wrong, f"db{layer}" in wrong
                mistake, recognised = _explain(correct, layer, dW if dW_wrong else None, db if db_wrong else None)
                return Diagnosis(layer, wrong, mistake, recognised)
        verdicts = {
            name: acceptance.of(name) for l in range(1, len(network.layers) + 1) for name in (f"dW{l}", f"db{l}")
        }
    unjudgeable = tuple(name for name, one in verdicts.items() if one.verdict == "not judgeable")
    return Diagnosis(0, unjudgeable=unjudgeable, excused=sum(one.excused for one in verdicts.values()))


def in_shape(given: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays with each db as a column."""
    return {name: as_column(array) if name.startswith("db") else array for name, array in given.items()}


def wrong_arrays(acceptance: Acceptance, layer: int) -> tuple[str, ...]:
    """Which of dW and db of a layer are wrong, or are not given."""
    return tuple(name for name in (f"dW{layer}", f"db{layer}") if acceptance.of(name).verdict == "wrong")


def as_column(db: Array) -> Array:
    """db as a column, if it is a vector in any shape or a number; a matrix is left as it is."""
    return db.reshape(-1, 1) if db.size == max(db.shape, default=1) else db


def _explain(correct: CorrectPass, layer: int, dW: Array | None, db: Array | None) -> tuple[str, bool]:
    """The mistakes that give the wrong arrays, in words, and whether all are known; an array that is right is None."""
    if dW is not None and db is not None:
        together = simplest(joint_matches(correct, layer, dW, db), dW, correct)
        if together:
            return _in_words(together, dW, correct), True
    found: list[tuple[str, Array, list[ArrayMatch]]] = []
    of_dW = without_mistake(correct, layer)
    if dW is not None:
        matches = simplest(weight_matches(correct, layer, dW), dW, correct)
        found.append(("dW", dW, matches))
        of_dW = matches[0].candidate if matches else of_dW
    if db is not None:
        found.append(("db", db, simplest(bias_matches(correct, layer, db, of_dW), db, correct)))
    recognised = [bool(matches) for _, _, matches in found]
    if not any(recognised):
        return UNRECOGNISED, False
    sentences = [
        _in_words(matches, array, correct) or f"{name} fits none of the known mistakes"
        for name, array, matches in found
    ]
    return "; ".join(sentences), all(recognised)


def _in_words(matches: list[ArrayMatch], array: Array, correct: CorrectPass) -> str:
    """Matches as a sentence, empty for none."""
    distinct = dict.fromkeys(one.words + _factor_in_words(one.c, array, correct) for one in matches)
    return ", or ".join(list(distinct)[:MOST_NAMED])


def _factor_in_words(c: float, array: Array, correct: CorrectPass) -> str:
    """The constant factor and what it means, as the end of a sentence."""
    if c == 1:
        return ""
    words = ", or ".join(meanings(c, array, correct)) or "scaled by a constant"
    return f", but {words}: {c:.6g} times what it should be"
