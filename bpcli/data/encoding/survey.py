"""All that is learned of a matrix's columns, in as few walks over its rows as can be.

The first walk finds ranges, sums, and about where the medians are; the second the
medians, and the squares around the means. Where a column has missing numbers, which
count as its median, two more find its mean and deviation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bpcli.data.encoding.medians import MedianSearch
from bpcli.data.encoding.selection import Selection
from bpcli.data.encoding.summaries import Moments, Summary, moments_of, summary
from bpcli.data.encoding.walks import Extents, Finder, Sums, walk
from bpcli.nn import Array


class Survey(NamedTuple):
    """By column, (n,): the median, what a scaling is learned from, and whether all numbers are the same."""

    medians: Array
    summary: Summary
    constant: Array


def survey(of: Selection, *, moments: bool) -> Survey:
    """Look at all rows; ``moments`` says whether mean and deviation are asked for."""
    shape, threads, readers = of.shape, of.matrix.threads, of.matrix.readers
    extents, search, sums = Extents(shape[1]), MedianSearch(of), Sums(shape, 1)
    finders: list[Finder] = [extents, search, *([sums] if moments else [])]
    with np.errstate(over="ignore", invalid="ignore"):
        walk(of, finders, threads, readers)
        found = extents.extent
        search.conclude(found.missing)
        squares = Sums(shape, 2, sums.total / shape[0]) if moments else None
        if squares is not None:
            walk(of, [squares, *([] if search.over else [search])], threads, readers)
            if not search.over:
                search.conclude(found.missing)
        while not search.over:
            walk(of, [search], threads, readers)
            search.conclude(found.missing)
        medians = search.medians
        known = None if squares is None else _filled(of, found.missing > 0, medians, sums, squares)
    learned = summary(of, found, medians, known, threads)
    return Survey(medians, learned, ~(found.low < found.high))


def _filled(of: Selection, holed: Array, medians: Array, sums: Sums, squares: Sums) -> Moments:
    """The moments found, those of columns with missing numbers by walks of their own."""
    size = of.shape[0]
    mean, deviation = sums.total / size, np.sqrt(squares.total / size)
    if holed.any():
        own = replace(of, columns=of.columns[holed])
        fill = medians[holed]
        alone = moments_of(own, fill, of.matrix.threads, of.matrix.readers)
        mean[holed], deviation[holed] = alone.mean, alone.deviation
    return Moments(mean, deviation)
