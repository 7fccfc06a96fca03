"""Compiled gathering: to the bits of the source's own, whatever is stored, however it lies, and through training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from bpcli.data.files.pages import Pages
from bpcli.data.sources import ByteRows, ClassIndices, Examples, FileRows, Rows, Source
from bpcli.nn import Array, IndexArray
from bpcli.training.compiled import gathering, steps
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.state import TrainingState
from tests.nn.support import loss

from .support import Task, interpreted, numbers, task

N, WIDTH = 300, 7

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (N, WIDTH), np.uint8)
PIXELS[:256, 0] = np.arange(256)
CHOSEN = RNG.permutation(N)[:280]
CHOSEN[:256] = RNG.permutation(256)
BATCHES = [np.arange(280), np.array([5]), np.arange(0), np.array([3, 3, 279, 0]), RNG.permutation(280)[:33]]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cache for all, and not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


class Asked(Pages):
    """Pages that note which rows the system was asked to read."""

    def __init__(self, path: Path, values: Array) -> None:
        path.write_bytes(values.tobytes("A"))
        with path.open("rb") as file:
            mapped = Pages.of_file(file)
        vars(self).update(vars(mapped))
        self.asked: list[list[int]] = []

    def prefetch(self, values: Array, rows: Array) -> None:
        self.asked.append(rows.tolist())
        super().prefetch(values, rows)


def mapped(path: Path, values: Array) -> tuple[Array, Asked]:
    pages = Asked(path, values)
    return pages.array(values.shape, values.dtype, fortran=not values.flags.c_contiguous), pages


def from_file(path: Path, values: Array, columns: IndexArray) -> FileRows:
    where = RNG.normal(size=(3, len(columns)))
    return FileRows(*mapped(path, values), CHOSEN, columns, (where[0], where[1], where[2]))


def kinds(folder: Path) -> dict[str, Source]:
    """Bytes and numbers in memory and in files, of several types, in both orders, with gaps and missing numbers."""
    floats = RNG.normal(size=(N, WIDTH)).astype(np.float32)
    floats[RNG.random((N, WIDTH)) < 0.2] = np.nan
    every, some = np.arange(WIDTH), np.array([4, 0, 6])
    pixels, pages = mapped(folder / "pixels", PIXELS)
    return {
        "bytes": ByteRows(PIXELS, CHOSEN, 1 / 255),
        "a file's bytes": ByteRows(pixels, CHOSEN, 2 / 255, pages),
        "floats": from_file(folder / "floats", floats, every),
        "some of float64": from_file(folder / "float64", floats.astype(np.float64), some),
        "by columns": from_file(folder / "columns", np.asfortranarray(floats), some),
        "whole numbers": from_file(folder / "whole", RNG.integers(-(2**62), 2**62, (N, WIDTH)), some),
        "the other byte order": from_file(folder / "turned", floats.astype(">f4"), every),
        "rows": Rows(floats[CHOSEN]),
    }


def gathered(source: Source, indices: IndexArray, dtype: str, how: Any) -> tuple[Array, ...]:
    weights = RNG.random(280).astype(dtype)
    examples = Examples(source, ClassIndices(CHOSEN), weights=weights, metric_weights=None)
    width = len(source.columns) if isinstance(source, FileRows) else WIDTH
    X, Y = np.full((len(indices), width), 9, dtype).T, np.full(len(indices), -1)
    own, metric = np.full(len(indices), 9, dtype), np.full(len(indices), 9, dtype)
    how(examples, indices, X, Y, own, metric)
    np.testing.assert_array_equal(Y, CHOSEN[indices])
    np.testing.assert_array_equal(own, weights[indices])
    np.testing.assert_array_equal(metric, 1)
    return X, Y


def test_every_number_has_the_bits_of_the_sources_own_gathering(tmp_path: Path) -> None:
    """All 256 bytes among them, in both precisions."""
    for name, source in kinds(tmp_path).items():
        for dtype in ("float32", "float64") if name == "bytes" else ("float32",):
            for indices in BATCHES:
                asked: list[list[int]] = getattr(source.pages, "asked", [])
                asked.clear()
                found = gathered(source, indices, dtype, gathering.gather)[0]
                rows, own = list(asked), gathered(source, indices, dtype, Examples.gather)[0]
                assert found.tobytes() == own.tobytes(), (name, dtype, len(indices))
                assert asked == rows + rows, name
                assert not rows or rows == [CHOSEN[indices].tolist()]


class Stored(Task):
    """Images as bytes, or the same numbers converted before."""

    converted = False

    def examples(self) -> Examples:
        given, dtype = super().examples(), np.dtype(self.dtype)
        pixels = np.random.default_rng(1).integers(0, 256, (self.size, self.network.sizes[0]), np.uint8)
        numbers = pixels.astype(dtype) * dtype.type(1 / 255)
        features = Rows(numbers) if self.converted else ByteRows(pixels, np.arange(self.size), 1 / 255)
        return replace(given, features=features)


class Converted(Stored):
    converted = True


def test_training_on_bytes_gives_the_bytes_of_training_on_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Class indices and columns as targets, batches with a tail, and single examples."""
    monkeypatch.setattr(steps, "load_kernel", interpreted)
    columns = task("sigmoid", loss("half_squared_error"), dtype="float64")
    for given, batch_size in ((task(dtype="float32"), 4), (columns, 1)):
        states: list[TrainingState] = []
        for kind in (Stored, Converted):
            one = kind(given.network, given.optimizer, given.dtype)
            states.append(one.trained(CompiledSteps, batch_size))
        found, expected = map(numbers, states)
        assert {name: array.tobytes() for name, array in found.items()} == {
            name: array.tobytes() for name, array in expected.items()
        }
