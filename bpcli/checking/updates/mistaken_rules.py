"""The known mistakes in a rule's equations, derived from the equations themselves.

So a rule listed later has its own mistakes: of every equation a term, a factor, a divisor, a root or a power
left out, a sign turned, a setting exchanged with another or with 1 minus it, ε at another place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, permutations

from bpcli.checking.rewriting import changed, nodes, substituted, with_node
from bpcli.checking.updates.bounds import ROOT
from bpcli.checking.updates.equations import GRADIENT, RATE, STEP, StatedEquation, StatedRule
from bpcli.checking.updates.wording import written
from bpcli.nn.expressions import Expression, Function, Number, Power, Product, Quotient, Sum, Symbol, symbol_names
from bpcli.nn.markup import NEW_THETA

ONE = Number("1")

USUAL_VALUES = (0.0, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
USUAL_SMALL_VALUES = (0.0, 1e-2, 1e-3, 1e-4, 5e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
"""Values that settings often have, tried in place of the config's, of a size with it."""

DAMPENING = "with dampening"

SMALL = 0.05
"""A setting below it has a small value."""


def mistaken_rules(rule: StatedRule) -> Iterator[tuple[str, StatedRule]]:
    """The rule with a mistake in its equations, and the mistake in words."""
    once = {name for name in (RATE, GRADIENT) if _occurrences(rule.equations, Symbol(name)) == 1}
    for k, line in enumerate(rule.equations):
        for words, expression in (*_mistaken(line.expression, once), *_of_update(rule, line)):
            lines = list(rule.equations)
            lines[k] = replace(line, expression=expression)
            yield f"{line.title.lower()}: {words}", replace(rule, equations=tuple(lines))
    yield from _everywhere(rule)
    yield from _rate_elsewhere(rule)


def _occurrences(lines: tuple[StatedEquation, ...], symbol: Symbol) -> int:
    """How often a symbol stands in the equations."""
    return sum(node == symbol for line in lines for node in nodes(line.expression))


def _mistaken(expression: Expression, once: set[str]) -> Iterator[tuple[str, Expression]]:
    """The expression with a mistake at one of its places.

    η and the gradient, where they stand ``once`` in the rule, are mistaken as inputs instead.
    """
    for place, node in enumerate(nodes(expression)):
        for words, new in _mistaken_node(node, once):
            yield words, with_node(expression, place, new)


def _mistaken_node(node: Expression, once: set[str]) -> Iterator[tuple[str, Expression]]:
    if isinstance(node, Sum):
        yield from _mistaken_sum(node, once)
    elif isinstance(node, Product):
        for dropped, kept in ((node.left, node.right), (node.right, node.left)):
            if not (dropped == Symbol(RATE) and RATE in once):
                yield f"the factor {written(dropped)} is left out", kept
        yield from _not_multiplied(node)
    elif isinstance(node, Quotient):
        yield f"without the division by {written(node.denominator)}", node.numerator
        yield f"multiplied by {written(node.denominator)} instead of divided", Product(node.numerator, node.denominator)
        yield f"divided by {written(node.denominator)} twice", Quotient(node, node.denominator)
    elif isinstance(node, Power):
        yield f"{written(node.base)} without the power {written(node.exponent)}", node.base
    elif isinstance(node, Function):
        yield f"{written(node)} without the {'root' if node.name == ROOT else 'function'}", node.argument


def _not_multiplied(node: Product) -> Iterator[tuple[str, Expression]]:
    """A term of a sum that a factor is multiplied by, left outside."""
    if isinstance(node.right, Sum) and len(node.right.terms) > 1:
        for k, (sign, term) in enumerate(node.right.terms):
            others = Sum(node.right.terms[:k] + node.right.terms[k + 1 :])
            outside = Sum(((1, Product(node.left, others)), (sign, term)))
            yield f"{written(term)} is not multiplied by {written(node.left)}", outside


