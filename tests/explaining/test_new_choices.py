"""Any cost c, any activation f: choices that no list in bp names, explained by the general case."""

from __future__ import annotations

import json
import subprocess
import sys
from math import atan, cosh, exp, log, tanh
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.explaining.documents import DOCUMENTS, choose
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network
from tests.cli.support import Result, environment, write_config, write_table
from tests.explaining.documents import general
from tests.explaining.documents.general import Cost, Problem
from tests.explaining.documents.scalars import Function, Table, to
from tests.explaining.new_choices import LogCosh, ScaledArctan, Softplus
from tests.explaining.test_formats import check_latex
from tests.nn import support

ROWS = [[0.5, -1.0, 0.3, 1], [1.5, 0.25, -1.2, -1], [-0.75, 2.0, 0.9, 1], [0.1, 0.9, 2.1, -1]]
"""Two features, a number and a sign."""

FUNCTIONS = {
    "scaled_arctan": Function(lambda z: 2 * atan(z.real), lambda z: 2 / (1 + z * z)),
    "softplus": Function(lambda z: log(1 + exp(z.real)), lambda z: 1 / (1 + exp(-z.real))),
}
COSTS = {
    "catenary": Cost(lambda y, h: log(cosh((h - y).real)), lambda y, h: tanh((h - y).real)),
    "distance": Cost(lambda y, h: abs(h - y), lambda y, h: 1.0 if h.real > y.real else -1.0),
}
EXPLAINED = [
    ("scaled_arctan", "catenary", "[y, s]"),
    ("scaled_arctan", "distance", "[s]"),
    ("softplus", "distance", "[s]"),
    ("softplus", "catenary", "[y]"),
]


def explain(folder: Path, activation: str, loss: str, target: str, *words: str) -> Result:
    """``bp explain`` in a process to which the new choices are known."""
    write_table(folder / "table.csv", ["u", "v", "y", "s"], ROWS)
    config = write_config(
        folder / "new.yaml",
        f"""
        seed: 3
        data: {{path: table.csv, target: {target}, features: [u, v], task: regression}}
        network: {{hidden: [3, 2], activation: {activation}, output: {activation}}}
        loss: {loss}
        optimizer: {{mode: batch, name: gradient_descent}}
        """,
    )
    program = [sys.executable, "-W", "error", "-m", "tests.explaining.new_choices"]
    changes = ["data.scale=none", "data.scale_targets=none", "--example", "0", "--example", "3"]
    line = [*program, "explain", str(config), *changes, *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, env=environment())
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def explained(*place: Any) -> str:
    result = explain(*place)
    assert (result.status, result.err) == (0, "")
    return result.out


@pytest.mark.parametrize(("activation", "loss", "target"), EXPLAINED)
def test_the_numbers_are_those_of_plain_loops(tmp_path: Path, activation: str, loss: str, target: str) -> None:
    words = ("--document", "general", "--format", "json", "--derive")
    parsed = json.loads(explained(tmp_path, activation, loss, target, *words))
    derived = [step for step in parsed["updates"][0]["steps"] if step["stage"] == "derivation"]
    assert len(derived) > 20
    assert max(step["distance"] for step in derived) < 1e-12
    steps = {(step["key"], step["layer"]): np.array(step["value"]) for step in parsed["updates"][0]["steps"]}
    N = tuple(parsed["layers"])
    problem, P = Problem(N, FUNCTIONS[activation], COSTS[loss]), 2
    w = weights(N, steps)
    x, y = ({p: vector(steps[key][:, p - 1]) for p in to(P)} for key in (("inputs", 0), ("targets", 3)))
    for p in to(P):
        z, a = general.forward(problem, w, x[p])
        D = general.derivatives(problem, w, z, a, y[p])
        for l in to(problem.L):
            agree(steps["pre_activation", l][:, p - 1], [z[l, n] for n in to(N[l])])
            agree(steps["activation", l][:, p - 1], [a[l, n] for n in to(N[l])])
            agree(steps["error", l][:, p - 1], [sum(D[n_L, l, n] for n_L in to(N[-1])) for n in to(N[l])])
    agree(steps["loss", 3], general.C(problem, w, x, y))
    dC = general.gradient(problem, w, x, y)
    for l, n, after in w:
        block, row = ("bias", 0) if n == 0 else ("weight", n - 1)
        agree(steps[f"{block}_gradient", l][row, after - 1], dC[l, n, after])


def vector(column: Array) -> dict[int, Any]:
    return dict(enumerate(column.tolist(), start=1))


def weights(N: tuple[int, ...], steps: dict[tuple[str, int], Array]) -> Table:
    """w[l, n, n'], the biases at n = 0."""
    w: Table = {}
    for l in range(len(N) - 1):
        for after in to(N[l + 1]):
            w[l, 0, after] = float(steps["biases", l][0, after - 1])
            w |= {(l, n, after): float(steps["weights", l][n - 1, after - 1]) for n in to(N[l])}
    return w


