r"""The gradient on its way to the rule: penalties and clipping, written by what they state; constraints after the rule.

A penalty states what each weight adds to the loss, and its derivative is taken by the rules of calculus. A
clipping states an entry of the gradient; a ``\\sum`` in it is over all of θ, and has a symbol and a step of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from bpcli.checking.updates.derivatives import derivative
from bpcli.checking.updates.equations import GRADIENT, THETA, WEIGHT, WEIGHT_OF_BATCH
from bpcli.choices import name_of
from bpcli.explaining.documents.blocks import Assignment, ParameterBlock
from bpcli.explaining.documents.steps import Equation
from bpcli.explaining.documents.sums import replace_sums, sums_of
from bpcli.explaining.symbolic import markup, shortened, with_settings
from bpcli.explaining.trace import Trace
from bpcli.nn.expressions import Floats, FormulaError, evaluate
from bpcli.nn.formulas import parse
from bpcli.nn.layers import LAYERS
from bpcli.nn.markup import filled
from bpcli.nn.penalties import PENALTIES

CHAINED = "g_{{{}}}"
"""The symbol of a gradient after penalties and clipping, by that of the parameters."""

TOTAL = "S_{{{}}}"
"""The symbol of a sum over all of θ, by its number."""


def linked(
    trace: Trace, block: ParameterBlock, written: Equation, symbols: dict[str, str], where: str
) -> Iterator[Assignment]:
    """The block's gradient after each link that changes it; ``where`` is their reference."""
    gradient = symbols["sign"] + symbols["gradient"]
    totals, before = _numbered(trace), None
    for place, link in enumerate(trace.links):
        penalty = type(link) in PENALTIES.values()
        if penalty and block.weights is False:
            continue
        name = trace.chain[place].replace("_", " ")
        if penalty:
            formula = _penalised(trace, link, block, written, gradient)
        else:
            formula = _clipped(link, gradient, totals[place])
        title = block.title(f"Gradient after {name}", written)
        symbol = CHAINED.format(written.symbol)
        call = rf"\text{{{name}}}({gradient})"
        equation = Equation(title, where, symbol, formula or call, written.rows, written.columns)
        after = block.view(trace.linked[place])
        yield Assignment(equation, f"chained_{block.key}", block.layer, after, before)
        gradient, before = symbol, after


def _penalised(trace: Trace, penalty: Any, block: ParameterBlock, written: Equation, gradient: str) -> str:
    """The gradient plus the derivative of the penalty; empty where it cannot be written of the block."""
    if block.weights is None or not hasattr(penalty, "term"):
        return ""
    weight = float(trace.m if trace.weights is None else trace.weights.sum())
    try:
        term = with_settings(penalty.term, {**_settings(penalty), WEIGHT_OF_BATCH: weight})
        slope = markup(shortened(derivative(term, WEIGHT)), {WEIGHT: written.symbol}, arrays=True)
    except (FormulaError, KeyError):
        return ""
    return f"{gradient} + " + (rf"\left[ {slope} \right]" if r"\text" in slope else slope)


def _clipped(clipping: Any, gradient: str, totals: dict[str, str]) -> str:
    """An entry of the gradient afterwards; empty where the clipping states none."""
    if not hasattr(clipping, "formula"):
        return ""
    closed = rf"({gradient})" if gradient.startswith("-") or r"\cdot" in gradient else gradient
    return filled(replace_sums(clipping.formula, totals), clipping, gradient=closed, theta=r"\theta")


def _numbered(trace: Trace) -> list[dict[str, str]]:
    """By link: the symbol of each sum over all of θ that its formula contains."""
    count, found = 0, []
    for link in trace.links:
        sums = sums_of(getattr(link, "formula", ""))
        found.append({one: TOTAL.format(count + place) for place, one in enumerate(sums, start=1)})
        count += len(sums)
    return found


def shared_totals(trace: Trace, where: str) -> Iterator[Assignment]:
    """The sums over all of θ that clippings take."""
    before = [trace.at_point, *trace.linked]
    for place, totals in enumerate(_numbered(trace)):
        link = trace.links[place]
        for operand, symbol in totals.items():
            known = {GRADIENT: before[place].theta, THETA: trace.point.theta, **_settings(link)}
            value = np.sum(evaluate(parse(operand), known, Floats()))
            of_entry = filled(operand, link, gradient="g", theta=r"\theta")
            formula = rf"\text{{the sum over all entries }} g \text{{ of the gradient of }} {of_entry}"
            name = trace.chain[place].replace("_", " ")
            yield Assignment(Equation(f"Sum that {name} takes", where, symbol, formula), "total", None, value)


def constrained(trace: Trace, block: ParameterBlock, written: Equation, where: str) -> Iterator[Assignment]:
    """What a layer's constraint makes of its weights after the update."""
    layer = 0 if block.weights is False else _layer_of(trace, block)
    if layer not in trace.network.constrained:
        return
    kind = trace.network.layers[layer - 1]
    formula = filled(kind.constraint, kind, w="w")
    note = rf"Each weight $w$ becomes ${formula}$, the sum being over the weights of its unit."
    title = block.title("After the constraint", written)
    call = rf"\text{{constraint of the {name_of(LAYERS, kind)} layer}}({written.symbol})"
    equation = Equation(title, where, written.symbol, call, written.rows, written.columns, (note,))
    after, before = block.view(trace.after), block.view(trace.updated)
    yield Assignment(equation, f"constrained_{block.key}", block.layer, after, before)


def _layer_of(trace: Trace, block: ParameterBlock) -> int:
    """The network's number of the layer whose weights a block has."""
    numbers = trace.network.parameters(np.zeros_like(trace.before.theta))
    for l, W in enumerate(numbers.W):
        W[...] = l
    return int(block.view(numbers).max(initial=0))


def _settings(choice: Any) -> dict[str, float]:
    """The settings of a choice that are numbers."""
    found = {one.name: getattr(choice, one.name) for one in fields(choice)}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
