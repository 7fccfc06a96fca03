"""What a constant factor of a layer's gradient can mean, by where it stands: in one array, a layer or every layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.checking.known_mistakes.wrong_outputs import shortcut_of
from bpcli.checking.precisions import agrees
from bpcli.nn import Array
from bpcli.nn.losses import HalfSquaredError

Meaning = tuple[float, str]
"""A factor and what it can mean."""

MOST_PASSES = 10
"""A gradient may be added up over that many backward passes."""

LEAST_RATE = 1e-8
"""Nobody chooses a smaller learning rate."""

NICE = 1e-6
"""A number that is given in two digits is met to that share."""


def meanings(wrong: WrongArrays) -> list[Meaning]:
    """The factors that can have a meaning where these arrays are wrong, the likeliest first."""
    known = [*_of_examples(wrong), *_of_the_loss(wrong), *_of_counting(wrong)]
    for rarer in (_of_sizes(wrong), _accumulated(wrong)):
        known += [found for found in rarer if not _is_among(found[0], known)]
    turned = [(-value, f"{words} and the sign turned") for value, words in known]
    return [*known, (-1.0, "with the sign of the gradient turned"), *turned]


def likeliest(known: list[Meaning]) -> dict[float, str]:
    """The first meaning of each factor."""
    return dict(reversed(known))


def _is_among(value: float, known: list[Meaning]) -> bool:
    """Whether a factor is 1 or has a meaning already."""
    return any(isclose(value, other, rel_tol=NICE) for other in (1.0, *dict(known)))


def _of_examples(wrong: WrongArrays) -> Iterator[Meaning]:
    """Factors of m, which an array may have by itself: who divides dW and db by m can forget it in one of them."""
    m = wrong.correct.ws.m
    if m > 1 and wrong.correct.network.head.loss.examples == "mean":
        yield float(m), "without the division by the m examples (1/m)"
        if m > 2:
            yield m / (m - 1), "divided by m − 1, not by the m examples"
    if m > 1:
        yield 1 / m, "divided by the m examples once too often"


def _of_counting(wrong: WrongArrays) -> Iterator[Meaning]:
    """Twice or half, of one array, of a layer or of all layers."""
    if not _may_be_everywhere(wrong):
        yield 2.0, "counted twice"
        yield 0.5, "halved"
        return
    correct = wrong.correct
    if isinstance(correct.network.head.loss, HalfSquaredError):
        yield 2.0, "with the ½ of the loss left out"
        yield 0.5, "with a ½ too many"
    elif np.allclose(shortcut_of(correct), correct.ws.dZ[-1], rtol=1e-12, atol=0):
        yield 2.0, "as for a squared error without its ½"
        if correct.network.head.loss.examples == "mean" and correct.ws.m > 1:
            yield 2.0 * correct.ws.m, "as for a squared error without its ½ and without the division by the m examples"
    yield 2.0, _passes(2)


def _of_sizes(wrong: WrongArrays) -> Iterator[Meaning]:
    """Factors of the layer's sizes, which may just happen to be the same number as another factor."""
    correct, layer = wrong.correct, wrong.layer
    m, n, inputs = correct.ws.m, correct.network.sizes[layer], correct.network.sizes[layer - 1]
    averaged = correct.network.head.loss.examples == "mean" and m > 1
    if n > 1 and not (layer == correct.layers and _may_be_everywhere(wrong)):
        yield 1 / n, "divided by the layer's units once too often"
    if inputs > 1:
        yield 1 / inputs, "divided by the layer's inputs once too often"
        if averaged:
            yield m / inputs, "divided by the layer's inputs, not by the m examples"
    if averaged and n > 1:
        yield m / n, "divided by the layer's units, not by the m examples"