def agree(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_text_shows_every_formula(tmp_path: Path) -> None:
    text = explained(tmp_path, "scaled_arctan", "catenary", "[y]", "--document", "general")
    for line in (
        "f is scaled arctan in layer 1: f(x) = 2 arctan(x).",
        "f'(z_{n₁}^{p,1}) = 2/(1 + z_{n₁}^{p,1} z_{n₁}^{p,1})",
        "C = Σₚ₌₁ᴾ log ((e^{hᵖ - yᵖ} + e^{yᵖ - hᵖ})/2)",
        "∂cᵖ/∂hᵖ = (e^{hᵖ - yᵖ} - e^{yᵖ - hᵖ})/(e^{hᵖ - yᵖ} + e^{yᵖ - hᵖ})",
        "The document leaves c open; this is the config's loss for one output.",
    ):
        assert line in text


def test_markdown_and_latex_show_every_formula(tmp_path: Path) -> None:
    place = (tmp_path, "softplus", "distance", "[s]", "--document", "general", "--format")
    markdown, latex = explained(*place, "markdown"), explained(*place, "latex")
    for text in (markdown.replace(" _", "_"), latex):
        assert r"f(x) = \log (1 + e^{x})" in text
        assert r"1 - e^{-a_{n_{1}}^{p,{1}}}" in text
        assert r"1 \text{ where } h^p > y^p \text{, else } -1" in text
        assert "|h^p - y^p|" in text
    check_latex(latex)


def test_the_general_case_is_the_only_document_of_a_loss_that_none_derives(tmp_path: Path) -> None:
    parsed = json.loads(explained(tmp_path, "softplus", "catenary", "[y]", "--format", "json"))
    assert (parsed["document"]["name"], parsed["others"]) == ("standard", ["general"])
    assert [choice["name"] for choice in parsed["activations"]] == ["softplus"] * 3


def network(activation: Any, output: Any, loss: Any) -> Network:
    return support.network((2, 3, 2), (activation,), output, loss)


@pytest.mark.parametrize("document", ["brawer", "half-squared-error", "general"])
def test_documents_of_any_hidden_activation_express_a_new_one(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    monkeypatch.setitem(ACTIVATIONS, "scaled_arctan", ScaledArctan)
    loss = "half_squared_error" if document == "half-squared-error" else "binary_cross_entropy"
    of = network(ScaledArctan(), support.activation("sigmoid"), support.loss(loss))
    assert choose(document, of) is DOCUMENTS[document]


class JointArctan(ScaledArctan):
    """An activation that says that its units act on one another."""

    elementwise: ClassVar[bool] = False


class JointLogCosh(LogCosh):
    """A loss that says that it is not a sum over outputs."""

    elementwise: ClassVar[bool] = False


def test_units_that_act_on_one_another_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "joint_arctan", JointArctan)
    of = network(JointArctan(), support.activation("identity"), support.loss("half_squared_error"))
    with pytest.raises(ConfigError, match="needs f to act on each unit by itself, the network has joint_arctan in la"):
        choose("general", of)


def test_a_loss_that_is_no_sum_over_outputs_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "joint_log_cosh", JointLogCosh)
    of = network(Softplus(), support.activation("identity"), JointLogCosh())
    with pytest.raises(ConfigError, match="a cost of each output by itself, the network has loss joint_log_cosh"):
        choose("general", of)
    assert choose(None, of).name == "standard"


def steps_of_update(folder: Path, *words: str) -> dict[tuple[str, int | None], dict[str, Any]]:
    place = (folder, "softplus", "catenary", "[y]", "--document", "general", "--format", "json")
    parsed = json.loads(explained(*place, *words))
    return {(step["key"], step["layer"]): step for step in parsed["updates"][0]["steps"]}


def test_a_new_rules_memory_is_shown_block_by_block(tmp_path: Path) -> None:
    steps = steps_of_update(tmp_path, "optimizer.name=rooted")
    old, gradient, squares, new = (
        np.array(steps[key, 1]["value"]) for key in ("weights", "weight_gradient", "squares_weights", "new_weights")
    )
    agree(squares, 0.5 + (gradient / 2) ** 2)
    agree(new, old - 0.1 * gradient / 2 / np.sqrt(squares))
    assert steps["squares_weights", 1]["title"] == "Sum of squares: weights from layer 1 to layer 2"
    first = next(step for step in steps.values() if step["stage"] == "update")
    assert first["notes"] == [
        "The config's rule is rooted instead of gradient descent, and what it remembers starts at 0.5."
    ]


def test_a_memory_of_one_number_is_a_step_of_its_own(tmp_path: Path) -> None:
    steps = steps_of_update(tmp_path, "optimizer.name=fading", "optimizer.decay=0.5")
    strength = steps["strength", None]
    assert (strength["value"], strength["equation"]["text"], strength["title"]) == (0.5, "c ← 0.5 · c", "Strength")
    old, gradient, new = (np.array(steps[key, 0]["value"]) for key in ("biases", "bias_gradient", "new_biases"))
    agree(new, old - 0.1 * 0.5 * gradient / 2)
    assert sum(step["stage"] == "update" for step in steps.values()) == 1 + 2 * 3
