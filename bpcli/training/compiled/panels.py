"""Panels: a block of a factor copied so that tiles read what they need from one place on."""

from __future__ import annotations

from bpcli.training.compiled.intrinsics import greater, lesser
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.tiles import (
    PITCH,
    ROWS,
    VECTORS,
    copy_columns,
    copy_rows,
    read,
    turn_columns,
    turn_rows,
    write,
)
from bpcli.training.compiled.vectors import VECTOR
from bpcli.training.shards.cutting import LINE

GAP = 2 * LINE
"""The bytes between panels: without them lines of all panels, written in turn, would share one set of the L1 cache."""


@compiled_in(inline="always")
def pitch_of(k, width, size):  # type: ignore[no-untyped-def]
    """The bytes from one panel to the next."""
    return k * width * size + GAP


@routine()
def pack(like, source, step, k_step, n, k, panels, size, of_left):  # type: ignore[no-untyped-def]
    """Copy a block, (n, k), into left or right panels; the rest of the last panel has any numbers in it."""
    lanes = VECTOR // size
    wide = VECTORS * lanes
    rows, width, together = (ROWS, PITCH, lesser(PITCH, lanes)) if of_left else (wide, wide, lanes)
    pitch, whole = pitch_of(k, width, size), n // rows * rows if step == 1 else 0
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
