"""Other programs' optimizers, line by line as one writes them, and mistakes planted in these lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.checking.updates.equations import stated_rule
from bpcli.checking.updates.reference import Snapshot
from bpcli.checking.updates.trajectories import Task
from bpcli.nn import Array
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer
from bpcli.nn.parameters import Layout

SIZES = (3, 4, 2)
UPDATES = 5

PROGRAMS = {
    "gradient_descent": """
G = g[k]
theta = theta - lr[k] * G
""",
    "momentum": """
G = g[k]
v = mu * v - lr[k] * G
theta = theta + v
""",
    "adam": """
G = g[k]
t = t + 1
m = b1 * m + (1 - b1) * G
v = b2 * v + (1 - b2) * G**2
m_hat = m / (1 - b1**t)
v_hat = v / (1 - b2**t)
theta = theta - lr[k] * m_hat / (np.sqrt(v_hat) + eps)
""",
}
SETTINGS = {
    "gradient_descent": {},
    "momentum": {"mu": "momentum"},
    "adam": {"b1": "beta1", "b2": "beta2", "eps": "epsilon"},
}


def task(name: str, *, scheduled: bool = False, restored: bool = False, **settings: float) -> Task:
    """Random gradients of small batches for a rule; ``restored``, from a state in the middle of a training."""
    rule: Optimizer = OPTIMIZERS[name](learning_rate=0.03, **settings)
    rng, size = np.random.default_rng(11), Layout(SIZES).count
    first = {key: memory.first for key, memory in rule.memory(size).items()}
    memory = {key: np.full(shape, value) for key, (shape, value) in rule.memory(size).items()}
    if restored:
        memory = {key: rng.uniform(0.01, 0.1, array.shape) for key, array in memory.items()}
    rates = tuple(0.03 * 0.7**k if scheduled else 0.03 for k in range(UPDATES))
    return Task(
        rule=stated_rule(rule),
        start=Snapshot(rng.normal(0, 0.5, size), memory, 7 if restored else 0),
        first=first,
        gradients=tuple(rng.normal(0, 0.2, size) for _ in range(UPDATES)),
        rates=rates,
        batches=(6,) * UPDATES,
        base=0.03,
        layout=Layout(SIZES),
        places=np.arange(size),
    )


def program(given: Task, name: str, text: str, dtype: str = "float64") -> list[Array]:
    """θ after each update by a program of this text."""
    place: dict[str, Any] = {key: given.rule.settings[symbol] for key, symbol in _symbols(name).items()}
    place |= {"np": np, "theta": given.start.theta.astype(dtype), "t": given.start.step, "theta0": given.start.theta}
    place |= {"g": [one.astype(dtype) for one in given.gradients], "lr": given.rates, "M": given.batches[0]}
    memory = {"momentum": {"v": "velocity"}, "adam": {"m": "mean", "v": "square"}}.get(name, {})
    place |= {key: given.start.memory[array].astype(dtype) for key, array in memory.items()}
    place |= {"is_bias": _of("b"), "is_weight": _of("W"), "zeros": np.zeros(Layout(SIZES).count), "T": UPDATES}
    found = []
    for k in range(UPDATES):
        place["k"] = k
        with np.errstate(all="ignore"):
            exec(text, place)
        found.append(np.array(place["theta"], dtype))
    return found


def _symbols(name: str) -> dict[str, str]:
    letters: dict[str, str] = getattr(OPTIMIZERS[name], "symbols", {})
    return {
        key: next(symbol for symbol, field in letters.items() if field == setting)
        for key, setting in SETTINGS[name].items()
    }


def _of(kind: str) -> Array:
    """Which entries of θ are of W or of b."""
    from bpcli.nn.parameters import Layout, Parameters

    found = np.zeros(Layout(SIZES).count, bool)
    for name, array in Parameters(Layout(SIZES), found).named().items():
        array[...] = name.startswith(kind)
    return found


@dataclass(frozen=True)
class Slip:
    """A mistake planted in a rule's program: a part of its text, what stands there instead, and how it may be named.

    ``name`` is a part of the right name; empty where no known mistake fits.
    """

    rule: str
    right: str
    wrong: str
    name: str
    scheduled: bool = False
    restored: bool = False

    def task(self) -> Task:
        return task(self.rule, scheduled=self.scheduled, restored=self.restored)

    def text(self) -> str:
        assert self.right in PROGRAMS[self.rule]
        return PROGRAMS[self.rule].replace(self.right, self.wrong)


def everywhere(right: str, wrong: str, name: str, **more: bool) -> list[Slip]:
    """The same mistake in every rule's program."""
    return [Slip(rule, right, wrong, name, **more) for rule in PROGRAMS]


_G = "G = g[k]"
_MEMORY = "m = b1 * m + (1 - b1) * G\nv = b2 * v + (1 - b2) * G**2"

