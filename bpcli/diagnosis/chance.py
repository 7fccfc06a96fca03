"""The loss at chance level: that of the best answer that is the same for every example."""

from __future__ import annotations

import numpy as np

from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.nn import Array
from bpcli.nn.activations import Activation, ExponentialOutput, Identity, Sigmoid, Softmax
from bpcli.nn.workspace import Workspace

NOTE, PROBLEM = 5.0, 20.0
"""How many times the loss at chance level the first loss may be, for a note and for a problem."""

BELOW = 0.8
"""A first loss below this share of it comes from parameters that know the task already."""


def initial_loss(rehearsal: Rehearsal) -> Finding:
    """The first loss against the loss at chance level."""
    ws = rehearsal.passed(rehearsal.experiment.parameters.theta, rehearsal.sample)
    first, chance = rehearsal.loss_of(ws), chance_loss(rehearsal, ws)
    if chance is None or not chance > 0:
        return ok(f"the first loss is {first:.4g}; there is no loss at chance level to compare it with")
    figures = f"the first loss is {first:.4g}, that of one answer for all {chance:.4g}"
    meaning = "the first weights give answers that are far from any sensible ones, and training begins by undoing them"
    remedy = "another network.initializer; data.scale: standard where the inputs are large"
    if not first <= PROBLEM * chance:
        return Finding("problem", figures, meaning, remedy)
    if first > NOTE * chance:
        return Finding("note", figures, meaning, remedy)
    if first < BELOW * chance:
        return Finding("note", figures, "the first parameters know the task already, as those of network.weights may")
    return ok(figures)


def chance_loss(rehearsal: Rehearsal, ws: Workspace) -> float | None:
    """The loss where every output is the mean of its targets; None where Z of that is not known."""
    Z = _logits(rehearsal.network.head.activation, _mean_targets(ws.Y, len(ws.A[-1])))
    if Z is None:
        return None
    ws.Z[-1][...] = Z
    top = rehearsal.network.layers[-1]
    own = rehearsal.network.parameters(rehearsal.experiment.parameters.theta).own[-1]
    top.forward(ws.Z[-1], own, ws.A[-1], None, ws.scratch[-1])
    return rehearsal.loss_of(ws)


def _mean_targets(Y: Array, outputs: int) -> Array:
    """(n, 1): the shares of the classes, or the means of the targets."""
    if Y.ndim == 1:
        return np.bincount(Y, minlength=outputs)[:, None] / len(Y)
    return np.asarray(np.mean(Y, axis=1, dtype=np.float64, keepdims=True))


def _logits(activation: Activation, mean: Array) -> Array | None:
    """The Z of which the output is ``mean``."""
    tiny = 1e-12
    if isinstance(activation, Softmax | ExponentialOutput):
        return np.asarray(np.log(np.maximum(mean, tiny)))
    if isinstance(activation, Sigmoid):
        inside = np.clip(mean, tiny, 1 - tiny)
        return np.asarray(np.log(inside / (1 - inside)))
    return mean if isinstance(activation, Identity) else None
