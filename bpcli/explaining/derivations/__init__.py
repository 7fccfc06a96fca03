"""The displayed equations of each document, and their values on one update's network and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bpcli.explaining.derivations import binary, biswas, brawer, general, half_squared_error
from bpcli.explaining.derivations.derived import Derived, step
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.sheet import Sheet
from bpcli.explaining.evaluation.vocabulary import Vocabulary
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies import binary as binary_vocabulary
from bpcli.explaining.vocabularies import biswas as biswas_vocabulary
from bpcli.explaining.vocabularies import brawer as brawer_vocabulary
from bpcli.explaining.vocabularies import general as general_vocabulary
from bpcli.explaining.vocabularies import half_squared_error as half_squared_error_vocabulary
from bpcli.explaining.vocabularies.common import of_first_example

VOCABULARIES: dict[str, Callable[[Trace], Vocabulary]] = {
    "binary": binary_vocabulary.vocabulary,
    "biswas": biswas_vocabulary.vocabulary,
    "brawer": brawer_vocabulary.vocabulary,
    "general": general_vocabulary.vocabulary,
    "half-squared-error": half_squared_error_vocabulary.vocabulary,
}


@dataclass(frozen=True)
class Derivation:
    """A document's displayed equations.

    ``displayed`` are their labels, in order; ``single`` is whether the document derives one example. ``whole`` are
    the symbols of equations of all examples, where those are not ``vocabulary``'s.
    """

    displayed: tuple[str, ...]
    equations: Callable[[Trace], tuple[Derived, ...]]
    vocabulary: Callable[[Trace], Vocabulary]
    single: bool
    whole: Callable[[Trace], Vocabulary] | None = None


DERIVATIONS: dict[str, Derivation] = {
    "binary": Derivation(binary.DISPLAYED, binary.derived, binary_vocabulary.vocabulary, single=True),
    "biswas": Derivation(
        biswas.DISPLAYED,
        biswas.derived,
        biswas_vocabulary.vocabulary,
        single=True,
        whole=biswas_vocabulary.whole_vocabulary,
    ),
    "brawer": Derivation(brawer.DISPLAYED, brawer.derived, brawer_vocabulary.vocabulary, single=False),
    "general": Derivation(general.DISPLAYED, general.derived, general_vocabulary.vocabulary, single=False),
    "half-squared-error": Derivation(
        half_squared_error.DISPLAYED, half_squared_error.derived, half_squared_error_vocabulary.vocabulary, single=True
    ),
}

ONE = "The document derives one example; the equations below are those of the first."


def derive(document: str, trace: Trace) -> tuple[tuple[DerivationStep, ...], tuple[str, ...]]:
    """The document's equations as steps, and those that this network does not have, each with the reason."""
    derivation = DERIVATIONS[document]
    found, omitted, noted = [], [], set[str]()
    with np.errstate(all="ignore"):
        for one in _steps(derivation, trace):
            if isinstance(one, str):
                omitted.append(one)
                continue
            found.append(replace(one, notes=tuple(note for note in one.notes if note not in noted)))
            noted |= set(one.notes)
    if derivation.single and trace.m > 1 and found:
        found[0] = replace(found[0], notes=(*found[0].notes, ONE))
    return tuple(found), tuple(dict.fromkeys(omitted))


def _steps(derivation: Derivation, trace: Trace) -> Iterator[DerivationStep | str]:
    """Steps, or in their place the reason why there is none."""
    sheets = sheets_of(derivation, trace)
    for equation in derivation.equations(trace):
        if equation.unless:
            yield f"{equation.label}: {equation.unless}"
        for layer in () if equation.unless else equation.layers:
            yield step(equation, layer, sheets[equation.whole])


def sheets_of(derivation: Derivation, trace: Trace) -> dict[bool, Sheet]:
    """The sheets of equations that are of one example, and of those that are of all."""
    one = of_first_example(trace) if derivation.single else trace
    return {False: Sheet(derivation.vocabulary(one)), True: Sheet((derivation.whole or derivation.vocabulary)(trace))}