SLIPS = [
    *everywhere(_G, "G = -g[k]", "the sign of the gradient is turned"),
    *everywhere(_G, "G = g[k] / M", "divided by the m examples once too often"),
    *everywhere(_G, "G = g[k] * M", "not divided by the m examples"),
    *everywhere(_G, "G = g[max(k - 1, 0)]", "update before (stale), the first one used twice"),
    *everywhere(_G, "G = g[k - 1] if k else zeros", "update before (stale)"),
    *everywhere(_G, "G = g[0]", "every update takes the first gradient"),
    *everywhere(_G, "G = sum(g[:k + 1])", "not set to zero between updates"),
    *everywhere("lr[k]", "1", "the learning rate is left out"),
    *everywhere("lr[k]", "(2 * lr[k])", "the learning rate is doubled"),
    *everywhere("lr[k]", "lr[max(k - 1, 0)]", "the schedule is one update late", scheduled=True),
    *everywhere("lr[k]", "lr[min(k + 1, T - 1)]", "the schedule is one update early", scheduled=True),
    *everywhere("lr[k]", "lr[0]", "the schedule is not used", scheduled=True),
    *everywhere("theta = theta", "theta = theta0", "every update starts from the first θ"),
    Slip("gradient_descent", "theta - lr[k] * G", "np.where(is_bias, theta, theta - lr[k] * G)", "no bias is updated"),
    Slip(
        "gradient_descent", "theta - lr[k] * G", "np.where(is_weight, theta, theta - lr[k] * G)", "no weight is updated"
    ),
    Slip(
        "gradient_descent", "theta - lr[k] * G", "theta - (k % 2 == 0) * lr[k] * G", "every second update is left out"
    ),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - (k > 0) * lr[k] * G", "update 1 is left out"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - lr[k] * np.sign(G)", "only the sign of the gradient"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - lr[k] * G / np.linalg.norm(G)", "divided by its length"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - lr[k] / (k + 1) * G", "the learning rate is divided by t"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - lr[k] * G - lr[k] * G", "every update is taken twice"),
    Slip("gradient_descent", "theta - lr[k] * G", "-lr[k] * G", "the term θ is left out"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - 0.37 * lr[k] * G", "0.37 times what it should be"),
    Slip(
        "gradient_descent",
        "theta - lr[k] * G",
        "theta - lr[k] * (G + 0.01 * theta)",
        "0.01 · θ, is added to the gradient (coupled)",
    ),
    Slip("adam", _G, "G = g[k] + 1e-4 * theta", "0.0001 · θ, is added to the gradient (coupled)"),
    Slip("adam", _G, "G = g[k] + 1e-4 * theta * is_weight", "a weight decay of the weights alone"),
    Slip("adam", "lr[k] * m_hat", "lr[k] * 0.01 * theta - lr[k] * m_hat", "0.01 · θ, is subtracted from θ (decoupled)"),
    Slip("momentum", "- lr[k] * G", "- (1 - mu * (k > 0)) * lr[k] * G", "dampening, the factor 1 − μ, not"),
    Slip("gradient_descent", "theta - lr[k] * G", "theta - lr[k] * np.clip(G, -0.1, 0.1)", ""),
    Slip("gradient_descent", "theta - lr[k] * G", "theta", "no update is taken"),
    Slip("momentum", "mu * v - ", "v - ", "the factor μ is left out"),
    Slip("momentum", "mu * v - ", "(1 - mu) * v - ", "1 − μ in place of μ"),
    Slip("momentum", "mu * v - ", "-mu * v - ", "the sign of μ · v is turned"),
    Slip("momentum", "mu * v - ", "-", "the term μ · v is left out"),
    Slip("momentum", "- lr[k] * G", "- (1 - mu) * lr[k] * G", "dampening"),
    Slip("momentum", "theta + v", "theta + mu * v - lr[k] * G", "Nesterov"),
    Slip("momentum", "theta + v", "theta - v", "the sign of v is turned"),
    Slip("momentum", "theta + v", "theta + v + v", "the learning rate is doubled"),  # with the same v, twice as long
    Slip("momentum", "mu * v", "0.99 * v", "μ is 0.99 instead of 0.9"),
    Slip("momentum", "mu * v", "(mu if k != 2 else 0) * v", "the memory is lost before update 3"),
    Slip("momentum", "mu * v", "(mu if k else 0) * v", "the memory is lost before update 1", restored=True),
    Slip(
        "momentum",
        "v = mu * v - lr[k] * G\ntheta = theta + v",
        "theta = theta + v\nv = mu * v - lr[k] * G",
        "θ is updated before v",
    ),
    Slip(
        "momentum",
        "mu * v - lr[k] * G\ntheta = theta + v",
        "mu * v - G\ntheta = theta + lr[k] * v",
        "η multiplies v in the step, not the gradient in v",
        scheduled=True,
    ),
    Slip("adam", "np.sqrt(v_hat) + eps", "np.sqrt(v_hat + eps)", "ε is inside the root"),
    Slip(
        "adam",
        "m_hat / (np.sqrt(v_hat) + eps)",
        "m_hat / ((np.sqrt(v) + eps) / np.sqrt(1 - b2**t))",
        "ε is added before the division",
    ),
    Slip("adam", "np.sqrt(v_hat) + eps", "np.sqrt(v_hat)", "the term ε is left out"),
    Slip("adam", "np.sqrt(v_hat) + eps", "np.sqrt(v_hat) - eps", "the sign of ε is turned"),
    Slip("adam", "np.sqrt(v_hat)", "v_hat", "without the root"),
    Slip("adam", "m / (1 - b1**t)", "m", "without the division by 1 − β₁ᵗ"),
    Slip("adam", "v / (1 - b2**t)", "v", "without the division by 1 − β₂ᵗ"),
    Slip(
        "adam",
        "m_hat = m / (1 - b1**t)\nv_hat = v / (1 - b2**t)",
        "m_hat = m\nv_hat = v",
        "every bias correction is left out",
    ),
    Slip("adam", "m / (1 - b1**t)", "m * (1 - b1**t)", "multiplied by 1 − β₁ᵗ instead of divided"),
    Slip("adam", "m / (1 - b1**t)", "m / b1**t", "β₁ᵗ in place of 1 − β₁ᵗ"),
    Slip("adam", "(1 - b1**t)", "(1 - b1)", "β₁ without the power t"),
    Slip("adam", "(1 - b2**t)", "(1 - b2)", "β₂ without the power t"),
    Slip("adam", "t = t + 1", "t = 1", "t does not count"),
    Slip("adam", "t = t + 1", "t = k + 1", "t starts at 1 again", restored=True),
    Slip("adam", "t = t + 1", "t = k + 2", "t is one too large"),
    Slip("adam", "t = t + 1", "t = 7 + k", "t counts from 0", restored=True),
    Slip("adam", "G**2", "G", "g without the power 2"),
    Slip("adam", "G**2", "np.abs(G)", ""),
    Slip("adam", "(1 - b1) * G", "G", "the factor 1 − β₁ is left out"),
    Slip("adam", "(1 - b2) * G**2", "G**2", "the factor 1 − β₂ is left out"),
    Slip("adam", "(1 - b1) * G", "b1 * G", "β₁ in place of 1 − β₁"),
    Slip("adam", "b1 * m + (1 - b1) * G", "(1 - b1) * m + b1 * G", "1 − β₁ in place of β₁"),
    Slip("adam", "b1 * m + (1 - b1) * G", "b2 * m + (1 - b2) * G", "running mean of the gradient: β₂ in place of β₁"),
    Slip("adam", "b1 * m", "m", "the factor β₁ is left out"),
    Slip("adam", "b1 * m + ", "", "the term β₁ · m is left out"),
    Slip("adam", "m_hat / (", "G / (", "β₁ is 0 instead of 0.9"),  # the mean of the last gradient alone
    Slip("adam", "m_hat / (", "m_hat * (", "instead of divided"),
    Slip("adam", "G = g[k]", "b1, b2 = (b2, b1) if k == 0 else (b1, b2)\nG = g[k]", "β₁ and β₂ are exchanged"),
    Slip("adam", "G = g[k]", "G = g[k]\nv = b1 * v + (1 - b1) * G", ""),
    Slip("adam", _MEMORY, "m = v = b1 * m + (1 - b1) * G\nm = v = b2 * v + (1 - b2) * G**2", "aliased"),
    Slip("adam", "G = g[k]", "m = v = zeros\nG = g[k]", "the memory is lost before every update"),
    Slip(
        "adam",
        "G = g[k]",
        "m, v = (zeros, zeros) if k == 3 else (m, v)\nG = g[k]",
        "the memory is lost before update 4",
    ),
    Slip(
        "adam",
        "G = g[k]",
        "m, v, t = (zeros, zeros, 0) if k == 3 else (m, v, t)\nG = g[k]",
        "memory and t are lost before update 4",
    ),
    Slip(
        "adam",
        "G = g[k]",
        "m, v = (m, v) if k else (zeros, zeros)\nG = g[k]",
        "the memory is lost before update 1",
        restored=True,
    ),
    Slip("adam", "eps)", "1e-4)", "ε is 0.0001 instead of 1e-08"),
    Slip("adam", "G = g[k]", "b2 = 0.99\nG = g[k]", "β₂ is 0.99 instead of 0.999"),
    Slip("adam", "lr[k] * m_hat", "lr[k] * lr[k] * m_hat", "the learning rate is squared"),
]
"""Every rule's slips, more than a hundred."""
