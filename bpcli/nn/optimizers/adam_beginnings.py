"""Adam with another beginning: Nesterov's momentum that grows (NAdam), steps of a length that is trusted (RAdam)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.markup import NEW_THETA, RuleEquation
from bpcli.nn.optimizers.means import MEANS, SYMBOLS, average, average_square, means_memory, over_corrected_root
from bpcli.nn.optimizers.rule import Gradient, Memory, OptimizerState

MOMENTUM = r"\beta_1 \cdot (1 - 0.5 \cdot 0.96^{\psi \cdot %s})"


@dataclass(frozen=True)
class NAdam:
    """Adam that goes on from where its mean leads: Nesterov's momentum, with a momentum μ that grows towards β₁.

    Dozat 2016, algorithm 2, with the schedule of his eq. 6 as PyTorch has it: μ = β₁(1 − ½ · 0.96^(ψt)), ψ the setting
    ``momentum_decay``; p is the product of all μ so far.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.002
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8
    momentum_decay: Annotated[float, Ge(0)] = 0.004

    batch_only: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {**SYMBOLS, r"\psi": "momentum_decay"}
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        RuleEquation("momentum", "Momentum", r"\mu", MOMENTUM % "<step>"),
        RuleEquation("next", "Momentum of the next update", r"\nu", MOMENTUM % "(<step> + 1)"),
        RuleEquation("product", "Product of all momenta", "p", r"\mu \cdot p"),
        *MEANS,
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> - \eta \cdot \frac{\frac{\nu}{1 - p \cdot \nu} \cdot m_{<theta>} <plus> "
            r"\frac{1 - \mu}{1 - p} \cdot <gradient>}{\sqrt{v_{<theta>} / (1 - \beta_2^{<step>})} + \varepsilon}",
        ),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first; p, 1 at first."""
        return {**means_memory(size), "product": Memory((1,), 1.0)}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """Two, for the step's two parts."""
        return {"scratch": (size,), "ahead": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch, ahead = state.dtheta, state.buffers["scratch"], state.buffers["ahead"]
        m, v, product = (state.memory[name] for name in ("mean", "square", "product"))
        mu, nu = self._momentum(state.step), self._momentum(state.step + 1)
        added = gradient(theta, dtheta, 1.0)
        np.multiply(product, mu, product)
        p = product[0]
        average(m, self.beta1, dtheta, scratch)
        average_square(v, self.beta2, dtheta, scratch)
        np.multiply(m, nu / (1 - p * nu), ahead)
        np.multiply(dtheta, (1 - mu) / (1 - p), scratch)
        np.add(ahead, scratch, ahead)
        over_corrected_root(ahead, v, self.beta2, self.epsilon, state.step, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(theta, scratch, theta)
        return added

    def _momentum(self, step: Any) -> Any:
        """μ of an update."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (self.momentum_decay * step))


TRUSTED = 5
"""The least ρ from which RAdam divides by √v."""


@dataclass(frozen=True)
class RAdam:
    """Adam whose first steps are not divided by √v, of which so few gradients say little; then by a rectified √v.

    Liu et al. 2020, algorithm 2, with their ρ > 4 as ρ > 5 and ε at the uncorrected root, as in PyTorch: θ ← θ − η m̂ r
    √(1 − β₂ᵗ)/(√v + ε) where ρ > 5, else θ − η m̂. ρ = ρ_∞ − 2tβ₂ᵗ/(1 − β₂ᵗ) reaches no 5 unless β₂ > 2/3.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[float, Gt(2 / 3), Lt(1)] = 0.999
    epsilon: Annotated[float, Gt(0)] = 1e-8

    batch_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    symbols: ClassVar[Mapping[str, str]] = SYMBOLS
    equations: ClassVar[tuple[RuleEquation, ...]] = (
        *MEANS,
        RuleEquation("most", "Largest length of the mean", r"\rho_{\infty}", r"\frac{2}{1 - \beta_2} - 1"),
        RuleEquation(
            "length",
            "Length of the mean",
            r"\rho",
            r"\rho_{\infty} - \frac{2 \cdot <step> \cdot \beta_2^{<step>}}{1 - \beta_2^{<step>}}",
        ),
        RuleEquation(
            "rectifier",
            "Rectifier",
            "r",
            r"\sqrt{\frac{(\rho - 4) \cdot (\rho - 2) \cdot \rho_{\infty}}"
            r"{(\rho_{\infty} - 4) \cdot (\rho_{\infty} - 2) \cdot \rho}} \text{ where } \rho > 5 \text{, else } 1",
        ),
        RuleEquation(
            NEW_THETA,
            "Update",
            "<theta>",
            r"<theta> - \eta \cdot r \cdot \frac{m_{<theta>} / (1 - \beta_1^{<step>})}"
            r"{\left( \sqrt{v_{<theta>}} + \varepsilon \right) / \sqrt{1 - \beta_2^{<step>}}} \text{ where } \rho > 5"
            r" \text{, else } <theta> - \eta \cdot m_{<theta>} / (1 - \beta_1^{<step>})",
        ),
    )

    def memory(self, size: int) -> Mapping[str, Memory]:
        """m and v, 0 at first."""
        return means_memory(size)

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        """One, for the update as it is computed."""
        return {"scratch": (size,)}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        """Update ``theta`` in place by η = ``rate``; return what ``gradient`` returned before the update."""
        dtheta, scratch = state.dtheta, state.buffers["scratch"]
        m, v = state.memory["mean"], state.memory["square"]
        trusted, rectifier = self._rectifier(state.step)
        added = gradient(theta, dtheta, 1.0)
        average(m, self.beta1, dtheta, scratch)
        average_square(v, self.beta2, dtheta, scratch)
        np.sqrt(v, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.multiply(scratch, trusted * (1 - self.beta2**state.step) ** -0.5, scratch)
        np.add(scratch, 1 - trusted, scratch)  # (√v + ε)/√(1 − β₂ᵗ), or 1
        np.divide(m, scratch, scratch)
        np.multiply(scratch, rate * rectifier / (1 - self.beta1**state.step), scratch)
        np.subtract(theta, scratch, theta)
        return added

    def _rectifier(self, step: Any) -> tuple[Any, Any]:
        """1 where √v is to be trusted, else 0; and r, 1 where it is not.

        Written without a branch, because compiled code knows the numbers only when it runs.
        """
        most = 2 / (1 - self.beta2) - 1
        power = self.beta2**step
        length = most - 2 * step * power / (1 - power)
        trusted = (length > TRUSTED) * 1.0
        rho = trusted * length + (1 - trusted) * TRUSTED
        r = ((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) ** 0.5
        return trusted, trusted * r + (1 - trusted)
