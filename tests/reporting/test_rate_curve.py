"""Schedules drawn as text: the shape that the rates have, in 80 columns."""

from __future__ import annotations

import pytest

from bpcli.nn.schedules import SCHEDULES, Polynomial, ReduceOnPlateau, Schedule
from bpcli.reporting.rate_curve import rate_curve


@pytest.mark.parametrize("schedule", [kind() for kind in SCHEDULES.values()], ids=SCHEDULES)
def test_every_update_has_one_point_within_80_columns(schedule: Schedule) -> None:
    lines = rate_curve(schedule)
    assert max(map(len, lines)) <= 80
    columns = [[line[7:].ljust(60)[k] for line in lines[:9]] for k in range(60)]
    assert all(column.count("•") == 1 for column in columns)


def test_a_line_falls_from_eta_to_nothing() -> None:
    lines = rate_curve(Polynomial(per="epoch"))  # after e epochs η is 1 − e/20, that is 8e/20 rows down
    starts = [line.index("•") for line in lines[:9]]
    assert [line.count("•") for line in lines[:9]] == [6, 6, 9, 6, 9, 6, 9, 6, 3]
    assert starts == [7, 13, 19, 28, 34, 43, 49, 58, 64]
    assert [line[4] for line in lines[:9]] == ["η", *"   2   ", "0"]
    assert lines[10] == "       0              5              10             15             20 epochs"


def test_what_is_driven_by_results_is_drawn_as_if_nothing_improved() -> None:
    lines = rate_curve(ReduceOnPlateau(patience=4, factor=0.5))
    first = "    η ┤" + 6 * 3 * "•"  # the first epoch is the best, and five more are waited for
    assert lines[0] == first
    assert lines[4] == "  η/2 ┤" + 18 * " " + 15 * "•"
