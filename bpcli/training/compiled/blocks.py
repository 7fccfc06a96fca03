"""A matrix product in blocks that stay in the processor's cache, each computed by tiles.

Both factors are copied into panels block by block, but where they are as fast to read where they lie: a left factor
whose rows are contiguous, or whose entries are read only once, and a right factor for few rows. The order of every sum
follows from the shapes alone: the terms of each ``DEEP`` or fewer k, one after another, then these sums.
"""

from __future__ import annotations

from bpcli.training.compiled.atomics import acquired
from bpcli.training.compiled.intrinsics import greater, lesser
from bpcli.training.compiled.parts import MEMBERS, WORDS, do_parts, part_of, placed
from bpcli.training.compiled.rooms import address
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.tiles import (
    PITCH,
    ROWS,
    VECTORS,
    copy_columns,
    copy_rows,
    narrow_tile_by_columns,
    narrow_tile_by_rows,
    read,
    tile_by_columns,
    tile_by_rows,
    turn_columns,
    turn_rows,
    write,
)
from bpcli.training.compiled.vectors import VECTOR
from bpcli.training.compiled.worth import POSTING
from bpcli.training.shards.cutting import LINE

DEEP = 256
"""The most k of a block: a right panel takes two thirds of an L1 cache."""

LEFT, RIGHT = 1 << 17, 1 << 19
"""The bytes of a block's left and right panels, which stay in the L2 cache."""

FEW = 2 * ROWS
"""The rows up to which a right factor with contiguous rows is read where it lies: a panel would serve too few."""

WAY = 4096
"""The bytes of an L1 cache whose lines are all in sets of their own, and of a page."""

GAP = 2 * LINE
"""The bytes between panels: without them lines of all panels, written in turn, would share one set of the L1 cache."""

LEFT_ROOM = LEFT + LEFT // (DEEP * PITCH * 4) * GAP
RIGHT_ROOM = RIGHT + RIGHT // (DEEP * VECTORS * VECTOR) * GAP
"""The bytes of the panels with those between them."""

ROOM = LEFT_ROOM + RIGHT_ROOM + ROWS * VECTORS * VECTOR + VECTOR
"""The bytes of working memory: the panels, one tile, and what lies before the first whole vector."""

ROOM_OF_CREW = ROOM + WORDS
"""The bytes of working memory with the words of a crew behind it."""

PACKING = 8
"""How many multiplications a packed entry costs as much as."""


