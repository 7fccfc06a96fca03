"""Which arrays does an NPZ archive of any origin hold? What it declares is known before a number is read."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy

from bpcli import memory
from bpcli.data.files.archives import open_archive
from bpcli.nn import Array

LONGEST_HEADER = 10_000
"""The most bytes of an array's header that are read; NumPy's own limit."""

HEADERS = {(1, 0): (2, npy.read_array_header_1_0), (2, 0): (4, npy.read_array_header_2_0)}
"""By a format's version: the bytes that give the header's length, and what reads the header."""


@dataclass(frozen=True)
class Declared:
    """The shape and the type that a file gives an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class NpzArchive:
    """An archive in memory; any content of it may raise any exception when it is read."""

    archive: zipfile.ZipFile

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members, arrays without their suffix."""
        return tuple(dict.fromkeys(name.removesuffix(".npy") for name in self.archive.namelist()))

    def declared(self, name: str) -> Declared:
        """What the header of a member says.

        Raises:
            ValueError: it is no array, or one of Python objects.
        """
        with self._member(name) as file:
            try:
                version = npy.read_magic(file)
            except ValueError as error:
                raise ValueError(f"its member {name!r} is no array") from error
            if version not in HEADERS:
                raise ValueError(f"its member {name!r} is of another version of the format")
            size, read_header = HEADERS[version]
            length = file.read(size)
            if int.from_bytes(length, "little") > LONGEST_HEADER:
                raise ValueError(f"the header of its array {name!r} is too long")
            try:
                header = read_header(io.BytesIO(length + file.read(int.from_bytes(length, "little"))))
            except Exception as error:
                raise ValueError(f"the header of its array {name!r} is malformed") from error
        if header[2].hasobject:
            raise ValueError(f"its array {name!r} holds Python objects, not numbers")
        return Declared(header[0], header[2])

    def load(self, name: str) -> Array:
        """The array.

        Raises:
            ValueError: as :meth:`declared`, or it is cut off.
        """
        declared = self.declared(name)
        needed = prod(declared.shape) * declared.dtype.itemsize
        memory.require(needed, f"its array {name!r} takes", hint="")
        with self._member(name) as file:
            array: Array = npy.read_array(file, allow_pickle=False)
        return array

    def _member(self, name: str) -> Any:
        """The member of an array's name, opened."""
        suffixed = f"{name}.npy"
        return self.archive.open(suffixed if suffixed in self.archive.namelist() else name)


def parse_archive(content: bytes) -> NpzArchive:
    """The archive of these bytes.

    Raises:
        ValueError: they are no archive.
    """
    try:
        return NpzArchive(open_archive(io.BytesIO(content)))
    except Exception as error:
        raise ValueError("it is no complete archive") from error
