r"""What an entry of an equation's left side is called: ``z_2^{(1)}`` of ``z^{(1)}``, ``(v)_{2,1}`` without a letter."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.explaining.arithmetic.substitution import Place
from bpcli.explaining.evaluation.grammar import MARK, parse
from bpcli.explaining.evaluation.nodes import Apply, Derivative, Nabla, Node, Symbol
from bpcli.explaining.evaluation.vocabulary import Found, Quantity, Vocabulary
from bpcli.nn.markup import closing_brace


def entry_symbol(
    written: str, node: Node, vocabulary: Vocabulary, at: Mapping[str, int], place: Place, *, column: bool
) -> str:
    """The symbol of one entry of a left side.

    ``at`` are the numbers of the indices that it has, ``place`` is in its matrix, which may be a ``column``.
    """
    if place is None:
        return at_indices(written, at)
    named = _named(node, vocabulary, place)
    if named is not None and not at:
        return named
    matrix = at_indices(written, at)
    closed = matrix if isinstance(node, Symbol) and not (node.sub or node.sup) else f"({matrix})"
    numbers = place[:1] if column else place
    return rf"{closed}_{{{','.join(str(number + 1) for number in numbers)}}}"


def at_indices(markup: str, at: Mapping[str, int]) -> str:
    """Markup with numbers in the place of indices, in the marks below and above its symbols."""
    written, place = "", 0
    while place < len(markup):
        sign = markup[place]
        written += sign
        place += 1
        if sign in "_^" and at:
            end = _group_end(markup, place)
            written += _numbered(markup[place:end], at)
            place = end
    return written


def _numbered(marks: str, at: Mapping[str, int]) -> str:
    """Marks with numbers, commas between those that had none; a single mark gets braces where its number is long."""

    def number(mark: str) -> str:
        known = at.get(mark.replace("{", "").replace("}", ""))
        return mark if known is None else str(known)

    found = MARK.findall(marks)
    numbers = list(map(number, found))
    if numbers != found and "," not in marks and len(numbers) > 1 and all(one.isdigit() for one in numbers):
        return f"{{{','.join(numbers)}}}"
    changed = MARK.sub(lambda one: number(one[0]), marks)
    return changed if len(changed) == 1 or changed.startswith("{") else f"{{{changed}}}"


def _group_end(markup: str, start: int) -> int:
    """Where a group in braces ends, or a single mark."""
    if markup[start : start + 1] == "\\":
        found = MARK.match(markup, start)
        return found.end() if found else start + 1
    if markup[start : start + 1] != "{":
        return start + 1
    return closing_brace(markup, start + 1) + 1


def _named(node: Node, vocabulary: Vocabulary, place: tuple[int, int]) -> str | None:
    """The entry by the letter that the document has for it; None where it has none."""
    match node:
        case Symbol():
            return _letter(node, vocabulary, place)
        case Nabla(by):
            inner = _letter(by, vocabulary, place)
            return None if inner is None else rf"\nabla {inner}"
        case Derivative(Symbol() as of, by) if of.base not in vocabulary.letters and vocabulary.is_number(of):
            inner = _letter(by, vocabulary, place)
            return None if inner is None else rf"\frac{{\partial {_written(of)}}}{{\partial {inner}}}"
        case Apply(function, primes, Symbol() as argument):
            inner = _letter(argument, vocabulary, place)
            return None if inner is None else f"{_written(function)}{chr(39) * primes}({inner})"
    return None


def _letter(symbol: Symbol, vocabulary: Vocabulary, place: tuple[int, int]) -> str | None:
    """An entry of a matrix by the quantity that is declared as its entries."""
    matrix = vocabulary.find(symbol)
    for quantity in vocabulary.quantities if matrix is not None else ():
        if quantity.entries and matrix is not None and _is_of(quantity, matrix, symbol):
            return _filled(quantity, matrix, place)
    return None


def _is_of(quantity: Quantity, matrix: Found, symbol: Symbol) -> bool:
    """Whether a quantity's numbers are the entries of a matrix."""
    return parse(str(quantity.meaning(matrix.layer)), frozenset()) == symbol


def _filled(quantity: Quantity, matrix: Found, place: tuple[int, int]) -> str:
    template = parse(quantity.template, frozenset())
    assert isinstance(template, Symbol), quantity.template
    numbers = dict(zip(quantity.runs, (str(number + 1) for number in place), strict=False))
    sub, sup = (
        tuple(numbers.get(mark, str(matrix.layer) if mark == "l" else mark) for mark in marks)
        for marks in (template.sub, template.sup)
    )
    return _written(Symbol(template.base, sub, sup))


def _written(symbol: Symbol) -> str:
    """A symbol in markup; a number above it stands in parentheses."""
    below = f"_{{{','.join(symbol.sub)}}}" if symbol.sub else ""
    above = "".join(f"({mark})" if mark.isdigit() else mark for mark in symbol.sup)
    return symbol.base + below + (f"^{{{above}}}" if above else "")
