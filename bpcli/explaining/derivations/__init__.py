"""The equations of each document that lead from one of its steps to the next, by the document's name."""

from __future__ import annotations

from collections.abc import Callable

from bpcli.explaining.evaluation.vocabulary import Vocabulary
from bpcli.explaining.trace import Trace
from bpcli.explaining.vocabularies import binary, biswas, brawer, general, half_squared_error

VOCABULARIES: dict[str, Callable[[Trace], Vocabulary]] = {
    "binary": binary.vocabulary,
    "biswas": biswas.vocabulary,
    "brawer": brawer.vocabulary,
    "general": general.vocabulary,
    "half-squared-error": half_squared_error.vocabulary,
}
