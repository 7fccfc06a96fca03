"""What a loop writes lies where it read, and only where nobody can tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from bpcli.training.compiled.operations import ArgMax, Dot, Elementwise
from bpcli.training.compiled.overwriting import let_results_lie_in_operands
from bpcli.training.compiled.passes import FusedLoop
from bpcli.training.compiled.recorder import Recorder
from bpcli.training.compiled.symbols import SymbolicNumber


def after(*more: Any, kept: tuple[str, ...] = (), A: str = "float32", stored: tuple[str, ...] = ("A",)) -> Any:
    """The arrays of Z ← W X, A ← f(Z) and further operations, after A was allowed to lie in Z."""
    recorder = Recorder()
    n, m = SymbolicNumber(recorder, "n"), SymbolicNumber(recorder, "m")
    for name, shape in (("W", (n, n)), ("X", (n, m)), ("Z", (n, m)), ("B", (n, m)), ("places", (n,))):
        recorder.array(name, shape, np.float32)
    turned = recorder.array("A", (n, m), np.dtype(A)).T
    loop = FusedLoop((n, m), (Elementwise("A", "negative", ("Z",)),), frozenset(stored))
    program: Any = SimpleNamespace(symbols=recorder.symbols, kept=("W", *kept), inputs=("X",), constants={})
    let_results_lie_in_operands([Dot("Z", "W", "X"), loop, *more], program)
    return program.symbols, turned


def test_a_result_lies_in_an_operand_that_is_read_for_the_last_time_with_all_its_views() -> None:
    symbols, turned = after(ArgMax("places", "A"))
    assert (symbols["A"].source, symbols["A"].root, turned.root) == ("Z", "Z", "Z")


def test_it_has_memory_of_its_own_where_the_operand_is_read_later_lasts_or_is_of_another_precision() -> None:
    for given in ([Dot("B", "W", "Z")], []):
        for options in ({"kept": ("A",)}, {"kept": ("Z",)}, {"A": "float64"}, {"stored": ()}, {}):
            if given or options:
                symbols, turned = after(*given, **options)
                assert (symbols["A"].source, symbols["A"].root, turned.root) == ("", "A", "A")
