"""The update in a document's notation: the rule's equations, and the arrays that they assign.

Of the five documents only the half squared error's has an update, W − η ∇W. The
equations of every other rule stand beside the rule in :mod:`bpcli.nn.optimizers`.
Each array of the rule's memory is a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bpcli.checking.updates.equations import GRADIENT, RATE, STEP, THETA, stated_rule
from bpcli.choices import name_of
from bpcli.explaining.documents.reductions import GradientRatio
from bpcli.explaining.documents.steps import Equation, StepBuilder
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.expressions import Floats, evaluate
from bpcli.nn.markup import AT_THETA, NEW_THETA, RuleEquation, filled
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent, Optimizer
from bpcli.nn.optimizers.rule import rule_statements
from bpcli.nn.parameters import Parameters

UNWRITTEN = "not in the document"
"""The reference of what a document leaves out."""

ARROW = r"\leftarrow"


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


class Assignment(NamedTuple):
    """What one equation of the rule assigns: to a block, or to the whole network where ``layer`` is None."""

    equation: Equation
    key: str
    layer: int | None
    value: Array
    before: Array | None = None


def add_updates(
    builder: StepBuilder,
    trace: Trace,
    blocks: list[ParameterBlock],
    ratio: GradientRatio,
    reference: str = UNWRITTEN,
    notes: tuple[str, ...] = (),
) -> None:
    """Append the update of every block, after the arrays of memory that belong to the whole network.

    ``reference`` is where the document has gradient descent; ``notes`` are shown at the first step.
    """
    if not isinstance(trace.optimizer, GradientDescent):
        reference = UNWRITTEN
    assignments = [*_of_network(trace, blocks, ratio)]
    for block in blocks:
        assignments += _of_block(builder, trace, block, blocks, ratio, reference)
    notes = (*_chain_notes(trace), *_rule_notes(trace, blocks), *notes)
    for equation, key, layer, value, before in assignments:
        builder.append(equation, "update", key, layer, value, notes, ARROW, before=before)
        notes = ()


def _of_network(trace: Trace, blocks: list[ParameterBlock], ratio: GradientRatio) -> Iterator[Assignment]:
    """The arrays of memory of which no block has a part."""
    symbols = _symbols("", "", ratio, trace.number)
    for line in _equations(trace.optimizer, blocks):
        if _is_shared(line):
            equation = Equation(line.title, UNWRITTEN, *_filled(line, trace.optimizer, symbols))
            after, before = (None if one is None else _as_column(one) for one in _around(trace, line))
            assert after is not None
            yield Assignment(equation, line.name, None, after, before)


def _of_block(
    builder: StepBuilder,
    trace: Trace,
    block: ParameterBlock,
    blocks: list[ParameterBlock],
    ratio: GradientRatio,
    reference: str,
) -> Iterator[Assignment]:
    """The block's part of the rule's memory, and the block itself."""
    written = builder.equations[block.key]
    symbols = _symbols(written.symbol, builder.equations[block.gradient].symbol, ratio, trace.number)
    if trace.chain:
        yield _chained(trace, block, written, symbols)
        symbols |= {"gradient": _CHAINED.format(written.symbol), "plus": "+", "minus": "-", "sign": ""}
    of_weights = rule_statements(trace.optimizer).weight_term if block.weights else ""
    symbols["weight_term"] = filled(of_weights, trace.optimizer, **symbols)
    for line in _equations(trace.optimizer, blocks):
        if _is_shared(line):
            continue
        title = f"{line.title}: {written.title[:1].lower()}{written.title[1:]}"
        where = reference if line.name == NEW_THETA else UNWRITTEN
        equation = Equation(title, where, *_filled(line, trace.optimizer, symbols), written.rows, written.columns)
        arrays = (None if one is None else block.view(trace.network.parameters(one)) for one in _around(trace, line))
        after, before = arrays
        assert after is not None
        yield Assignment(equation, f"{line.name}_{block.key}", block.layer, after, before)


_CHAINED = "g_{{{}}}"
"""The symbol of a gradient after penalties and clipping, by that of the parameters."""


def _chained(trace: Trace, block: ParameterBlock, written: Equation, symbols: dict[str, str]) -> Assignment:
    """The block's gradient after the config's penalties and clipping."""
    names = ", ".join(trace.chain).replace("_", " ")
    title = f"Gradient after {names}: {written.title[:1].lower()}{written.title[1:]}"
    formula = rf"\text{{{names}}}({symbols['sign']}{symbols['gradient']})"
    symbol = _CHAINED.format(written.symbol)
    equation = Equation(title, UNWRITTEN, symbol, formula, written.rows, written.columns)
    return Assignment(equation, f"chained_{block.key}", block.layer, block.view(trace.chained))


def _equations(rule: Optimizer, blocks: list[ParameterBlock]) -> tuple[RuleEquation, ...]:
    """The rule's equations; without any to show, the rule is a function of θ and the gradient, under its name."""
    name = name_of(OPTIMIZERS, rule).replace("_", " ")
    unwritten = RuleEquation(NEW_THETA, "Update", "<theta>", rf"\text{{{name}}}(<theta>, <sign><gradient>)")
    return _written(rule, blocks) or (unwritten,)


def _written(rule: Optimizer, blocks: list[ParameterBlock]) -> tuple[RuleEquation, ...]:
    """The equations that the rule states.

    None where its gradient is not at θ, for which no document has a symbol; and where only weights decay, but the
    document writes them in one matrix with biases.
    """
    together = any(block.weights is None for block in blocks)
    stated = rule_statements(rule)
    if stated.gradient_at != AT_THETA or (stated.weight_term and together):
        return ()
    return stated.equations


def _symbols(theta: str, gradient: str, ratio: GradientRatio, number: int) -> dict[str, str]:
    """The values of the names in a rule's equations; ``gradient`` is the document's symbol."""
    return {
        "theta": theta,
        "gradient": rf"{ratio.markup} \cdot {gradient}" if ratio.markup else gradient,
        "plus": "-" if ratio.uphill else "+",
        "minus": "+" if ratio.uphill else "-",
        "sign": "-" if ratio.uphill else "",
        "step": str(number),
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
        return trace.after.theta, trace.before.theta
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


def _chain_notes(trace: Trace) -> tuple[str, ...]:
    """The note on penalties and clipping."""
    if not trace.chain:
        return ()
    added = f", and {trace.added:.6g} is added to the loss" if trace.added else ""
    return (f"The document has no {' and no '.join(trace.chain)}: the config's gradients go through it{added}.",)


def _rule_notes(trace: Trace, blocks: list[ParameterBlock]) -> tuple[str, ...]:
    """The note on a rule other than gradient descent."""
    rule = name_of(OPTIMIZERS, trace.optimizer)
    if isinstance(trace.optimizer, GradientDescent):
        return ()
    if not _written(trace.optimizer, blocks):
        return (f"The config's rule is {rule}; see bp list optimizers {rule}.",)
    return (f"The config's rule is {rule} instead of gradient descent{_start_of_memory(trace)}.",)


def _start_of_memory(trace: Trace) -> str:
    """The value that the rule's memory starts from, where it is the same everywhere."""
    values = [float(value) for array in trace.memory_before.values() for value in np.unique(array)]
    if trace.number != 1 or len(set(values)) != 1:
        return ""
    return f", and what it remembers starts at {values[0]:g}"
