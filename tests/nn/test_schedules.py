"""Schedules: a learning rate for each update."""

from __future__ import annotations

from math import cos, inf, log2, nan, pi

import numpy as np
import pytest

from bpcli.nn.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    CosLog,
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
from bpcli.nn.schedules.course import driven_by_results, needs_horizon, objection

BASE = 0.3
COURSE = Course(updates=20, per_epoch=5, examples=23)
SETTINGS: dict[str, Schedule] = {
    **{name: kind() for name, kind in SCHEDULES.items()},
    "by step": Exponential(0.5, per="step"),
    "keras": InverseTime(0.2, per="step"),
    "scikit-learn": InverseTime(power=0.5, per="example"),
    "quadratic": Polynomial(2.0, 0.01, per="epoch"),
    "restarts": Cosine(0.02, period=1, growth=2),
    "restarts by epoch": Cosine(0.02, period=2, per="epoch"),
    "long rise": OneCycle(0.9, 10.0, 100.0),
    "warm": Warmup(steps=7, start=0.5, then=Cosine(period=1)),
    "warm twice": Warmup(epochs=2, then=Warmup(steps=3, then=InverseTime())),
    "warm plateau": Warmup(then=ReduceOnPlateau(factor=0.5, minimum=0.1)),
}
"""Every schedule with its defaults, and more."""

every_schedule = pytest.mark.parametrize("schedule", SETTINGS.values(), ids=SETTINGS)


def rates(schedule: Schedule, course: Course = COURSE) -> list[float]:
    """Those of every update."""
    return list(schedule.rates(BASE, np.arange(course.updates), course).tolist())


@every_schedule
def test_there_is_a_rate_for_each_update_no_higher_than_the_rules(schedule: Schedule) -> None:
    for updates in ([], [0], [3, 4, 5], [19]):
        found = schedule.rates(BASE, np.array(updates, np.intp), COURSE)
        assert found.shape == (len(updates),)
        assert found.dtype == np.float64
        assert ((found > 0) | ((found == 0) & isinstance(schedule, CosLog))).all()
        assert (found <= BASE * (1 + 1e-15)).all()


@every_schedule
def test_a_rate_depends_on_its_update_and_not_on_the_others_asked_for(schedule: Schedule) -> None:
    updates = np.arange(COURSE.updates)
    whole = schedule.rates(BASE, updates, COURSE)
    assert whole.tolist() == [schedule.rates(BASE, updates[k : k + 1], COURSE)[0] for k in updates]


@every_schedule
def test_one_that_needs_no_horizon_has_the_same_rates_in_a_longer_training(schedule: Schedule) -> None:
    longer = Course(40, 5, 23)
    assert (rates(schedule, longer)[: COURSE.updates] == rates(schedule)) is not needs_horizon(schedule)


@every_schedule
def test_only_what_is_driven_by_results_changes_with_them(schedule: Schedule) -> None:
    reduced = rates(schedule, Course(20, 5, 23, reductions=1))
    assert (reduced == rates(schedule)) is (driven_by_results(schedule) is None)


# By hand.


