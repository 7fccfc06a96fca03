"""The displayed equations of each document, and their values on one update's network and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bpcli.explaining import vocabularies
from bpcli.explaining.derivations import binary, biswas, brawer, general, half_squared_error, standard
from bpcli.explaining.derivations.derived import Derived, step
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.sheet import Sheet
from bpcli.explaining.evaluation.vocabulary import Vocabulary
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies.common import of_first_example


@dataclass(frozen=True)
class Derivation:
    """A document's displayed equations.

    ``displayed`` are their labels, in order; ``single`` is whether the document derives one example. ``whole`` are
    the symbols of equations of all examples, where they differ from ``vocabulary``. ``slips`` are the notes on mistakes
    in print.
    """

    displayed: tuple[str, ...]
    equations: Callable[[Trace], tuple[Derived, ...]]
    vocabulary: Callable[[Trace], Vocabulary]
    single: bool
    slips: frozenset[str] = frozenset()
    whole: Callable[[Trace], Vocabulary] | None = None


DERIVATIONS: dict[str, Derivation] = {
    "standard": Derivation(standard.DISPLAYED, standard.derived, vocabularies.standard.vocabulary, single=False),
    "binary": Derivation(
        binary.DISPLAYED, binary.derived, vocabularies.binary.vocabulary, single=True, slips=binary.SLIPS
    ),
    "biswas": Derivation(
        biswas.DISPLAYED,
        biswas.derived,
        vocabularies.biswas.vocabulary,
        single=True,
        slips=biswas.SLIPS,
        whole=vocabularies.biswas.whole_vocabulary,
    ),
    "brawer": Derivation(
        brawer.DISPLAYED, brawer.derived, vocabularies.brawer.vocabulary, single=False, slips=brawer.SLIPS
    ),
    "general": Derivation(
        general.DISPLAYED, general.derived, vocabularies.general.vocabulary, single=False, slips=general.SLIPS
    ),
    "half-squared-error": Derivation(
        half_squared_error.DISPLAYED,
        half_squared_error.derived,
        vocabularies.half_squared_error.vocabulary,
        single=True,
        slips=half_squared_error.SLIPS,
    ),
}

ONE = (
    "The document derives one example: cost, gradients and new parameters under this heading are of the first example "
    "alone, not of the batch."
)
"""The note on equations that are not of all examples."""

HIDDEN = "holds where there is a hidden layer"


def derive(document: str, trace: Trace) -> tuple[tuple[DerivationStep, ...], tuple[str, ...]]:
    """The document's equations as steps, and those that this network does not have, each with the reason."""
    derivation = DERIVATIONS[document]
    equations = derivation.equations(trace)
    with np.errstate(all="ignore"):
        found = list(_steps(derivation, equations, trace))
    return tuple(_noted_once(found)), tuple(_omitted(derivation, equations, {step.reference for step in found}))


def _steps(derivation: Derivation, equations: tuple[Derived, ...], trace: Trace) -> Iterator[DerivationStep]:
    sheets = sheets_of(derivation, trace)
    for equation in equations:
        for layer in () if equation.unless else equation.layers:
            found = step(equation, layer, sheets[equation.whole])
            yield _scoped(found, whole=equation.whole) if derivation.single and trace.m > 1 else found


def _scoped(found: DerivationStep, *, whole: bool) -> DerivationStep:
    """A step that says whether it is of the first of several examples or of all."""
    return replace(found, scope="all") if whole else replace(found, scope="first", notes=(*found.notes, ONE))


def _noted_once(steps: list[DerivationStep]) -> Iterator[DerivationStep]:
    """Steps, each note at the first of those that have it."""
    noted = set[str]()
    for one in steps:
        yield replace(one, notes=tuple(note for note in one.notes if note not in noted))
        noted |= set(one.notes)


def _omitted(derivation: Derivation, equations: tuple[Derived, ...], shown: set[str]) -> Iterator[str]:
    """The displayed equations that are not shown, by the reason: their own, else that there is no hidden layer."""
    reasons = {equation.label: equation.unless for equation in equations if equation.unless}
    labels: dict[str, list[str]] = {}
    for label in derivation.displayed:
        if label not in shown:
            labels.setdefault(reasons.get(label, HIDDEN), []).append(label)
    for reason, lacking in labels.items():
        yield f"{'; '.join(lacking)}: {reason}"


def sheets_of(derivation: Derivation, trace: Trace) -> dict[bool, Sheet]:
    """The sheet of the equations of all examples (True), and of the others (False)."""
    one = of_first_example(trace) if derivation.single else trace
    return {False: Sheet(derivation.vocabulary(one)), True: Sheet((derivation.whole or derivation.vocabulary)(trace))}
