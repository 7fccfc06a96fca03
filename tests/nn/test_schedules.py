"""Schedules: a learning rate for each update."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.schedules import SCHEDULES, Constant, Schedule

EVERY: dict[str, Schedule] = {"constant": Constant(), **{name: kind() for name, kind in SCHEDULES.items()}}

every_schedule = pytest.mark.parametrize("schedule", EVERY.values(), ids=EVERY)

BASE, PER_EPOCH, EPOCHS = 0.3, 5, 4


@every_schedule
@pytest.mark.parametrize("updates", [[], [0], [3, 4, 5], [19]])
def test_there_is_a_positive_rate_for_each_update(schedule: Schedule, updates: list[int]) -> None:
    rates = schedule.rates(BASE, np.array(updates, np.intp), PER_EPOCH, EPOCHS)
    assert rates.shape == (len(updates),)
    assert (rates > 0).all()


@every_schedule
def test_a_rate_depends_on_its_update_and_not_on_the_others_asked_for(schedule: Schedule) -> None:
    updates = np.arange(PER_EPOCH * EPOCHS)
    whole = schedule.rates(BASE, updates, PER_EPOCH, EPOCHS)
    alone = [schedule.rates(BASE, updates[k : k + 1], PER_EPOCH, EPOCHS)[0] for k in updates]
    assert whole.tolist() == alone


def test_a_constant_rate_is_the_rules_own_at_every_update() -> None:
    assert Constant().rates(BASE, np.array([0, 7, 19]), PER_EPOCH, EPOCHS).tolist() == [BASE, BASE, BASE]
