"""How often a large array's file is read through until its examples can be gathered: no more often than is known."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import current_thread
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.dataset import Matrix
from bpcli.data.files.extents import extent_of
from bpcli.data.files.pages import Pages
from bpcli.data.raw import RawData
from bpcli.data.sources import FileRows, Rows
from bpcli.data.weighting import WeightRequest
from bpcli.diagnosis.gravest import gravest
from bpcli.diagnosis.table import Limits
from bpcli.errors import DataError
from bpcli.nn import Array
from tests.training.shards.played import Together

from .support import SCALES, features, idx, loaded, npy, refusal, targets, write

SIZE, WIDTH = 3000, 8
RNG = np.random.default_rng(4)
VALUES = np.column_stack([RNG.normal(3, 2, (SIZE, WIDTH - 1)), np.arange(SIZE) % 3]).astype(np.float32)
HOLED = np.where((np.arange(SIZE * WIDTH).reshape(SIZE, WIDTH) % 91 == 3) & (np.arange(WIDTH) < 5), np.nan, VALUES)
SPLIT = {"validation": 0.2, "test": 0.1}


class Counted:
    """Counts what is taken from arrays in a file: every row of it, and a column as all of its rows."""

    def __init__(self) -> None:
        self.by_thread = defaultdict[str, float](float)

    @property
    def rows(self) -> float:
        """All that was taken."""
        return sum(self.by_thread.values())

    def add(self, rows: float) -> None:
        self.by_thread[current_thread().name] += rows

    def array(self, values: Array) -> Array:
        """The array, whose parts are counted as they are taken."""
        count = self

        class Taken(np.ndarray):
            def __getitem__(self, key: Any) -> Any:
                found = np.asarray(self)[key]
                count.add(found.size / WIDTH if found.ndim > 1 else len(found))
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
        count.add((pages.size - pages._hashed) // (WIDTH * 4))
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


def test_what_training_says_of_its_data_reads_some_rows_of_a_file(
    tmp_path: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Column by column, a file of long rows would be read through for each of them."""
    monkeypatch.setattr("bpcli.diagnosis.gravest.QUICK", Limits(rows=60, columns=100, cells=1000))
    numbered = VALUES.copy()
    numbered[:, 2] = np.arange(SIZE)
    for values, says, most in ((VALUES, [], 0.2), (numbered, ["a feature looks like a name of the rows"], 1.2)):
        read: list[float] = []

        def look(raw: RawData, read: list[float] = read) -> list[str]:
            before, found = counted.rows, gravest(raw)
            read.append((counted.rows - before) / SIZE)
            return found

        warnings = loaded(write(tmp_path, "f", npy(values)), fractions=SPLIT, look=look).warnings.other
        assert [line.partition(":")[0] for line in warnings] == says
        assert 0 < read[0] < most


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


class OfSeveral:
    """One of several readers that are threads of one process."""

    def __init__(self, index: int, count: int, together: Together) -> None:
        self.index, self.count, self._together = index, count, together

    def gather(self, arrays: Sequence[Array]) -> list[list[Array]]:
        every = self._together.exchanged(self.index, [array.copy() for array in arrays])
        return [[array.copy() for array in theirs] for theirs in every]


def by_several(count: int, load: Callable[..., Any]) -> list[Any]:
    """What each of several readers gets."""
    together = Together(count)

    def own(index: int) -> Any:
        current_thread().name = f"reader {index}"
        return load(readers=OfSeveral(index, count, together))

    with ThreadPoolExecutor(count) as team:
        return list(team.map(own, range(count)))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_readers_take_a_share_of_the_rows_each_and_know_what_one_would(
    count: int, tmp_path: Path, counted: Counted
) -> None:
    """The first reads the rows of all others once more, for their hash; an odd number of rows shows the sample."""
    for content in (npy(VALUES), npy(HOLED.astype(np.float32)), npy(HOLED[:, [7, *range(7)]].astype(np.float32))):
        path = write(tmp_path, "f", content)
        take = partial(loaded, path, fractions=SPLIT, targets=["7"], loss="half_squared_error")
        counted.by_thread.clear()
        one, alone = take(), counted.rows
        counted.by_thread.clear()
        several = by_several(count, take)
        shares = [counted.by_thread[f"reader {index}"] for index in range(count)]
        assert max(shares[1:]) <= alone / count * 1.15 + 200
        assert shares[0] <= max(shares[1:]) * 1.15 + SIZE
        for each in several:
            assert isinstance(each.parts["train"].features, FileRows)
            assert each.features.to_json() == one.features.to_json()
            assert each.warnings.lines() == one.warnings.lines()
            assert each.digests == one.digests
            for part in one.parts:
                assert features(each, part).tobytes() == features(one, part).tobytes()
                assert targets(each, part).tobytes() == targets(one, part).tobytes()


def test_readers_of_different_files_read_all_of_them(tmp_path: Path, counted: Counted) -> None:
    paths = [write(tmp_path, name, npy(values)) for name, values in (("a", VALUES), ("b", VALUES + 1))]
    one, other = by_several(
        2, lambda readers: loaded(paths[readers.index], "half_squared_error", targets=["7"], readers=readers)
    )
    assert [[*found.digests.values()] for found in (one, other)] == [
        [sha256(Path(path).read_bytes()).hexdigest()] for path in paths
    ]
    assert min(counted.by_thread.values()) > 2.9 * SIZE


def test_all_readers_meet_an_error_of_one(tmp_path: Path, counted: Counted) -> None:
    wrong = VALUES.copy()
    wrong[[1234, 2345], [3, 0]] = np.inf
    path = write(tmp_path, "infinite", npy(wrong))
    for report in by_several(3, lambda readers: refusal(partial(loaded, path, readers=readers), DataError)):
        assert report.startswith("error: infinite: row 1234: an infinite number\n")


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
