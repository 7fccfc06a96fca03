"""A matrix product in blocks that stay in the processor's cache, each computed by tiles.

Both factors are copied into panels block by block, but where they are as fast to read where they lie: a left factor
whose rows are contiguous, or whose entries are read only once, and a right factor for few rows. The order of every sum
follows from the shapes alone: the terms of each ``DEEP`` or fewer k, one after another, then these sums.
"""

from __future__ import annotations

from bpcli.training.compiled.intrinsics import greater, lesser
from bpcli.training.compiled.panels import GAP, pack, pitch_of
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.tiles import (
    PITCH,
    ROWS,
    VECTORS,
    narrow_tile_by_columns,
    narrow_tile_by_rows,
    read,
    tile_by_columns,
    tile_by_rows,
    write,
)
from bpcli.training.compiled.vectors import VECTOR
from bpcli.training.shards.cutting import LINE

DEEP = 256
"""The most k of a block: a right panel takes two thirds of an L1 cache."""

LEFT, RIGHT = 1 << 17, 1 << 19
"""The bytes of a block's left and right panels, which stay in the L2 cache."""

FEW = 2 * ROWS
"""The rows up to which a right factor with contiguous rows is read where it lies: a panel would serve too few."""

WAY = 4096
"""The bytes of an L1 cache whose lines are all in sets of their own, and of a page."""

LEFT_ROOM = LEFT + LEFT // (DEEP * PITCH * 4) * GAP
RIGHT_ROOM = RIGHT + RIGHT // (DEEP * VECTORS * VECTOR) * GAP
"""The bytes of the panels with those between them."""

ROOM = LEFT_ROOM + RIGHT_ROOM + ROWS * VECTORS * VECTOR + VECTOR
"""The bytes of working memory: the panels, one tile, and what lies before the first whole vector."""


@routine()
def multiply_blocks(factor, size, left, i_step, ik_step, right, kj_step, j_step, keep, out, step, n, m, k, room):  # type: ignore[no-untyped-def]
    """The blocks, one after another; addresses are integers, steps are in entries."""
    width, lanes = VECTORS * VECTOR // size, VECTOR // size
    deep = -(-k // greater(1, -(-k // DEEP)))
    deep += -deep % lanes
    wide, high = RIGHT // (DEEP * size), LEFT // (DEEP * size * PITCH) * ROWS
    panels = room + LEFT_ROOM
    for k0 in range(0, k, deep):
        depth = lesser(deep, k - k0)
        for j0 in range(0, m, wide):
            columns = lesser(wide, m - j0)
            strip = right + (k0 * kj_step + j0 * j_step) * size
            beside = _beside(columns // width * width, n, depth, kj_step * size) if j_step == 1 else 0
            if beside < columns:
                left_over = strip + beside * j_step * size
                pack(factor, left_over, j_step, kj_step, columns - beside, depth, panels, size, False)
            for i0 in range(0, n, high):
                rows = lesser(high, n - i0)
                block = left + (i0 * i_step + k0 * ik_step) * size
                direct = rows // ROWS * ROWS if ik_step == 1 or (i_step == 1 and columns <= width) else 0
                if direct < rows:
                    left_over = block + direct * i_step * size
                    pack(factor, left_over, i_step, ik_step, rows - direct, depth, room, size, True)
                _compute_block(
                    factor, size, block, i_step, ik_step, strip, kj_step, keep or k0 > 0,
                    out + (i0 * step + j0) * size, step, direct, beside, rows, columns, depth, room,
                )  # fmt: skip


@compiled_in(inline="always")
def _beside(columns, n, k, stride):  # type: ignore[no-untyped-def]
    """How many of so many columns, (k, columns), are read where they lie by n rows: all or none.

    All if few rows read them, or if the lines of a tile's columns, ``stride`` apart, stay in the L1 cache.
    """
    apart = greater(LINE, stride & -stride)  # the power of two in it
    return columns if n <= FEW or k * apart <= WAY else 0


@routine()
def _compute_block(  # type: ignore[no-untyped-def]
    factor, size, left, i_step, ik_step, right, kj_step, keep, out, step, direct, beside, rows, columns, depth, room
):  # fmt: skip
    """One block, tile by tile: its first ``direct`` rows and ``beside`` columns are read in the factors themselves."""
    width = VECTORS * VECTOR // size
    left_pitch, right_pitch = pitch_of(depth, PITCH, size), pitch_of(depth, width, size)
    for j in range(0, columns, width):
        wanted = lesser(width, columns - j)
        panel, panel_step = room + LEFT_ROOM + (j - beside) // width * right_pitch, width
        if j < beside:
            panel, panel_step = right + j * size, kj_step
        for i in range(0, rows, ROWS):
            by_rows, height, target = False, lesser(ROWS, rows - i), out + (i * step + j) * size
            at, at_step = room + (i - direct) // ROWS * left_pitch, PITCH
            if i < direct:
                by_rows = ik_step == 1
                at, at_step = left + i * i_step * size, i_step if by_rows else ik_step
            _compute_tile(
                factor, size, at, at_step, by_rows, panel, panel_step, depth, keep, target, step, height, wanted, room
            )


@compiled_in(inline="always")
def _compute_tile(  # type: ignore[no-untyped-def]
    factor, size, left, left_step, by_rows, panel, panel_step, depth, keep, out, step, height, wanted, room
):
    """One tile, or ``height`` rows and ``wanted`` columns of it: these by way of memory, unless they fill vectors."""
    lanes, width, spare = VECTOR // size, VECTORS * VECTOR // size, room + LEFT_ROOM + RIGHT_ROOM
    whole = wanted % lanes == 0
    target, target_step, add = (out, step, keep) if whole else (spare, width, False)
    if wanted > lanes:
        if by_rows:
            tile_by_rows(factor, left, left_step, panel, panel_step, depth, add, target, target_step, height)
        else:
            tile_by_columns(factor, left, left_step, panel, panel_step, depth, add, target, target_step, height)
    elif by_rows:
        narrow_tile_by_rows(factor, left, left_step, panel, panel_step, depth, add, target, target_step, height)
    else:
        narrow_tile_by_columns(factor, left, left_step, panel, panel_step, depth, add, target, target_step, height)
    if not whole:
        for r in range(height):
            for c in range(wanted):
                value, place = read(factor, spare + (r * width + c) * size), out + (r * step + c) * size
                write(value + read(factor, place) if keep else value, place)
