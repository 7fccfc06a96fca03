"""Where a gradient is wrong: rows, columns, blocks, single entries, told apart from rounding."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.checking.known_mistakes.diagnosis import diagnose
from bpcli.checking.known_mistakes.locations import Location
from bpcli.nn import Array

from .test_known_mistakes import Homework, every_precision, homework


def located(work: Homework, **arrays: Array) -> tuple[Location, ...]:
    ws = work.given.network.workspace(work.m, np.float64)
    ws.X[...], ws.Y[...] = work.ws.X, work.ws.Y
    return diagnose(work.given.network, work.given.parameters, ws, work.changed(**arrays)).location


PLACES = {
    "dW2 is wrong in row 3 alone": np.s_[3:4, :],
    "dW2 is wrong in rows 0 and 2 alone": np.s_[0:3:2, :],
    "dW2 is wrong in column 4 alone": np.s_[:, 4:5],
    "dW2 is wrong in rows 1 and 2, columns 0, 1 and 2 alone": np.s_[1:3, 0:3],
    "dW2 is wrong in one entry alone: row 1, column 3": np.s_[1:2, 3:4],
    "dW2 is wrong in every entry": np.s_[:, :],
}


@every_precision
@pytest.mark.parametrize(("words", "places"), PLACES.items(), ids=PLACES)
def test_the_wrong_entries_are_named(words: str, places: tuple[slice, slice], dtype: str) -> None:
    work = homework(dtype)
    dW = work.right["dW2"].copy()
    dW[places] *= 1.5
    (location,) = located(work, dW2=dW)
    assert location.in_words() == words
    assert (location.entries, location.size, location.whole) == (dW[places].size, 25, True)


def test_scattered_entries_are_counted() -> None:
    work = homework()
    dW = work.right["dW2"].copy()
    dW[[0, 1, 3], [2, 2, 4]] += 1
    (location,) = located(work, dW2=dW)
    assert location == Location(2, "dW2", (0, 1, 3), (2, 4), 3, 25, whole=False)
    assert location.in_words() == "dW2 is wrong in 3 of 25 entries, rows 0, 1 and 3, columns 2 and 4"


def test_many_rows_are_counted_and_some_of_them_named() -> None:
    work = homework(sizes=(4, 12, 5, 3))
    dW = work.right["dW1"].copy()
    dW[1:] *= 2
    (location,) = located(work, dW1=dW)
    assert location.in_words() == "dW1 is wrong in 11 rows, 1, 2, 3, 4, 5, 6, 7, 8, … alone"


def test_each_wrong_array_has_its_location_and_b_has_no_columns() -> None:
    work = homework()
    db = work.right["db2"].copy()
    db[2] += 1
    of_dW, of_db = located(work, dW2=2 * work.right["dW2"], db2=db)
    assert (of_dW.array, of_dW.rows, of_dW.columns) == ("dW2", None, None)
    assert of_db == Location(2, "db2", (2,), None, 1, 5, whole=True)
    assert of_db.in_words() == "db2 is wrong in one entry alone: row 2"


def test_an_array_of_another_shape_is_wrong_in_every_entry() -> None:
    work = homework(sizes=(4, 5, 6, 3))
    (location,) = located(work, dW2=work.right["dW2"].T)
    assert location == Location(2, "dW2", None, None, 30, 30, whole=True)
    assert (
        located(homework(sizes=(4, 5, 6, 1), output="sigmoid"), db3=np.ones(1))[0].in_words()
        == "db3 is wrong in its only entry"
    )


def test_rounding_beside_a_wrong_entry_is_not_wrong() -> None:
    work = homework()
    dW = work.right["dW2"] * (1 + 1e-15 * np.random.default_rng(0).normal(0, 1, (5, 5)))
    dW[4, 0] *= 1.001
    (location,) = located(work, dW2=dW)
    assert location.in_words() == "dW2 is wrong in one entry alone: row 4, column 0"


def test_a_right_gradient_has_no_location() -> None:
    assert located(homework()) == ()