@routine(strided=True)
def multiply(factor, left, right, keep, out, room):  # type: ignore[no-untyped-def]
    """out ← factor · left · right, (n, k) by (k, m); or out + … where ``keep`` is true.

    ``out`` has contiguous rows and shares no memory with the factors, which may have gaps. ``room`` has ``ROOM`` bytes;
    behind them may be the words of a crew, which then takes parts of a large product. No bit depends on how it is cut.
    """
    size = out.itemsize
    start, n, k, m = aligned(room), left.shape[0], left.shape[1], right.shape[1]
    whole = (
        factor, size,
        address(left), left.strides[0] // size, left.strides[1] // size,
        address(right), right.strides[0] // size, right.strides[1] // size,
        keep, address(out), out.strides[0] // size, n, m, k,
    )  # fmt: skip
    if room.shape[0] >= ROOM_OF_CREW and n * m * k >= POSTING:
        crew = address(room) + ROOM
        rows, columns = _cut(n, m, size, acquired(crew + MEMBERS))
        count = -(-n // rows) * -(-m // columns)
        given = whole, rows, columns
        do_parts(part_of(_multiply_part, given), placed(given), count, crew, start)
    else:
        _multiply(*whole, start)


@compiled_in(inline="always")
def aligned(room):  # type: ignore[no-untyped-def]
    """The address of the first whole vector of a room."""
    start = address(room)
    return start + -start % VECTOR


@routine()
def _cut(n, m, size, count):  # type: ignore[no-untyped-def]
    """The rows and columns of a part, whole tiles, so that at most ``count`` parts end as soon as can be."""
    width = VECTORS * VECTOR // size
    high, wide = -(-n // ROWS), -(-m // width)
    best = rows = columns = 0
    for down in range(1, count + 1):
        r, c = ROWS * -(-high // down), width * -(-wide // (count // down))
        time = r * c + PACKING * (r + c)
        if rows == 0 or time < best:
            best, rows, columns = time, r, c
    return rows, columns


@routine()
def _multiply_part(number, given, room):  # type: ignore[no-untyped-def]
    """One part, ``rows`` by ``columns`` or what is left of them at an edge."""
    whole, rows, columns = given
    factor, size, left, i_step, ik_step, right, kj_step, j_step, keep, out, step, n, m, k = whole
    across = -(-m // columns)
    i, j = number // across * rows, number % across * columns
    _multiply(
        factor, size, left + i * i_step * size, i_step, ik_step, right + j * j_step * size, kj_step, j_step,
        keep, out + (i * step + j) * size, step, lesser(rows, n - i), lesser(columns, m - j), k, room,
    )  # fmt: skip


@routine()
def _multiply(factor, size, left, i_step, ik_step, right, kj_step, j_step, keep, out, step, n, m, k, room):  # type: ignore[no-untyped-def]
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
                _pack(factor, left_over, j_step, kj_step, columns - beside, depth, panels, size, False)
            for i0 in range(0, n, high):
                rows = lesser(high, n - i0)
                block = left + (i0 * i_step + k0 * ik_step) * size
                direct = rows // ROWS * ROWS if ik_step == 1 or (i_step == 1 and columns <= width) else 0
                if direct < rows:
                    left_over = block + direct * i_step * size
                    _pack(factor, left_over, i_step, ik_step, rows - direct, depth, room, size, True)
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
    left_pitch, right_pitch = _pitch(depth, PITCH, size), _pitch(depth, width, size)
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


@compiled_in(inline="always")
def _pitch(k, width, size):  # type: ignore[no-untyped-def]
    """The bytes from one panel to the next."""
    return k * width * size + GAP


@routine()
def _pack(like, source, step, k_step, n, k, panels, size, of_left):  # type: ignore[no-untyped-def]
    """Copy a block, (n, k), into left or right panels; the rest of the last panel has any numbers in it."""
    lanes = VECTOR // size
    wide = VECTORS * lanes
    rows, width, together = (ROWS, PITCH, lesser(PITCH, lanes)) if of_left else (wide, wide, lanes)
    pitch, whole = _pitch(k, width, size), n // rows * rows if step == 1 else 0
    _copy_across(like, source, k_step, whole // rows, rows, k, panels, pitch, width, size, of_left)
    for i in range(whole, n, rows):
        count, start, panel = lesser(rows, n - i), source + i * step * size, panels + i // rows * pitch
        done = 0
        if step == 1 and k_step > 0:  # with what follows in memory, which there is except at the end
            done = greater(0, k - (rows - count + k_step - 1) // k_step)
            for q in range(done):
                _copy(like, start + q * k_step * size, panel + q * width * size, of_left)
        elif k_step == 1:
            done = k - k % lanes
            for q in range(0, done, lanes):
                for r in range(0, count, together):
                    block, target = start + (r * step + q) * size, panel + (q * width + r) * size
                    _turn(like, block, step, count - r - 1, target, width, of_left)
        for q in range(done, k):
            for r in range(count):
                write(read(like, start + (r * step + q * k_step) * size), panel + (q * width + r) * size)


@compiled_in(inline="always")
def _copy_across(like, source, k_step, count, rows, k, panels, pitch, width, size, of_left):  # type: ignore[no-untyped-def]
    """Copy what lies side by side, for each k across all panels."""
    for q in range(k):
        place, target = source + q * k_step * size, panels + q * width * size
        for _ in range(count):
            _copy(like, place, target, of_left)
            place += rows * size
            target += pitch


@compiled_in(inline="always")
def _copy(like, source, target, of_left):  # type: ignore[no-untyped-def]
    """Copy what a panel has for one k."""
    if of_left:
        copy_rows(like, source, target)
    else:
        copy_columns(like, source, target)


@compiled_in(inline="always")
def _turn(like, source, step, last, panel, width, of_left):  # type: ignore[no-untyped-def]
    """Turn as many rows as are turned at once."""
    if of_left:
        turn_rows(like, source, step, last, panel, width)
    else:
        turn_columns(like, source, step, last, panel, width)
