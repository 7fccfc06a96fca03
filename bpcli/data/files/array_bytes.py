"""Where do an array's bytes lie? In their file, mapped, or unpacked in memory, once there is room for them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from bpcli import memory
from bpcli.data.files.byte_source import ByteSource
from bpcli.data.files.dataset import ROW_BYTES
from bpcli.data.files.pages import Pages
from bpcli.errors import refused

PIECE = 1 << 20
"""Bytes unpacked at a time."""

ENCODED = np.dtype(np.float32).itemsize
"""Bytes that a number takes at least, once it is encoded."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Origin:
    """Where an array's bytes come from: a source, or a member of an archive that is said to have ``length`` bytes.

    ``examples`` says that its rows are to be made examples.
    """

    path: str
    source: ByteSource | None = None
    length: int | None = None
    examples: bool = False

    @property
    def mapped(self) -> bool:
        """Whether they lie in a file of their own as they are."""
        return self.source is not None and self.source.file is not None

    @property
    def known_length(self) -> int | None:
        """How many bytes there are, None where only unpacking them tells."""
        return self.source.length if self.source is not None and self.source.held else self.length


def memory_of(origin: Origin, shape: Shape, dtype: np.dtype) -> int:
    """Bytes that an array takes unpacked, and encoded beside that where it has examples; images stay bytes."""
    stays = not origin.examples or (len(shape) > 2 and dtype == np.uint8)
    return prod(shape) * (dtype.itemsize + (0 if stays else ENCODED))


def require_room_for_rows(origin: Origin, shape: Shape) -> None:
    """There is room for what examples need besides their numbers.

    Raises:
        DataError: there is not.
    """
    if origin.examples and shape and 0 not in shape:
        rows = f"its {shape[0]:,} rows take"
        memory.require(shape[0] * ROW_BYTES, rows, where=origin.path, hint="train on fewer examples")


def unpacked(origin: Origin, stream: IO[bytes], size: int, offset: int, needed: int) -> tuple[Pages | None, int]:
    """Pages that hold the next ``size`` bytes of ``stream``, and how many there are up to its end.

    Those of the file itself, in which they start at ``offset``, where it can be mapped. Of bytes that are
    too many, no more than a piece is counted.

    Raises:
        DataError: it is unpacked, and with what is made of it takes ``needed`` bytes, of which less are left.
    """
    if origin.mapped:
        mapped = _mapped(origin, stream)
        return mapped, max(mapped.size - offset, 0)
    there = origin.known_length
    if there is not None and there < offset + size:
        return None, max(there - offset, 0)
    memory.require(
        needed,
        "its array takes",
        where=origin.path,
        hint="save it uncompressed with numpy.save: such a file is read in place",
    )
    try:
        pages = Pages.of_memory(size)
    except (OSError, OverflowError, ValueError):
        return None, 0
    buffer, held = pages.array((size,), np.dtype(np.uint8)).data, 0
    while held < size and (count := stream.readinto(buffer[held : held + PIECE])):  # type: ignore[attr-defined]
        held += count
    while held <= size + PIECE and (rest := stream.read(PIECE)):  # the end is where damage shows
        held += len(rest)
    return pages, held


def _mapped(origin: Origin, stream: IO[bytes]) -> Pages:
    """The pages of the file.

    Raises:
        SystemRefusedError: the system refused them, as it does beyond the limit of ``ulimit -v``.
    """
    try:
        return Pages.of_file(stream)
    except OSError as error:
        problem = refused("map the file into memory", origin.path, error)
        problem.hint = "a file that is read in place counts towards ulimit -v: raise it, or take fewer examples"
        raise problem from error
