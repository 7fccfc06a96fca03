"""Every check of short trainings is silent on a task that can be learned, and fires where something is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.diagnosis.checks import TRAINING_CHECKS
from bpcli.diagnosis.rates import suggested_rates
from bpcli.diagnosis.rehearsal import Rehearsal
from bpcli.nn import Array
from tests.diagnosis.support import rehearsal, rng

CLASSES = """
data: {path: made.csv}
network: {hidden: [16]}
loss: cross_entropy
optimizer: {name: adam, learning_rate: 0.005}
"""

NUMBERS = """
data: {path: made.csv}
network: {hidden: [16]}
loss: half_squared_error
optimizer: {name: gradient_descent, learning_rate: 0.05}
"""


def task(*, classes: bool = True) -> tuple[Array, Array]:
    draw = rng()
    X = draw.normal(size=(300, 4))
    sums = X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * draw.normal(size=300)
    return X, (np.where(sums > 0, "yes", "no") if classes else sums)


@pytest.mark.parametrize("name", TRAINING_CHECKS)
def test_a_check_is_silent_where_training_goes_well(name: str, tmp_path: Path) -> None:
    for config, classes in ((CLASSES, True), (NUMBERS, False)):
        finding = TRAINING_CHECKS[name](rehearsal(tmp_path, config, *task(classes=classes)))
        assert (finding.verdict, finding.remedy) == ("ok", ""), finding
        assert finding.figures


def contradicting() -> tuple[Array, Array]:
    X = np.zeros((60, 2))
    X[:, 0] = np.arange(60) % 2
    return X, np.where(rng().random(60) < 0.5, "yes", "no")


def huge() -> tuple[Array, Array]:
    X, y = task(classes=False)
    return X * [1, 1000, 1, 1e4], y


FIRES = {
    "scale of features": (NUMBERS, huge, ["data.scale=none"]),
    "scale of targets": (NUMBERS, lambda: (task()[0], 5000 * task(classes=False)[1]), ["data.scale_targets=none"]),
    "initial loss": (CLASSES, task, ["network.initializer={name: normal, std: 10}"]),
    "units at the start": (CLASSES, task, ["network.activation=tanh", "network.initializer={name: normal, std: 50}"]),
    "overfits twenty examples": (CLASSES, contradicting, []),
    "updates beside weights": (NUMBERS, task, ["optimizer.learning_rate=50"]),
    "units after training": (
        CLASSES,
        task,
        ["optimizer.name=gradient_descent", "optimizer.learning_rate=30", "network.hidden=[8, 8, 8]"],
    ),
    "learning rates": (CLASSES, task, ["optimizer.learning_rate=20"]),
}


@pytest.mark.parametrize("name", TRAINING_CHECKS)
def test_a_check_fires_on_what_it_looks_for(name: str, tmp_path: Path) -> None:
    config, made, changes = FIRES[name]
    X, y = made() if made is not task else task(classes=config == CLASSES)
    finding = TRAINING_CHECKS[name](rehearsal(tmp_path, config, X, y, *changes))
    assert finding.verdict == "problem", finding
    assert finding.meaning
    assert finding.remedy


def test_a_shuffled_target_and_noise_are_learned_by_heart_but_zeros_have_no_learning_rate(tmp_path: Path) -> None:
    X, y = task()
    shuffled = rehearsal(tmp_path, CLASSES, X, rng(3).permutation(y))
    assert TRAINING_CHECKS["overfits twenty examples"](shuffled).verdict == "ok"
    zeros = rehearsal(tmp_path, CLASSES, np.zeros((60, 3)), np.where(np.arange(60) % 2, "yes", "no"))
    assert TRAINING_CHECKS["overfits twenty examples"](zeros).verdict == "problem"
    assert TRAINING_CHECKS["learning rates"](zeros).verdict == "problem"


RULES = ["gradient_descent", "momentum", "adam"]


@pytest.mark.parametrize("mode", ["mini_batch", "sgd"])
def test_training_at_the_suggested_rate_works(mode: str, tmp_path: Path) -> None:
    for rule in RULES:
        changes = [f"optimizer={{name: {rule}, mode: {mode}}}"]
        found = suggested_rates(rehearsal(tmp_path, CLASSES, *task(), *changes))
        rate = float(found.figures.split("for example ")[1].split(";")[0])
        tried = rehearsal(
            tmp_path, CLASSES, *task(), f"optimizer={{name: {rule}, mode: {mode}, learning_rate: {rate}}}"
        )
        first, learned = tried.loss(tried.experiment.parameters.theta), tried.loss_at(rate)
        assert learned < 0.8 * first, (rule, rate)


def test_findings_are_the_same_each_time_and_leave_the_experiment_alone(tmp_path: Path) -> None:
    one, other = (rehearsal(tmp_path, CLASSES, *task()) for _ in range(2))
    before = one.experiment.parameters.theta.tobytes()
    assert [check(one) for check in TRAINING_CHECKS.values()] == [check(other) for check in TRAINING_CHECKS.values()]
    assert one.experiment.parameters.theta.tobytes() == before


def test_a_rule_of_second_order_has_no_learning_rate_to_suggest(tmp_path: Path) -> None:
    made = rehearsal(tmp_path, NUMBERS, *task(classes=False), "optimizer={name: lbfgs, mode: batch}")
    assert isinstance(made, Rehearsal)
    assert [check(made).verdict for check in TRAINING_CHECKS.values()] == ["ok"] * len(TRAINING_CHECKS)
