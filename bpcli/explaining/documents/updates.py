"""The update in a document's notation: the rule's equations, and the arrays that they assign.

Of the five documents only the half squared error's has an update, W − η ∇W. The
equations of every other rule stand beside the rule in :mod:`bpcli.nn.optimizers`.
Each array of the rule's memory is a step of its own. Before them stand the links of the gradient's chain
(:mod:`~bpcli.explaining.documents.links`), after them what a layer's constraint changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcli.checking.updates.equations import GRADIENT, RATE, STEP, THETA, stated_rule
from bpcli.choices import name_of
from bpcli.explaining.documents.blocks import UNWRITTEN, Assignment, ParameterBlock
from bpcli.explaining.documents.links import constrained, linked, shared_totals
from bpcli.explaining.documents.reductions import GradientRatio
from bpcli.explaining.documents.steps import LEARNING_RATE, Equation, StepBuilder
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.expressions import Floats, evaluate
from bpcli.nn.markup import AT_THETA, NEW_THETA, RuleEquation, filled
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent, Optimizer
from bpcli.nn.optimizers.rule import rule_statements
from bpcli.nn.optimizers.second_order.rule import SecondOrder

ARROW = r"\leftarrow"

SECOND_ORDER = (
    "The config's rule is {0}, one of second order: it looks at the loss and its derivatives at several points and "
    "moves once; this is where it came to. See bp list optimizers {0}."
)

FIRST_LETTER = re.compile(r"^(\\[a-z]+\{\w+\}|\w)")
"""What a symbol begins with, before its indices."""


def add_updates(
    builder: StepBuilder,
    trace: Trace,
    blocks: list[ParameterBlock],
    ratio: GradientRatio,
    reference: str = UNWRITTEN,
    notes: tuple[str, ...] = (),
    *,
    complete: bool = False,
) -> None:
    """Append the update of every block, after the arrays of memory that belong to the whole network.

    ``reference`` is where the document has gradient descent; ``notes`` are shown at the first step. A ``complete``
    document has every rule, and a symbol for the point at which it looks.
    """
    rule = name_of(OPTIMIZERS, trace.optimizer).replace("_", " ")
    if complete:
        reference = f"rule {rule}"
    elif not isinstance(trace.optimizer, GradientDescent):
        reference = UNWRITTEN
    updates = _Updates(builder, trace, blocks, ratio, reference, complete=complete)
    notes = (*_chain_notes(trace, complete=complete), *updates.rule_notes(), *notes)
    for equation, key, layer, value, before in updates.assignments():
        builder.append(equation, "update", key, layer, value, (*equation.notes, *notes), ARROW, before=before)
        notes = ()


@dataclass(frozen=True)
class _Updates:
    """The assignments of one update in a document's symbols."""

    builder: StepBuilder
    trace: Trace
    blocks: list[ParameterBlock]
    ratio: GradientRatio
    reference: str
    complete: bool

    def assignments(self) -> Iterator[Assignment]:
        """Those of the whole network, then block by block."""
        symbols = _symbols("", "", self.ratio, self.trace)
        yield from shared_totals(self.trace, self.from_config)
        for line in self.equations():
            if _is_shared(line):
                equation = Equation(line.title, self.elsewhere, *_filled(line, self.trace.optimizer, symbols))
                after, before = (None if one is None else _as_column(one) for one in _around(self.trace, line))
                assert after is not None
                yield Assignment(equation, line.name, None, after, before)
        for block in self.blocks:
            yield from self.of_block(block)

    @property
    def from_config(self) -> str:
        """The reference of penalties, clipping and constraints."""
        return LEARNING_RATE.reference if self.complete else UNWRITTEN

    @property
    def elsewhere(self) -> str:
        """The reference of what the document itself does not write."""
        return self.reference if self.complete else UNWRITTEN

    def of_block(self, block: ParameterBlock) -> Iterator[Assignment]:
        """The block's gradient at the point where the rule looks and after each link; memory; the block itself."""
        trace, written = self.trace, self.builder.equations[block.key]
        symbols = _symbols(written.symbol, self.builder.equations[block.gradient].symbol, self.ratio, trace)
        if self.looks_elsewhere:
            point, at_point = self.look(block, written, symbols)
            yield from (point, at_point)
            symbols["gradient"] = at_point.equation.symbol
        for link in linked(trace, block, written, symbols, self.from_config):
            yield link
            symbols |= {"gradient": link.equation.symbol, "plus": "+", "minus": "-", "sign": ""}
        of_weights = rule_statements(trace.optimizer).weight_term if block.weights else ""
        symbols["weight_term"] = filled(of_weights, trace.optimizer, **symbols)
        for line in self.equations():
            if not _is_shared(line):
                yield self.of_line(line, block, written, symbols)
        yield from constrained(trace, block, written, self.from_config)

    def of_line(
        self, line: RuleEquation, block: ParameterBlock, written: Equation, symbols: dict[str, str]
    ) -> Assignment:
        """One of the rule's equations for a block."""
        where = self.reference if line.name == NEW_THETA else self.elsewhere
        sides = _filled(line, self.trace.optimizer, symbols)
        equation = Equation(block.title(line.title, written), where, *sides, written.rows, written.columns)
        network = self.trace.network
        after, before = (
            None if one is None else block.view(network.parameters(one)) for one in _around(self.trace, line)
        )
        assert after is not None
        return Assignment(equation, f"{line.name}_{block.key}", block.layer, after, before)

    @property
    def looks_elsewhere(self) -> bool:
        """Whether the rule takes its gradient at another point than θ, and the document can say so."""
        return self.complete and rule_statements(self.trace.optimizer).gradient_at != AT_THETA

    def look(self, block: ParameterBlock, written: Equation, symbols: dict[str, str]) -> tuple[Assignment, Assignment]:
        """The point at which the rule takes the gradient, and the gradient there."""
        rule, symbol = self.trace.optimizer, FIRST_LETTER.sub(r"\\hat{\1}", written.symbol)
        point = filled(rule_statements(rule).gradient_at, rule, **symbols)
        there = rf"\text{{derivative of }} L \text{{ at }} {symbol}"
        both = ("Point ahead", symbol, point), ("Gradient at the point ahead", rf"\nabla {symbol}", there)
        first, second = (
            Equation(block.title(title, written), self.reference, left, right, written.rows, written.columns)
            for title, left, right in both
        )
        return (
            Assignment(first, f"point_{block.key}", block.layer, block.view(self.trace.point)),
            Assignment(second, f"ahead_{block.key}", block.layer, block.view(self.trace.at_point)),
        )

    def equations(self) -> tuple[RuleEquation, ...]:
        """The rule's equations; without any to show, the rule is a function of θ and the gradient, under its name."""
        name = name_of(OPTIMIZERS, self.trace.optimizer).replace("_", " ")
        unwritten = RuleEquation(NEW_THETA, "Update", "<theta>", rf"\text{{{name}}}(<theta>, <sign><gradient>)")
        return self.written() or (unwritten,)

    def written(self) -> tuple[RuleEquation, ...]:
        """The equations that the rule states.

        None where its gradient is not at θ, for which the five documents have no symbol; and where only weights decay,
        but the document writes them in one matrix with biases.
        """
        stated = rule_statements(self.trace.optimizer)
        together = any(block.weights is None for block in self.blocks)
        ahead = stated.gradient_at != AT_THETA and not self.complete
        return () if ahead or (stated.weight_term and together) else stated.equations

    def rule_notes(self) -> tuple[str, ...]:
        """The note on a rule other than gradient descent."""
        rule, start = name_of(OPTIMIZERS, self.trace.optimizer), _start_of_memory(self.trace)
        if isinstance(self.trace.optimizer, GradientDescent):
            return ()
        if isinstance(self.trace.optimizer, SecondOrder):
            return (SECOND_ORDER.format(rule),)
        if not self.written():
            return (f"The config's rule is {rule}; see bp list optimizers {rule}.",)
        if self.complete:
            return (f"What {rule} remembers starts at {start}.",) if start else ()
        start = f", and what it remembers starts at {start}" if start else ""
        return (f"The config's rule is {rule} instead of gradient descent{start}.",)


