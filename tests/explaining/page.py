"""The last chapter of ``docs/understand/documents.md``, made of the equations themselves.

``python -m tests.explaining.page`` writes it and prints how many of the displayed equations it has.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.derivations.derived import Derived
from bpcli.explaining.documents.steps import LAYER
from bpcli.explaining.explanation import explain
from bpcli.explaining.rendering.unicode import math, prose

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "understand" / "documents.md"
TITLE = "## Every displayed equation, evaluated"

Network = tuple[str, str]
"""A shipped config and an override, or nothing."""

NETWORKS: dict[str, tuple[Network, ...]] = {
    "binary": (("document_binary_cross_entropy", ""),),
    "biswas": (
        ("document_softmax_cross_entropy", ""),
        ("document_softmax_cross_entropy", "network.hidden=[1, 1]"),
        ("document_softmax_cross_entropy", "network.hidden=[3, 2]"),
        ("document_softmax_cross_entropy", "network.hidden=[3, 3]"),
    ),
    "brawer": (
        ("document_sigmoid_outputs", ""),
        ("document_sigmoid_outputs", "network.hidden=[4, 3]"),
        ("document_binary_cross_entropy", "network.hidden=[]"),
    ),
    "general": (("document_general_case", ""),),
    "half-squared-error": (("document_half_squared_error", ""),),
}
"""By document: networks on which its equations are shown, those that most are shown on first."""

COUNTED = """\
What counts is every equation that a derivation displays, on a line of its own or under a number, once: lines of one
chain or system are one equation, also over a page break, a repeated print counts once, and a symbol displayed without
an equals sign does not count. Of Biswas also the lists of 5.1 and 5.2. `bp explain CONFIG --document NAME --derive`
shows them, each side evaluated; `tests/explaining/test_derivations.py` holds that the sides are the same to 1e-12 of
the largest entry, for every value of every index. The third column says what l is on the network of the fourth, which
is the shipped config's or that of an override, where an equation is of a special kind of network."""


@dataclass(frozen=True)
class Line:
    """One equation of the chapter: where it stands, what it says, and the network that shows it."""

    equation: Derived
    network: Network
    layers: tuple[int, ...]
    last: int

    @property
    def text(self) -> str:
        """Its row."""
        sides = " = ".join(math(_general(form)) for form in self.equation.forms)
        return f"| {prose(self.equation.label)} | `{sides}` | {self._layers()} | {self._where()} |"

    def _layers(self) -> str:
        """What l is on the network."""
        if not self.layers:
            return ""
        first, last = self.layers[0], "L" if self.layers[-1] == self.last else str(self.layers[-1])
        return last if first == self.layers[-1] else f"{first} … {last}"

    def _where(self) -> str:
        config, change = self.network
        shipped = NETWORKS[_document_of(self.equation, config)][0]
        if self.network == shipped:
            return "as shipped"
        return f"`{change}`" if config == shipped[0] else f"`configs/{config}.yaml {change}`"


def _document_of(equation: Derived, config: str) -> str:
    """The document that an equation of a network belongs to."""
    named = [name for name, networks in NETWORKS.items() if any(config == network[0] for network in networks)]
    return next(name for name in named if equation.label in DERIVATIONS[name].displayed)


def _general(form: str) -> str:
    """An equation with letters for layers."""
    return LAYER.sub(lambda found: f"{{l{found[1] or ''}}}", re.sub(r"\^(<l(?:[+-]\d)?>)", r"^{(\1)}", form))


@cache
def lines(document: str) -> tuple[Line, ...]:
    """A document's equations in its order, each on the first network that has it."""
    found: dict[tuple[str, str], Line] = {}
    for network in NETWORKS[document]:
        found = _lines_of(document, network) | found
    displayed = DERIVATIONS[document].displayed
    return tuple(sorted(found.values(), key=lambda line: displayed.index(line.equation.label)))


def _lines_of(document: str, network: Network) -> dict[tuple[str, str], Line]:
    """The equations that a network has, by label and title; one that is written out layer by layer is one."""
    config, change = network
    explained = explain(ROOT / "configs" / f"{config}.yaml", [change] if change else [], document, (0, 1))
    last = len(explained.layers) - (document != "brawer")
    found: dict[tuple[str, str], Line] = {}
    for equation in DERIVATIONS[document].equations(explained.updates[0].trace):
        if equation.unless or not equation.layers:
            continue
        key = equation.label, equation.title
        before = found[key].layers if key in found else ()
        layers = tuple(sorted({*before, *(layer for layer in equation.layers if layer is not None)}))
        shown = found[key].equation if key in found else equation
        found[key] = Line(shown, network, layers, last)
    return found


def chapter() -> str:
    """The chapter."""
    parts, covered = [], {}
    for document in NETWORKS:
        derivation = DERIVATIONS[document]
        of_document = lines(document)
        covered[document] = len({line.equation.label for line in of_document} & set(derivation.displayed))
        config = NETWORKS[document][0][0]
        count = f"{covered[document]} of {len(derivation.displayed)} displayed equations"
        head = f"### {document}\n\n{count}. `bp explain configs/{config}.yaml --document {document} --derive`"
        table = ["| where | sides | l | network |", "|---|---|---|---|", *(line.text for line in of_document)]
        parts.append(f"{head}\n\n" + "\n".join(table))
    total = sum(len(DERIVATIONS[document].displayed) for document in NETWORKS)
    summary = f"{sum(covered.values())} of {total} displayed equations."
    return "\n\n".join([TITLE, summary, COUNTED, *parts]) + "\n"


def generated() -> str:
    """The whole page."""
    written = PAGE.read_text(encoding="utf-8").partition(TITLE)[0].rstrip("\n")
    return f"{written}\n\n{chapter()}"


if __name__ == "__main__":
    page = generated()
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write("\n".join(re.findall(r"\d+ of \d+ displayed equations", page)) + "\n")