def _mistaken_sum(node: Sum, once: set[str]) -> Iterator[tuple[str, Expression]]:
    for k, (sign, term) in enumerate(node.terms):
        others = node.terms[:k] + node.terms[k + 1 :]
        if others and others != ((1, ONE),):  # a 1 that is left has no effect as a factor
            yield f"the term {written(term)} is left out", Sum(others)
        if GRADIENT not in once & symbol_names(term):
            yield f"the sign of {written(term)} is turned", Sum((*node.terms[:k], (-sign, term), *node.terms[k + 1 :]))
        if others == ((1, ONE),) and sign < 0:
            yield f"{written(term)} in place of {written(node)}", term
    for symbol, root in _beside_a_root(node):
        inside = Function(ROOT, Sum(((1, root.argument), (1, symbol))))
        yield f"{written(symbol)} is inside the root", inside
        if isinstance(root.argument, Quotient):
            corrected, by = root.argument.numerator, root.argument.denominator
            early = Quotient(Sum(((1, Function(ROOT, corrected)), (1, symbol))), Function(ROOT, by))
            yield f"{written(symbol)} is added before the division by {written(by)}", early
        else:
            yield (
                f"{written(symbol)} is squared and inside the root",
                Function(ROOT, Sum(((1, root.argument), (1, Power(symbol, Number("2")))))),
            )


def _beside_a_root(node: Sum) -> Iterator[tuple[Symbol, Function]]:
    """A symbol that is added to a root, and the root."""
    if len(node.terms) == 2:
        for (_, one), (_, other) in (node.terms, node.terms[::-1]):
            if isinstance(one, Symbol) and isinstance(other, Function) and other.name == ROOT:
                yield one, other


def _of_update(rule: StatedRule, line: StatedEquation) -> Iterator[tuple[str, Expression]]:
    """Mistakes that concern several places of an equation, or what it reads of others."""
    yield from _outside_the_root(line.expression)
    yield from _complements(rule, line)
    yield from _other_symbols(rule, line.expression)
    if line.name != NEW_THETA:
        yield from _damped(line)
        return
    yield from _looking_ahead(rule)
    for one, other in combinations([Symbol(own.symbol) for own in rule.equations[:-1]], 2):
        if {one.name, other.name} <= symbol_names(line.expression):
            exchanged = substituted(line.expression, {one.name: other, other.name: one})
            yield f"{written(one)} and {written(other)} are exchanged", exchanged


def _outside_the_root(expression: Expression) -> Iterator[tuple[str, Expression]]:
    """What a root adds last, added to the root instead."""
    for place, node in enumerate(nodes(expression)):
        if isinstance(node, Function) and node.name == ROOT and isinstance(node.argument, Sum):
            *inner, (_, last) = node.argument.terms
            if isinstance(last, Symbol):
                outside = Sum(((1, Function(ROOT, Sum(tuple(inner)))), (1, last)))
                yield f"{written(last)} is outside the root", with_node(expression, place, outside)


def _complements(rule: StatedRule, line: StatedEquation) -> Iterator[tuple[str, Expression]]:
    """1 − a setting in place of the setting in this equation alone."""
    for symbol in map(Symbol, rule.settings):
        here, everywhere = _occurrences((line,), symbol), _occurrences(rule.equations, symbol)
        if 0 < here < everywhere:
            words = f"{written(_complement(symbol))} in place of {written(symbol)}"
            yield words, substituted(line.expression, {symbol.name: _complement(symbol)})


def _other_symbols(rule: StatedRule, expression: Expression) -> Iterator[tuple[str, Expression]]:
    """Another setting in place of one, at one of its places or at all."""
    for one, other in permutations(map(Symbol, rule.settings), 2):
        places = [place for place, node in enumerate(nodes(expression)) if node == one]
        words = f"{written(other)} in place of"
        if places:
            yield f"{words} {written(one)}", substituted(expression, {one.name: other})
        for place in places if len(places) > 1 else ():
            yield f"{words} one {written(one)}", with_node(expression, place, other)


def _complement(symbol: Symbol) -> Expression:
    return Sum(((1, ONE), (-1, symbol)))


def _looking_ahead(rule: StatedRule) -> Iterator[tuple[str, Expression]]:
    """Nesterov's momentum for the classical one and the reverse: θ reads a memory before or after one more update."""
    expression = rule.new_theta.expression
    for own in rule.equations[:-1]:
        memory = Symbol(own.symbol)
        if memory.name in symbol_names(expression) and GRADIENT in symbol_names(own.expression):
            ahead = substituted(expression, {memory.name: own.expression})
            yield f"it looks ahead (Nesterov), {written(memory)} being updated once more", ahead
        behind = changed(expression, lambda node, m=memory, e=own.expression: m if node == e else node)  # type: ignore[misc]
        if behind != expression:
            yield f"it does not look ahead (classical momentum), {written(memory)} being as it is", behind


