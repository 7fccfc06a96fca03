"""The steps shown before: whether an equation's node, or a matrix of which it is an entry, stood on their left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bpcli.explaining.evaluation import tensors
from bpcli.explaining.evaluation.indices import index, symbol_indices
from bpcli.explaining.evaluation.nodes import Apply, Derivative, Nabla, Node, Symbol, parts
from bpcli.explaining.evaluation.quantities import EvaluatesMarkup
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.tensors import Range, Value
from bpcli.explaining.evaluation.vocabulary import DIAGONAL, SIZE, Found, Vocabulary


@dataclass(frozen=True)
class Known:
    """A step shown before: its left side, what its indices run over, and its value."""

    left: Node
    ranges: Mapping[str, Range]
    value: Value


class ShownSteps:
    """The steps shown so far; of several with the same left side the last one counts."""

    def __init__(self, vocabulary: Vocabulary, evaluator: EvaluatesMarkup) -> None:
        self.vocabulary, self.evaluator = vocabulary, evaluator
        self._known: list[Known] = []

    def learn(self, known: Known) -> None:
        """Take the value of a step from now on."""
        self._known.append(known)

    def value(self, node: Node, scope: Scope) -> Value | None:
        """The value that a step showed of a node, or of the matrix of which it is an entry; None where none did."""
        known = self._of_left(node, scope)
        return self._of_entry(node, scope) if known is None else known

    def whole(self, node: Node) -> tuple[Node, Found] | None:
        """The matrix of which a node is an entry, with what the entry is declared as; None where it is none."""
        if isinstance(node, Symbol):
            found = self.vocabulary.find(node)
            if found is None or not found.quantity.entries:
                return None
            return self.evaluator.parse(str(found.quantity.meaning(found.layer))), found
        within = _argument(node)
        inner = None if within is None else self.whole(within)
        return None if inner is None else (_with_argument(node, inner[0]), inner[1])

    def _of_left(self, node: Node, scope: Scope) -> Value | None:
        """The value of the last step whose left side this is, its indices renamed."""
        for known in reversed(self._known):
            renamed: dict[str, str] = {}
            if type(known.left) is not type(node) or not same(known.left, node, known.ranges, renamed):
                continue
            places = [renamed.get(letter, letter) for letter in known.value.letters]
            runs = [known.ranges[letter] for letter in known.value.letters]
            if all(covers(run, mark, scope) for mark, run in zip(places, runs, strict=True)):
                indices = [index(self.vocabulary, mark, run, scope) for mark, run in zip(places, runs, strict=True)]
                return tensors.gathered(known.value.array, indices, (), known.value.shape)
        return None

    def _of_entry(self, node: Node, scope: Scope) -> Value | None:
        """An entry of a matrix that a step showed."""
        whole = self.whole(node)
        known = None if whole is None else self._of_left(whole[0], scope)
        if whole is None or known is None:
            return None
        found = whole[1]
        indices = symbol_indices(self.vocabulary, found, scope)
        return tensors.gathered(tensors.as_entries(known, found.slots).array, indices)


def _argument(node: Node) -> Node | None:
    """What a derivative is by, and a function of, where that is an array."""
    if isinstance(node, Derivative | Nabla):
        return node.by
    return node.argument if isinstance(node, Apply) and node.function.base not in (SIZE, DIAGONAL) else None


def _with_argument(node: Node, argument: Any) -> Node:
    return replace(node, by=argument) if isinstance(node, Derivative | Nabla) else replace(node, argument=argument)


def covers(run: Range, mark: str, scope: Scope) -> bool:
    """Whether a step shows every value that an index takes."""
    if mark.isdigit():
        return run.first <= int(mark) <= run.last
    wanted = scope.ranges.get(mark)
    return wanted is None or wanted.space != run.space or (run.first <= wanted.first and wanted.last <= run.last)


def same(left: Any, right: Any, letters: Mapping[str, Range], renamed: dict[str, str]) -> bool:
    """Whether two equations are the same but for the names of indices."""
    if isinstance(left, str):
        if left in letters and isinstance(right, str):
            return renamed.setdefault(left, right) == right
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, Symbol):
        return bool(left.base == right.base) and _all_same(
            (left.sub, left.sup), (right.sub, right.sup), letters, renamed
        )
    return _all_same(parts(left), parts(right), letters, renamed) if parts(left) else bool(left == right)


def _all_same(left: Any, right: Any, letters: Mapping[str, Range], renamed: dict[str, str]) -> bool:
    return len(left) == len(right) and all(same(x, y, letters, renamed) for x, y in zip(left, right, strict=True))
