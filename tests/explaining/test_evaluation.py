"""Equations in markup: what they are worth, and which do not fit together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpcli.explaining.derivations.derived import Heading
from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.grammar import marks, parse
from bpcli.explaining.evaluation.nodes import EquationError, Indicator, Symbol, Transpose
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.sheet import Sheet, apart
from bpcli.explaining.evaluation.vocabulary import Quantity, Vocabulary, given, one_activation
from bpcli.explaining.recording.entrywise import times
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS

rng = np.random.default_rng(5)
W, b, x, u = rng.normal(size=(3, 3)), rng.normal(size=(3, 1)), rng.normal(size=(3, 1)), rng.normal(size=(3, 4))


def next_layer(l: int) -> str:
    return rf"\sigma(W_{{{l}}} \cdot a_{{{l - 1}}} + b_{{{l}}})"


WORDS = Vocabulary(
    quantities=(
        Quantity("W_l", given(W), shape=("l", "l-1")),
        Quantity("b_l", given(b), shape=("l", "1")),
        Quantity("x", given(x), shape=("x", "1")),
        Quantity(
            "a_l", lambda l: rf"\sigma(W_{{{l}}} \cdot a_{{{l - 1}}} + b_{{{l}}})" if l else "x", shape=("l", "1")
        ),
        Quantity("w_{ij}^l", lambda l: f"W_{{{l}}}", {"i": "l", "j": "l-1"}, entries=True),
        Quantity("a_i^l", lambda l: f"a_{{{l}}}", {"i": "l"}, entries=True),
        Quantity("u_{i,k}", given(u), {"i": "L", "k": "m"}),
        Quantity("v_i", given(u), {"i": "L"}, implicit="k"),
        Quantity("V", given("v_i"), shape=("L", "1"), implicit="k", stacked=("i",)),
        Quantity("S", given(r"\sum_{i=1}^{n_{2}} (a_i^{2})^2")),
    ),
    sizes={"n_l": "l", "m": "m"},
    units={0: 3, 1: 3, 2: 3},
    examples=4,
    functions={r"\sigma": one_activation({1: ACTIVATIONS["tanh"](), 2: ACTIVATIONS["tanh"]()})},
    constants={r"\eta": 0.5, r"\beta_1": 0.9},
    classes=np.array([1, 3, 3, 2]),
    loss="S",
)
"""Layers of the same number of units each, so that a clash of layers is none of lengths."""

A1 = np.tanh(W @ x + b)
A2 = np.tanh(W @ A1 + b)


def value(left: str, right: str, rows: str = "", columns: str = "", words: Vocabulary = WORDS) -> Array:
    sheet = Sheet(words)
    return sheet.value(right, sheet.side(Heading(left, rows, columns)))


DOTTED = (
    r"\begin{bmatrix} w_{1 1}^{1} & \cdots & w_{1 3}^{1} \\ "
    r"\vdots & \ddots & \vdots \\ w_{3 1}^{1} & \cdots & w_{3 3}^{1} \end{bmatrix}"
)
WORTH: dict[tuple[str, str, str, str], Any] = {
    ("W_{1}", r"W_{1} + \eta \cdot W_{1}", "", ""): 1.5 * W,
    ("a_{2}", r"\sigma(W_{2} \cdot a_{1} + b_{2})", "", ""): A2,
    ("w_{ij}^{1}", r"(W_{1})_{ij}", "i = 1", "j = 1"): W,
    ("w_{ij}^{1}", r"(W_{1}^\top)_{ji}", "i = 1", "j = 1"): W,
    ("a_i^{1}", r"\sum_{j=1}^{n_{0}} w_{ij}^{1} (x)_j", "i = 1", ""): W @ x,
    ("u_{i,k}", r"u_{i,k} \text{ where } i = 2 \text{, else } 0", "i = 1", "k = 1"): np.diag([0.0, 1, 0]) @ u,
    ("u_{i,k}", "I_{i,2} u_{i,k}", "i = 1", "k = 1"): np.diag([0.0, 1, 0]) @ u,
    ("v_i", "u_{i,k}", "i = 1", "k = 1"): u,
    ("v_i", "(V)_i", "i = 1", "k = 1"): u,
    ("S", r"\beta_1^{2} / \eta - 2", "", ""): np.float64(0.9**2 / 0.5 - 2),
    ("S", r"\frac{1}{m} \sum_{k=1}^{m} u_{\ell_k,k}", "", ""): np.mean([u[0, 0], u[2, 1], u[2, 2], u[1, 3]]),
    ("S", r"|-2| \cdot \sqrt{4} - \exp(0) - \ln e^{3}", "", ""): np.float64(0),
    (r"\frac{\partial S}{\partial a_{2}}", r"2 \cdot a_{2}", "", ""): 2 * A2,
    (r"\nabla_{a_{2}}", r"\frac{\partial S}{\partial a_{2}}", "", ""): 2 * A2,
    (r"\frac{\partial a_{2}}{\partial a_{1}}", r"W_{2} \odot W_{2} / W_{2}", "", ""): W,
    ("W_{1}", DOTTED, "", ""): W,
}


@pytest.mark.parametrize("case", WORTH, ids=lambda case: case[1])
def test_an_expression_has_the_value_that_numpy_gives(case: tuple[str, str, str, str]) -> None:
    left, right, rows, columns = case
    found, expected = value(left, right, rows, columns), np.asarray(WORTH[case])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("layer", [1, 2])
def test_a_derivative_is_the_slope_of_the_definitions(layer: int) -> None:
    sheet = Sheet(WORDS)
    side = sheet.side(Heading(rf"\frac{{\partial S}}{{\partial w_{{ij}}^{{{layer}}}}}", "i = 1", "j = 1"))
    found = sheet.independent(side)
    last = 2 * A2 * (1 - A2**2)
    expected = last @ A1.T if layer == 2 else ((W.T @ last) * (1 - A1**2)) @ x.T
    np.testing.assert_allclose(found, expected, rtol=1e-12)


MISFITS = {
    ("a_{1}", r"W_{2} \cdot a_{0} + b_{1}", "", ""): "no product of (layer 2 × layer 1) and (layer 0 × 1)",
    ("a_{1}", "b_{2}", "", ""): "shape (layer 2 × 1) is set equal to shape (layer 1 × 1)",
    ("a_{1}", r"a_{1} + b_{2}", "", ""): "do not go together entry by entry",
    ("a_{1}", r"W_{1} a_{0}", "", ""): r"without \cdot or \odot",
    ("S", "a_{1}", "", ""): "a matrix (layer 1 × 1) is set equal to a number",
    ("a_i^{1}", "w_{ij}^{1}", "i = 1", ""): "index j is neither on the left nor under a sum",
    ("a_i^{1}", r"\sum_{j=1}^{n_{1}} w_{ij}^{1}", "i = 1", ""): "index j runs over Range(space='layer 1'",
    ("a_i^{1}", r"\sum_{i=1}^{n_{1}} a_i^{1}", "i = 1", ""): "index i is bound twice",
    ("S", r"\sum_{j=1}^{n_{1}} 2", "", ""): "nothing in the sum depends on its index j",
    ("S", r"\sum_{j=0}^{n_{1}} a_j^{1}", "", ""): "index j runs over",
    ("S", r"\sum_{j=1}^{\eta} a_j^{1}", "", ""): "is no size",
    ("S", "v_i", "", ""): "index i is neither",
    ("S", r"\sum_{i=1}^{n_{2}} v_i", "", ""): "index k is free on the right and not on the left",
    ("w_{ii}^{1}", "1", "i = 1", ""): "index i runs over layer 1 and layer 0",
    ("a_{1}", r"\frac{\partial W_{1}}{\partial W_{1}}", "", ""): "a matrix by a matrix is no matrix",
    ("S", r"u_{\ell,1}", "", ""): "has a value for each example",
    ("S", r"\sum_{k=1}^{m} (x)_{\ell_k}", "", ""): "is a class",
    ("S", "u_{4,1}", "", ""): "there is no 4 in layer 2",
    ("S", "a_i^{3}", "", ""): "there is no layer 3",
    ("S", "T", "", ""): "is not declared",
    ("S", "a' + 1", "", ""): "is no function's derivative",
    ("S", "(1", "", ""): ") expected",
    ("S", "1)", "", ""): "left over",
    ("S", r"\frac{1}{", "", ""): "a brace is not closed",
    ("S", r"1 \text{ if } 2 > 1 \text{, else } 0", "", ""): "'if' is no condition",
    ("W_{1}", r"\begin{bmatrix} \vdots \\ 1 \end{bmatrix}", "", ""): "dots at the edge of a matrix",
    ("W_{1}", r"\begin{bmatrix} w_{1 1}^{1} \\ \vdots \\ w_{2 3}^{1} \end{bmatrix}", "", ""): "dots between entries",
    ("W_{1}", r"\begin{bmatrix} 1 & 2 \\ 3 \end{bmatrix}", "", ""): "different lengths",
    ("W_{1}", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", "", ""): "is set equal to shape",
}


@pytest.mark.parametrize("case", MISFITS, ids=lambda case: case[1])
def test_what_does_not_fit_is_refused_with_the_reason(case: tuple[str, str, str, str]) -> None:
    left, right, rows, columns = case
    with pytest.raises(EquationError) as raised:
        value(left, right, rows, columns)
    assert MISFITS[case] in str(raised.value)


def test_a_symbol_has_one_meaning() -> None:
    twice = replace(WORDS, quantities=(*WORDS.quantities, Quantity("a_j^l", given(u), {"j": "l"})))
    with pytest.raises(EquationError, match="has two meanings: a_i"):
        value("a_i^{1}", "1", "i = 1", words=twice)


def test_a_function_without_a_layer_has_one_meaning() -> None:
    mixed = one_activation({1: ACTIVATIONS["tanh"](), 2: ACTIVATIONS["relu"]()})
    with pytest.raises(EquationError, match="a function without a layer has two meanings"):
        value("a_{1}", r"\sigma(b_{1})", words=replace(WORDS, functions={r"\sigma": mixed}))


def test_marks_are_indices_and_layers() -> None:
    assert marks("n_{2} k_0,{1}(3)jk") == ("n_2", "k_0", "1", "3", "j", "k")
    assert parse(r"\theta_{p,q}^{(2)}", frozenset()) == Symbol(r"\theta", ("p", "q"), ("2",))
    assert parse(r"W_{1}^\top", frozenset()) == Transpose(Symbol("W", ("1",)))
    assert parse(r"\mathbf{1}_{\ell=i}", frozenset()) == Indicator(r"\ell", "i")
    assert parse(r"\mathbf{1}_m", frozenset()) == Symbol(r"\mathbf{1}", ("m",))


def test_a_derivative_within_another_is_refused() -> None:
    evaluator = Evaluator(WORDS)
    node = evaluator.parse(r"\frac{\partial}{\partial a_{1}} \frac{\partial S}{\partial a_{2}}")
    with pytest.raises(EquationError, match="a derivative within a derivative"):
        evaluator.evaluate(node, Scope())


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), np.array([1.0, 2.0, 3.1]), np.array([1.0, np.nan, 3.0]), np.ones((3, 1))]
)
def test_numbers_that_differ_are_apart(wrong: Any) -> None:
    assert apart(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])) == 0
    assert apart(np.array(wrong), np.array([1.0, 2.0, 3.0])) > 0.01


def test_zero_times_anything_is_zero_without_a_sign() -> None:
    x, y = np.array([0.0, 0.0, 2.0, -0.0, np.inf]), np.array([-np.inf, np.nan, 3.0, 5.0, 2.0])
    for left, right in ((x, y), (y, x), (x + 0j, y)):
        with np.errstate(invalid="ignore"):
            found = np.real(times(left, right))[:4]
        assert found.tolist() == [0, 0, 6, 0]
        assert not np.signbit(found).any()
    assert not np.signbit(times(-1.0, np.zeros(2))).any()
