"""The update rules beside torch.optim, in float64: the same θ after every update, by the same gradients and rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.optimizers import start, update

from .support import optimizer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _numbers_in_float64() -> Iterator[None]:
    """NAdam keeps the product of its momenta in torch's default type, which is float32."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


STEPS, LAYERS = 40, ((4, 3), (4, 1), (2, 4), (2, 1))
"""Updates, and the shapes of W1, b1, W2, b2."""


class Twin(NamedTuple):
    """A rule with its settings, and the name of its class in torch.optim with its arguments."""

    rule: str
    settings: dict[str, Any]
    torch: str
    arguments: dict[str, Any]


def twins() -> Iterator[Twin]:
    yield Twin("gradient_descent", {}, "SGD", {})
    for mu in (0.5, 0.9):
        yield Twin("momentum", {"momentum": mu, "rate_in": "step"}, "SGD", {"momentum": mu})
        yield Twin("nesterov", {"momentum": mu, "rate_in": "step"}, "SGD", {"momentum": mu, "nesterov": True})
    yield Twin("adagrad", {}, "Adagrad", {})
    yield Twin(
        "adagrad", {"epsilon": 1e-3, "initial_sum": 0.1}, "Adagrad", {"eps": 1e-3, "initial_accumulator_value": 0.1}
    )
    for centered in (False, True):
        for mu in (0.0, 0.8):
            yield Twin(
                "rmsprop",
                {"decay": 0.95, "epsilon": 1e-4, "centered": centered, "momentum": mu},
                "RMSprop",
                {"alpha": 0.95, "eps": 1e-4, "centered": centered, "momentum": mu},
            )
    yield Twin("adadelta", {}, "Adadelta", {})
    yield Twin("adadelta", {"decay": 0.7, "epsilon": 1e-3}, "Adadelta", {"rho": 0.7, "eps": 1e-3})
    betas = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}
    theirs: dict[str, Any] = {"betas": (0.8, 0.95), "eps": 1e-4}
    for rule, name, more in (
        ("adam", "Adam", {}),
        ("amsgrad", "Adam", {"amsgrad": True}),
        ("nadam", "NAdam", {}),
        ("radam", "RAdam", {}),
    ):
        yield Twin(rule, {}, name, more)
        yield Twin(rule, betas, name, theirs | more)
    yield Twin("nadam", {"momentum_decay": 0.1}, "NAdam", {"momentum_decay": 0.1})
    for decay in (0.0, 0.01, 0.5):
        yield Twin("adamw", betas | {"weight_decay": decay}, "AdamW", theirs | {"weight_decay": decay})
    yield Twin("rprop", {}, "Rprop", {})
    yield Twin(
        "rprop",
        {"increase": 1.6, "decrease": 0.3, "min_step": 1e-3, "max_step": 0.05},
        "Rprop",
        {"etas": (0.3, 1.6), "step_sizes": (1e-3, 0.05)},
    )


TWINS = list(twins())
RATES: dict[str, Callable[[int], float]] = {
    "constant": lambda _: 0.01,
    "falling": lambda k: 0.01 * 0.9**k,
    "cyclic": lambda k: 0.01 * (1.5 + np.sin(k)),
}


def gradients(theta: Array, k: int) -> Array:
    """A gradient that depends on θ and turns its sign here and there; 0 in some places."""
    noise = np.random.default_rng(k).normal(0, 1, theta.size)
    return np.where(noise > 1.5, 0.0, theta * noise + 0.3 * np.sin(7 * theta))


def path_of_pytorch(twin: Twin, theta: Array, rate: Callable[[int], float], l2: float) -> Iterator[Array]:
    """θ after each update by torch.optim; biases are in a group without decoupled decay."""
    torch = pytest.importorskip("torch")
    bounds = np.cumsum([0, *(rows * columns for rows, columns in LAYERS)])
    parts = [
        torch.nn.Parameter(torch.from_numpy(theta[low:high].reshape(shape).copy()))
        for low, high, shape in zip(bounds, bounds[1:], LAYERS, strict=False)
    ]
    groups: list[dict[str, Any]] = [{"params": parts[::2]}, {"params": parts[1::2]}]
    arguments = dict(twin.arguments)
    if "weight_decay" in arguments:
        groups[1]["weight_decay"] = 0.0
    elif l2:
        arguments["weight_decay"] = l2
    rule = getattr(torch.optim, twin.torch)(groups, lr=rate(0), **arguments)
    for k in range(STEPS):
        for group in rule.param_groups:
            group["lr"] = rate(k)
        now = np.concatenate([part.detach().numpy().reshape(-1) for part in parts])
        g = gradients(now, k)
        for part, low, high in zip(parts, bounds, bounds[1:], strict=False):
            part.grad = torch.from_numpy(g[low:high].reshape(part.shape).copy())
        rule.step()
        yield np.concatenate([part.detach().numpy().reshape(-1) for part in parts])


def path(twin: Twin, theta: Array, rate: Callable[[int], float], l2: float) -> Iterator[Array]:
    """θ after each update by bp's rule; ``l2`` times θ is part of the gradient, as an l2 penalty adds it."""
    rule = optimizer(twin.rule, learning_rate=rate(0), **twin.settings)
    state = start(rule, theta, (theta[:12].reshape(4, 3), theta[16:24].reshape(2, 4)))
    for k in range(STEPS):

        def gradient(at: Array, out: Array, factor: float, k: int = k) -> float:
            np.copyto(out, factor * (gradients(at, k) + l2 * at))
            return 0.0

        update(rule, theta, state, gradient, rate(k))
        yield theta.copy()


@pytest.mark.parametrize("schedule", RATES)
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.rule} {list(twin.settings.values())}")
def test_theta_is_that_of_pytorch_after_every_update(twin: Twin, schedule: str) -> None:
    rate = RATES[schedule]
    for l2 in (0.0,) if "weight_decay" in twin.settings or twin.rule == "rprop" else (0.0, 0.1):
        theta = np.random.default_rng(4).normal(0, 1, 26)
        expected = path_of_pytorch(twin, theta, rate, l2)
        for k, (one, other) in enumerate(zip(path(twin, theta.copy(), rate, l2), expected, strict=True)):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13, err_msg=f"update {k + 1}")


def test_pytorchs_rules_with_a_slip_are_told_apart() -> None:
    """The comparison can fail: settings that differ in the last of them."""
    for twin in TWINS:
        other = twin._replace(arguments=_changed(twin.arguments))
        theta = np.random.default_rng(4).normal(0, 1, 26)
        rate: Callable[[int], float] = (lambda _: 0.01) if twin.arguments else (lambda _: 0.0100001)
        expected = list(path_of_pytorch(other, theta, rate, 0.0))
        found = list(path(twin, theta.copy(), RATES["constant"], 0.0))
        same = np.allclose(found, expected, rtol=1e-12, atol=1e-13)
        assert not same, twin


def _changed(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, the last number in them a little larger."""
    if not arguments:
        return {}
    *others, (name, value) = arguments.items()
    if isinstance(value, bool):
        return {**dict(others), name: not value}
    larger = (value[0], value[1] * 0.99) if isinstance(value, tuple) else value + 0.01
    return {**dict(others), name: larger}
