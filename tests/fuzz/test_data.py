"""Tables and arrays that nobody meant, on the whole way from bytes to examples."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.config.reading import read_config
from bpcli.errors import DataError
from bpcli.experiment import build
from tests.mutants import TOKENS

from .support import answer, by_chance, damaged, examples

ROWS = 12
X = np.arange(3.0 * ROWS).reshape(ROWS, 3) % 7

TABLE = b"x,y,when,kind,label\n" + b"".join(
    b"%d,%.3f,2026-01-%02d,%s,%s\n" % (i, i * 0.37, i + 1, b"uvw"[i % 3 :][:1], b"no yes".split()[i % 2])
    for i in range(ROWS)
)
TABLES = [
    TABLE,
    TABLE.replace(b",", b"\t"),
    TABLE.replace(b",", b";").replace(b".", b","),
    b'"a","b"\r\n"1","2"\r\n' * 6,
]


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archived(*, compressed: bool) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, features=X, targets=np.arange(ROWS) % 2)
    return stream.getvalue()


def idx(code: int, array: np.ndarray) -> bytes:
    """An IDX file of big-endian numbers."""
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


ARRAYS = [saved(X), saved(np.asfortranarray(X)), saved(X.astype(np.float16)), saved(np.arange(ROWS) > 3)]
ARRAYS += [archived(compressed=False), archived(compressed=True)]
ARRAYS += [
    idx(0x08, np.arange(ROWS * 4, dtype=np.uint8).reshape(ROWS, 2, 2)),
    idx(0x08, np.arange(ROWS, dtype=np.uint8)),
]
ARRAYS += [idx(0x0E, X)]
ZIPPED = [gzip.compress(content, mtime=0) for content in (TABLE, ARRAYS[0], ARRAYS[6])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    for task, loss in {"classification": "cross_entropy", "regression": "half_squared_error"}.items():
        text = f"data: {{path: file, task: {task}, split: {{test: 0.25}}}}\nloss: {loss}\nnetwork: {{hidden: [3]}}\n"
        (place / f"{task}.yaml").write_text(text, encoding="utf-8")
    return place


def load(folder: Path, data: bytes, task: str, *changes: str) -> None:
    """Load a file as the data of a training."""
    (folder / "file").write_bytes(data)
    answer(lambda: build(read_config(folder / f"{task}.yaml", list(changes))))


tasks = st.sampled_from(["classification", "regression"])


@examples(200)
@given(data=damaged(TABLES), task=tasks)
def test_damaged_tables(folder: Path, data: bytes, task: str) -> None:
    load(folder, data, task)


def test_a_table_that_ends_within_a_character_is_refused(folder: Path) -> None:
    """Found by atheris."""
    (folder / "file").write_bytes(b"x,y\n1,\xed")
    with pytest.raises(DataError, match="byte 0xed is not UTF-8 text"):
        build(read_config(folder / "regression.yaml", []))


CELLS = (*TOKENS, b"1", b"2.5", b"a", b"2026-02-30", b'"q""', b"'", b" 1 ", b"0x10", b"1e5", b"NA")


def table(rng: Random) -> bytes:
    """A CSV file of odd cells."""
    width, length = rng.randint(1, 4), rng.randint(1, 8)
    rows = [b",".join(rng.choices(CELLS, k=width)) for _ in range(length)]
    return rng.choice((b"\n", b"\r\n", b"\r")).join(rows)


def test_a_table_without_an_input_is_refused(folder: Path) -> None:
    (folder / "file").write_bytes(b"\n,0x10\r\nnan,0\r\nnull,0")
    with pytest.raises(DataError, match="no column but the targets holds anything in the training rows"):
        build(read_config(folder / "classification.yaml", ["data.header=false"]))


@examples(150)
@given(data=by_chance(table), task=tasks, header=st.sampled_from(["true", "false"]))
def test_tables_of_odd_cells(folder: Path, data: bytes, task: str, header: str) -> None:
    load(folder, data, task, f"data.header={header}")


@examples(200)
@given(data=damaged(ARRAYS), task=tasks)
def test_damaged_arrays(folder: Path, data: bytes, task: str) -> None:
    load(folder, data, task)


@examples(60)
@given(data=damaged(ZIPPED) | damaged([TABLE, ARRAYS[0], ARRAYS[6]]).map(lambda content: gzip.compress(content, 1)))
def test_damaged_files_in_gzip(folder: Path, data: bytes) -> None:
    load(folder, data, "regression")


kinds = st.sampled_from(
    ["'<f8'", "'|O'", "'<U3'", "'<M8[D]'", "'|V8'", "'>c16'", "[('a', '<f8')]", "'<f2'", "'|S0'", "'|b1'", "'x'"]
)
shapes = st.sampled_from(
    ["()", "(12,)", "(3, 4)", "(-1, 3)", "(10**18, 3)", "(0, 5)", "(2,)*40", "(1.5,)", "None", "(2**62, 8)"]
)
shapes |= st.tuples(st.integers(0, 2**64), st.integers(0, 2**64)).map(str)


@examples(150)
@given(kind=kinds, shape=shapes, order=st.sampled_from(["True", "False", "1", "x()"]), version=st.integers(0, 4))
def test_npy_headers_that_promise_anything(folder: Path, kind: str, shape: str, order: str, version: int) -> None:
    header = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    load(folder, b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + bytes(96), "regression")


@examples(100)
@given(
    code=st.integers(0, 255),
    lengths=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 13), max_size=18),
    rest=st.integers(0, 99),
)
def test_idx_headers_that_promise_anything(folder: Path, code: int, lengths: list[int], rest: int) -> None:
    head = struct.pack(f">HBB{len(lengths)}I", 0, code, len(lengths), *lengths)
    load(folder, head + bytes(rest), "classification")


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"x": X[:, 0], "kind": ["u", "v", None] * 4, "y": X[:, 2]})
    stream = pa.BufferOutputStream()
    parquet.write_table(table, stream)
    return [stream.getvalue().to_pybytes()]


@examples(40)
@given(data=st.data())
def test_damaged_parquet(folder: Path, parquet: list[bytes], data: st.DataObject) -> None:
    load(folder, data.draw(damaged(parquet)), "regression")
