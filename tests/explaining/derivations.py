"""The networks on which the documents' displayed equations are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bpcli.explaining.derivations import DERIVATIONS, sheets_of
from bpcli.explaining.derivations.derived import Derived, Sides, evaluated
from bpcli.explaining.explanation import Explanation
from tests.explaining.support import SUITED, displaced, explained

HIDDEN = ("[3]", "[]", "[4, 3]", "[4, 3, 2]", "[1, 1]", "[3, 3]")
"""None, one, several hidden layers; one unit in each, so that there is one path; the same number in each."""

MIXED = (
    "[{units: 3, activation: tanh}, {units: 4, activation: relu}, {units: 2, activation: leaky_relu}]",
    "[{units: 3, activation: tanh}]",
)


FEW = ("[3]", "[4, 3]", MIXED[0])
"""The networks of a document's other kinds of experiment."""


def networks(folder: Path, document: str) -> Iterator[Explanation]:
    """Explanations of every kind that suits a document, in turn for several examples and for one, biases not 0."""
    first, *others = (kind for kind, name in SUITED if name == document)
    hidden = [(first, units) for units in (HIDDEN if document == "binary" else (*HIDDEN, *MIXED))]
    hidden += [(kind, units) for kind in others for units in FEW]
    for place, (kind, units) in enumerate(hidden):
        rows = ((0, 1, 2), (4,))[place % 2]
        yield displaced(explained(folder, kind, f"network.hidden={units}", document=document, rows=rows))


def sides(explanation: Explanation) -> Iterator[tuple[Derived, int | None, Sides]]:
    """Every displayed equation that the network has, with the values of its sides."""
    derivation, trace = DERIVATIONS[explanation.document.name], explanation.updates[0].trace
    sheets = sheets_of(derivation, trace)
    for equation in derivation.equations(trace):
        for layer in () if equation.unless else equation.layers:
            yield equation, layer, evaluated(equation, layer, sheets[equation.whole])
