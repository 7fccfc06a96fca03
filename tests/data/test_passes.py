"""How often a large array's file is read through until its examples can be gathered: no more often than is known."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.dataset import Matrix
from bpcli.data.files.extents import extent_of
from bpcli.data.files.pages import Pages
from bpcli.data.sources import FileRows, Rows
from bpcli.data.weighting import WeightRequest
from bpcli.errors import DataError
from bpcli.nn import Array

from .support import SCALES, features, idx, loaded, npy, refusal, targets, write

SIZE, WIDTH = 3000, 8
RNG = np.random.default_rng(4)
VALUES = np.column_stack([RNG.normal(3, 2, (SIZE, WIDTH - 1)), np.arange(SIZE) % 3]).astype(np.float32)
HOLED = np.where((np.arange(SIZE * WIDTH).reshape(SIZE, WIDTH) % 91 == 3) & (np.arange(WIDTH) < 5), np.nan, VALUES)
SPLIT = {"validation": 0.2, "test": 0.1}


class Counted:
    """Counts what is taken from arrays in a file: every row of it, and a column as all of its rows."""

    def __init__(self) -> None:
        self.rows = 0.0

    def array(self, values: Array) -> Array:
        """The array, whose parts are counted as they are taken."""
        count = self

        class Taken(np.ndarray):
            def __getitem__(self, key: Any) -> Any:
                found = np.asarray(self)[key]
                count.rows += found.size / WIDTH if found.ndim > 1 else len(found)
                return found

            def reshape(self, *shape: Any, **how: Any) -> Any:
                return super().reshape(*shape, **how).view(Taken)

        return values.view(Taken)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Arrays left in their files, and read in pieces; nothing but rows that are read anyway is hashed."""
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)
    monkeypatch.setattr("bpcli.data.encoding.medians.SAMPLE", 64)
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 300 * WIDTH)
    monkeypatch.setattr("bpcli.data.files.file_digest.FRESH", 0)
    count, array, digest = Counted(), Pages.array, Pages.digest

    def counted_digest(pages: Pages) -> str:
        count.rows += (pages.size - pages._hashed) // (WIDTH * 4)
        return digest(pages)

    monkeypatch.setattr(Pages, "array", lambda *arguments, **how: count.array(array(*arguments, **how)))
    monkeypatch.setattr(Pages, "digest", counted_digest)
    monkeypatch.setattr(Matrix, "release", lambda *arguments: None)  # it takes rows, and reads none
    return count


@pytest.mark.parametrize(
    ("name", "content", "most"),
    [
        ("numbers", npy(VALUES), 3),
        ("whole numbers", npy((VALUES * 1000).astype(np.int32)), 3),
        ("IDX", idx(VALUES, "float32"), 3),
        ("missing numbers", npy(HOLED.astype(np.float32)), 5),
    ],
)
@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
def test_a_large_file_is_read_through_three_times_until_it_is_encoded(
    name: str, content: bytes, most: int, loss: str, tmp_path: Path, counted: Counted
) -> None:
    if loss == "cross_entropy" and name == "whole numbers":
        content = npy((VALUES * np.where(np.arange(WIDTH) < WIDTH - 1, 1000, 1)).astype(np.int32))
    found = loaded(write(tmp_path, "f", content), loss)
    assert isinstance(found.parts["train"].features, FileRows)
    assert most - 1 < counted.rows / SIZE <= most + 0.05  # the sample's rows are few


@pytest.mark.parametrize(("scale", "most"), [("minmax", 3), ("none", 3)])
def test_scales_that_ask_for_no_deviation_take_no_more(scale: str, most: int, tmp_path: Path, counted: Counted) -> None:
    loaded(write(tmp_path, "f", npy(VALUES)), "half_squared_error", fractions=SPLIT, scale=scale)
    assert counted.rows / SIZE <= most + 0.05


def test_the_columns_that_are_asked_for_are_kept_as_they_pass(tmp_path: Path, counted: Counted) -> None:
    path = write(tmp_path, "f", npy(np.abs(VALUES)))
    loaded(path, "half_squared_error", targets=["2", "4"], weights=WeightRequest("0"), fractions=SPLIT)
    assert counted.rows / SIZE <= 3.05


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("limit", [1 << 28, 0], ids=["encoded at once", "left in their file"])
def test_threads_change_no_bit_of_what_is_loaded(
    threads: int, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", limit)
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 300 * WIDTH)
    path = write(tmp_path, "f", npy(HOLED))
    for scale in SCALES:
        one, several = (loaded(path, fractions=SPLIT, scale=scale, threads=number) for number in (1, threads))
        assert isinstance(several.parts["train"].features, Rows if limit else FileRows)
        assert one.features.to_json() == several.features.to_json()
        assert one.warnings.lines() == several.warnings.lines()
        assert one.digests == several.digests
        for part in one.parts:
            assert features(one, part).tobytes() == features(several, part).tobytes()
            assert targets(one, part).tobytes() == targets(several, part).tobytes()


def test_the_first_error_is_the_same_whatever_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 10 * WIDTH)
    wrong = VALUES.copy()
    wrong[[1234, 2345], [3, 0]] = np.inf
    infinite = write(tmp_path, "infinite", npy(wrong))
    wrong = VALUES.astype(np.float64)
    wrong[[777, 1777], [2, 1]] = 1e300
    out_of_range = write(tmp_path, "large", npy(wrong))
    for threads in (1, 2, 3, 5, 2, 3, 5):
        report = refusal(partial(loaded, infinite, threads=threads), DataError)
        assert report.startswith("error: infinite: row 1234: an infinite number\n")
        report = refusal(partial(loaded, out_of_range, scale="none", dtype="float32", threads=threads), DataError)
        assert report.startswith("error: large: row 777: column '2', scaled, is 1e+300")


@pytest.mark.usefixtures("heeded_signals")
def test_an_interrupt_ends_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.data.files.pages.CELLS", 10 * WIDTH)
    path, looked = write(tmp_path, "f", npy(VALUES)), []

    def interrupted(values: Array) -> Any:
        looked.append(len(values))
        if len(looked) == 20:
            signal.raise_signal(signal.SIGINT)
        return extent_of(values)

    monkeypatch.setattr("bpcli.data.encoding.walks.extent_of", interrupted)
    for threads in (1, 3):
        looked.clear()
        with pytest.raises(KeyboardInterrupt):
            loaded(path, threads=threads)
        assert 20 <= len(looked) < SIZE // 128
    assert loaded(path, threads=3).parts["train"].size == SIZE
