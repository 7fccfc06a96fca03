"""Small files of every kind, and what becomes of them."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from bpcli.data.encoding.selection import ArrayBlocks
from bpcli.data.encoding.summaries import Summary, extent, summary
from bpcli.data.files.dataset import Dataset, Format
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.loading import Loaded, load_parts
from bpcli.data.raw import Look
from bpcli.data.reading_parts import Files
from bpcli.data.request import DataRequest
from bpcli.data.sources import Source
from bpcli.data.splitting import Fold, SplitRequest
from bpcli.errors import BpError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import LOSSES

deterministic = settings(derandomize=True, deadline=None, max_examples=40)

PRECISIONS = ("float32", "float64")
SCALES = ("standard", "minmax", "none")

NO_TEXT: frozenset[str] = frozenset()


def write(folder: Path, name: str, content: str | bytes) -> str:
    """A file's path, once it holds ``content`` to the byte."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def csv(columns: Mapping[str, Iterable[Any]], delimiter: str = ",") -> str:
    """A table of plain cells."""
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(map(str, cells)) for cells in zip(*columns.values(), strict=True)]
    return "".join(f"{line}\n" for line in lines)


def npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), allow_pickle=True)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


IDX_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx(values: Any, dtype: str = "uint8") -> bytes:
    array = np.asarray(values, np.dtype(dtype).newbyteorder(">"))
    axes = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, IDX_CODES[dtype], array.ndim]) + axes + array.tobytes()


def parquet(columns: Mapping[str, Iterable[Any]]) -> bytes:
    file = io.BytesIO()
    pd.DataFrame({name: list(values) for name, values in columns.items()}).to_parquet(file)
    return file.getvalue()


NUMBERS = np.array([[1, 20, 3], [4, 5, 66], [7, 88, 9], [10, 11, 12]], np.uint8)
"""One example per row, in numbers that every kind of file can hold."""

KINDS: dict[str, bytes] = {
    "csv": csv({str(i): column for i, column in enumerate(NUMBERS.T)}).encode(),
    "tsv": csv({str(i): column for i, column in enumerate(NUMBERS.T)}, "\t").encode(),
    "npy": npy(NUMBERS),
    "npz": npz(features=NUMBERS),
    "idx": idx(NUMBERS),
    "parquet": parquet({str(i): column for i, column in enumerate(NUMBERS.T)}),
}
"""The same numbers, in columns 0, 1 and 2, in every kind of file."""

KINDS |= {f"{kind}.gz": gzip.compress(content, mtime=0) for kind, content in list(KINDS.items())}


def table(dataset: Dataset) -> dict[str, list[Any]]:
    """Every column, None where a cell is missing."""
    return {name: [None if cell != cell else cell for cell in dataset.column(name)] for name in dataset.names}


def read_file(path: str, form: Format | None = None, text: frozenset[str] = NO_TEXT) -> Dataset:
    return read_dataset(FilePair(path), form or Format(), text)


def digests(of: Dataset) -> dict[str, str | None]:
    """By path, the SHA-256 that reading a dataset found."""
    return {path: None if file is None else file.value for path, file in of.files.items()}


def refusal(call: Callable[[], object], kind: type[BpError] = BpError) -> str:
    """The whole report of the error that ``call`` raises, files by their bare names."""
    with pytest.raises(kind) as caught:
        call()
    return re.sub(r"(?<![^ ])/\S*/", "", "\n".join(caught.value.lines()))


def pair(of: str | FilePair | None) -> FilePair | None:
    return FilePair(of) if isinstance(of, str) else of


def loaded(
    train: str | FilePair,
    loss: str = "cross_entropy",
    *,
    validation: str | FilePair | None = None,
    test: str | FilePair | None = None,
    fractions: dict[str, float] | None = None,
    fold: Fold | None = None,
    form: Format | None = None,
    dtype: str = "float64",
    seed: int = 0,
    look: Look | None = None,
    **wanted: Any,
) -> Loaded:
    """The parts, as a config with this loss and its usual output would load them."""
    kind = LOSSES[loss]()
    train_pair = pair(train)
    assert train_pair is not None
    files = Files(train_pair, pair(validation), pair(test), SplitRequest(fractions or {}, fold), form or Format())
    asked = DataRequest(
        kind.targets,
        open_output=kind.usual_output == "identity",
        **wanted,
    )
    return load_parts(files, asked, np.dtype(dtype), np.random.default_rng(seed), look)


def gathered(source: Source, n: int | None, indices: IndexArray, dtype: str = "float64") -> Array:
    """What a batch of ``indices`` holds: (n, m), or (m,) class indices where n is None."""
    m = len(indices)
    out = np.empty(m, np.intp) if n is None else np.full((n, m), np.nan, dtype, order="F")
    source.gather(np.asarray(indices, np.intp), out)
    return out


def features(of: Loaded, part: str = "train", dtype: str = "float64") -> Array:
    """A part's encoded features, one example per row."""
    source = of.parts[part].features
    return gathered(source, of.features.size, np.arange(source.size), dtype).T


def targets(of: Loaded, part: str = "train", dtype: str = "float64") -> Array:
    """A part's encoded targets, one example per row, or their class indices."""
    source = of.parts[part].targets
    n = None if getattr(of.targets, "encoding", None) == "index" else of.targets.outputs
    return gathered(source, n, np.arange(source.size), dtype).T


def summarised(values: Array) -> Summary:
    """The summary of an array in memory, (N, n), without missing numbers."""
    numbers = ArrayBlocks(values)
    return summary(numbers, extent(numbers), np.zeros(values.shape[1]))
