"""split.csv: which row of the training file is in which part, written, and compared when a run is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bpcli.data.loading import Loaded
from bpcli.storage.files import replacing

SPLIT_FILE = "split.csv"

ROWS_AT_ONCE = 1 << 16
"""How many rows are written as one piece."""


def write_split(path: Path, loaded: Loaded) -> None:
    """Write a line for each row of the training file, from 0, in its order.

    Raises:
        SystemRefusedError: the system refused.
    """
    with replacing(path) as file:
        for piece in _pieces(loaded):
            file.write(piece)


def is_split(path: Path, loaded: Loaded) -> bool:
    """Whether the file has the rows in the very parts that they are in now."""
    with path.open("rb") as file:
        return all(file.read(len(piece)) == piece for piece in _pieces(loaded)) and not file.read(1)


def _pieces(loaded: Loaded) -> Iterator[bytes]:
    """The file's bytes."""
    train = loaded.parts["train"]
    own = {name: part.rows for name, part in loaded.parts.items() if part.pair == train.pair}
    names = np.array(list(own))
    rows = np.concatenate(list(own.values()))
    parts = np.repeat(np.arange(len(own)), [len(of_part) for of_part in own.values()])
    order = np.argsort(rows)
    yield b"row,part\n"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = order[start : start + ROWS_AT_ONCE]
        lines = zip(rows[some].tolist(), names[parts[some]].tolist(), strict=True)
        yield "".join(f"{row},{part}\n" for row, part in lines).encode()
