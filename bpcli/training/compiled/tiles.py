"""Tiles: blocks of a matrix product that stay in vector registers while the terms are added up.

A tile has ``ROWS`` rows of ``VECTORS`` vectors, or of one. For each k, one number of the left factor after another is
multiplied by a row of the right factor and added. A *panel* is the part of a factor that a tile needs, in the order in
which it is read: for each k the entries of its rows, or of its columns, side by side.

Each function takes a number of the precision meant first. Addresses are integers, steps are in entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from bpcli.training.compiled.vectors import REGISTERS, VECTOR, Instructions, instructions, integer

VECTORS = 2
"""The most vectors in a row of a tile."""

ROWS = 8 if REGISTERS == 32 else 6
"""The rows of a tile: sums enough to hide how long an addition takes, which the registers hold with the factors."""

PITCH = 8
"""The entries of a left panel for each k: a power of two."""


def _tile(vectors: int, *, by_rows: bool) -> Any:
    """The function that computes a tile of so many vectors in a row.

    out ← factor · left · right, or out + … where ``keep`` is true, in its first ``height`` rows. ``by_rows``: in memory
    the rows of the left factor are contiguous and ``step`` apart; otherwise its columns are. ``width`` is that of the
    right panel, ``k`` ≥ 1.
    """
    places = [(r, v) for r in range(ROWS) for v in range(vectors)]

    def write(do: Instructions, factor: Any, *given: Any) -> None:
        left, step, right, width, k, keep, out, out_step, height = given
        builder, width = do.builder, do.bytes(width)
        between, move = (do.bytes(step), integer(do.size)) if by_rows else (integer(do.size), do.bytes(step))
        rows = [builder.mul(between, integer(r)) for r in range(ROWS)]

        def add(now: Sequence[Any]) -> list[Any]:
            left, right, *sums = now
            of_right = [do.load(builder.add(right, integer(v * VECTOR))) for v in range(vectors)]
            of_left = [do.spread(do.load(builder.add(left, row), do.entry)) for row in rows]
            sums = [do.added_product(of_left[r], of_right[v], one) for (r, v), one in zip(places, sums, strict=True)]
            return [builder.add(left, move), builder.add(right, width), *sums]

        zero = ir.Constant(do.vector, [0.0] * do.lanes)
        sums = do.repeated(k, [left, right, *[zero] * len(places)], add)[2:]
        step = do.bytes(out_step)
        targets = [builder.add(builder.add(out, builder.mul(step, integer(r))), integer(v * VECTOR)) for r, v in places]
        _hand_out(do, sums, targets, do.spread(factor), keep, height)

    return instructions("factor left step right width k keep out out_step height", write)


def _hand_out(do: Instructions, sums: list[Any], targets: list[Any], factor: Any, keep: Any, height: Any) -> None:
    """Write the sums of a tile, times ``factor``, in its first ``height`` rows."""
    builder = do.builder
    entries = list(zip(sums, targets, strict=True))
    vectors = len(entries) // ROWS
    with builder.if_else(builder.icmp_signed(">=", height, integer(ROWS))) as (whole, part):
        with whole, builder.if_else(keep) as (added, replaced):
            with added:
                for one, target in entries:
                    do.store(do.added_product(one, factor, do.load(target)), target)
            with replaced:
                for one, target in entries:
                    do.store(builder.fmul(one, factor), target)
        with part:
            for r in range(ROWS - 1):
                with builder.if_then(builder.icmp_signed("<", integer(r), height)):
                    for one, target in entries[r * vectors : (r + 1) * vectors]:
                        found = do.added_product(one, factor, do.load(target))
                        do.store(builder.select(keep, found, builder.fmul(one, factor)), target)


def _turn(rows: int) -> Any:
    """The function that writes a vector of each of so many rows into a panel: entry by entry, all rows side by side.

    Rows after ``last`` are read as that one is.
    """

    def write(do: Instructions, _: Any, source: Any, step: Any, last: Any, panel: Any, width: Any) -> None:
        builder, count = do.builder, min(rows, do.lanes)
        numbers = [builder.select(builder.icmp_signed("<", integer(r), last), integer(r), last) for r in range(count)]
        vectors = [do.load(builder.add(source, do.bytes(builder.mul(number, step)))) for number in numbers]
        half = count // 2
        for _stage in range(count.bit_length() - 1):
            vectors = [one for r in range(half) for one in do.zipped(vectors[r], vectors[r + half])]
        for number, vector in enumerate(vectors):
            place = builder.mul(width, integer(number * (do.lanes // count) * do.size))
            do.store(vector, builder.add(panel, place))

    return instructions("like source step last panel width", write)


def _copy(vectors: int, entries: int) -> Any:
    """The function that copies so many vectors, or so many entries."""

    def write(do: Instructions, _: Any, source: Any, target: Any) -> None:
        do.store(do.load(source, ir.VectorType(do.entry, entries or vectors * do.lanes)), target)

    return instructions("like source target", write)


tile_by_rows, tile_by_columns = _tile(VECTORS, by_rows=True), _tile(VECTORS, by_rows=False)
narrow_tile_by_rows, narrow_tile_by_columns = _tile(1, by_rows=True), _tile(1, by_rows=False)
turn_rows, turn_columns = _turn(PITCH), _turn(VECTOR)
copy_rows, copy_columns = _copy(0, ROWS), _copy(VECTORS, 0)
read = instructions("like address", lambda do, _, address: do.load(address, do.entry), returns=True)
write = instructions("number address", lambda do, number, address: do.store(number, address))