def _of_the_loss(wrong: WrongArrays) -> Iterator[Meaning]:
    """Factors of the loss, which every layer has if the output layer has them."""
    if not _may_be_everywhere(wrong):
        return
    correct = wrong.correct
    loss, m, n = correct.network.head.loss, correct.ws.m, correct.network.sizes[-1]
    averaged, over_outputs = loss.examples == "mean", loss.outputs == "mean"
    if n > 1:
        if over_outputs:
            yield float(n), "without the division by the outputs (1/n_L)"
        yield 1.0 / n, "divided by the n_L outputs once too often"
    if averaged and over_outputs and m > 1 < n:
        yield float(m * n), "without the divisions by examples and outputs (1/m, 1/n_L)"
    if isinstance(loss, HalfSquaredError):
        if over_outputs and n > 1:
            yield 2.0 * n, "with the ½ of the loss and the division by the outputs (1/n_L) left out"
            yield 2.0 / n, "with the ½ of the loss left out and divided by the n_L outputs once too often"
        if averaged and m > 1:
            yield 2.0 * m, "with the ½ of the loss and the division by the m examples (1/m) left out"


def _accumulated(wrong: WrongArrays) -> Iterator[Meaning]:
    """The same gradient several times."""
    for passes in range(2, MOST_PASSES + 1) if _may_be_everywhere(wrong) else ():
        yield float(passes), _passes(passes)


def _passes(passes: int) -> str:
    return f"added up over {passes} backward passes (accumulated, not set to zero between them)"


def _may_be_everywhere(wrong: WrongArrays) -> bool:
    """Whether a factor can be of the whole gradient: both arrays of the output layer are wrong, and all below."""
    correct = wrong.correct
    if wrong.layer < correct.layers or wrong.name:
        return False
    return not any(_is_right(correct, wrong.file, layer) for layer in range(1, correct.layers))


def _is_right(correct: CorrectPass, file: Mapping[str, Array], layer: int) -> bool:
    """Whether a layer that has a gradient has the right one."""
    right = correct.gradient.W[layer]
    return bool(right.any()) and agrees(file[f"dW{layer}"], right)


def is_everywhere(wrong: WrongArrays, c: float) -> bool:
    """Whether every layer's gradient is c times the right one."""
    if wrong.layer < wrong.correct.layers or wrong.name:
        return False
    gradient = wrong.correct.gradient
    return all(agrees(wrong.file[f"dW{l}"], c * gradient.W[l]) for l in range(1, wrong.correct.layers))


def of_a_free_factor(wrong: WrongArrays, c: float) -> str:
    """What a factor can mean that is not among those with a meaning: a norm, a learning rate, or just a constant."""
    gradient = wrong.correct.gradient
    everywhere = is_everywhere(wrong, c)
    norms = {"the norm of the whole gradient": float(np.linalg.norm(gradient.theta))} if everywhere else {}
    if not everywhere or wrong.correct.layers == 1:
        norms["its norm"] = float(np.linalg.norm(wrong.right))
    for norm, size in norms.items():
        if c > 0 and abs(c * size - 1) <= _closeness(wrong):
            return f"normalised, divided by {norm}" + ", or clipped by norm, brought to 1" * (c < 1)
        if 0 < c < 1 and is_nice(c * size, wrong):
            return f"clipped by norm, with {norm} brought to {c * size:.6g}"
    largest = float(np.abs(wrong.right).max())
    if c > 0 and abs(c * largest - 1) <= _closeness(wrong):
        return "divided by its largest entry"
    if c < 0 and is_nice(c, wrong):
        return f"as a step −η times the gradient (an update, or momentum's velocity), with η = {-c:.6g}"
    if LEAST_RATE <= c < 1 and is_nice(c, wrong):
        return "scaled by a constant, such as a learning rate, or 1 − β of a running mean"
    return "scaled by a constant"


def is_nice(value: float, wrong: WrongArrays) -> bool:
    """Whether a number has two significant digits, as people choose them."""
    if not value or not np.isfinite(value):
        return False
    return abs(float(f"{value:.1e}") / value - 1) <= _closeness(wrong)


def _closeness(wrong: WrongArrays) -> float:
    return max(NICE, wrong.tolerance)
