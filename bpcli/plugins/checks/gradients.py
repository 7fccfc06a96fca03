"""Is backward the derivative of forward? Of an activation, a loss and a penalty, by the complex step and by formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.checking.comparison import GradientComparison
from bpcli.choices import Registry
from bpcli.errors import did_you_mean
from bpcli.nn.activations import ACTIVATIONS, first_values
from bpcli.nn.gradient_check import COMPLEX_STEP
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.losses import HalfSquaredError
from bpcli.plugins import samples

TOLERANCE = 1e-9
"""The relative error of sums and derivatives in float64 from which on they differ: far above rounding."""


def faults_of_activation(kind: type[Any]) -> Iterator[str]:
    """The adjoint identity, the values' range, then the gradient check with the activation in a hidden layer."""
    f = kind()
    yield from _unknown_name("usual_initializer", f.usual_initializer, INITIALIZERS)
    yield from _adjoint_faults(f)
    yield from _range_faults(f)
    network = samples.network_with(activation=f)
    yield from _gradient_faults(samples.comparison(network, samples.examples_for(HalfSquaredError.targets)))


def _unknown_name(statement: str, name: object, registry: Registry) -> Iterator[str]:
    """What a choice states by name is listed."""
    if name not in registry:
        yield f"its {statement} is {name!r}, and there is none; {did_you_mean(str(name), registry)}"


def _adjoint_faults(f: Any) -> Iterator[str]:
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩: J v by the complex step of forward, Jᵀ u by backward."""
    rng = np.random.default_rng(samples.SEED)
    n, m = 3, 40
    Z, V, U = 2 * rng.normal(size=(n, m)), rng.normal(size=(n, m)), rng.normal(size=(n, m))
    own = first_values(f, np.float64)
    complex_out, A, out = np.empty((n, m), complex), np.empty((n, m)), np.full((n, m), np.nan)
    f.forward(Z + 1j * COMPLEX_STEP * V, own.astype(complex), complex_out, samples.scratch(n, m, complex))
    f.forward(Z, own, A, samples.scratch(n, m, float))
    f.backward(U.copy(), Z, A, own, out, np.zeros_like(own), samples.scratch(n, m, float))
    forward, backward = U * complex_out.imag / COMPLEX_STEP, out * V
    error = abs(float(forward.sum() - backward.sum()))
    if not error <= TOLERANCE * float(np.abs(forward).sum()):
        yield (
            "backward is not the transpose of forward's derivative: ⟨u, J v⟩ is "
            f"{forward.sum():.9g}, ⟨Jᵀ u, v⟩ is {backward.sum():.9g}"
        )
    if not np.allclose(complex_out.real, A, rtol=TOLERANCE, atol=TOLERANCE):
        yield "forward of complex numbers has another real part than forward of real ones"


def _range_faults(f: Any) -> Iterator[str]:
    """Values for |z| up to 30 lie in the declared range."""
    Z = np.linspace(-30, 30, 600).reshape(3, 200)
    A = np.empty_like(Z)
    own = first_values(f, np.float64)
    f.forward(Z, own, A, samples.scratch(*Z.shape, float))
    low, high = f.range
    if not (low <= A.min() and A.max() <= high):
        yield f"its values run from {A.min():.6g} to {A.max():.6g}, outside its range [{low:g}, {high:g}]"


def faults_of_loss(kind: type[Any]) -> Iterator[str]:
    """The gradient check with the loss on its usual output."""
    loss = kind()
    unknown = list(_unknown_name("usual_output", loss.usual_output, ACTIVATIONS))
    if unknown:
        yield from unknown
        return
    network = samples.network_with(loss=loss, output=ACTIVATIONS[loss.usual_output]())
    yield from _gradient_faults(samples.comparison(network, samples.examples_for(loss.targets)))


def _gradient_faults(compared: GradientComparison) -> Iterator[str]:
    """The loss by its formula; every array of the gradient by the formula and by the complex step."""
    if compared.loss.verdict != "agrees":
        stated, found = compared.loss.exact, compared.loss.value
        yield f"the stated formula is not forward: the loss is {stated:.9g} by it, {found:.9g} by forward"
    for array, check in samples.group_checks(compared):
        if not check.passed:
            yield (
                f"∂L/∂{array}[{check.row}, {check.column}] is {check.backward:.9g} by backward, "
                f"{'unknown' if check.exact is None else format(check.exact, '.9g')} by the stated formula"
            )
        elif (error := check.differences.error) is not None and error > TOLERANCE:
            yield f"∂L/∂{array} by the complex step of forward is off by {error:.1e} of the layer's largest derivative"


def faults_of_penalty(kind: type[Any]) -> Iterator[str]:
    """What it adds to the gradient is the derivative of what it adds to the loss, by the complex step."""
    penalty, network = kind(), samples.network_with()
    theta = samples.first_theta(network)
    gradient, scratch = (network.parameters(np.zeros_like(theta)) for _ in range(2))
    penalty.apply(network.parameters(theta), gradient, scratch, samples.BATCH)
    point, slopes = theta.astype(complex), np.zeros_like(theta)
    spare, other = (network.parameters(np.zeros_like(point)) for _ in range(2))
    for i in range(theta.size):
        point[i] += 1j * COMPLEX_STEP
        slopes[i] = np.imag(penalty.apply(network.parameters(point), spare, other, samples.BATCH)) / COMPLEX_STEP
        point[i] = theta[i]
    wrong = np.flatnonzero(~np.isclose(gradient.theta, slopes, rtol=TOLERANCE, atol=1e-15))
    if len(wrong):
        yield (
            f"∂/∂θ[{wrong[0]}] of what it adds to the loss is {slopes[wrong[0]]:.9g}, "
            f"it adds {gradient.theta[wrong[0]]:.9g} to the gradient"
        )
