"""Markup as MathML, symbols marked with what they stand for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bpcli.explaining.rendering.mathml import elements, html, prose

WRITTEN = {
    r"a_{1} + b_2": [["msub", ["mi", "a"], ["mn", "1"]], ["mo", "+"], ["msub", ["mi", "b"], ["mn", "2"]]],
    r"\frac{1}{m} \sum_{i=1}^{m} C_i": [
        ["mfrac", ["mn", "1"], ["mi", "m"]],
        ["munderover", ["mo", "∑"], ["mrow", ["mi", "i"], ["mo", "="], ["mn", "1"]], ["mi", "m"]],
        ["msub", ["mi", "C"], ["mi", "i"]],
    ],
    r"W^\top \cdot x": [["msup", ["mi", "W"], ["mi", "⊤"]], ["mo", "⋅"], ["mi", "x"]],
    "f'(z)": [["msup", ["mi", "f"], ["mo", "′"]], ["mrow", ["mo", "("], ["mi", "z"], ["mo", ")"]]],
    r"\left[ \ln x \right]": [
        ["mrow", ["mo", "["], ["mrow", ["mi", "ln"], ["mo", "\u2061"]], ["mi", "x"], ["mo", "]"]]
    ],
    r"0 \text{ where } x > 1": [
        ["mn", "0"],
        ["mtext", "\u00a0where\u00a0"],
        ["mi", "x"],
        ["mo", ">"],
        ["mn", "1"],
    ],
    r"\mathbf{1}_m \leftarrow \hat{y} - \underline{a}": [
        ["msub", ["mi", "𝟏"], ["mi", "m"]],
        ["mo", "←"],
        ["mover", ["mi", "y"], ["mo", "^"]],
        ["mo", "−"],
        ["munder", ["mi", "a"], ["mo", "_"]],
    ],
    r"\mathrm{size}(\sqrt{2.5 \pi})": [
        ["mi", "size"],
        ["mrow", ["mo", "("], ["msqrt", ["mrow", ["mn", "2.5"], ["mi", "π"]]], ["mo", ")"]],
    ],
}


@pytest.mark.parametrize("markup", WRITTEN)
def test_markup_becomes_elements(markup: str) -> None:
    assert elements(markup) == WRITTEN[markup]


def marked(element: Any) -> list[tuple[int, str]]:
    """The marks in elements, each with the text in it."""
    if isinstance(element, str):
        return []
    own = [(element[1], text(element[2:]))] if element[:1] == ["s"] else []
    return own + [one for part in element[1:] if isinstance(part, list) for one in marked(part)]


def text(element: Any) -> str:
    if not isinstance(element, list):
        return str(element)
    return "".join(map(text, element[2 if element[0] == "s" else 1 :] if isinstance(element[0], str) else element))


def test_a_symbol_is_marked_with_its_indices_or_as_a_whole() -> None:
    names = {
        "W_{2}": 3,
        r"\frac{\partial F}{\partial z_{2}}": 5,
        r"\nabla W_{2}": 7,
        r"h(z_{2})": 8,
        "z_{2}": 9,
        r"W_{2}^\top": 3,
    }
    first = r"\nabla W_{2} + W_{2}^\top \cdot \frac{\partial F}{\partial z_{2}}"
    markup = first + r" - h(z_{2}) \nabla b e^{-z_{2}} (g(z_{2}))"
    found = [mark for one in elements(markup, names.get) for mark in marked(one)]
    assert found == [(7, "∇W2"), (3, "W2⊤"), (5, "∂F∂z2"), (8, "h(z2)"), (9, "z2"), (9, "z2"), (9, "z2")]


def test_html_is_one_element_that_escapes_what_is_no_markup_and_says_itself_in_words() -> None:
    found = html(r"x < 1")
    assert found == '<math alttext="x &lt; 1"><mrow><mi>x</mi><mo>&lt;</mo><mn>1</mn></mrow></math>'
    assert len(re.findall("<math", html(r"\frac{a}{b}"))) == 1


def test_prose_is_texts_and_formulas_in_turn() -> None:
    assert prose("of $z_1$ alone") == ["of ", [["msub", ["mi", "z"], ["mn", "1"]]], " alone"]
