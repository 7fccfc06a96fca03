"""Mistakes of weight decay: coupled for decoupled and the reverse, or of a rule that has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bpcli.checking.rewriting import changed
from bpcli.checking.updates.equations import GRADIENT, RATE, THETA, StatedEquation, StatedRule
from bpcli.checking.updates.mistaken_rules import with_symbols
from bpcli.checking.updates.wording import written
from bpcli.nn.expressions import Expression, Product, Sum, Symbol, symbol_names


def decays(rule: StatedRule) -> list[str]:
    """The settings that multiply θ itself in some term, as weight decay does."""
    lines = rule.equations
    return [name for name in rule.settings if tuple(_undecayed(line, name) for line in lines) != lines]


def decayed_otherwise(rule: StatedRule) -> Iterator[tuple[str, StatedRule]]:
    """Weight decay in θ's equation moved into the gradient, and from the gradient into θ's equation."""
    for symbol in map(Symbol, rule.settings):
        decay, words = Product(symbol, Symbol(THETA)), f"the decay {written(symbol)} · θ is"
        *others, last = (_undecayed(line, symbol.name) for line in rule.equations)
        if last != rule.new_theta:
            coupled = Sum(((1, Symbol(GRADIENT)), (1, decay)))
            lines = replace(rule, equations=(*rule.equations[:-1], last))
            yield f"{words} added to the gradient (coupled)", with_symbols(lines, {GRADIENT: coupled})
        if tuple(others) != rule.equations[:-1]:
            apart = replace(last, expression=Sum(((1, last.expression), (-1, Product(Symbol(RATE), decay)))))
            yield (
                f"{words} subtracted from θ, not added to the gradient (decoupled)",
                replace(rule, equations=(*others, apart)),
            )


def foreign_decays(rule: StatedRule, name: str) -> Iterator[tuple[str, StatedRule]]:
    """The rule with weight decay by a setting of this name, which it does not have."""
    decay, line = Product(Symbol(name), Symbol(THETA)), rule.new_theta
    coupled = Sum(((1, Symbol(GRADIENT)), (1, decay)))
    yield "added to the gradient (coupled)", with_symbols(rule, {GRADIENT: coupled})
    apart = replace(line, expression=Sum(((1, line.expression), (-1, Product(Symbol(RATE), decay)))))
    yield "subtracted from θ (decoupled)", replace(rule, equations=(*rule.equations[:-1], apart))


def _undecayed(line: StatedEquation, name: str) -> StatedEquation:
    """The equation without the terms that multiply θ by the setting ``name``."""

    def without(node: Expression) -> Expression:
        if not isinstance(node, Sum):
            return node
        kept = tuple((sign, term) for sign, term in node.terms if not _is_decay(term, name))
        return kept[0][1] if len(kept) == 1 and kept[0][0] > 0 else Sum(kept) if kept else node

    return replace(line, expression=changed(line.expression, without))


def _is_decay(term: Expression, name: str) -> bool:
    return isinstance(term, Product) and {name, THETA} <= symbol_names(term) and GRADIENT not in symbol_names(term)
