"""Other programs' updates: right ones agree, every planted mistake is caught, and none gets a wrong name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from bpcli.checking.updates.diagnosis import diagnose_updates
from bpcli.checking.updates.trajectories import Task
from bpcli.checking.updates.wording import written
from bpcli.nn import Array
from bpcli.nn.formulas import parse
from bpcli.nn.optimizers import OPTIMIZERS
from tests.nn.plain_optimizers import PLAIN
from tests.nn.support import STEP_RULES

from .later_rules import LATER_SLIPS, later_program, later_task
from .support import PROGRAMS, SLIPS, UPDATES, Slip, program, task

every_rule = pytest.mark.parametrize("name", PROGRAMS)


@every_rule
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_updates_agree(name: str, dtype: str) -> None:
    for scheduled, restored in product((False, True), repeat=2):
        given = task(name, scheduled=scheduled, restored=restored)
        found = diagnose_updates(given, program(given, name, PROGRAMS[name], dtype))
        assert found.update == 0, (dtype, found)
        assert not found.unjudged


def test_every_planted_mistake_is_caught_and_none_is_misnamed() -> None:
    assert len(SLIPS) > 90
    missed: list[Slip] = []
    misnamed: list[tuple[Slip, str]] = []
    unnamed = 0
    for slip in SLIPS:
        given = slip.task()
        found = diagnose_updates(given, program(given, slip.rule, slip.text()))
        missed += [] if found.update else [slip]
        unnamed += not found.recognised
        right = slip.name in found.mistake if slip.name else not found.recognised
        misnamed += [] if right else [(slip, found.mistake)]
    assert missed == []
    assert misnamed == []
    assert unnamed < len(SLIPS) / 8


def test_a_name_is_given_only_where_it_gives_all_the_numbers() -> None:
    """The known mistake, and one number of it that is another."""
    for slip in SLIPS[:: len(SLIPS) // 20]:
        given = slip.task()
        found = program(given, slip.rule, slip.text())
        found[-1] = found[-1].copy()
        entry = np.flatnonzero(np.isfinite(found[-1]))[-1]
        found[-1][entry] += 1e-3 * np.abs(found[-1][entry] - given.start.theta[entry]) + 1e-6
        assert not diagnose_updates(given, found).recognised, slip


@every_rule
def test_what_is_no_update_is_caught(name: str) -> None:
    given = task(name)
    right, rng = program(given, name, PROGRAMS[name]), np.random.default_rng(2)
    wrong: dict[str, list[Array]] = {
        "zeros": [0 * theta for theta in right],
        "noise": [theta + rng.normal(0, 1e-5, theta.size) for theta in right],
        "shuffled": [rng.permutation(theta) for theta in right],
        "the last in the first's place": right[::-1],
        "not finite": [theta + np.nan for theta in right],
    }
    for words, thetas in wrong.items():
        found = diagnose_updates(given, thetas)
        assert found.update == 1, words
        assert not found.recognised, (words, found)


@every_rule
def test_what_is_saved_wrongly_is_named(name: str) -> None:
    given = task(name)
    right = program(given, name, PROGRAMS[name])
    before = diagnose_updates(given, [given.start.theta, *right[:-1]])
    assert "θ was saved before each update, not after it" in before.mistake
    last = diagnose_updates(given, [right[-1]] * UPDATES)
    assert last.mistake == "every θ saved is the last one: the same array, not a copy of it"


@every_rule
def test_the_first_wrong_update_and_its_place_are_said(name: str) -> None:
    given = task(name)
    right = program(given, name, PROGRAMS[name])
    for k in range(UPDATES):
        wrong = [theta.copy() for theta in right]
        wrong[k][4] += 1e-9  # row by row, W1 (4, 3): its row 1, column 1
        found = diagnose_updates(given, wrong)
        assert (found.update, found.entry, found.found) == (k + 1, "W1[1, 1]", wrong[k][4])
        assert found.right == pytest.approx(right[k][4], rel=1e-14)
        assert not found.recognised, found.mistake


@every_rule
def test_in_float32_a_coarse_mistake_is_caught_and_a_half_precision_file_is_not_judged(name: str) -> None:
    given = task(name)
    text = PROGRAMS[name].replace("lr[k]", "(1.01 * lr[k])")
    assert diagnose_updates(given, program(given, name, text, "float32")).update
    half = program(given, name, PROGRAMS[name], "float16")
    assert diagnose_updates(given, half).unjudged


@pytest.mark.parametrize("name", ["gradient_descent", "momentum"])
def test_an_unknown_factor_is_measured(name: str) -> None:
    given = task(name)
    text = PROGRAMS[name].replace("lr[k]", "(0.37 * lr[k])")
    for dtype in ("float32", "float64", "longdouble"):
        found = diagnose_updates(given, program(given, name, text, dtype))
        assert "the learning rate is 0.37 times what it should be" in found.mistake, dtype


def test_a_rule_listed_later_has_its_own_named_mistakes() -> None:
    """Nothing is written for these rules but their equations."""
    for rule, right, wrong, words in LATER_SLIPS:
        given = later_task(rule)
        assert diagnose_updates(given, later_program(given, rule, rule.text)).update == 0, rule
        assert rule.text.count(right) == 1
        found = diagnose_updates(given, later_program(given, rule, rule.text.replace(right, wrong)))
        assert words in found.mistake, (rule, right, wrong, found)


def plain_program(name: str, *, every_entry_decays: bool = False, **changes: float) -> tuple[Task, list[Array]]:
    """A rule's task, and where a program in plain Python leads, with other settings than the task says."""
    given = task(name, **DECAY.get(name, {}))
    rule: Any = OPTIMIZERS[name](**{"learning_rate": 0.03, **DECAY.get(name, {}), **changes})
    undecayed = replace(rule, weight_decay=0.0) if name in DECAY and not every_entry_decays else rule
    rules = [rule if weight else undecayed for weight in given.weights]
    remembered = [dict[str, float]() for _ in given.places]
    theta, found = given.start.theta.tolist(), []
    for k, (g, rate) in enumerate(zip(given.gradients, given.rates, strict=True)):
        theta = [
            PLAIN[name](x, gi, rate, k + 1, settings, own)
            for x, gi, settings, own in zip(theta, g.tolist(), rules, remembered, strict=True)
        ]
        found.append(np.array(theta))
    return given, found


