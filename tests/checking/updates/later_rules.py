"""Rules by their equations and programs alone, as somebody else has them, and mistakes in the programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.checking.updates.equations import stated_rule
from bpcli.checking.updates.reference import Snapshot
from bpcli.checking.updates.trajectories import Task
from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers import Gradient, Memory, OptimizerState
from bpcli.nn.parameters import Layout

from .support import SIZES, UPDATES


@dataclass(frozen=True)
class LaterRule:
    """A rule by its equations, the names of its memory, and the text of a program of it."""

    equations: tuple[RuleEquation, ...]
    names: tuple[str, ...]
    text: str
    learning_rate: float = 0.03
    momentum: float = 0.8
    decay: float = 0.07
    beta1: float = 0.85
    beta2: float = 0.97
    epsilon: float = 1e-6

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {
        r"\mu": "momentum",
        r"\lambda": "decay",
        r"\beta_1": "beta1",
        r"\beta_2": "beta2",
        r"\varepsilon": "epsilon",
    }

    def memory(self, size: int) -> Mapping[str, Memory]:
        return {name: Memory((size,)) for name in self.names}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        raise NotImplementedError

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        raise NotImplementedError


ADAMW = LaterRule(
    equations=(
        RuleEquation("m", "Mean", "m_{<theta>}", r"\beta_1 \cdot m_{<theta>} <plus> (1 - \beta_1) \cdot <gradient>"),
        RuleEquation("v", "Square", "v_{<theta>}", r"\beta_2 \cdot v_{<theta>} + (1 - \beta_2) \cdot (<gradient>)^2"),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> - \eta \cdot \left( \frac{m_{<theta>} / (1 - \beta_1^{<step>})}"
            r"{\sqrt{v_{<theta>} / (1 - \beta_2^{<step>})} + \varepsilon} + \lambda \cdot <theta> \right)",
        ),
    ),
    names=("m", "v"),
    text="""
G = g[k]
m = beta1 * m + (1 - beta1) * G
v = beta2 * v + (1 - beta2) * G**2
theta = theta - lr * (m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon) + decay * theta)
""",
)
"""Decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2)."""

COUPLED = LaterRule(
    equations=(
        RuleEquation("v", "Velocity", "v_{<theta>}", r"\mu \cdot v_{<theta>} + (<gradient> + \lambda \cdot <theta>)"),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> - \eta \cdot v_{<theta>}"),
    ),
    names=("v",),
    text="""
G = g[k]
v = momentum * v + (G + decay * theta)
theta = theta - lr * v
""",
)
"""Momentum on a gradient with weight decay."""

NESTEROV = LaterRule(
    equations=(
        RuleEquation("v", "Velocity", "v_{<theta>}", r"\mu \cdot v_{<theta>} - \eta \cdot <gradient>"),
        RuleEquation(NEW_THETA, "Update", "<theta>", r"<theta> + (\mu \cdot v_{<theta>} - \eta \cdot <gradient>)"),
    ),
    names=("v",),
    text="""
G = g[k]
v = momentum * v - lr * G
theta = theta + momentum * v - lr * G
""",
)
"""Momentum that looks ahead, with the gradient at θ (Sutskever et al. 2013, in the form of its eq. 7)."""

RMSPROP = LaterRule(
    equations=(
        RuleEquation("v", "Square", "v_{<theta>}", r"\beta_2 \cdot v_{<theta>} + (1 - \beta_2) \cdot (<gradient>)^2"),
        RuleEquation(
            NEW_THETA, "Update", "<theta>", r"<theta> - \frac{\eta \cdot <gradient>}{\sqrt{v_{<theta>} + \varepsilon}}"
        ),
    ),
    names=("v",),
    text="""
G = g[k]
v = beta2 * v + (1 - beta2) * G**2
theta = theta - lr * G / np.sqrt(v + epsilon)
""",
)
"""The running mean of the square alone, ε inside the root."""

LATER_SLIPS: list[tuple[LaterRule, str, str, str]] = [
    (
        ADAMW,
        ADAMW.text,
        ADAMW.text.replace(" + decay * theta", "").replace("g[k]", "g[k] + decay * theta"),
        "(coupled)",
    ),
    (ADAMW, " + decay * theta)", ")", "the term λ · θ is left out"),
    (ADAMW, "+ decay * theta", "- decay * theta", "the sign of λ · θ is turned"),
    (ADAMW, ") + decay * theta)", ")) - decay * theta", "λ · θ is not multiplied by η"),
    (ADAMW, "+ epsilon", "+ 0 * epsilon", "the term ε is left out"),
    (
        COUPLED,
        "v = momentum * v + (G + decay * theta)\ntheta = theta - lr * v",
        "v = momentum * v + G\ntheta = theta - lr * v - lr * decay * theta",
        "(decoupled)",
    ),
    (COUPLED, "momentum * v + (G", "momentum * v + (1 - momentum) * (G", "with dampening"),
    (COUPLED, "lr * v", "lr * (momentum * v + G + decay * theta)", "Nesterov"),
    (NESTEROV, "theta + momentum * v - lr * G", "theta + v", "does not look ahead (classical momentum)"),
    (NESTEROV, "theta + momentum * v - lr * G", "theta + momentum * v", "is left out"),
    (RMSPROP, "np.sqrt(v + epsilon)", "(np.sqrt(v) + epsilon)", "ε is outside the root"),
    (RMSPROP, "np.sqrt(v + epsilon)", "(v + epsilon)", "without the root"),
    (RMSPROP, "beta2 * v + (1 - beta2) * G**2", "v + G**2", "none of the known"),
]


def later_task(rule: LaterRule) -> Task:
    rng, size = np.random.default_rng(4), Layout(SIZES).count
    return Task(
        rule=stated_rule(rule),
        start=Snapshot(rng.normal(0, 0.5, size), {name: np.zeros(size) for name in rule.names}, 0),
        first=dict.fromkeys(rule.names, 0.0),
        gradients=tuple(rng.normal(0, 0.2, size) for _ in range(UPDATES)),
        rates=(0.03,) * UPDATES,
        batches=(6,) * UPDATES,
        base=0.03,
        layout=Layout(SIZES),
        places=np.arange(size),
    )


def later_program(given: Task, rule: LaterRule, text: str) -> list[Array]:
    place: dict[str, Any] = {**vars(rule), "np": np, "theta": given.start.theta, "lr": 0.03, "g": given.gradients}
    place |= dict.fromkeys(rule.names, 0.0)
    found = []
    for k in range(UPDATES):
        place |= {"k": k, "t": k + 1}
        exec(text, place)
        found.append(place["theta"])
    return found
