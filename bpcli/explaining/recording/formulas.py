"""Formulas that choices state, recorded: their values, and their vector–Jacobian products by the chain rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.checking.rewriting import changed
from bpcli.explaining.recording.entrywise import apply, choose
from bpcli.explaining.recording.tape import Tape
from bpcli.nn.expressions import (
    PI,
    Arithmetic,
    Cases,
    Expression,
    Function,
    Number,
    PullBack,
    Slopes,
    Sum,
    Value,
    evaluate,
    pull_back,
    symbol_names,
)
from bpcli.nn.formulas import parse


@dataclass(frozen=True)
class Recording:
    """The arithmetic of recorded numbers, for :mod:`bpcli.nn.expressions`."""

    tape: Tape

    def number(self, text: str) -> Value:
        """A constant."""
        return self.tape.constant(np.pi if text == PI else float(text))

    def apply(self, function: str, x: Value) -> Value:
        """The function's operation, entry by entry."""
        return apply(function, np.asarray(x, object))[()]


@dataclass(frozen=True)
class Choice:
    """Cases of which both are recorded, and one is chosen when the tape is read."""

    left: Expression
    right: Expression
    there: Expression
    elsewhere: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """The adjoint goes to the case that holds, 0 to the other."""
        left, right = (one.trace(values, arithmetic)[0] for one in (self.left, self.right))
        (there, yes), (elsewhere, no) = (one.trace(values, arithmetic) for one in (self.there, self.elsewhere))

        def back(adjoint: Value) -> Slopes:
            found = dict(yes(_summed(choose(left, right, adjoint, 0), there)))
            for name, slope in no(_summed(choose(left, right, 0, adjoint), elsewhere)).items():
                found[name] = found[name] + slope if name in found else slope
            return found

        return choose(left, right, there, elsewhere), back


def _summed(adjoint: Value, value: Value) -> Value:
    """An adjoint as that of a single number, where the value is one."""
    return np.sum(adjoint) if np.ndim(value) == 0 else adjoint


def recorded(formula: str, choice: Any, tape: Tape, **symbols: Any) -> tuple[Any, Callable[[Any], Slopes]]:
    """A choice's formula of recorded arrays: its value, and the function from its adjoint to those of its symbols."""
    return recorded_expression(parse(formula), choice, tape, **symbols)


def recorded_expression(
    expression: Expression, choice: Any, tape: Tape, **symbols: Any
) -> tuple[Any, Callable[[Any], Slopes]]:
    """The same of an expression."""
    expression = _without_cases(expression)
    settings = {name: tape.constant(getattr(choice, name)) for name in symbol_names(expression) - symbols.keys()}
    value, back = pull_back(expression, settings | symbols, Recording(tape))
    return value, lambda adjoint: {name: 0 * one for name, one in symbols.items()} | back(adjoint)


def recorded_value(expression: Expression, values: Mapping[str, Any], tape: Tape) -> Any:
    """An expression's value, all of whose symbols have one."""
    return evaluate(_without_cases(expression), values, Recording(tape))


def _without_cases(expression: Expression) -> Expression:
    """The expression with choices in place of cases; an absolute value is one of them."""
    return changed(expression, _as_choice)


def _as_choice(node: Expression) -> Expression:
    match node:
        case Cases(left, right, there, elsewhere):
            return Choice(left, right, there, elsewhere)
        case Function(name="|", argument=argument):
            return Choice(argument, Number("0"), argument, Sum(((-1, argument),)))
    return node
