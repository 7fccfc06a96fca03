"""split.csv: which row of the training file is in which part, written, and compared when a run is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bpcli.data.loading import Loaded
from bpcli.errors import DataError, refused
from bpcli.storage.bounded import require_regular
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
    try:
        require_split(path, loaded)
    except DataError:
        return False
    return True


def require_split(path: Path, loaded: Loaded) -> None:
    """The file has the rows in the very parts that they are in now.

    Raises:
        DataError: it has not, or there is no such file.
        SystemRefusedError: the system refused.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            line = _first_difference(file, loaded)
    except FileNotFoundError as error:
        raise DataError("no such file", where=str(path), hint="copy the run again") from error
    except OSError as error:
        raise refused("read", path, error) from error
    if line is not None:
        message = "the run's rows are dealt to other parts than config.yaml deals them to"
        raise DataError(message, where=f"{path}:{line}", hint="copy the run again")


def _first_difference(file: BinaryIO, loaded: Loaded) -> int | None:
    """The line, from 1, at which the file is not what :func:`write_split` writes; None where it is."""
    line = 1
    for piece in _pieces(loaded):
        found = file.read(len(piece))
        if found != piece:
            same = next((i for i, (a, b) in enumerate(zip(found, piece, strict=False)) if a != b), len(found))
            return line + piece[:same].count(b"\n")
        line += piece.count(b"\n")
    return line if file.read(1) else None


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
