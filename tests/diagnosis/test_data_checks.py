"""Every check of columns is silent on a clean table, and fires on the one thing it looks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from bpcli.diagnosis.checks import DATA_CHECKS
from bpcli.diagnosis.gravest import GRAVE, gravest
from bpcli.diagnosis.leaks import scores
from bpcli.nn import Array
from tests.diagnosis.support import SIZE, clean, rng, table


def with_(name: str, column: Any) -> dict[str, Array]:
    """The clean table with one more feature."""
    columns = clean()
    target = columns.pop("y")
    return {**columns, name: np.asarray(column), "y": target}


def with_target(column: Any) -> dict[str, Array]:
    return {**clean(), "y": np.asarray(column)}


def repeated() -> dict[str, Array]:
    """The last quarter of the rows is the first one again."""
    return {name: np.concatenate([column[: SIZE * 3 // 4], column[: SIZE // 4]]) for name, column in clean().items()}


def codes() -> Array:
    return np.where(clean()["y"] == "yes", 1.0, 0.0)


FIRES: dict[str, Callable[[], dict[str, Array]]] = {
    "constant target": lambda: with_target(["yes"] * SIZE),
    "leaking columns": lambda: with_("alive", np.where(clean()["y"] == "yes", "alive", "dead").astype(object)),
    "duplicates": repeated,
    "ids": lambda: with_("name", np.array([f"row {k}" for k in rng().permutation(SIZE)], object)),
    "constant columns": lambda: with_("flat", np.full(SIZE, 7.0)),
    "missing values": lambda: with_("gaps", np.where(rng(1).random(SIZE) < 0.6, np.nan, rng(2).normal(size=SIZE))),
    "class balance": lambda: with_target(np.where(np.arange(SIZE) % 50 == 0, "rare", "usual").astype(object)),
    "shift between parts": lambda: with_(
        "late", np.where(np.arange(SIZE) < SIZE * 0.75, 0.0, 2.0) + rng().normal(size=SIZE)
    ),
}


@pytest.mark.parametrize("name", DATA_CHECKS)
def test_a_check_is_silent_on_a_clean_table(name: str) -> None:
    finding = DATA_CHECKS[name](table(clean()))
    assert (finding.verdict, finding.remedy) == ("ok", "")
    assert finding.figures


@pytest.mark.parametrize("name", DATA_CHECKS)
def test_a_check_fires_on_what_it_looks_for_and_no_graver_one_does(name: str) -> None:
    found = {other: check(table(FIRES[name]())) for other, check in DATA_CHECKS.items()}
    assert found[name].verdict == ("note" if name in ("constant columns", "class balance") else "problem")
    assert found[name].meaning
    assert found[name].remedy
    problems = {other for other, finding in found.items() if finding.verdict == "problem"}
    assert problems <= {name}


def noisy_target() -> Array:
    return rng(5).normal(size=SIZE)


@pytest.mark.parametrize(
    ("column", "classification", "leaks"),
    [
        (codes(), True, True),
        (codes() * 3 - 1, True, True),
        (codes() + 0.3 * rng(3).random(SIZE), True, True),
        (np.array([f"{k:.0f}-{int(rng(k).integers(9))}" for k in range(SIZE)], object), True, False),
        (noisy_target(), False, True),
        (np.exp(noisy_target()), False, True),
        (-(noisy_target() ** 3), False, True),
        (noisy_target() + 0.3 * rng(4).normal(size=SIZE), False, False),
        (np.abs(noisy_target()), False, False),
    ],
    ids=["code", "other code", "two ranges", "text", "copy", "exponential", "cube", "noisy copy", "size"],
)
def test_copies_in_other_words_are_leaks_and_strong_columns_are_not(
    column: Array,
    classification: bool,  # noqa: FBT001
    leaks: bool,  # noqa: FBT001
) -> None:
    columns = with_("extra", column)
    columns["y"] = columns["y"] if classification else noisy_target()
    finding = DATA_CHECKS["leaking columns"](table(columns, classification=classification))
    assert (finding.verdict == "problem") == leaks
    if leaks:
        assert finding.figures.startswith("'extra' (")


def test_a_date_that_tells_the_class_is_a_leak() -> None:
    start = date(2020, 1, 1)
    days = np.array([str(start + timedelta(days=k + 1000 * int(late))) for k, late in enumerate(codes())], object)
    assert DATA_CHECKS["leaking columns"](table(with_("when", days))).figures.startswith("'when' (")


@pytest.mark.parametrize("shuffled", [False, True])
def test_noise_and_a_shuffled_target_tell_nothing(shuffled: bool) -> None:  # noqa: FBT001
    columns = with_target(rng(7).permutation(clean()["y"])) if shuffled else with_("noise", rng(8).normal(size=SIZE))
    found = scores(table(columns))
    assert found.get("noise", 0.0) < 0.1
    assert max(found.values()) < 0.5


def test_a_table_of_zeros_has_a_constant_target_and_no_leak() -> None:
    zeros = table({"a": np.zeros(SIZE), "b": np.zeros(SIZE), "y": np.zeros(SIZE)}, classification=False)
    found = {name: check(zeros).verdict for name, check in DATA_CHECKS.items()}
    assert found["constant target"] == "problem"
    assert found["leaking columns"] == "ok"
    assert found["constant columns"] == "note"


def test_numbers_that_count_the_rows_are_ids_and_other_whole_numbers_are_not() -> None:
    check = DATA_CHECKS["ids"]
    for row in (rng().permutation(SIZE) + 1.0, np.arange(SIZE) * 1.0):
        found = check(table(with_("row", row)))
        assert (found.verdict, found.figures) == ("problem", "whole numbers in steps of one, as rows are numbered: row")
        assert found.remedy == "if it is one: add row to data.drop"
    assert check(table(with_("price", rng().permutation(SIZE) * 10.0))).verdict == "ok"
    assert check(table(with_("age", rng().integers(0, 90, SIZE) * 1.0))).verdict == "ok"


def test_even_steps_that_tell_the_target_are_worth_a_note_and_no_warning_of_training() -> None:
    time = rng(3).permutation(SIZE) * 1.0
    late = np.where((time > SIZE / 2) ^ (rng(4).random(SIZE) < 0.2), "yes", "no").astype(object)
    measured = table({**with_("time", time), "y": late})
    found = DATA_CHECKS["ids"](measured)
    told = "whole numbers in steps of one, as rows are numbered, which tell the target: time"
    assert (found.verdict, found.figures) == ("note", told)
    assert gravest(measured.raw) == []


def test_equal_rows_of_few_possible_ones_are_no_problem() -> None:
    draw = rng()
    few = {name: draw.integers(0, 3, SIZE) * 1.0 for name in ("a", "b")}
    finding = DATA_CHECKS["duplicates"](table({**few, "y": draw.choice(["no", "yes"], SIZE).astype(object)}))
    assert finding.verdict == "note"


def test_training_says_the_gravest_in_one_line_and_nothing_of_a_clean_table() -> None:
    assert gravest(table(clean()).raw) == []
    fires = ["constant target", "leaking columns", "duplicates", "ids"]
    for name, words in zip(fires, GRAVE, strict=True):
        (line,) = gravest(table(FIRES[name]()).raw)
        assert line.startswith(f"{words}: ")
        assert line.endswith("; see bp doctor")


def test_many_rows_are_sampled_alike_each_time() -> None:
    large = {name: np.tile(column, 40) for name, column in clean().items()}
    one, other = table(large), table(large)
    assert one.seen == "5,000 of 12,000 training rows"
    assert (one.rows["train"] == other.rows["train"]).all()
