"""Networks that a rule of second order cannot train are refused by name, with figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bpcli.errors import ConfigError
from bpcli.memory import Left
from bpcli.nn.activations import Identity, Tanh
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import Network, dense
from bpcli.nn.noise import Gaussian
from bpcli.nn.optimizers import Adam
from bpcli.nn.optimizers.second_order.lbfgs import Lbfgs
from bpcli.nn.optimizers.second_order.levenberg_marquardt import LevenbergMarquardt
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.suitability import require_suited

HEAD = join(Identity(), HalfSquaredError())
LBFGS: Any = Lbfgs()
LEVENBERG_MARQUARDT: Any = LevenbergMarquardt()
PLAN = Plan(1, 4, shuffle=False, seed=0)


def refused(recipe: Recipe, size: int = 10) -> tuple[str, str, str]:
    with pytest.raises(ConfigError) as caught:
        require_suited(recipe, size)
    return caught.value.message, caught.value.hint, caught.value.key


def hidden(**settings: float) -> Network:
    return Network(2, (Dense(3, Tanh(), **settings), Dense(1, Identity())), HEAD)  # type: ignore[arg-type]


def test_matrices_that_do_not_fit_the_memory_are_refused_with_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.memory.left", lambda: Left(3_200_000_000))
    recipe = Recipe(dense((2, 3, 1), (Tanh(),), HEAD), LEVENBERG_MARQUARDT, PLAN)
    require_suited(recipe, 10_000)
    figures = "with P = 20,000 parameters 12.8 GB of memory, 3.2 GB are left"
    assert refused(recipe, 20_000) == (
        f"optimizer: levenberg_marquardt needs 4 matrices of P × P numbers, {figures}",
        "at most 10,000 parameters, or optimizer: lbfgs",
        "optimizer.name",
    )
    require_suited(replace(recipe, optimizer=LBFGS), 20_000)


def test_chance_and_constraints_in_training_are_refused() -> None:
    chance = "optimizer: lbfgs compares losses, and with what training draws by chance each look gives another"
    dropping = Recipe(hidden(dropout=0.5), LBFGS, PLAN)
    noisy = Recipe(hidden(), LBFGS, PLAN, input_noise=Gaussian())
    for recipe in (dropping, noisy):
        hint = "leave out dropout and data.input_noise, or take another rule"
        assert refused(recipe) == (chance, hint, "optimizer.name")
        require_suited(replace(recipe, optimizer=Adam()), 10)
    limited = Recipe(hidden(max_norm=1.0), LBFGS, PLAN)
    assert refused(limited)[1] == "leave max_norm out, or take another rule"
