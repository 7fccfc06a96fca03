"""What choices state of themselves as formulas, with the names of their settings in place of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bpcli.choices import settings_of
from bpcli.explaining.rendering import mathml
from bpcli.explaining.rendering.unicode import math
from bpcli.nn.markup import PLACEHOLDER, decimal
from bpcli.nn.optimizers.rule import rule_statements

Statement = tuple[str, str]
"""What a formula gives, and the formula, both in markup."""

SYMBOLS: Mapping[str, str] = {
    "plus": "+",
    "minus": "-",
    "sign": "",
    "theta": r"\theta",
    "gradient": "g",
    "step": "t",
    "per_epoch": r"\text{updates per epoch}",
    "reductions": r"\text{reductions}",
}
"""The names in formulas that are no settings, as they are written here; others stand for themselves."""


def formula_lines(kind: str, choice: type[Any]) -> list[str]:
    """The formulas of a choice of a kind, a line of HTML each; none where it states none."""
    stated, example = STATED.get(kind), example_of(choice)
    return [] if stated is None else [_line(*one, example) for one in stated(example)]


def example_of(choice: type[Any]) -> Any:
    """A choice with its defaults; the class itself where a setting has none."""
    try:
        return choice()
    except TypeError:
        return choice


def in_names(markup: str, choice: Any) -> str:
    """Markup with its symbols, the numbers that the choice fixes, and its settings by name."""

    def written(found: re.Match[str]) -> str:
        name = found[1]
        if name.isupper():
            return decimal(getattr(choice, name))
        return SYMBOLS[name] if name in SYMBOLS else _named(name)

    return PLACEHOLDER.sub(written, markup)


def _named(name: str) -> str:
    return name if len(name) == 1 else rf"\text{{{name.replace('_', ' ')}}}"


def _line(symbol: str, formula: str, choice: Any) -> str:
    return f'<p class="formula">{mathml.html(in_names(f"{symbol} {formula}", choice))}</p>'


def _of_activation(choice: Any) -> Iterator[Statement]:
    yield "f(z) =", choice.formula
    yield ("f′(z) =" if choice.elementwise else r"\text{Jacobian} ="), choice.derivative


def _of_loss(choice: Any) -> Iterator[Statement]:
    sign = "-" if choice.likelihood else ""
    yield rf"{sign}\ell =", choice.term
    yield rf"{sign}\partial \ell / \partial a =", choice.term_derivative


def _of_penalty(choice: Any) -> Iterator[Statement]:
    yield r"\text{each weight } w \text{ adds }", choice.term


def _of_schedule(choice: Any) -> Iterator[Statement]:
    if isinstance(getattr(choice, "formula", None), str):
        yield r"\eta_{t} =", choice.formula


def _of_clipping(choice: Any) -> Iterator[Statement]:
    yield r"g \leftarrow", choice.formula


def _of_rule(choice: Any) -> Iterator[Statement]:
    stated = rule_statements(choice)
    for equation in stated.equations if isinstance(stated.equations, tuple) else ():
        weight_term = stated.weight_term if equation.name == "new" else ""
        yield rf"{equation.symbol} \leftarrow", equation.formula.replace("<weight_term>", weight_term)


STATED: Mapping[str, Callable[[Any], Iterator[Statement]]] = {
    "activations": _of_activation,
    "losses": _of_loss,
    "penalties": _of_penalty,
    "schedules": _of_schedule,
    "clippings": _of_clipping,
    "optimizers": _of_rule,
}
"""How the choices of a kind state their formulas."""


def letters(choice: type[Any]) -> dict[str, str]:
    """The Greek letters in an update rule's formulas, with the settings that they stand for."""
    names = {one.name for one in settings_of(choice)}
    symbols = rule_statements(example_of(choice)).symbols
    return {math(letter): name for letter, name in symbols.items() if name in names}
