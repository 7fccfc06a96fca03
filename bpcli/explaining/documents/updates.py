"""The update in any document's notation: the rule's equations, and what it made of the parameters.

Of the five documents only the half squared error's writes an update down,
W − η ∇W. What a rule remembers from step to step is a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpcli.explaining.documents.reductions import Factor
from bpcli.explaining.documents.steps import Equation, Page, named
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.optimizers import OPTIMIZERS, Adam, GradientDescent, Momentum
from bpcli.nn.parameters import Parameters

UNWRITTEN = "not in the document"
"""The reference of what a document leaves out."""


@dataclass(frozen=True)
class Block:
    """Parameters that a document writes as one: the keys of their equation and their gradient's, and a view of θ."""

    key: str
    gradient: str
    layer: int
    view: Callable[[Parameters], Array]


def add_updates(
    page: Page,
    trace: Trace,
    blocks: list[Block],
    factor: Factor,
    reference: str = UNWRITTEN,
    notes: tuple[str, ...] = (),
) -> None:
    """Set every block's update; ``factor`` makes bp's gradient of the document's; ``notes`` stand at the first."""
    if not isinstance(trace.optimizer, GradientDescent):
        reference = UNWRITTEN
    notes = (*_notes(trace), *notes)
    for block in blocks:
        own = page.equations[block.key]
        terms = Terms(own.symbol, page.equations[block.gradient].symbol, factor, trace.number)
        for name, (symbol, formula) in _rule(trace, terms).items():
            kept = trace.after if name == "new" else trace.memory_after[name]
            title = f"{TITLES[name]}: {own.title[:1].lower()}{own.title[1:]}"
            where = reference if name == "new" else UNWRITTEN
            equation = Equation(title, where, symbol, formula, own.rows, own.columns)
            page.set(equation, "update", f"{name}_{block.key}", block.layer, block.view(kept), notes, r"\leftarrow")
            notes = ()


TITLES = {
    "new": "Update",
    "velocity": "Velocity",
    "mean": "Running mean of the gradient",
    "square": "Running mean of its square",
}


def _notes(trace: Trace) -> tuple[str, ...]:
    rule = named(OPTIMIZERS, trace.optimizer)
    if isinstance(trace.optimizer, GradientDescent):
        return ()
    if not isinstance(trace.optimizer, Momentum | Adam):
        return (f"The config's rule is {rule}; see bp list optimizers {rule}.",)
    memory = ", and what it remembers starts at 0" if trace.number == 1 else ""
    return (f"The config's rule is {rule} instead of gradient descent{memory}.",)


@dataclass(frozen=True)
class Terms:
    """What the equations of a block's update are made of."""

    symbol: str
    gradient: str
    factor: Factor
    number: int

    @property
    def downhill(self) -> str:
        """bp's gradient up to its sign."""
        return rf"{self.factor.markup} \cdot {self.gradient}" if self.factor.markup else self.gradient

    @property
    def minus(self) -> str:
        """The sign before it that leads downhill."""
        return "+" if self.factor.uphill else "-"

    @property
    def plus(self) -> str:
        """Its own sign."""
        return "-" if self.factor.uphill else "+"


def _rule(trace: Trace, terms: Terms) -> dict[str, tuple[str, str]]:
    """Symbol and formula of what the rule remembers, by name, and of the new parameters, ``new``, last."""
    if isinstance(trace.optimizer, GradientDescent):
        return {"new": (terms.symbol, rf"{terms.symbol} {terms.minus} \eta \cdot {terms.downhill}")}
    if isinstance(trace.optimizer, Momentum):
        return _momentum(terms)
    if isinstance(trace.optimizer, Adam):
        return _adam(terms)
    rule = named(OPTIMIZERS, trace.optimizer).replace("_", " ")
    sign = "-" if terms.factor.uphill else ""
    return {"new": (terms.symbol, rf"\text{{{rule}}}({terms.symbol}, {sign}{terms.downhill})")}


def _momentum(terms: Terms) -> dict[str, tuple[str, str]]:
    v = rf"v_{{{terms.symbol}}}"
    return {
        "velocity": (v, rf"\mu \cdot {v} {terms.minus} \eta \cdot {terms.downhill}"),
        "new": (terms.symbol, rf"{terms.symbol} + {v}"),
    }


def _adam(terms: Terms) -> dict[str, tuple[str, str]]:
    m, v, t = rf"m_{{{terms.symbol}}}", rf"v_{{{terms.symbol}}}", terms.number
    root = rf"\sqrt{{{v} / (1 - \beta_2^{{{t}}})}}"
    return {
        "mean": (m, rf"\beta_1 \cdot {m} {terms.plus} (1 - \beta_1) \cdot {terms.downhill}"),
        "square": (v, rf"\beta_2 \cdot {v} + (1 - \beta_2) \cdot \left( {terms.downhill} \right)^2"),
        "new": (
            terms.symbol,
            rf"{terms.symbol} - \eta \cdot \frac{{{m} / (1 - \beta_1^{{{t}}})}}{{{root} + \varepsilon}}",
        ),
    }
