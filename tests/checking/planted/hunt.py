"""Plant mistakes in random passes, let bp judge them, and judge bp."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.checking.known_mistakes.diagnosis import Diagnosis, diagnose

from . import KINDS
from .passes import Gradient, Limits, Pass, random_pass

UNCHANGED = 1e-12
CHANGED = {np.float64: 1e-8, np.float32: 1e-3}
"""The differences, relative to an array's largest entry, below which a gradient is the same and above which wrong."""


@dataclass(frozen=True)
class Verdict:
    """A planted mistake, the layer where it shows first, what bp says, and whether layer and name are right."""

    kind: str
    planted: Pass
    gradient: Gradient
    layer: int
    diagnosis: Diagnosis
    named_rightly: bool

    @property
    def located(self) -> bool:
        return self.diagnosis.layer == self.layer

    @property
    def named_wrongly(self) -> bool:
        return self.diagnosis.recognised and not self.named_rightly


def judged(p: Pass, gradient: Gradient) -> Diagnosis:
    network = p.network
    ws = network.workspace(p.m, np.float64)
    ws.X[...] = p.X
    ws.Y[...] = np.argmax(p.Y, axis=0) if ws.Y.ndim == 1 else p.Y
    return diagnose(network, p.parameters, ws, gradient)


def difference(given: np.ndarray, right: np.ndarray) -> float:
    if given.shape != right.shape:
        return np.inf
    return float(np.abs(given - right).max() / (np.abs(right).max() or 1))


def wrong_layer(p: Pass, gradient: Gradient, dtype: Any = np.float64) -> int | None:
    """The first layer from the output that is changed, 0 for none; None where it is hard to say."""
    for l in range(p.last, 0, -1):
        by = max(difference(gradient[name], p.right[name]) for name in (f"dW{l}", f"db{l}"))
        if by > CHANGED[dtype]:
            return l
        if by > UNCHANGED:
            return None
    return 0


def names_it(kind: str, words: str) -> bool:
    return any(word in words for word in KINDS[kind].words)


def _same(p: Pass, one: Gradient, other: Gradient, wrong: tuple[str, ...]) -> bool:
    return all(
        one[name].shape == other[name].shape
        and np.allclose(one[name], other[name], rtol=1e-9, atol=1e-12 * np.abs(one[name]).max())
        for name in wrong
    )


def says_the_truth(p: Pass, gradient: Gradient, said: Diagnosis) -> bool:
    """Whether the name is that of another kind that gives the same numbers, or a factor that they have."""
    rng = np.random.default_rng(0)
    for kind, (plant, _) in KINDS.items():
        if names_it(kind, said.mistake) and any(_same(p, gradient, other, said.wrong) for other in plant(p, rng)):
            return True
    if _is_zero_where_said(p, gradient, said):
        return True
    factor = re.search(r"^(?:dW is |db is |)right, but .*?(?:: |, )(-?[\d.e-]+) times what it should be", said.mistake)
    if factor is None or ";" in said.mistake:
        return False
    c = float(factor[1])
    return all(difference(gradient[name] / c, p.right[name]) < 1e-4 for name in said.wrong)


def _is_zero_where_said(p: Pass, gradient: Gradient, said: Diagnosis) -> bool:
    """Whether wrong arrays are zero where the name says so, and right elsewhere."""
    if "all zeros" in said.mistake and ";" not in said.mistake:
        return not any(gradient[name].any() for name in said.wrong)
    found = re.search(
        r"is zero (?:at (row|column)s? ([\d, and]+)|at one entry, row \d+, column \d+|in \d+ of \d+ entries)$",
        said.mistake,
    )
    if found is None or ";" in said.mistake:
        return False
    for name in said.wrong:
        given, right = gradient[name], p.right[name]
        changed = np.abs(given - right) > 1e-6 * np.abs(right).max()
        if given[changed].any():
            return False
        if found[1] == "row" and given[[int(number) for number in re.findall(r"\d+", found[2])]].any():
            return False
    return True


def planted(
    kind: str, rng: np.random.Generator, limits: Limits, dtype: Any, tries: int = 2000
) -> tuple[Pass, Gradient, int]:
    """A mistake of a kind in a random pass in which it changes the gradient."""
    for _ in range(tries):
        p = random_pass(rng, limits)
        plantings = list(KINDS[kind].plant(p, rng))
        if not plantings:
            continue
        gradient = plantings[int(rng.integers(len(plantings)))]
        layer = wrong_layer(p, gradient, dtype)
        if layer:
            return p, gradient, layer
    raise AssertionError(f"no pass has room for {kind}")


def verdict(kind: str, rng: np.random.Generator, limits: Limits, dtype: Any = np.float64) -> Verdict:
    with np.errstate(all="ignore"):
        p, gradient, layer = planted(kind, rng, limits, dtype)
        said = judged(p, {name: array.astype(dtype) for name, array in gradient.items()})
        right = said.recognised and (names_it(kind, said.mistake) or says_the_truth(p, gradient, said))
    return Verdict(kind, p, gradient, layer, said, right)