def test_decays_by_hand() -> None:
    epochs = [k // 5 for k in range(20)]
    assert rates(Constant()) == [BASE] * 20
    assert rates(Step(every=3, factor=0.5)) == pytest.approx([BASE * 0.5 ** (k // 3) for k in epochs], rel=1e-15)
    assert rates(Exponential(0.9)) == pytest.approx([BASE * 0.9**k for k in epochs], rel=1e-15)
    assert rates(Exponential(0.9, per="step")) == pytest.approx([BASE * 0.9**k for k in range(20)], rel=1e-15)
    assert rates(InverseTime(0.1, 2.0)) == pytest.approx([BASE / (1 + 0.1 * k) ** 2 for k in epochs], rel=1e-15)
    assert rates(InverseTime(0.1, per="step")) == pytest.approx([BASE / (1 + 0.1 * k) for k in range(20)], rel=1e-15)
    by_example = [BASE / (1 + 23 * k) ** 0.5 for k in epochs]
    assert rates(InverseTime(power=0.5, per="example")) == pytest.approx(by_example, rel=1e-15)


def test_schedules_over_the_whole_training_by_hand() -> None:
    parabola = [0.1 + 0.2 * (1 - k / 20) ** 2 for k in range(20)]
    assert rates(Polynomial(2.0, 0.1)) == pytest.approx(parabola, rel=1e-14)
    assert rates(Polynomial(per="epoch"))[::5] == pytest.approx([0.3, 0.225, 0.15, 0.075], rel=1e-14)
    half_wave = [0.1 + 0.2 * (1 + cos(pi * k / 20)) / 2 for k in range(20)]
    assert rates(Cosine(0.1)) == pytest.approx(half_wave, rel=1e-14)
    coslog4 = [BASE * 0.5 * (1 - cos(2 * pi * log2(1 + 15 * k / 20))) for k in range(20)]
    assert rates(CosLog()) == pytest.approx(coslog4, abs=1e-15)


def test_a_cosine_restarts_with_ever_longer_cycles() -> None:
    found = rates(Cosine(period=1, growth=2), Course(35, 5, 23))  # cycles of 5, 10 and 20 updates
    expected = [BASE * (1 + cos(pi * k / length)) / 2 for length in (5, 10, 20) for k in range(length)]
    assert found == pytest.approx(expected, rel=1e-14)


def test_one_cycle_rises_and_falls_along_cosines() -> None:
    found = rates(OneCycle(pct_start=0.3, div_factor=10, final_div_factor=100))  # up to update 5, down to 19
    assert [found[0], found[5], found[19]] == pytest.approx([BASE / 10, BASE, BASE / 1000], rel=1e-14)
    assert found[2] == pytest.approx(BASE / 10 + 0.9 * BASE * (1 - cos(pi * 2 / 5)) / 2, rel=1e-14)
    assert found[12] == pytest.approx((BASE + BASE / 1000) / 2, rel=1e-14)
    assert rates(OneCycle(), Course(1, 1, 1)) == pytest.approx([BASE / 25], rel=1e-14)
    assert rates(OneCycle(), Course(3, 1, 1)) == pytest.approx(
        [BASE / 25, (BASE + BASE / 250_000) / 2, BASE / 250_000], rel=1e-8
    )


def test_what_follows_a_warm_up_counts_from_its_end_and_has_the_rest() -> None:
    found = rates(Warmup(steps=4, start=0.2, then=Polynomial()))
    assert found[:4] == pytest.approx([BASE * (0.2 + 0.8 * k / 4) for k in range(4)], rel=1e-15)
    assert found[4:] == pytest.approx([BASE * (1 - k / 16) for k in range(16)], rel=1e-14)
    assert rates(Warmup()) == rates(Warmup(epochs=1)) == rates(Warmup(steps=5))
    assert rates(Warmup(epochs=2))[9:11] == pytest.approx([BASE * (0.1 + 0.9 * 0.9), BASE], rel=1e-15)


@pytest.mark.parametrize(
    ("schedule", "setting"),
    [
        (Warmup(epochs=4), "epochs"),
        (Warmup(steps=20), "steps"),
        (Warmup(epochs=1, steps=1), "steps"),
        (Cosine(period=5), "period"),
        (Warmup(epochs=1, then=Cosine(period=4)), "then.period"),
        (Warmup(steps=3, then=Warmup(steps=17)), "then.steps"),
    ],
)
def test_what_does_not_fit_into_the_training_is_objected_to(schedule: Schedule, setting: str) -> None:
    found = objection(schedule, COURSE)
    assert found is not None
    assert found.setting == setting
    assert objection(schedule, Course(1000, 5, 23)) is None or setting == "steps"


@every_schedule
def test_what_fits_is_not_objected_to(schedule: Schedule) -> None:
    assert objection(schedule, COURSE) is None


# Driven by results.


def observed(schedule: ReduceOnPlateau, values: list[float], *, higher: bool = False) -> list[int]:
    """The reductions after each of so many epochs."""
    plateau, found = Plateau(), []
    for value in values:
        schedule.observe(plateau, value, higher=higher)
        found.append(plateau.reductions)
    return found


def test_the_rate_falls_after_more_than_patience_epochs_without_improvement() -> None:
    schedule = ReduceOnPlateau(patience=1, relative=False, min_delta=0.1)
    assert observed(schedule, [1.0, 0.95, 0.9, 0.95, 0.5, 0.6, 0.6]) == [0, 0, 1, 1, 1, 1, 2]
    assert observed(schedule, [1.0, 1.05, 1.1, 1.3, 1.2, 1.35], higher=True) == [0, 0, 1, 1, 1, 2]
    assert observed(ReduceOnPlateau(patience=0), [nan, 2.0, nan, inf, 1.0]) == [1, 1, 2, 3, 3]
    by_tenths = ReduceOnPlateau(patience=0, min_delta=0.1)
    assert observed(by_tenths, [10.0, 9.5, 8.9, -1.0, -1.05, -1.2]) == [
        0,
        1,
        1,
        1,
        2,
        2,
    ]


def test_nothing_is_counted_while_it_cools_down() -> None:
    assert observed(ReduceOnPlateau(patience=0, cooldown=2), [1.0] * 8) == [0, 1, 1, 1, 2, 2, 2, 3]
    assert observed(ReduceOnPlateau(patience=1, cooldown=1), [1.0] * 8) == [0, 0, 1, 1, 1, 2, 2, 2]


def test_reductions_multiply_the_rate_down_to_the_minimum() -> None:
    schedule = ReduceOnPlateau(factor=0.5, minimum=0.1)
    found = [rates(schedule, Course(1, 1, 1, reductions=k))[0] for k in range(4)]
    assert found == pytest.approx([0.3, 0.15, 0.1, 0.1])
    assert rates(ReduceOnPlateau(minimum=9.0)) == [BASE] * 20
