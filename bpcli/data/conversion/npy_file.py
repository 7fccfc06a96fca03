"""How do rows get into a NPY file? The header first, then a chunk of rows after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from bpcli.data.conversion.column_writers import ColumnWriter, PlaceOf
from bpcli.data.conversion.contents import Progress
from bpcli.data.files.pages import blocks
from bpcli.nn import Array
from bpcli.storage.files import replacing


@dataclass(frozen=True)
class NpyFile:
    """A NPY file to be: ``size`` rows, made by a writer per column; ``where`` is the place of a row in the source."""

    size: int
    writers: list[ColumnWriter]
    dtype: np.dtype
    where: PlaceOf

    @property
    def columns(self) -> list[str]:
        """The names of its columns, which the file itself does not keep."""
        return [name for writer in self.writers for name in writer.outputs]

    def write(
        self, target: Path, chunks: Iterator[list[Array]], progress: Progress, finish: Callable[[], None]
    ) -> None:
        """Write it whole or not at all; ``finish`` runs before it takes its place, and may refuse it."""
        with replacing(target) as file:
            header = {
                "descr": npy.dtype_to_descr(self.dtype),
                "fortran_order": False,
                "shape": (self.size, len(self.columns)),
            }
            npy.write_array_header_1_0(file, header)
            first = 0
            for cells in chunks:
                self._write_rows(file, cells, first)
                first += len(cells[0])
                progress(first)
            finish()

    def _write_rows(self, file: BinaryIO, cells: list[Array], first: int) -> None:
        """Write a chunk, whose first row is number ``first``."""
        width = len(self.columns)
        for start, stop in blocks(len(cells[0]), width):
            out = np.empty((stop - start, width), self.dtype)
            place = 0
            for writer, column in zip(self.writers, cells, strict=True):
                end = place + len(writer.outputs)
                writer.fill(column[start:stop], out[:, place:end], partial(self._where, first + start))
                place = end
            file.write(out.data)

    def _where(self, start: int, row: int) -> str:
        return self.where(start + row)
