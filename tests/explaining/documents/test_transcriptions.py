"""The transcriptions owe nothing to the engine, and disagreement would be seen."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from .scalars import FUNCTIONS, exp, log
from .support import STEP, TOLERANCE, agree, differ, distance, same, slope, slopes, tilted

FOLDER = Path(__file__).parent
TRANSCRIPTIONS = ["binary", "biswas", "brawer", "general", "half_squared_error", "scalars"]

every_transcription = pytest.mark.parametrize("name", TRANSCRIPTIONS)


def tree(name: str) -> ast.Module:
    return ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))


@every_transcription
def test_a_transcription_imports_neither_the_engine_nor_numpy(name: str) -> None:
    imports = [node for node in ast.walk(tree(name)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    assert modules <= {"__future__", "cmath", "collections.abc", "dataclasses", "math", "scalars"}


@every_transcription
def test_a_transcription_multiplies_number_by_number(name: str) -> None:
    assert not [node for node in ast.walk(tree(name)) if isinstance(node, ast.MatMult)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("z", [-2.3, -0.4, 0.1, 1.9])
def test_a_functions_slope_is_its_derivative(name: str, z: float) -> None:
    f = FUNCTIONS[name]
    agree(f.slope(z), slope(f.value(z + STEP * 1j)))


@pytest.mark.parametrize("x", [0.2, 1.0, 3.5])
def test_slopes_along_the_imaginary_axis_are_exact_to_rounding(x: float) -> None:
    at = x + STEP * 1j
    agree([slope(exp(at)), slope(log(at)), slope(at**3)], [exp(x), 1 / x, 3 * x**2])
    assert slopes(tilted({"x": x, "c": 5.0}, "x")) == {"x": 1, "c": 0}


@pytest.mark.parametrize("error", [1e-11, -1e-11, 0.1, np.nan, np.inf])
def test_an_entry_off_by_more_than_rounding_is_a_disagreement(error: float) -> None:
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    actual = expected.copy()
    actual[0, 1] += 4 * error
    with pytest.raises(AssertionError, match="of the largest entry apart"):
        agree(actual, expected)


def test_an_entry_off_by_rounding_is_none() -> None:
    agree([1.0, 1e-20, 4.0], [1.0 + 1e-15, 0.0, 4.0])
    assert distance([0.0, 0.0], [0.0, 0.0]) == 0


def test_what_should_be_0_must_be_0() -> None:
    with pytest.raises(AssertionError, match="inf"):
        agree([1e-300], [0.0])


def test_another_shape_is_a_disagreement() -> None:
    with pytest.raises(AssertionError, match="shapes"):
        agree(np.ones((2, 1)), np.ones((1, 2)))


def test_a_missing_entry_of_a_table_is_a_disagreement() -> None:
    with pytest.raises(AssertionError, match="in one table only"):
        same({(1, 1): 1.0}, {(1, 1): 1.0, (1, 2): 0.0})


def test_tables_are_compared_by_key_not_by_order() -> None:
    same({1: 1.0, 2: 2.0}, {2: 2.0, 1: 1.0})
    with pytest.raises(AssertionError, match="apart"):
        same({1: 1.0, 2: 2.0}, {1: 2.0, 2: 1.0})


def test_equal_numbers_do_not_differ() -> None:
    with pytest.raises(AssertionError, match="only"):
        differ([1.0, 2.0], [1.0 + TOLERANCE, 2.0])
