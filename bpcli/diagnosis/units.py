"""Hidden units that do not learn: dead ones, of slope 0 for every example, and saturated ones, of small slopes."""

from __future__ import annotations

import numpy as np

from bpcli.diagnosis.findings import Finding, ok
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.nn import Array

SATURATED = 0.02
"""A slope below this share of the layer's largest possible one hardly passes anything back."""

DEAD_NOTE, DEAD_PROBLEM = 0.1, 0.5
"""The shares of a layer's units that may be dead."""

SATURATED_NOTE, SATURATED_PROBLEM = 0.3, 0.7
"""The shares of a layer's units and examples that may be saturated."""


def units_at_start(rehearsal: Rehearsal) -> Finding:
    """Dead and saturated units at the first parameters."""
    return _units(rehearsal, rehearsal.experiment.parameters.theta, "at the start")


def units_after_training(rehearsal: Rehearsal) -> Finding:
    """The same after a short training."""
    if not rehearsal.takes_steps:
        return ok("the rule makes no steps")
    trained = rehearsal.trained
    if trained.diverged:
        return ok("the short training diverged: see the ratio of updates to weights")
    return _units(rehearsal, trained.theta, f"after {trained.updates} updates")


def _units(rehearsal: Rehearsal, theta: Array, when: str) -> Finding:
    """The shares of dead and saturated units of each hidden layer."""
    layers = rehearsal.network.layers[:-1]
    if not layers:
        return ok("there is no hidden layer")
    slopes = hidden_slopes(rehearsal, theta)
    dead = [float((each == 0).all(axis=1).mean()) for each in slopes]
    flat = [float((each < SATURATED * max(1.0, float(each.max(initial=0.0)))).mean()) for each in slopes]
    bounded = [np.isfinite(layer.activation.range).all() for layer in layers]
    saturated = [share for share, both in zip(flat, bounded, strict=True) if both]
    parts = [f"dead {', '.join(f'{share:.0%}' for share in dead)}"]
    if saturated:
        parts.append(f"saturated {', '.join(f'{share:.0%}' for share in saturated)}")
    figures = f"{when}, by hidden layer: {'; '.join(parts)}"
    worst_dead, worst_flat = max(dead), max(saturated, default=0.0)
    if worst_dead < DEAD_NOTE and worst_flat < SATURATED_NOTE:
        return ok(figures)
    return Finding(
        "problem" if worst_dead >= DEAD_PROBLEM or worst_flat >= SATURATED_PROBLEM else "note",
        figures,
        "the gradient of a dead unit is 0 for every example, so it never changes; through saturated ones little passes",
        "smaller first weights, a lower optimizer.learning_rate, data.scale: standard; leaky_relu instead of relu",
    )


def hidden_slopes(rehearsal: Rehearsal, theta: Array) -> list[Array]:
    """|f'(Z)| of each hidden layer, (n_l, m), over the sample."""
    ws, parameters = rehearsal.passed(theta, rehearsal.sample), rehearsal.network.parameters(theta)
    found = []
    for l, layer in enumerate(rehearsal.network.layers[:-1], start=1):
        ones, out = np.ones_like(ws.Z[l]), np.empty_like(ws.Z[l])
        if not layer.activation.elementwise:
            found.append(ones)
            continue
        with np.errstate(all="ignore"):
            own = parameters.own[l]
            layer.activation.backward(ones, ws.Z[l], ws.A[l], own, out, np.zeros_like(own), ws.scratch[l])
        found.append(np.abs(out))
    return found
