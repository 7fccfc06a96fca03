"""What the documents print by mistake does not pass: a shape, an index or a number is found wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpcli.explaining.derivations import DERIVATIONS, sheets_of
from bpcli.explaining.derivations.derived import Heading
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.sheet import apart
from tests.explaining.following import wrong_in
from tests.explaining.support import displaced, explained

DEEP = "network.hidden=[4, 3]"
PRINTED = {
    "the biases without a column of ones": (
        ("binary", "binary", "pre_activation", 1, r"W_{1} \cdot a_{0} + b_{1}"),
        "shapes (layer 1 × examples) and (layer 1 × 1) do not go together",
    ),
    "the last layer's z for every layer": (
        ("binary", "binary", "weight_gradient", 1, r"\frac{\partial F}{\partial z_{3}} \cdot a_{0}^\top"),
        "shape (layer 3 × layer 0) is set equal to shape (layer 1 × layer 0)",
    ),
    "no parentheses around the product": (
        (
            "binary",
            "binary",
            "error",
            1,
            r"W_{2}^\top \cdot (\frac{\partial F}{\partial z_{2}} \ast (\sigma(z_{1}) \ast (1 - \sigma(z_{1}))))",
        ),
        "do not go together",
    ),
    "one class for every example": (
        ("classes", "biswas", "loss", 3, r"\frac{1}{m} \sum_{i=1}^{m} -\log \hat{y}_{\ell,i}"),
        r"\ell has a value for each example",
    ),
    "A as the input of the recursion": (
        ("classes", "biswas", "pre_activation", 1, r"W_{1} \cdot A_{0} + \underline{b}_{1} \cdot \mathbf{1}_m^\top"),
        "there is no layer -1",
    ),
    "two indices of the outputs": (
        ("labels", "general", "activation", 3, r"f(z_{n_{3}}^{p,{3}})"),
        "index n_3 is neither on the left nor under a sum",
    ),
    "(12) without its sum": (
        (
            "labels",
            "general",
            "error",
            1,
            r"f'(z_{n_{1}}^{p,{1}}) w_{n_{1} n_{2}}^{(1)} \frac{\partial c^p}{\partial z_{n_{2}}^{p,{2}}}",
        ),
        "index n_2 is neither on the left nor under a sum",
    ),
    "(7) with the outputs' index": (
        (
            "labels",
            "general",
            "error",
            1,
            r"\sum_{n_L=1}^{N_L} w_{n_{1} n_L}^{(1)} \frac{\partial c^p}{\partial z_{n_L}^{p,{2}}}",
        ),
        "index n_L runs over Range(space='layer 3'",
    ),
    "(44) from sample 0": (
        (
            "labels",
            "brawer",
            "theta_gradient",
            1,
            r"\frac{1}{m} \sum_{i=0}^{m} \delta_p^{(2)} C_{1,q}^{(1)} h^{(1)}(z_q^{(1)})",
        ),
        "index i runs over Range(space='examples', first=0",
    ),
    "the number of an index bound twice": (
        ("labels", "brawer", "error", 2, r"\sum_{p=1}^{s_{3}} \delta_p^{(3)} M_{p,p}^{(2)} (1 - I_{p,0})"),
        "index p is bound twice",
    ),
    "the logarithm of a base that is no symbol": (
        ("labels", "brawer", "loss", 4, r"\ell^{-z}"),
        "is not declared",
    ),
    "an example's slope with the mean over outputs left out": (
        ("numbers", "half-squared-error", "activation_gradient", 3, r"a_i^{(3)} - y_i"),
        "right side 1.0e+00 of the largest entry apart",
    ),
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_slip_is_found(tmp_path: Path, name: str) -> None:
    (kind, document, key, layer, formula), reason = PRINTED[name]
    update = displaced(explained(tmp_path, kind, DEEP, document=document, rows=(0, 1))).updates[0]
    assert wrong_in(update.steps, document, update.trace) == []
    place = next(place for place, step in enumerate(update.steps) if (step.key, step.layer) == (key, layer))
    printed = replace(update.steps[place], formula=formula)
    found = wrong_in((*update.steps[:place], printed), document, update.trace)
    assert [wrong.step for wrong in found] == [printed]
    assert reason in found[0].reason


ENTRIES = (
    r"\frac{\partial \mathcal{L}}{\partial a_{3,1}} \frac{\partial a_{3,1}}{\partial h_{2,1}} "
    r"\frac{\partial h_{2,1}}{\partial a_{2,1}} \frac{\partial a_{2,1}}{\partial h_{1,1}} "
    r"\frac{\partial h_{1,1}}{\partial a_{1,1}} \frac{\partial a_{1,1}}{\partial W_{1,1,1}}"
)
DERIVED: dict[str, tuple[tuple[str, str, str, str], str, float | str]] = {
    "4.3.1, the case form without its minus": (
        ("classes", "biswas", r"\frac{\partial \mathcal{L}}{\partial \hat{y}_i}", "i"),
        r"\frac{1}{\hat{y}_\ell} \text{ where } i = \ell \text{, else } 0",
        2.0,
    ),
    "4.3.1, the sum with the index of the derivative": (
        ("classes", "biswas", r"\frac{\partial \mathcal{L}}{\partial a_{3,i}}", "i"),
        r"-\frac{1}{\hat{y}_\ell} \cdot \frac{\partial}{\partial a_{3,i}} \sum_{i=1}^{p} \exp(a_{3,i})",
        "index i is bound twice",
    ),
    "4.3.2, the sum up to p": (
        ("classes", "biswas", r"\frac{\partial \mathcal{L}}{\partial h_{1,j}}", "j"),
        r"\sum_{r=1}^{p} \frac{\partial \mathcal{L}}{\partial a_{2,r}} \cdot W_{2,r,j}",
        "index r runs over Range(space='layer 3'",
    ),
    "4.2, single entries in place of Jacobians": (
        ("classes", "biswas", r"\frac{\partial \mathcal{L}}{\partial W_{1,1,1}}", ""),
        ENTRIES,
        0.1,
    ),
    "4.3.2, slopes in a row": (
        ("classes", "biswas", r"\nabla_{\underline{a}_{1}}", "i"),
        r"\nabla_{\underline{h}_{1}} \odot g_{1}'(\underline{a}_{1})^\top",
        "do not go together entry by entry",
    ),
    "(31) and (6) are said to give 0": (("labels", "brawer", "M_{p,0}^{(2)}", "p"), "0", 1.0),
    "(41) from sample 0": (
        ("labels", "brawer", r"\frac{\partial J}{\partial \theta_{p,0}^{(1)}}", "p"),
        r"\frac{1}{m} \sum_{i=0}^{m} \delta_p^{(2)}",
        "first=0",
    ),
    "(48) with the bias node's column": (
        ("labels", "brawer", r"\delta^{(2)}", ""),
        r"(\theta^{(1)})^\top \cdot \delta^{(3)}",
        "no product of (layer 1 × layer 2) and (layer 3 × 1)",
    ),
    "(11), d for every output": (
        ("labels", "general", r"\frac{\partial c_{n_L}^p}{\partial z_{n_3}^{p,3}}", "n_3"),
        "y_{n_3}^p - h_{n_3}^p",
        0.1,
    ),
    "(12) without its sum": (
        ("labels", "general", r"\frac{\partial c^p}{\partial z_{n_1}^{p,1}}", "n_1"),
        r"f'(z_{n_1}^{p,1}) w_{n_1 n_2}^{(1)} \frac{\partial c^p}{\partial z_{n_2}^{p,2}}",
        "index n_2 is neither on the left nor under a sum",
    ),
    "(12) without its sum, the index left out": (
        ("labels", "general", r"\frac{\partial c^p}{\partial z_{n_1}^{p,1}}", "n_1"),
        r"f'(z_{n_1}^{p,1}) w_{n_1 1}^{(1)} \frac{\partial c^p}{\partial z_{1}^{p,2}}",
        0.1,
    ),
    "the tensor as a row": (
        ("binary", "binary", r"\frac{\partial z_{1}}{\partial W_{1}}", ""),
        r"a_{0}^\top",
        "shape (1 × layer 0) is set equal to",
    ),
    "the chain in the order of rows": (
        ("binary", "binary", r"\frac{\partial F}{\partial z_{1}}", ""),
        r"\frac{\partial F}{\partial z_{2}} \cdot \frac{\partial z_{2}}{\partial a_{1}}",
        "no product of (layer 2 × 1) and (layer 2 × layer 1)",
    ),
}
"""By name: kind, document, left side and its rows; the printed side; how far it is off, or why it does not fit."""


@pytest.mark.parametrize("name", DERIVED)
def test_a_slip_of_a_derivation_is_found(tmp_path: Path, name: str) -> None:
    (kind, document, left, rows), printed, expected = DERIVED[name]
    trace = displaced(explained(tmp_path, kind, DEEP, document=document)).updates[0].trace
    sheet = sheets_of(DERIVATIONS[document], trace)[False]
    side = sheet.side(Heading(left, f"{rows} = 1" if rows else "", ""))
    if isinstance(expected, str):
        with pytest.raises(EquationError) as raised:
            sheet.value(printed, side)
        assert expected in str(raised.value)
    else:
        assert apart(sheet.value(printed, side), sheet.independent(side)) >= expected - 1e-9