DECAY: dict[str, dict[str, Any]] = {"adamw": {"weight_decay": 0.3}, "lion": {"weight_decay": 0.3}}

PLAIN_SLIPS: list[tuple[str, dict[str, Any], str]] = [
    ("adamw", {"every_entry_decays": True}, "the biases decay too, by λ"),
    ("adamw", {"weight_decay": 0.0}, "λ · θ is left out"),
    ("lion", {"every_entry_decays": True}, "the biases decay too, by λ"),
    ("nadam", {"momentum_decay": 0.0}, "ψ is 0 instead of 0.004"),
    ("radam", {"beta1": 0.95}, "β₁ is 0.95 instead of 0.9"),
    ("rmsprop", {"decay": 0.9}, "ρ is 0.9 instead of 0.99"),
    ("adadelta", {"epsilon": 1e-7}, "ε is 1e-07 instead of 1e-06"),
    ("amsgrad", {"epsilon": 1e-4}, "ε is 0.0001 instead of 1e-08"),
    ("rprop", {"decrease": 0.8}, "decrease is 0.8 instead of 0.5"),
]


def test_a_plain_program_of_every_rule_agrees_and_other_settings_are_named() -> None:
    for name in STEP_RULES:
        found = diagnose_updates(*plain_program(name))
        assert (found.update, found.unjudged) == (0, ()), (name, found)
    for name, changes, words in PLAIN_SLIPS:
        found = diagnose_updates(*plain_program(name, **changes))
        assert words in found.mistake, (name, changes, found)


def test_a_rate_in_the_velocity_where_it_belongs_to_the_step_is_named() -> None:
    settings: dict[str, Any] = {"rate_in": "step"}
    given = task("momentum", scheduled=True, **settings)
    right = PROGRAMS["momentum"].replace("lr[k] * G", "G").replace("theta + v", "theta + lr[k] * v")
    assert diagnose_updates(given, program(given, "momentum", right)).update == 0
    found = diagnose_updates(given, program(given, "momentum", PROGRAMS["momentum"]))
    assert found.mistake == "η multiplies the gradient in v, not v in the step"


