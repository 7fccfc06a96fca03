"""Whether inputs and targets are of the size that first weights and learning rates are made for."""

from __future__ import annotations

import numpy as np

from bpcli.data.warnings import listed
from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.rehearsal import Rehearsal

LARGE, APART = 30.0, 100.0
"""Inputs that reach so far, or deviations so far apart, keep a network from learning."""

TARGETS_NOTE, TARGETS_PROBLEM = 5.0, 100.0
"""Deviations of the targets, in training units, for a note and for a problem."""


def feature_scales(rehearsal: Rehearsal) -> Finding:
    """The sizes of the network's inputs."""
    ws = rehearsal.passed(rehearsal.experiment.parameters.theta, rehearsal.sample)
    deviations = np.std(ws.X, axis=1, dtype=np.float64)
    largest = np.abs(ws.X).max(axis=1)
    varying = deviations[deviations > 0]
    ratio = float(varying.max() / varying.min()) if len(varying) else 1.0
    figures = f"inputs reach {largest.max():.3g}; their deviations are up to {ratio:.3g} times apart"
    scaled = rehearsal.experiment.config.data.scale != "none"
    if scaled or (largest.max() < LARGE and ratio < APART):
        return ok(figures)
    names = [each.column for each in rehearsal.experiment.loaded.features.inputs]
    far = [f"{names[k]} ({largest[k]:.3g})" for k in np.argsort(-largest)[:3]]
    return Finding(
        "problem",
        f"{figures}: {listed(far)}",
        "the largest columns drown the others, and one learning rate cannot fit both",
        "data.scale: standard",
    )


def target_scale(rehearsal: Rehearsal) -> Finding:
    """The size of the targets of a regression, in training units."""
    ws = rehearsal.passed(rehearsal.experiment.parameters.theta, rehearsal.sample)
    if rehearsal.experiment.config.data.task != "regression" or ws.Y.ndim == 1:
        return ok("the targets are classes")
    deviation = float(np.std(ws.Y, axis=1, dtype=np.float64).max())
    figures = f"the targets deviate by {deviation:.3g} in training units"
    if deviation < TARGETS_NOTE:
        return ok(figures)
    return Finding(
        "problem" if deviation > TARGETS_PROBLEM else "note",
        figures,
        "errors, and with them gradients, are as large as the targets, so that usual learning rates are too large",
        "data.scale_targets: standard, or divide the targets",
    )
