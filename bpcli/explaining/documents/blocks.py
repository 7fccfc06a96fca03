"""What an update is written of: blocks of parameters, and what each equation assigns to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bpcli.explaining.documents.steps import Equation
from bpcli.nn import Array
from bpcli.nn.parameters import Parameters

UNWRITTEN = "not in the document"
"""The reference of what a document leaves out."""


@dataclass(frozen=True)
class ParameterBlock:
    """Parameters that a document writes as one: the keys of their equation and their gradient's, their view of θ.

    ``weights`` says whether they are weights, None where a document writes weights and biases in one matrix.
    """

    key: str
    gradient: str
    layer: int
    view: Callable[[Parameters], Array]
    weights: bool | None

    @staticmethod
    def title(about: str, written: Equation) -> str:
        """A title that says of which parameters an equation is."""
        return f"{about}: {written.title[:1].lower()}{written.title[1:]}"


def weights_and_biases(l: int) -> list[ParameterBlock]:
    """W and b of a layer, where a document writes them as bp keeps them."""
    return [
        ParameterBlock("weights", "weight_gradient", l, lambda parameters: parameters.W[l], weights=True),
        ParameterBlock("biases", "bias_gradient", l, lambda parameters: parameters.b[l], weights=False),
    ]


class Assignment(NamedTuple):
    """What one equation of the rule assigns: to a block, or to the whole network where ``layer`` is None."""

    equation: Equation
    key: str
    layer: int | None
    value: Array
    before: Array | None = None
