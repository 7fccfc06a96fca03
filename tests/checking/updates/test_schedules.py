"""The rates of every schedule agree with its formula in decimals, and a late or slightly wrong one does not."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from bpcli.checking.decimals import precision
from bpcli.checking.updates.equations import stated_rate
from bpcli.checking.updates.reference import DIGITS
from bpcli.checking.updates.verdicts import RateCheck
from bpcli.nn.schedules import Course, Schedule
from tests.nn.test_schedules import SETTINGS

BASE = 0.3
COURSES = [Course(20, 5, 23), Course(20, 5, 23, reductions=2), Course(1000, 25, 799), Course(777, 7, 7)]


@pytest.mark.parametrize("schedule", SETTINGS.values(), ids=SETTINGS)
def test_rates_are_what_the_formula_gives(schedule: Schedule) -> None:
    for course in COURSES:
        last = course.updates - 1
        updates = sorted({*range(20), last // 3, last // 2, last - 1, last})
        found = schedule.rates(BASE, np.array(updates), course)
        with precision(DIGITS):
            stated = [stated_rate(schedule, BASE, update, course) for update in updates]
        for update, rate, one in zip(updates, found.tolist(), stated, strict=True):
            right, error = float(one.value), float(one.error)
            assert RateCheck(update, right, rate, error).passed, (update, right, rate)
            assert not rate or not RateCheck(update, right, rate + 1e-12 * BASE, error).passed, update
            assert isinstance(one.value, Decimal)
