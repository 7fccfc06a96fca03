r"""How the standard notation writes its symbols: entries with indices, shares of the loss, products.

An entry has the indices j, its unit, and i, its example; of one example i is left out. ``<l>`` is a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.losses import in_symbols
from bpcli.nn.losses.forms import loss_statements

BY = r"\frac{{\partial {}}}{{\partial {}}}"
NO_PRODUCT_SIGN = (r" \odot ", " ")
"""Between single numbers the product entry by entry has no sign."""


@dataclass(frozen=True)
class Writing:
    """How the symbols of one update are written: with an example's index or without, summed over outputs or not."""

    trace: Trace

    @property
    def several(self) -> bool:
        """Whether there are several examples."""
        return self.trace.m > 1

    @property
    def columns(self) -> str:
        """The index of the columns."""
        return "i" if self.several else ""

    @property
    def unit(self) -> str:
        """The index of an output where the loss adds them up: a single one has its number."""
        return "j" if self.trace.outputs > 1 else "1"

    def entry(self, letter: str, unit: str = "j", layer: str = "^<l>") -> str:
        """An entry of z, a or δ; of y without a layer."""
        return rf"{letter}_{{{unit},i}}{layer}" if self.several else f"{letter}_{unit}{layer}"

    def by(self, quantity: str) -> str:
        """∂L/∂quantity."""
        return BY.format("L", quantity)

    @property
    def of_example(self) -> str:
        """The loss of one example."""
        return "L_i" if self.several else "L"

    @property
    def weight(self) -> str:
        """The symbol of an example's weight."""
        return r"\omega_i" if self.several else r"\omega"

    @property
    def divides_by_weights(self) -> bool:
        """Whether the loss is a mean by weights that are not all 0."""
        weights = self.trace.weights
        return weights is not None and self.trace.network.head.loss.examples == "mean" and bool((weights != 0).any())

    @property
    def share(self) -> str:
        """What an example's loss is multiplied by in the loss; empty for 1."""
        mean = self.trace.network.head.loss.examples == "mean"
        if self.trace.weights is None:
            return r"\frac{1}{m}" if mean and self.several else ""
        if not self.divides_by_weights:
            return self.weight
        return rf"\frac{{{self.weight}}}{{\sum_{{q=1}}^{{m}} \omega_q}}" if self.several else ""

    @property
    def outputs_share(self) -> str:
        """What the sum over outputs is multiplied by in an example's loss; empty for 1."""
        mean = self.trace.network.head.loss.outputs == "mean" and self.trace.outputs > 1
        return rf"\frac{{1}}{{n_{{{self.trace.last}}}}}" if mean else ""

    def of_loss(self, formula: str, unit: str) -> str:
        """A formula of the loss for one output."""
        loss, n = self.trace.network.head.loss, self.trace.outputs
        levels = {name: rf"\mathrm{{{name}}}_{unit}" for name in varying(self.trace)}
        y, a = self.entry("y", unit, ""), self.entry("a", unit)
        return in_symbols(formula, loss, n, y=y, a=a, **levels)


def varying(trace: Trace) -> dict[str, Array]:
    """The numbers of the loss that differ from output to output, (n_L, 1), by name: a quantile's levels."""
    given = loss_statements(trace.network.head.loss).of_outputs(trace.outputs)
    return {name: value for name, value in given.items() if np.unique(value).size > 1}


def written_by_outputs(trace: Trace) -> bool:
    """Whether the loss is a sum of terms of its outputs, so that its formula can be written."""
    return trace.network.head.loss.elementwise or bool(varying(trace))


def own_key(name: str) -> str:
    """The key of a number that an activation owns."""
    return f"own_{name}"


def product(*factors: str) -> str:
    """Factors beside one another, the last in parentheses where it is a sum or has cases; the first may be a minus."""
    *first, last = [factor for factor in factors if factor]
    joined = " ".join([*first, rf"\left( {last} \right)" if first and _is_sum(last) else last])
    return joined.replace("- ", "-", 1) if first[:1] == ["-"] else joined


def _is_sum(formula: str) -> bool:
    """Whether a formula has a sign or a case outside of its parentheses."""
    depth = 0
    for place, sign in enumerate(formula):
        depth += (sign in "({[") - (sign in ")}]")
        if depth == 0 and (sign in "+-" or formula.startswith(r"\text", place)):
            return True
    return False
