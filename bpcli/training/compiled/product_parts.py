"""Parts of a matrix product, which the threads of a crew share out: compiled code.

A part is computed in blocks, whose sums have the same order in each, so no bit depends on how a product is cut.
"""

from __future__ import annotations

from bpcli.training.compiled.atomics import acquired
from bpcli.training.compiled.blocks import ROOM, multiply_blocks
from bpcli.training.compiled.intrinsics import lesser
from bpcli.training.compiled.parts import MEMBERS, WORDS, do_parts, part_of, placed
from bpcli.training.compiled.rooms import address
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.tiles import ROWS, VECTORS
from bpcli.training.compiled.vectors import VECTOR
from bpcli.training.compiled.worth import POSTING

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
        multiply_blocks(*whole, start)


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
    multiply_blocks(
        factor, size, left + i * i_step * size, i_step, ik_step, right + j * j_step * size, kj_step, j_step,
        keep, out + (i * step + j) * size, step, lesser(rows, n - i), lesser(columns, m - j), k, room,
    )  # fmt: skip
