"""The mistakes of a layer that do not depend on the arrays given, each computed once."""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.derivatives import Wrong
from bpcli.checking.known_mistakes.wrong_errors import wrong_errors
from bpcli.checking.known_mistakes.wrong_forward import wrong_passes
from bpcli.checking.known_mistakes.wrong_inputs import wrong_inputs
from bpcli.nn import Array


@dataclass(frozen=True)
class Mistakes:
    """Mistakes in words: ``errors`` with a dZ and their cost, ``inputs`` with an A, ``passes`` with a dZ and an A."""

    errors: tuple[tuple[str, Array, int], ...]
    inputs: tuple[Wrong, ...]
    passes: tuple[tuple[str, Array, Array], ...]


def mistakes_of(correct: CorrectPass, layer: int) -> Mistakes:
    """The mistakes of a layer; those of a forward pass show at the output."""
    passes = wrong_passes(correct) if layer == correct.layers else ()
    return Mistakes(
        tuple(wrong_errors(correct, layer)),
        tuple(wrong_inputs(correct, layer)),
        tuple((words, other.ws.dZ[layer], other.ws.A[layer - 1]) for words, other in passes),
    )
