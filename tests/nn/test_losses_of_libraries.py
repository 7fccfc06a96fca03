"""Losses and their dZ against PyTorch's, differentiated by autograd, and scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.heads import join
from bpcli.nn.losses import (
    BinaryCrossEntropy,
    CategoricalFocal,
    CrossEntropy,
    Focal,
    Gamma,
    Huber,
    KullbackLeibler,
    Loss,
    Poisson,
    Quantile,
)

from .support import activation, loss, targets
from .test_heads import activate, backward, total

N, M = 4, 9

Formula = Callable[[Any, Any, Any], Any]
"""torch.nn.functional, Z and Y with examples in rows ↦ the sum of the terms."""


def focal(F: Any, Z: Any, Y: Any) -> Any:
    """As torchvision's sigmoid_focal_loss, α = 0.3, γ = 1.5."""
    p, entropy = Z.sigmoid(), F.binary_cross_entropy_with_logits(Z, Y, reduction="none")
    p_t, alpha_t = p * Y + (1 - p) * (1 - Y), 0.3 * Y + 0.7 * (1 - Y)
    return (alpha_t * entropy * (1 - p_t) ** 1.5).sum()


def categorical_focal(F: Any, Z: Any, Y: Any) -> Any:
    """−(1 − p)^γ log p, γ = 1.5."""
    log_p = F.log_softmax(Z, 1)[range(M), Y]
    return -((1 - log_p.exp()) ** 1.5 * log_p).sum()


OF_TORCH: dict[str, tuple[str, Loss, Formula]] = {
    "l1_loss": ("identity", loss("absolute_error"), lambda F, Z, Y: F.l1_loss(Z, Y, reduction="sum")),
    "huber_loss": ("identity", Huber(delta=0.7), lambda F, Z, Y: F.huber_loss(Z, Y, reduction="sum", delta=0.7)),
    "poisson_nll_loss": (
        "exponential",
        Poisson(),
        lambda F, Z, Y: F.poisson_nll_loss(Z, Y, reduction="sum") + (Y.xlogy(Y) - Y).sum(),
    ),
    "hinge": ("identity", loss("hinge"), lambda F, Z, Y: F.relu(1 - Y * Z).sum()),
    "squared hinge": ("tanh", loss("squared_hinge"), lambda F, Z, Y: (F.relu(1 - Y * Z.tanh()) ** 2).sum()),
    "sigmoid_focal_loss": ("sigmoid", Focal(gamma=1.5, alpha=0.3), focal),
    "categorical focal": ("softmax", CategoricalFocal(gamma=1.5), categorical_focal),
    "kl_div": (
        "softmax",
        KullbackLeibler(),
        lambda F, Z, Y: F.kl_div(F.log_softmax(Z, 1), Y, reduction="batchmean") * M,
    ),
    "cross_entropy, smoothed": (
        "softmax",
        CrossEntropy(label_smoothing=0.15),
        lambda F, Z, Y: F.cross_entropy(Z, Y, reduction="sum", label_smoothing=0.15),
    ),
    "binary_cross_entropy, smoothed": (
        "sigmoid",
        BinaryCrossEntropy(label_smoothing=0.15),
        lambda F, Z, Y: F.binary_cross_entropy_with_logits(Z, 0.85 * Y + 0.075, reduction="sum"),
    ),
}


def drawn(of: Loss) -> tuple[Array, Array]:
    rng = np.random.default_rng(5)
    Z, Y = rng.normal(0, 1.5, (N, M)), targets(of, N, M, rng)
    if of.targets.shares:
        Y /= Y.sum(axis=0)
    return Z, np.round(Y) if isinstance(of, Poisson | Focal) else Y


@pytest.mark.slow
@pytest.mark.parametrize(("output", "of", "formula"), OF_TORCH.values(), ids=OF_TORCH)
def test_the_loss_and_its_slope_are_those_of_torch(output: str, of: Loss, formula: Formula) -> None:
    torch = pytest.importorskip("torch")
    head, (Z, Y) = join(activation(output), of), drawn(of)
    at = torch.tensor(Z.T.copy(), requires_grad=True)
    found = formula(torch.nn.functional, at, torch.tensor(Y.T.copy()))
    found.backward()
    assert total(head, Z, Y).real == pytest.approx(found.item(), rel=1e-12)
    np.testing.assert_allclose(backward(head, Z, Y), at.grad.numpy().T, rtol=1e-11, atol=1e-14)


OF_SCIKIT_LEARN: dict[str, tuple[str, Loss, str, dict[str, float]]] = {
    "absolute error": ("identity", loss("absolute_error"), "AbsoluteError", {}),
    "quantile": ("identity", Quantile(levels=(0.8,)), "PinballLoss", {"quantile": 0.8}),
    "poisson": ("exponential", Poisson(), "HalfPoissonLoss", {}),
    "gamma": ("exponential", Gamma(), "HalfGammaLoss", {}),
    "binary cross-entropy": ("sigmoid", loss("binary_cross_entropy"), "HalfBinomialLoss", {}),
}


@pytest.mark.parametrize(("output", "of", "name", "settings"), OF_SCIKIT_LEARN.values(), ids=OF_SCIKIT_LEARN)
def test_the_loss_and_its_slope_are_those_of_scikit_learn(
    output: str, of: Loss, name: str, settings: dict[str, float]
) -> None:
    losses = pytest.importorskip("sklearn._loss.loss")
    head, (Z, Y) = join(activation(output), of), drawn(of)
    made, y, raw = getattr(losses, name)(**settings), Y.reshape(-1).copy(), Z.reshape(-1).copy()
    constant = made.constant_to_optimal_zero(y).sum() if name in ("HalfPoissonLoss", "HalfGammaLoss") else 0
    assert total(head, Z, Y).real == pytest.approx(made.loss(y, raw).sum() + constant, rel=1e-12)
    np.testing.assert_allclose(backward(head, Z, Y).reshape(-1), made.gradient(y, raw), rtol=1e-12, atol=1e-14)


def test_pinball_and_deviances_are_those_of_scikit_learns_metrics() -> None:
    metrics: Any = pytest.importorskip("sklearn.metrics")
    scores: list[tuple[Loss, Callable[[Array, Array], Any]]] = [
        (Quantile(levels=(0.1,)), lambda y, a: metrics.mean_pinball_loss(y, a, alpha=0.1)),
        (Poisson(), lambda y, a: metrics.mean_poisson_deviance(y, a) / 2),
        (Gamma(), lambda y, a: metrics.mean_gamma_deviance(y, a) / 2),
    ]
    for of, score in scores:
        head, (Z, Y) = join(activation("exponential"), of), drawn(of)
        A = activate(head, Z)
        assert total(head, Z, Y).real / (N * M) == pytest.approx(score(Y.reshape(-1), A.reshape(-1)), rel=1e-12)
