"""A step of a derivation; a document, its notation and what it can express; the page on which its steps are set.

Markup is the small part of LaTeX's mathematics that renders to Unicode text too;
in titles and notes it stands between dollar signs. In an equation ``<l>``,
``<l-1>`` and ``<l+1>`` stand for the numbers of layers; above a symbol a number
is put into parentheses, ``a^{(2)}``, because ``a^2`` is a square.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.network import Network

Stage = Literal["given", "forward", "loss", "backward", "update"]

LAYER = re.compile(r"<l([+-]\d)?>")
POWER = re.compile(r"\^(<l(?:[+-]\d)?>)")
"""A layer's number by itself above a symbol, where it could be read as a power."""


@dataclass(frozen=True)
class Step:
    """One quantity: how it is made, in symbols and in numbers.

    ``key`` says what it is in any document, ``layer`` the document's own number of
    the layer, ``example`` the example it belongs to where each has one of its own.
    ``symbol`` ``relation`` ``formula`` is the equation; what is given has no
    formula. ``value`` is oriented, scaled and signed as the document has it;
    ``rows`` and ``columns`` say what its indices run over.
    """

    stage: Stage
    key: str
    layer: int | None
    title: str
    reference: str
    symbol: str
    relation: str
    formula: str
    value: Array
    rows: str
    columns: str
    notes: tuple[str, ...]
    example: int | None = None


@dataclass(frozen=True)
class Document:
    """A derivation of backpropagation. ``objection`` says why it cannot express a network, or nothing."""

    name: str
    title: str
    expresses: str
    conventions: tuple[str, ...]
    notation: tuple[tuple[str, str], ...]
    objection: Callable[[Network], str]
    steps: Callable[[Trace], tuple[Step, ...]]


@dataclass(frozen=True)
class Equation:
    """What a document says of a quantity in any layer.

    ``rows`` and ``columns`` name the indices, ``k:0`` one that counts from 0;
    ``notes`` stand beside the first such step.
    """

    title: str
    reference: str
    symbol: str
    formula: str = ""
    rows: str = ""
    columns: str = ""
    notes: tuple[str, ...] = ()


class Page:
    """Steps in order, each set from a document's table of equations.

    A key may have a variant after a slash, such as ``error/output``; the step's
    own key is what stands before it.
    """

    def __init__(self, equations: Mapping[str, Equation]) -> None:
        self.equations = equations
        self.steps: list[Step] = []
        self.told: set[str] = set()

    def add(
        self,
        stage: Stage,
        key: str,
        layer: int | None,
        value: ArrayLike,
        *,
        notes: tuple[str, ...] = (),
        formula: str = "",
        example: int | None = None,
    ) -> None:
        """Set one step from the table; ``notes`` come after the equation's own, ``formula`` takes its place."""
        said = self.equations[key]
        said = replace(said, formula=formula or said.formula)
        own = tuple(note for note in said.notes if note not in self.told)
        self.told |= set(own)
        self.set(said, stage, key.partition("/")[0], layer, value, (*own, *notes), example=example)

    def set(
        self,
        said: Equation,
        stage: Stage,
        key: str,
        layer: int | None,
        value: ArrayLike,
        notes: tuple[str, ...],
        relation: str = "=",
        example: int | None = None,
    ) -> None:
        """Set one step of any equation."""
        array = np.asarray(value, np.float64)
        shape = array.shape or (0, 0)
        step = Step(
            stage=stage,
            key=key,
            layer=layer,
            title=filled(said.title, layer, "{}"),
            reference=said.reference,
            symbol=filled(said.symbol, layer),
            relation=relation,
            formula=filled(said.formula, layer),
            value=array,
            rows=_run(filled(said.rows, layer), shape[0]),
            columns=_run(filled(said.columns, layer), shape[1]),
            notes=notes,
            example=example,
        )
        self.steps.append(step)


def filled(text: str, layer: int | None, form: str = "{{{}}}") -> str:
    """``text`` with the numbers of the layers in place, each in ``form``."""
    apart = POWER.sub(r"^{(\1)}", text)
    return LAYER.sub(lambda found: form.format((layer or 0) + int(found[1] or 0)), apart)


def _run(index: str, length: int) -> str:
    """``k = 0 … 3`` in markup, from an index, where it starts, and its length."""
    if not index:
        return ""
    letter, _, start = index.partition(":")
    first = int(start or 1)
    last = first + length - 1
    return f"{letter} = {first}" if first == last else rf"{letter} = {first} \ldots {last}"


def named(room: Mapping[str, type[Any]], choice: Any) -> str:
    """A choice's name in its room."""
    return next(name for name, kind in room.items() if kind is type(choice))


def activation_names(network: Network) -> list[str]:
    """The activations' names by layer; the inputs' is empty."""
    return ["", *(named(ACTIVATIONS, activation) for activation in network.activations)]


def function_note(letter: str, layer: int, name: str) -> tuple[str, ...]:
    """Which function a document's letter stands for in a layer; its σ is the sigmoid unless told."""
    if not letter or (letter, name) == (r"\sigma", "sigmoid"):
        return ()
    where = "" if LAYER.search(letter) else f" in layer {layer}"
    return (f"${filled(letter, layer)}$ is {name.replace('_', ' ')}{where}.",)


def derivative(name: str, z: str, a: str) -> str:
    """f′ in symbols, from the layer's symbols before and after activation; empty where it is not known."""
    formulas = {
        "identity": "1",
        "sigmoid": rf"{a} \odot (1 - {a})",
        "tanh": rf"1 - {a} \odot {a}",
        "relu": rf"1 \text{{ where }} {z} > 0 \text{{, else }} 0",
        "leaky_relu": rf"1 \text{{ where }} {z} > 0 \text{{, else the slope}}",
    }
    return formulas.get(name, "")
