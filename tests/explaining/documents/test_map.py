"""The page that maps equations to functions and tests: every name on it exists, and no equation is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "understand" / "documents.md").read_text(encoding="utf-8")

PLACE = re.compile(r"`(bpcli/[\w/]+\.py)` `([\w.]+)`")
TEST = re.compile(r"`(test_\w+)`")
NUMBER = re.compile(r"\((\d+a?)\)")

DERIVATIONS = ["The binary derivation", "Biswas", "Brawer", "The general case", "Half squared error"]


@dataclass(frozen=True)
class Row:
    """An equation, the functions that compute it, as module and name, and the tests that compare them with it."""

    equation: str
    places: list[tuple[str, str]]
    tests: list[str]


@cache
def chapters() -> dict[str, str]:
    """The page's chapters by their title."""
    return {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}


def cells(text: str) -> Iterator[list[str]]:
    """The cells of every line of a table."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@cache
def equations(title: str) -> list[list[str]]:
    """The cells of the chapter's table of equations, row by row."""
    body = chapters()[title].split("\n### ")[0]
    return [line for line in cells(body) if len(line) == 4][2:]


@cache
def rows(title: str) -> list[Row]:
    """The rows of the chapter's table of equations."""
    return [Row(line[0], PLACE.findall(line[2]), TEST.findall(line[3])) for line in equations(title)]


@cache
def slips(title: str) -> list[list[str]]:
    """The rows of the chapter's table of slips: where, as printed, right, test."""
    return [line for line in cells(chapters()[title].split("\n### ")[1]) if len(line) == 4][2:]


@cache
def named_in(title: str) -> set[str]:
    """The names of the tests in the chapter's file."""
    path = re.search(r"Tests: `(tests/explaining/documents/test_\w+\.py)`", chapters()[title])
    assert path is not None
    tree = ast.parse((ROOT / path[1]).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@cache
def functions(file: str) -> set[str]:
    """The names of a module's functions and methods, ``Class.method``."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    named = [("", node) for node in tree.body] + [(f"{of.name}.", node) for of in classes for node in of.body]
    return {prefix + node.name for prefix, node in named if isinstance(node, ast.FunctionDef)}


PLACES = sorted({place for title in DERIVATIONS for row in rows(title) for place in row.places})


@pytest.mark.parametrize(("file", "function"), PLACES)
def test_a_function_named_on_the_page_exists(file: str, function: str) -> None:
    assert function in functions(file)


def test_a_function_that_stands_elsewhere_or_nowhere_is_noticed() -> None:
    assert "Network.backward" in functions("bpcli/nn/network.py")
    assert "backward" not in functions("bpcli/nn/network.py")
    assert "Network.nowhere" not in functions("bpcli/nn/network.py")
    assert "Network.backward" not in functions("bpcli/nn/heads.py")


@pytest.mark.parametrize("title", DERIVATIONS)
def test_the_third_column_names_functions_and_nothing_else(title: str) -> None:
    assert [line[2] for line in equations(title) if PLACE.sub("", line[2]).replace("<br>", "")] == []


@pytest.mark.parametrize("title", DERIVATIONS)
def test_every_equation_has_a_function_and_a_test(title: str) -> None:
    assert len(rows(title)) > 10
    assert [row.equation for row in rows(title) if not row.places or not row.tests] == []


@pytest.mark.parametrize("title", [*DERIVATIONS, "One network, five derivations"])
def test_the_tests_on_the_page_are_those_of_the_chapters_file(title: str) -> None:
    assert set(TEST.findall(chapters()[title])) == named_in(title)


@pytest.mark.parametrize("title", DERIVATIONS)
def test_what_follows_the_equations_are_slips(title: str) -> None:
    named = {test for slip in slips(title) for test in TEST.findall(slip[3])}
    assert named == {test for test in named_in(title) if test.startswith("test_slip_")}


def numbers(title: str) -> list[str]:
    """The equations' numbers, in the page's order."""
    found = [NUMBER.fullmatch(row.equation) for row in rows(title)]
    return [number[1] for number in found if number is not None]


def test_every_numbered_equation_of_brawer_is_on_the_page() -> None:
    letters = {1: "a", 8: "a", 15: "a", 17: "a", 29: "a", 33: "a"}
    whole = [number for number in range(1, 49) if number not in (4, 38)]
    assert numbers("Brawer") == [f"{n}{suffix}" for n in whole for suffix in ("", *letters.get(n, ""))]


def test_every_numbered_equation_of_the_general_case_is_on_the_page() -> None:
    assert numbers("The general case") == [str(number) for number in range(1, 18)]


@pytest.mark.parametrize("title", ["Brawer", "The general case"])
def test_a_numbered_equation_has_tests_that_bear_its_number(title: str) -> None:
    for number, row in zip(numbers(title), rows(title), strict=True):
        assert row.tests[0].startswith(f"test_equation_{number}_")


@pytest.mark.parametrize("title", ["Brawer", "The general case"])
def test_a_test_that_bears_a_number_stands_beside_that_equation(title: str) -> None:
    beside = {test: row.equation for row in rows(title) for test in row.tests}
    for test in named_in(title):
        if test.startswith("test_equation_"):
            assert beside[test] == f"({test.split('_')[2]})"


@pytest.mark.parametrize("title", ["The binary derivation", "Biswas"])
def test_a_result_of_a_section_has_a_test_that_bears_the_sections_number(title: str) -> None:
    for row in rows(title):
        section = re.match(r"§([\d.]+)", row.equation)
        assert section is not None
        prefix = f"test_section_{section[1].replace('.', '_')}_"
        assert row.tests[0].startswith((prefix, "test_forward_"))


def test_the_results_of_half_squared_error_are_cited_by_section() -> None:
    prefixes = {
        "1 Cost function, C": "test_section_1_cost_function_",
        "2 Activation level": "test_section_2_activation_level_",
        "3 Pre-activation level": "test_section_3_pre_activation_level_",
        "Cost function re-expressed": "test_cost_function_re_expressed_",
        "Error, δ": "test_error_",
        "Gradients": "test_gradients_",
    }
    for row in rows("Half squared error"):
        assert row.tests[0].startswith(prefixes[row.equation.split(":")[0]])


def test_every_file_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`((?:bpcli|configs|tests)/[\w/.]+\.(?:py|yaml))`", PAGE))
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).is_file()] == []