def _symbols(theta: str, gradient: str, ratio: GradientRatio, trace: Trace) -> dict[str, str]:
    """The values of the names in a rule's equations; ``gradient`` is the document's symbol."""
    return {
        "theta": theta,
        "gradient": rf"{ratio.markup} \cdot {gradient}" if ratio.markup else gradient,
        "plus": "-" if ratio.uphill else "+",
        "minus": "+" if ratio.uphill else "-",
        "sign": "-" if ratio.uphill else "",
        "step": trace.step_symbol or str(trace.number),
    }


def _filled(line: RuleEquation, rule: Optimizer, symbols: dict[str, str]) -> tuple[str, str]:
    """Symbol and formula."""
    return filled(line.symbol, rule, **symbols), filled(line.formula, rule, **symbols)


def _is_shared(line: RuleEquation) -> bool:
    """Whether the array has another shape than θ, so that no block has a part of it."""
    return line.name != NEW_THETA and "<theta>" not in line.symbol


def _around(trace: Trace, line: RuleEquation) -> tuple[Array, Array | None]:
    """What the equation assigned, and what was there before; nothing was, of what the update does not keep."""
    if line.name == NEW_THETA:
        return trace.updated.theta, trace.before.theta
    if line.name in trace.memory_after:
        return trace.memory_after[line.name], trace.memory_before[line.name]
    return _working(trace)[line.name], None


def _working(trace: Trace) -> dict[str, Array]:
    """The quantities of the rule's equations that are no memory, by name."""
    rule, found = stated_rule(trace.optimizer), {}
    known = {RATE: trace.learning_rate, STEP: trace.number, **rule.settings}
    known = {name: np.float64(number) for name, number in known.items()}
    known |= {THETA: trace.before.theta, GRADIENT: trace.chained.theta}
    known |= {symbol: trace.memory_before[name] for name, symbol in rule.memory.items()}
    for line in rule.equations[:-1]:
        known[line.symbol] = evaluate(line.expression, known, Floats())
        if line.working:
            found[line.name] = np.asarray(known[line.symbol])
    return found


def _as_column(array: Array) -> Array:
    """A number, or a column of them."""
    return array.reshape(()) if array.size == 1 else array.reshape(-1, 1)


def _chain_notes(trace: Trace, *, complete: bool) -> tuple[str, ...]:
    """The note on penalties and clipping."""
    if not trace.chain:
        return ()
    if complete:
        return (f"The penalties add {trace.added:.6g} to the loss.",) if trace.added else ()
    added = f", and {trace.added:.6g} is added to the loss" if trace.added else ""
    return (f"The document has no {' and no '.join(trace.chain)}: the config's gradients go through it{added}.",)


def _start_of_memory(trace: Trace) -> str:
    """The value that the rule's memory starts from, where it is the same everywhere."""
    values = [float(value) for array in trace.memory_before.values() for value in np.unique(array)]
    return f"{values[0]:g}" if trace.number == 1 and len(set(values)) == 1 else ""
