"""The networks on which the documents' displayed equations are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from bpcli.explaining.derivations import DERIVATIONS, sheets_of
from bpcli.explaining.derivations.derived import Derived, Sides, evaluated
from bpcli.explaining.explained import Explanation
from tests.explaining.support import EXPRESSED, displaced, explained

HIDDEN = ("[3]", "[]", "[4, 3]", "[4, 3, 2]", "[1, 1]", "[3, 3]")
"""None, one, several hidden layers; one unit in each, so that there is one path; the same number in each."""

MIXED = (
    "[{units: 3, activation: tanh}, {units: 4, activation: relu}, {units: 2, activation: leaky_relu}]",
    "[{units: 3, activation: tanh}]",
)

FEW = ("[3]", "[]", "[4, 3]", MIXED[0])
"""The networks of a document's other kinds of experiment."""

OUTPUTS = {"half-squared-error": ("sigmoid", "tanh")}
"""Other functions of a document's first kind, which has several outputs."""

EXAMPLES = ((2,), (1, 2, 0), (4,), (0, 1, 2))
"""Rows that networks take in turn: a network without hidden layers has several, and the first label is 1 or 0."""

SLIPS = (
    ("- y", "+ y"),
    (r"- \hat{y}", r"+ \hat{y}"),
    (r"- \underline{\hat{y}}", r"+ \underline{\hat{y}}"),
    ("(1 - ", "(1 + "),
    (r"\frac{1}{m}", "1"),
    (r"\frac{1}{n_L}", "1"),
    (r"\frac{1}{N}", "1"),
)
"""What a printed equation has, and what it could be mistaken for."""


def networks(folder: Path, document: str) -> Iterator[Explanation]:
    """Explanations of every kind that suits a document, in turn for one example and for several, biases not 0."""
    for (kind, changes), rows in zip(_kinds(document), cycle(EXAMPLES)):
        yield displaced(explained(folder, kind, *changes, document=document, rows=rows))


def _kinds(document: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The kinds with the changes of each."""
    first, *others = (kind for kind, name in EXPRESSED if name == document)
    for units in HIDDEN if document == "binary" else (*HIDDEN, *MIXED):
        yield first, (f"network.hidden={units}",)
    for kind in others:
        for units in FEW:
            yield kind, (f"network.hidden={units}",)
    if document == "standard":
        yield first, ("network.hidden=[{units: 3, activation: prelu}, {units: 2, activation: softmax}]",)
    for output in OUTPUTS.get(document, ()):
        for units in FEW[:2]:
            yield first, (f"network.hidden={units}", f"network.output={output}")


def sides(explanation: Explanation) -> Iterator[tuple[Derived, int | None, Sides]]:
    """Every displayed equation that the network has, with the values of its sides."""
    derivation, trace = DERIVATIONS[explanation.document.name], explanation.updates[0].trace
    sheets = sheets_of(derivation, trace)
    for equation in derivation.equations(trace):
        for layer in () if equation.unless else equation.layers:
            yield equation, layer, evaluated(equation, layer, sheets[equation.whole])


def slipped(equation: Derived) -> Iterator[tuple[tuple[int, str], Derived]]:
    """The equation with one slip in one of its sides: which side and which slip, and what comes of it."""
    for place, form in enumerate(equation.forms):
        for printed, mistaken in SLIPS if place else ():
            if printed in form:
                forms = (*equation.forms[:place], form.replace(printed, mistaken, 1), *equation.forms[place + 1 :])
                yield (place, printed), replace(equation, forms=forms)
