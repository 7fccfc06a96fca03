"""Text, Markdown and LaTeX: every step is there, is well-formed, and says what it leaves out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bpcli.explaining import rendering
from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering.latex import escaped
from bpcli.explaining.rendering.numbers import shown
from bpcli.explaining.rendering.shared_text import agreement
from bpcli.explaining.rendering.text import matrix, render
from bpcli.explaining.rendering.unicode import math, prose
from bpcli.explaining.rendering.wrapping import NARROWEST, between, broken
from bpcli.lines.cells import cells
from bpcli.lines.widths import PAGE, WIDEST
from tests.explaining.support import EXPRESSED, explained, json_of

SETTINGS = [
    ((), (0,)),
    (("optimizer.name=adam", "loss.outputs=mean", "loss.examples=sum"), (0, 1)),
    (("optimizer.name=momentum", "optimizer.mode=sgd", "network.hidden=[12, 3]"), (2, 3)),
]
PLACES = [(*suited, *SETTINGS[place % len(SETTINGS)], False) for place, suited in enumerate(EXPRESSED)]
PLACES += [
    (next(kind for kind, name in EXPRESSED if name == document), document, ("network.hidden=[3, 4]",), rows, True)
    for document, rows in (
        ("binary", (0,)),
        ("biswas", (0, 1)),
        ("brawer", (1,)),
        ("general", (0, 1)),
        ("half-squared-error", (2,)),
        ("standard", (0, 1)),
    )
]


@pytest.fixture(scope="module", params=PLACES, ids=str)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    """Every kind of experiment, by every document that suits it, in a few settings; and each with its derivation."""
    kind, document, changes, rows, derive = request.param
    return explained(
        tmp_path_factory.mktemp("found"),
        kind,
        *changes,
        document=document,
        rows=rows,
        with_derivation=derive,
        arithmetic=None,
    )


COMMANDS = set(
    re.findall(
        r"\w+",
        """
    documentclass usepackage setlength emergencystretch parindent parskip abovedisplayskip belowdisplayskip
    renewcommand arraystretch newcommand step note par medskip pagebreak textbf hfill small nopagebreak hangindent
    hangafter triangleright begin end section subsection item texttt allowbreak raggedbottom raggedright textendash
    abovedisplayshortskip belowdisplayshortskip S dots times text mathrm mathcal mathbf
    frac sqrt sum partial nabla delta theta eta sigma Psi mu beta varepsilon ell top ldots underline hat left right
    cdot ast odot neq ln log leftarrow cr cdots vdots textbackslash exp tanh ddots
    hspace leq Delta entry lambda omega""",
    )
)
"""What LaTeX with amsmath, amssymb and the preamble knows, as far as it is used."""


def check_latex(text: str) -> None:
    depth, opened = 0, list[str]()
    for found in re.finditer(r"\\begin\{(\w+\*?)\}|\\end\{(\w+\*?)\}|\\.|[{}]", text):
        if found[1]:
            opened.append(found[1])
        elif found[2]:
            assert opened.pop() == found[2]
        else:
            depth += {"{": 1, "}": -1}.get(found[0], 0)
        assert depth >= 0
    assert (depth, opened) == (0, [])
    assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right")
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= COMMANDS
    assert all(sign.isascii() for sign in text)
    for line in text.splitlines():
        assert line.replace(r"\$", "").count("$") % 2 == 0


def test_latex_is_well_formed(found: Explanation) -> None:
    text = rendering.FORMATS["latex"](found)
    check_latex(text)
    assert text.count("\\step{") == sum(len(update.steps) for update in found.updates)


def test_the_latex_check_can_fail() -> None:
    for wrong in ("{", "}", r"\begin{array}", r"\begin{a}\end{b}", r"\unknown", "δ", "a $ b"):
        with pytest.raises((AssertionError, IndexError)):
            check_latex(wrong)


def test_markdown_survives_githubs_reading(found: Explanation) -> None:
    text = rendering.FORMATS["markdown"](found)
    parts = re.split(r"\$\$|\$", re.sub(r"`[^`]*`", "", text))
    assert len(parts) % 2 == 1
    for mathematics in parts[1::2]:
        assert re.findall(r"\\[^A-Za-z]|(?<! )_|[*<`]", mathematics) == []
        assert mathematics.count("{") == mathematics.count("}")
    assert text.count("\n#### ") == sum(len(update.steps) for update in found.updates)


def test_text_holds_no_markup(found: Explanation) -> None:
    text = rendering.FORMATS["text"](found)
    assert "\\" not in text
    assert "$" not in text
    assert "<l" not in text


def test_text_keeps_its_width_and_breaks_no_index(found: Explanation) -> None:
    texts = {width: render(found, width) for width in (NARROWEST, PAGE, WIDEST)}
    assert rendering.FORMATS["text"](found) == texts[PAGE]
    assert render(found, NARROWEST // 2) == texts[NARROWEST]
    for width, text in texts.items():
        for line in text.splitlines():
            assert cells(line) <= width or line.startswith(("Source: ", "data: "))
            assert line.count("{") == line.count("}") or line.startswith("Source: ")
    assert _words(texts[WIDEST]) == _words(texts[PAGE])


def _words(text: str) -> list[str]:
    """What stands in a text, whatever its lines; without the rules below headings."""
    return [word for word in text.split() if set(word) - set("-=")]


def test_a_reference_without_room_beside_the_title_stands_below() -> None:
    assert between("title", "(12)", 12) == ["title   (12)"]
    assert between("title", "(12)", 10) == ["title (12)"]
    assert between("title", "(12)", 9) == ["title", "     (12)"]


HEADINGS = {"text": "\n{}\n---", "markdown": "\n### {}\n", "latex": "\\subsection*{{{}}}\n"}
"""How a format writes the heading of a stage."""


def test_a_derivation_of_one_example_says_of_which_it_is(tmp_path: Path) -> None:
    batch, each = (
        explained(tmp_path, "binary", mode, document="binary", rows=(4, 1), with_derivation=True)
        for mode in ("optimizer.mode=batch", "optimizer.mode=sgd")
    )
    for name, heading in HEADINGS.items():
        text, several = rendering.FORMATS[name](batch), rendering.FORMATS[name](each)
        assert text.count(heading.format("Derivation, for example 4 alone")) == 1
        assert text.count(heading.format("Derivation, for all examples")) == 1
        assert text.count(heading.format("Derivation")) == 0
        assert several.count(heading.format("Derivation")) == 2
    (update,) = json_of(batch)["updates"]
    scopes = {step["key"]: step["scope"] for step in update["steps"]}
    assert [scopes[key] for key in ("loss", "§1, $F$", "§2, $F$ for $N = 1$")] == [None, "all", "first"]


MARKUP = {
    r"\frac{\partial F}{\partial z_{2}}": "∂F/∂z₂",
    r"\frac{1}{n_L} (a^{2} - y)": "(1/n_L) (a² - y)",
    r"\frac{a - y}{a (1 - a)}": "(a - y)/(a (1 - a))",
    r"\left( \frac{1}{m} \cdot x \right)^2": "(1/m · x)²",
    r"\frac{1}{n_L m} \cdot \frac{\partial C}{\partial w}": "1/(n_L m) · ∂C/∂w",
    r"\frac{\partial c}{\partial h} f'(z)": "(∂c/∂h) f'(z)",
    r"W_{2}^\top \cdot \delta^{12}": "W₂ᵀ · δ¹²",
    r"\sum_{k=1}^{N} y_k": "Σₖ₌₁ᴺ yₖ",
    r"\theta_{p,q}^{(1)}": "θ_{p,q}⁽¹⁾",
    r"z_{n_{1}}^{p,{1}}": "z_{n₁}^{p,1}",
    r"\hat{y}_\ell - \underline{e}_\ell": "ŷ_ℓ - e_ℓ",
    r"\left[ \frac{\partial \sigma}{\partial z^{1}} \right] \odot 1": "[∂σ/∂z¹] ⊙ 1",
    r"\log \frac{e^{a - y} + e^{y - a}}{2}": "log ((eᵃ⁻ʸ + eʸ⁻ᵃ)/2)",
    r"\tanh \frac{z}{2} - 1": "tanh (z/2) - 1",
    r"\frac{m / 2}{\sqrt{v} + \varepsilon}": "(m / 2)/(√(v) + ε)",
    r"1 \text{ where } z > 0 \text{, else } 0": "1 where z > 0, else 0",
    r"\begin{bmatrix} \frac{a}{b} & 2 \\ \vdots & \ddots \\ c & d \end{bmatrix}": "[a/b, 2; …, …; c, d]",
    r"-\frac{\mathbf{1}_{\ell=i}}{\hat{y}_\ell}": "-1_{ℓ=i}/ŷ_ℓ",
    r"\frac{\partial}{\partial x} \left( x \right)": "(∂/∂x) (x)",
    r"\frac{d}{d z_j} \sigma(z_j)": "(d/dzⱼ) σ(zⱼ)",
    r"\nabla \underline{b}_{2} + W_{2,\cdot,j}": "∇b₂ + W_{2,·,j}",
}


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_reads_as_text(markup: str) -> None:
    assert math(markup) == MARKUP[markup]


def test_prose_reads_what_stands_between_dollars() -> None:
    assert prose(r"the size $n_l$ of layer $l$, 3 \ 4") == r"the size nₗ of layer l, 3 \ 4"


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_large_matrices_are_cut_and_it_is_said(tmp_path: Path, form: str) -> None:
    found = explained(tmp_path, "classes", "network.hidden=[14]")
    text = rendering.FORMATS[form](found)
    dots = r"\dots{}" if form == "latex" else "…"
    assert f"{dots} 10 of 14 rows shown" in text
    assert f"{dots} 6 of 14 columns shown" in text
    assert "rows shown" not in rendering.FORMATS["json"](found)


def test_a_matrix_is_laid_out_as_one() -> None:
    assert matrix(shown(np.array([[1.5, -2], [0, 3e-7]]))) == [
        "⎡ 1.50000e+00  -2.00000e+00 ⎤",
        "⎣           0   3.00000e-07 ⎦",
    ]
    assert matrix(shown(np.arange(6.0).reshape(3, 2))) == ["⎡ 0  1 ⎤", "⎢ 2  3 ⎥", "⎣ 4  5 ⎦"]
    assert matrix(shown(np.zeros((12, 7))))[-2:] == [
        "⎣ ⋮  ⋮  ⋮  ⋮  ⋮  ⋮  ⋮ ⎦",
        "… 10 of 12 rows and 6 of 7 columns shown",
    ]


def test_powers_of_ten_leave_room_for_fewer_columns() -> None:
    part = shown(np.full((1, 6), 1e-7))
    assert (len(part.cells[0]), part.remark) == (4, "… 4 of 6 columns shown")


@pytest.mark.parametrize(
    ("numbers", "shown_as"),
    [
        ([0.0, 2.0], ["0", "2"]),
        ([0.25, -1e-3, 0.0], ["0.250000", "-0.001000", "0"]),
        ([0.25, 9.99e-4], ["0.2500000", "0.0009990"]),
        ([0.25, 1.25e-5], ["0.25000000", "0.00001250"]),
        ([0.25, 9.99e-6], ["2.50000e-01", "9.99000e-06"]),
        ([99999.5, 1.0], ["99999.500000", "1.000000"]),
        ([1e5, 0.5], ["1.00000e+05", "5.00000e-01"]),
        ([np.inf, 0.5], ["inf", "0.500000"]),
        ([np.nan, np.inf], ["nan", "inf"]),
    ],
)
def test_a_matrix_has_one_notation(numbers: list[float], shown_as: list[str]) -> None:
    assert shown(np.array([numbers])).cells == [shown_as]


def test_sides_that_rounding_sets_apart_differ_by_a_number(tmp_path: Path) -> None:
    found = explained(tmp_path, "binary", document="binary", with_derivation=True)
    step = next(step for step in found.updates[0].steps if step.stage == "derivation")
    assert agreement(replace(step, distance=3e-16)) == ["sides agree to 3e-16"]
    assert agreement(replace(step, distance=0.0)) == ["sides equal"]
    assert agreement(replace(step, distance=np.inf, difference=2e-43)) == ["sides differ by 2e-43"]
    assert agreement(found.updates[0].steps[0]) == []


def test_columns_line_up_whatever_their_numbers() -> None:
    for spread in range(12):
        drawn = np.random.default_rng(spread).normal(0, 1, (8, 5)) * 10.0 ** -(np.arange(8)[:, None] ** (spread / 5))
        lines = matrix(shown(drawn))
        assert len({len(line) for line in lines if not line.startswith("…")}) == 1
        assert len({line.count("e") > 0 for line in lines if not line.startswith("…")}) == 1


def test_an_equation_breaks_outside_of_parentheses_and_indices() -> None:
    long = " + ".join(["f(a + b)", "w_{n₁ n₂}", "g((c - d) (e - f))"] * 6)
    lines = broken(long, PAGE)
    assert len(lines) > 1
    assert " ".join(line.strip() for line in lines) == long
    for line in lines:
        assert cells(line) <= PAGE
        assert line.count("(") == line.count(")")
        assert line.count("{") == line.count("}")


def test_a_layers_number_is_no_power(tmp_path: Path) -> None:
    for kind, document in EXPRESSED:
        for step in explained(tmp_path, kind, document=document).updates[0].steps:
            powers = re.findall(r"\^\{?\d+\}?", f"{step.symbol} {step.formula}")
            assert set(powers) <= {"^2"}
            assert powers == [] or step.key == "loss"


def test_the_introduction_names_the_other_documents(tmp_path: Path) -> None:
    text = " ".join(rendering.FORMATS["text"](explained(tmp_path, "binary")).split())
    assert "With --document, this network can also be explained by: standard, brawer, general." in text
    smoothed = "loss.label_smoothing=0.1"
    alone = " ".join(rendering.FORMATS["text"](explained(tmp_path, "classes", smoothed, document="standard")).split())
    assert "No other document can express this network." in alone


def test_names_of_files_cannot_break_latex() -> None:
    assert escaped(r"a_b%c&d#e{f}~g^h\i$j") == r"a\_b\%c\&d\#e\{f\}\~{}g\^{}h\textbackslash{}i\$j"
    assert escaped("--a---b – c") == r"-{}-a-{}--b \textendash{} c"
    assert escaped("für λ") == "für [U+03BB]"


@pytest.mark.parametrize("form", rendering.FORMATS)
def test_the_introduction_names_network_loss_and_rule(tmp_path: Path, form: str) -> None:
    text = rendering.FORMATS[form](explained(tmp_path, "numbers"))
    wanted = ["half_squared_error"] if form == "json" else ["2-3-2 network", "half squared error", "learning rate 0.3"]
    assert all(words in " ".join(text.split()) for words in wanted)