def _damped(line: StatedEquation) -> Iterator[tuple[str, Expression]]:
    """The other terms of a memory that decays by a setting, times 1 − the setting."""
    if not isinstance(line.expression, Sum):
        return
    for _, kept in line.expression.terms:
        if isinstance(kept, Product) and isinstance(kept.left, Symbol) and kept.right == Symbol(line.symbol):
            rest = _complement(kept.left)
            terms = ((sign, term if term == kept else Product(rest, term)) for sign, term in line.expression.terms)
            yield f"{DAMPENING}, the factor {written(rest)}", Sum(tuple(terms))


def _everywhere(rule: StatedRule) -> Iterator[tuple[str, StatedRule]]:
    """The same mistake in every equation."""
    settings, eta, g = [Symbol(name) for name in rule.settings], Symbol(RATE), Symbol(GRADIENT)
    for one, other in combinations(settings, 2):
        if rule.settings[one.name] != rule.settings[other.name]:
            yield (
                f"{written(one)} and {written(other)} are exchanged",
                with_symbols(rule, {one.name: other, other.name: one}),
            )
    for symbol in settings:
        other_one = _complement(symbol)
        yield (
            f"{written(other_one)} in place of {written(symbol)} everywhere",
            with_symbols(rule, {symbol.name: other_one}),
        )
        yield f"{written(symbol)} and η are exchanged", with_symbols(rule, {symbol.name: eta, RATE: symbol})
    lines = tuple(replace(line, expression=changed(line.expression, _uncorrected)) for line in rule.equations)
    if lines != rule.equations:
        yield "every bias correction is left out", replace(rule, equations=lines)
    size = Function("|", g)
    yield "the gradient is squared", with_symbols(rule, {GRADIENT: Power(g, Number("2"))})
    yield "the absolute value of the gradient is taken", with_symbols(rule, {GRADIENT: size})
    yield "only the sign of the gradient is taken", with_symbols(rule, {GRADIENT: Quotient(g, size)})


def _rate_elsewhere(rule: StatedRule) -> Iterator[tuple[str, StatedRule]]:
    """η in what θ moves by, where it belongs to the gradient in a memory, and the reverse.

    While η is constant both lead along the same path, unless a memory is used in other ways too.
    """
    *lines, last = rule.equations
    for k, line in enumerate(lines):
        memory, eta, g = Symbol(line.symbol), Symbol(RATE), Symbol(GRADIENT)
        if memory.name not in symbol_names(last.expression) or GRADIENT not in symbol_names(line.expression):
            continue
        if RATE in symbol_names(line.expression) - symbol_names(last.expression):
            inside, step = changed(line.expression, _without_rate), {memory.name: Product(eta, memory)}
            moved = substituted(last.expression, step)
            words = f"η multiplies {written(memory)} in the step, not the gradient in {written(memory)}"
        elif RATE in symbol_names(last.expression) - symbol_names(line.expression):
            inside = substituted(line.expression, {GRADIENT: Product(eta, g)})
            moved = changed(last.expression, _without_rate)
            words = f"η multiplies the gradient in {written(memory)}, not {written(memory)} in the step"
        else:
            continue
        changed_lines = (*lines[:k], replace(line, expression=inside), *lines[k + 1 :], replace(last, expression=moved))
        yield words, replace(rule, equations=changed_lines)


def _without_rate(node: Expression) -> Expression:
    """Without η as a factor."""
    if isinstance(node, Product) and Symbol(RATE) in (node.left, node.right):
        return node.right if node.left == Symbol(RATE) else node.left
    return node


def _uncorrected(node: Expression) -> Expression:
    """Without a divisor that contains the number of the update."""
    return node.numerator if isinstance(node, Quotient) and STEP in symbol_names(node.denominator) else node


def with_symbols(rule: StatedRule, values: Mapping[str, Expression]) -> StatedRule:
    """The rule with expressions in place of some symbols in every equation."""
    lines = tuple(replace(line, expression=substituted(line.expression, values)) for line in rule.equations)
    return replace(rule, equations=lines)


def other_settings(rule: StatedRule) -> Iterator[tuple[str, StatedRule]]:
    """A setting with another value than the config's, as other programs may have it."""
    for name, value in rule.settings.items():
        for usual in USUAL_SMALL_VALUES if value < SMALL else USUAL_VALUES:
            if usual != value:
                words = f"{written(Symbol(name))} is {usual:g} instead of {value:g}"
                yield words, replace(rule, settings={**rule.settings, name: usual})
