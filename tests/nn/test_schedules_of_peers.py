"""Schedules give the rates of PyTorch's schedulers and of scikit-learn's invscaling, update by update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpcli.nn.schedules import (
    Cosine,
    Course,
    Exponential,
    InverseTime,
    OneCycle,
    Plateau,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    Warmup,
)

BASE, EPOCHS, PER_EPOCH = 0.3, 12, 7
COURSE = Course(EPOCHS * PER_EPOCH, PER_EPOCH, 100)
TOTAL = COURSE.updates

Scheduler = Callable[[Any, Any], Any]

BY_STEP: dict[str, tuple[Schedule, Scheduler]] = {
    "ExponentialLR": (Exponential(0.97, per="step"), lambda s, o: s.ExponentialLR(o, 0.97)),
    "PolynomialLR": (Polynomial(2.5), lambda s, o: s.PolynomialLR(o, TOTAL, 2.5)),
    "CosineAnnealingLR": (Cosine(0.01), lambda s, o: s.CosineAnnealingLR(o, TOTAL, 0.01)),
    "WarmRestarts": (
        Cosine(0.01, period=1, growth=2),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, PER_EPOCH, 2, 0.01),
    ),
    "OneCycleLR": (
        OneCycle(0.25, 20.0, 1e3),
        lambda s, o: s.OneCycleLR(o, BASE, TOTAL, pct_start=0.25, div_factor=20, final_div_factor=1e3),
    ),
    "OneCycleLR's defaults": (OneCycle(), lambda s, o: s.OneCycleLR(o, BASE, TOTAL)),
    "LinearLR": (Warmup(steps=10, start=0.2), lambda s, o: s.LinearLR(o, 0.2, 1.0, 10)),
    "LinearLR, then CosineAnnealingLR": (
        Warmup(steps=9, start=0.2, then=Cosine()),
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.2, 1.0, 9), s.CosineAnnealingLR(o, TOTAL - 9)], [9]),
    ),
}
BY_EPOCH: dict[str, tuple[Schedule, Scheduler]] = {
    "StepLR": (Step(3, 0.4), lambda s, o: s.StepLR(o, 3, 0.4)),
    "ExponentialLR": (Exponential(0.9), lambda s, o: s.ExponentialLR(o, 0.9)),
    "PolynomialLR": (Polynomial(1.5, per="epoch"), lambda s, o: s.PolynomialLR(o, EPOCHS, 1.5)),
    "CosineAnnealingLR": (Cosine(0.02, per="epoch"), lambda s, o: s.CosineAnnealingLR(o, EPOCHS, 0.02)),
    "WarmRestarts": (Cosine(period=3, per="epoch"), lambda s, o: s.CosineAnnealingWarmRestarts(o, 3)),
}


def theirs(make: Scheduler, count: int) -> list[float]:
    """PyTorch's rate before each of so many steps of its scheduler."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], BASE)
    scheduler, found = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of SequentialLR
@pytest.mark.parametrize("name", BY_STEP)
def test_rates_are_pytorchs_where_it_steps_after_each_update(name: str) -> None:
    schedule, make = BY_STEP[name]
    found = schedule.rates(BASE, np.arange(TOTAL), COURSE)
    np.testing.assert_allclose(found, theirs(make, TOTAL), rtol=0, atol=1e-12 * BASE)


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_EPOCH)
def test_rates_are_pytorchs_where_it_steps_after_each_epoch(name: str) -> None:
    schedule, make = BY_EPOCH[name]
    found = schedule.rates(BASE, np.arange(TOTAL), COURSE)
    np.testing.assert_allclose(found, np.repeat(theirs(make, EPOCHS), PER_EPOCH), rtol=0, atol=1e-12 * BASE)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_reductions_are_pytorchs_for_any_results(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    values = np.exp(np.cumsum(rng.normal(-0.05, 0.3, 60))).round(2) + 0.01
    values[rng.integers(0, 60, 3)] = np.nan
    higher, relative = bool(seed % 2), bool(seed // 2 % 2)
    settings: dict[str, Any] = {"factor": 0.6, "patience": seed % 4, "cooldown": seed % 3}
    schedule = ReduceOnPlateau(**settings, min_delta=0.03, relative=relative, minimum=0.05)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], BASE)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "max" if higher else "min",
        **settings,
        threshold=0.03,
        threshold_mode="rel" if relative else "abs",
        min_lr=0.05,
        eps=0,
    )
    plateau = Plateau()
    for value in values:
        scheduler.step(value)
        schedule.observe(plateau, float(value), higher=higher)
        course = Course(1, 1, 1, plateau.reductions)
        found = schedule.rates(BASE, np.arange(1), course)[0]
        assert found == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert plateau.reductions > 0


@pytest.mark.parametrize("power", [0.5, 0.3])
def test_rates_are_those_of_scikit_learns_invscaling(power: float) -> None:
    sklearn = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    optimizer = sklearn.SGDOptimizer([np.zeros(1)], BASE, "invscaling", power_t=power)
    expected, seen = [], 0
    for _ in range(EPOCHS):
        expected += [optimizer.learning_rate] * PER_EPOCH
        seen += COURSE.examples
        optimizer.iteration_ends(seen)
    schedule = InverseTime(power=power, per="example")
    np.testing.assert_allclose(schedule.rates(BASE, np.arange(TOTAL), COURSE), expected, rtol=1e-13)
