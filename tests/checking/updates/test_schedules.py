"""The rates of every schedule agree with its formula in decimals, and a late or slightly wrong one does not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bpcli.checking.decimals import precision
from bpcli.checking.updates.comparison import UpdateCheck
from bpcli.checking.updates.equations import stated_rate
from bpcli.checking.updates.reference import DIGITS
from bpcli.checking.updates.subjects import open_updates
from bpcli.checking.updates.verdicts import RateCheck
from bpcli.nn.schedules import SCHEDULES, Course, Schedule
from bpcli.training.compiled import steps as compiled
from bpcli.training.engines import Engine, EngineName
from tests.cli.support import good, points, write_config
from tests.nn.test_schedules import SETTINGS
from tests.training.compiled.support import interpreted

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: points.csv, split: {validation: 0.2}}
    network: {hidden: [4], activation: tanh}
    loss: cross_entropy
    optimizer: {mode: mini_batch, batch_size: 12, learning_rate: 0.05}
    epochs: 4
    engine: numpy
    """
ENGINES: tuple[EngineName, ...] = ("numpy", "numba")

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


def test_updates_of_both_engines_agree_under_every_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)
    points(tmp_path / "points.csv", 50)
    write_config(tmp_path / "points.yaml", CONFIG)
    for name in SCHEDULES:
        opened = open_updates(tmp_path / "points.yaml", [f"optimizer.schedule={name}"])
        (experiment,) = opened.experiments
        for engine in ENGINES:
            subject = opened.subject(experiment, Engine(engine))
            found = UpdateCheck(subject, None, lambda _: None).check(4)
            assert found.passed, (name, engine, found.rates)


def test_the_reductions_of_a_run_are_those_of_its_checkpoint(tmp_path: Path) -> None:
    points(tmp_path / "points.csv", 50)
    write_config(tmp_path / "points.yaml", CONFIG)
    schedule = "{name: reduce_on_plateau, patience: 0, min_delta: 10.0, relative: false, factor: 0.5}"
    good("train", "points.yaml", f"optimizer.schedule={schedule}", "--run", "run", "--quiet", cwd=tmp_path)
    opened = open_updates(tmp_path / "run", [])
    (experiment,) = opened.experiments
    check = UpdateCheck(opened.subject(experiment, Engine()), None, lambda _: None).check(3)
    assert check.passed
    assert {rate.found for rate in check.rates} == {0.05 * 0.5**3}  # the first epoch improves, three do not
