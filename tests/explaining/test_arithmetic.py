"""Equations written out entry by entry: every line comes out as it is shown, in every notation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.explaining.arithmetic import FIRST_ENTRIES, MOST_ENTRIES, MOST_NUMBERS, with_arithmetic
from bpcli.explaining.arithmetic.symbols import at_indices
from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.documents import DOCUMENTS
from bpcli.explaining.documents.steps import DerivationStep, Line
from bpcli.explaining.rendering.text import close
from bpcli.explaining.rendering.unicode import math
from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn.activations import Identity, Sigmoid, Softmax, Tanh
from bpcli.nn.expressions import Floats, evaluate
from bpcli.nn.formulas import parse
from bpcli.nn.losses import CrossEntropy, HalfSquaredError
from bpcli.nn.optimizers import start
from tests.cli.support import good
from tests.explaining.support import EXPRESSED, config, explained
from tests.explaining.test_standard import ODD, Own, combinations, traced
from tests.nn import support


def lines_of(document: str, found: Trace, digits: int = 6, *, large: bool = False) -> list[DerivationStep]:
    with np.errstate(all="ignore"):
        steps = DOCUMENTS[document].steps(found)
        return list(with_arithmetic(steps, DERIVATIONS[document].vocabulary(found), digits, large=large))


def number(markup: str) -> float:
    """What a line's side comes to, by the formulas' own grammar, from the digits that are shown."""
    return float(evaluate(parse(markup), {}, Floats()))


def wrong_lines(steps: list[DerivationStep], digits: int) -> Iterator[tuple[str, str]]:
    """The lines that do not come out as shown, and those whose result is not the value of the step."""
    for step in steps:
        lines = step.arithmetic.lines if step.arithmetic else ()
        for line, value in zip(lines, step.value.reshape(-1).tolist(), strict=False):
            wanted = f"{value + 0.0:.{digits}g}"
            side = line.sides or line.result
            if r"\ldots" not in side and f"{number(side) + 0.0:.{digits}g}" != wanted:
                yield step.title, f"{side} = {wanted}"
            if float(wanted) != pytest.approx(number(line.result), rel=1e-15, abs=0):
                yield step.title, f"{line.result} is not {wanted}"


def test_every_line_comes_out_in_every_document(tmp_path: Path) -> None:
    written = dict.fromkeys(DOCUMENTS, 0)
    for place, (kind, document) in enumerate(EXPRESSED):
        rows = ((1,), (2, 0))[place % 2]
        found = explained(tmp_path, kind, "optimizer.name=momentum", document=document, rows=rows).updates[0].trace
        steps = lines_of(document, found)
        assert list(wrong_lines(steps, 6)) == [], (kind, document)
        assert all(step.arithmetic for step in steps if step.key == "pre_activation"), (kind, document)
        written[document] += sum(step.arithmetic is not None for step in steps)
    assert min(written.values()) > 8


def test_every_line_comes_out_for_every_activation_and_loss() -> None:
    for place, (names, network) in enumerate(combinations()):
        if place % 3 == 0:
            steps = lines_of("standard", traced(network, 1 + place % 2), 4)
            assert list(wrong_lines(steps, 4)) == [], names


@pytest.mark.parametrize("name", ODD)
def test_every_line_of_an_odd_update_comes_out(name: str) -> None:
    own: Own = ODD[name]
    weights = None if own.weights is None else np.array(own.weights)
    steps = lines_of("standard", traced(own.network, own.m, own.rule, weights, own.change))
    assert list(wrong_lines(steps, 6)) == []


def by_hand() -> Trace:
    """A 2-1-1 network with small weights: x = (0.5, 1), W_1 = (0.1, 0.2), b_1 = 0.1, W_2 = 2, b_2 = 0; y = 1."""
    network = support.network((2, 1, 1), (Identity(),), Identity(), HalfSquaredError())
    rule = support.optimizer("gradient_descent", learning_rate=0.5)
    theta = np.array([0.1, 0.2, 0.1, 2.0, 0.0])
    X, Y = np.array([[0.5], [1.0]]), np.array([[1.0]])
    return trace(support.recipe(network, rule), start(rule, theta), theta, X, Y, "batch")


def shown(line: Line) -> str:
    return close(math(line.equation))


def test_lines_are_those_that_a_student_writes() -> None:
    lines = {(step.key, step.layer): step.arithmetic for step in lines_of("standard", by_hand())}
    written = {key: [shown(line) for line in found.lines] for key, found in lines.items() if found}
    assert written["pre_activation", 1] == ["z₁⁽¹⁾ = 0.1·0.5 + 0.2·1 + 0.1 = 0.35"]
    assert ("activation", 1) not in written, "it is what stands there"
    assert written["loss", 2] == ["L = 1/2·(0.7 - 1)² = 0.045"]
    assert written["error", 2] == ["δ₁⁽²⁾ = 0.7 - 1 = -0.3"]
    assert written["weight_gradient", 1] == ["∇w_{1,1}⁽¹⁾ = -0.6·0.5 = -0.3", "∇w_{1,2}⁽¹⁾ = -0.6·1 = -0.6"]
    assert written["new_weights", 1][1] == "w_{1,2}⁽¹⁾ ← 0.2 - 0.5·(-0.6) = 0.5"


def test_a_case_says_why_it_holds() -> None:
    network = support.network((1, 2, 1), (support.activation("relu"),), Identity(), HalfSquaredError())
    rule = support.optimizer("gradient_descent")
    theta = np.array([1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    found = trace(support.recipe(network, rule), start(rule, theta), theta, np.ones((1, 1)), np.ones((1, 1)), "batch")
    (step,) = [one for one in lines_of("standard", found) if (one.key, one.layer) == ("activation", 1)]
    assert step.arithmetic is not None
    assert [(line.sides, line.result, line.reason) for line in step.arithmetic.lines] == [
        ("", "1", "1 > 0"),
        ("", "0", r"-1 \leq 0"),
    ]


def test_numbers_get_the_digits_that_a_line_needs_to_come_out() -> None:
    found = traced(support.network((3, 4, 2), (Tanh(),), Softmax(), CrossEntropy()), 2)
    for digits in (1, 2, 3, 10):
        steps = lines_of("standard", found, digits)
        assert list(wrong_lines(steps, digits)) == []
        assert any(step.arithmetic for step in steps)


def test_large_equations_are_written_out_only_when_asked_for_and_in_part() -> None:
    found = traced(support.network((20, 7, 3), (Tanh(),), Softmax(), CrossEntropy()), 2)
    plain, asked = lines_of("standard", found), lines_of("standard", found, large=True)
    for step, more in zip(plain, asked, strict=True):
        if step.value.size > MOST_ENTRIES or (step.key, step.layer) == ("pre_activation", 1):
            assert step.arithmetic is None
        if more.arithmetic:
            large = step.value.size > MOST_ENTRIES
            assert len(more.arithmetic.lines) == (FIRST_ENTRIES if large else step.value.size)
            assert more.arithmetic.left_out == (step.value.size - FIRST_ENTRIES if large else 0)
    (first,) = [one for one in asked if (one.key, one.layer) == ("pre_activation", 1)]
    assert first.arithmetic is not None
    assert first.arithmetic.lines[0].sides.count(r"\ldots") == 1
    assert list(wrong_lines(asked, 6)) == []


def test_a_wrong_formula_gives_lines_that_do_not_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = traced(support.network((2, 3, 1), (Tanh(),), Sigmoid(), HalfSquaredError()), 2)
    assert list(wrong_lines(lines_of("standard", found), 6)) == []
    monkeypatch.setattr(Sigmoid, "formula", r"\frac{1}{1.001 + e^{-<z>}}")
    assert {title for title, _ in wrong_lines(lines_of("standard", found), 6)} == {"Layer 2 after activation"}


def test_a_wrong_value_gives_lines_that_do_not_come_out() -> None:
    found = traced(support.network((2, 3, 1), (Tanh(),), Sigmoid(), HalfSquaredError()), 2)
    dW = found.gradient.W[1]
    dW[...] = dW * 1.001
    assert {title for title, _ in wrong_lines(lines_of("standard", found), 6)} >= {"Gradient of layer 1's weights"}


def test_every_format_has_the_lines(tmp_path: Path) -> None:
    config(tmp_path, "number")
    words = ("explain", "number.yaml", "network.hidden=[1]", "network.activation=identity", "--format")
    text, markdown, latex = (good(*words, form, cwd=tmp_path).out for form in ("text", "markdown", "latex"))
    steps = good(*words, "json", cwd=tmp_path).json["updates"][0]["steps"]
    (step,) = [one for one in steps if (one["key"], one["layer"]) == ("pre_activation", 1)]
    (line,) = step["arithmetic"]["lines"]
    assert step["arithmetic"]["left_out"] == 0
    sides = [line[name]["text"] for name in ("symbol", "sides", "result")]
    assert close(" = ".join(sides)) in text
    whole = " = ".join(line[name]["latex"] for name in ("symbol", "sides", "result"))
    assert rf"\entry{{${whole}$}}" in latex
    assert f"- ${whole}$" in markdown.replace(" _", "_")
    without = good(*words, "text", "--no-arithmetic", cwd=tmp_path).out
    assert close(" = ".join(sides)) not in without
    assert "z⁽¹⁾ = W⁽¹⁾ · a⁽⁰⁾ + b⁽¹⁾" in without


def test_arithmetic_leaves_the_steps_as_they_are() -> None:
    found: Any = traced(support.network((2, 3, 1), (Tanh(),), Sigmoid(), HalfSquaredError()), 2)
    plain = DOCUMENTS["standard"].steps(found)
    for step, more in zip(plain, lines_of("standard", found), strict=True):
        assert replace(more, arithmetic=None, value=step.value, before=step.before) == step
        assert np.array_equal(more.value, step.value)


def test_the_indices_of_an_entry_are_told_apart() -> None:
    assert at_indices("w_{n_{1} n_{2}}^{({1})}", {"n_1": 2, "n_2": 11}) == "w_{2,11}^{({1})}"
    assert at_indices("w_{0 n_{1}}^{({0})}", {"n_1": 3}) == "w_{0,3}^{({0})}"
    assert at_indices(r"\frac{\partial L}{\partial a_{j,i}^{({2})}}", {"j": 1, "i": 10}) == (
        r"\frac{\partial L}{\partial a_{1,10}^{({2})}}"
    )
    assert at_indices("L_i", {"i": 12}) == "L_{12}"


def test_the_help_says_what_is_small(tmp_path: Path) -> None:
    text = " ".join(good("explain", "--help", cwd=tmp_path).out.split())
    assert f"those of at most {MOST_ENTRIES} entries and {MOST_NUMBERS} numbers each" in text
    assert f"the first {FIRST_ENTRIES} entries of larger ones" in text