def test_a_condition_has_words() -> None:
    largest = parse(r"v_{<theta>} \text{ where } v_{<theta>} > u_{<theta>} \text{, else } u_{<theta>}")
    assert written(largest) == "(v where v > u, else u)"


NARROW = "f = np.float32\nb1, b2, eps = f(b1), f(b2), f(eps)\nG = g[k]"
_POWERS = {"(1 - b1**t)": "(f(1) - f(b1) ** f(t))", "(1 - b2**t)": "(f(1) - f(b2) ** f(t))"}
_PRODUCTS = {"(1 - b1**t)": "(1 - p1)", "(1 - b2**t)": "(1 - p2)"}
NARROW_PROGRAMS = {
    "powers": {"G = g[k]": "f = np.float32\nG = g[k]", **_POWERS},
    "all": {"G = g[k]": NARROW, **_POWERS, "(1 - b1) *": "(f(1) - b1) *", "(1 - b2) *": "(f(1) - b2) *"},
    "products": {"G = g[k]": f"{NARROW}\np1, p2 = (p1 * b1, p2 * b2) if k else (b1, b2)", **_PRODUCTS},
}
"""Adam with single numbers in float32: the powers alone, all numbers, and powers as running products."""


def changed_program(changes: Mapping[str, str]) -> str:
    text = PROGRAMS["adam"]
    for right, other in changes.items():
        assert right in text
        text = text.replace(right, other)
    return text


def test_single_numbers_may_be_in_float32() -> None:
    scale = 10.0 ** np.random.default_rng(3).uniform(-7, 0, task("adam").places.size)
    scale[:3] = 0
    for (words, changes), epsilon, rate in product(NARROW_PROGRAMS.items(), (1e-8, 1e-3), (0.03, 1.0)):
        given = task("adam", scheduled=True, epsilon=epsilon)
        given = replace(
            given,
            start=replace(given.start, theta=given.start.theta * (scale > 1e-5)),
            gradients=tuple(g * scale for g in given.gradients),
            rates=tuple(rate * one for one in given.rates),
        )
        found = diagnose_updates(given, program(given, "adam", changed_program(changes), "float32"))
        assert found.update == 0, (words, found)


NARROWLY_WRONG = [
    ("lr[k]", "(1.00001 * lr[k])"),
    ("lr[k]", "(1.0001 * lr[k])"),
    ("lr[k]", "(1.0003 * lr[k])"),
    ("b2", "0.9995"),
    ("+ eps", "+ 1e-7"),
    ("theta - ", "theta - lr[k] * 3.7e-4 * theta - "),
    ("theta = theta", "theta = theta + 2e-6 * (np.arange(theta.size) == 5) * (k == 0)"),
    ("theta = theta", "theta = theta + 2e-6 * (np.arange(theta.size) == 5) * (k == 3)"),
]
"""Mistakes in Adam that are small in float32."""


def test_float32_excuses_no_small_mistake() -> None:
    given = task("adam")
    for right, wrong in NARROWLY_WRONG:
        found = diagnose_updates(given, program(given, "adam", changed_program({right: wrong}), "float32"))
        assert found.update, wrong
        assert not found.recognised or "lr" in wrong, (wrong, found.mistake)


def test_in_float32_no_planted_mistake_is_misnamed() -> None:
    caught = named = 0
    some = SLIPS[::4]
    for slip in some:
        given = slip.task()
        found = diagnose_updates(given, program(given, slip.rule, slip.text(), "float32"))
        caught += found.update > 0
        if found.update and found.recognised:
            assert slip.name in found.mistake, (slip, found.mistake)
            named += bool(slip.name)
    assert caught > 0.9 * len(some)
    assert named > 0.8 * len(some)


@every_rule
def test_a_factor_near_1_is_shown_with_the_digits_that_tell_it_from_1(name: str) -> None:
    given = task(name)
    text = PROGRAMS[name].replace("lr[k]", "((1 + 1e-9) * lr[k])")
    found = diagnose_updates(given, program(given, name, text))
    assert "the learning rate is 1.000000001 times what it should be" in found.mistake
