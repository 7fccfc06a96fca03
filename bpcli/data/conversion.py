"""From a table of any size to numbers in a NPY file, some rows at a time: what training reads without loading it.

The first reading tells what each column holds, the last writes it. Numbers stay
as they are, NaN where missing. A column of text becomes an indicator per
category, as training would make it; targets come last, text among them as the
index of its class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from bpcli.data.encoding.columns import Category
from bpcli.data.encoding.targets import TRUTH
from bpcli.data.files import arrays
from bpcli.data.files.csv_reader import Chunk
from bpcli.data.files.memory import blocks
from bpcli.data.files.open_bytes import Content, content
from bpcli.data.files.raw import FEW, Format, Matrix, as_texts, is_number
from bpcli.data.warnings import Notes, listed
from bpcli.errors import ConfigError, DataError, did_you_mean
from bpcli.nn import Array
from bpcli.storage import replacing

MOST = 1000
"""Up to so many categories, a text column is worth an indicator each."""

Where = Callable[[int], str]
Seen = Callable[[int], None]
"""Told now and then how many rows have been read so far."""


@dataclass(frozen=True)
class Wanted:
    """What to convert: ``targets``, the last column where None, go last; ``drop`` leaves columns out."""

    form: Format = field(default_factory=Format)
    targets: list[str] | None = None
    drop: list[str] = field(default_factory=list)
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32))


@dataclass(frozen=True)
class Converted:
    """What was written: ``columns`` in their order, ``column=category`` for indicators; ``classes`` of the target."""

    examples: int
    columns: list[str]
    targets: list[str]
    classes: list[str] | None = None


@dataclass(frozen=True)
class Number:
    """A column of numbers, kept as they are; ``required`` in every row where it is a target."""

    name: str
    required: bool = False

    @property
    def outputs(self) -> list[str]:
        """The columns it makes."""
        return [self.name]

    def fill(self, cells: Array, out: Array, where: Where) -> None:
        """Write m cells into ``out``, (m, 1)."""
        if cells.dtype == object:
            cells = np.array([np.nan if cell is None else float(TRUTH[cell.lower()]) for cell in cells])
        if self.required:
            _refuse_missing(self.name, np.isnan(cells), where)
        with np.errstate(over="ignore"):
            out[:, 0] = cells
        infinite = np.flatnonzero(np.isinf(out[:, 0]))
        if len(infinite):
            row = int(infinite[0])
            if np.isinf(cells[row]):
                raise DataError(
                    f"column {self.name!r} holds {cells[row]:g}, not a finite number",
                    where=where(row),
                    hint="leave the cell empty where the number is unknown",
                )
            raise DataError(
                f"column {self.name!r} holds {cells[row]:g}, out of the range of {out.dtype}",
                where=where(row),
                hint="correct the number, or --dtype float64",
            )


@dataclass(frozen=True)
class Words:
    """A column of text: an indicator for each category."""

    category: Category

    @property
    def outputs(self) -> list[str]:
        """The columns it makes."""
        return [f"{self.category.name}={word}" for word in self.category.categories]

    def fill(self, cells: Array, out: Array, where: Where) -> None:
        """Write m cells into ``out``, (m, number of categories)."""
        self.category.encode(as_texts(cells), out, where)


@dataclass(frozen=True)
class Classes:
    """A target of text: the index of its class."""

    name: str
    labels: tuple[str, ...]

    @property
    def outputs(self) -> list[str]:
        """The column it makes."""
        return [self.name]

    def fill(self, cells: Array, out: Array, where: Where) -> None:
        """Write m cells into ``out``, (m, 1)."""
        texts = as_texts(cells)
        _refuse_missing(self.name, np.array([text is None for text in texts]), where)
        places = {label: k for k, label in enumerate(self.labels)}
        out[:, 0] = [places[text] for text in texts]


Maker = Number | Words | Classes


def convert(source: str, target: Path, wanted: Wanted, seen: Seen) -> tuple[Converted, Notes]:
    """Write the table or array ``source`` to ``target``, whole or not at all.

    Raises:
        DataError: the file is absent or malformed, holds an infinite number, or lacks a target in some row.
        ConfigError: a column that is named is not there, or text has too many categories.
    """
    before = _state(source)
    held = content(source)
    reader = arrays.reader(held.head)

    def unchanged() -> None:
        if _state(source) != before:
            raise DataError(
                "the file changed while it was read", where=source, hint="convert it once nobody writes to it"
            )

    try:
        if reader is not None:
            return _convert_matrix(reader(held), target, wanted, seen)
        return _convert_table(held, target, wanted, seen, unchanged)
    except Exception:
        unchanged()  # else what is amiss is the file's own
        raise


def _state(source: str) -> tuple[int, int] | None:
    """What changes when a file is written to; None where it is no file or not there."""
    path = Path(source)
    if not path.is_file():
        return None
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _convert_table(
    held: Content, target: Path, wanted: Wanted, seen: Seen, unchanged: Callable[[], None]
) -> tuple[Converted, Notes]:
    if held.head[:4] == b"PAR1":
        raise DataError("Parquet is not converted", where=held.path, hint="write the table as CSV, or with numpy.save")
    from bpcli.data.files.tables import chunks
    from bpcli.data.files.text import look_through

    sheet = look_through(held, wanted.form)
    targets = _targets(sheet.names, wanted, sheet.path)
    letter = frozenset(targets)
    found = _examine(sheet.names, chunks(sheet, letter, frozenset()), wanted.drop, seen)
    torn = frozenset(column.name for column in found if len(column.kinds) > 1)
    if torn:
        found = _examine(sheet.names, chunks(sheet, letter, torn), wanted.drop, seen)
    known = {column.name: column for column in found}
    order = [*(name for name in sheet.names if name not in targets and name not in wanted.drop), *targets]
    makers = [_maker(known[name], targets, sheet.path) for name in order]
    places = [sheet.names.index(name) for name in order]
    rows = ([cells[place][1] for place in places] for cells in chunks(sheet, letter, torn))
    notes = Notes(nearly_numbers=[f"{name} ({known[name].slip!r})" for name in order if known[name].nearly_numbers])
    written = _write(target, found[0].rows, makers, rows, wanted.dtype, sheet.where, targets, seen, unchanged)
    return written, notes


def _convert_matrix(raw: Matrix, target: Path, wanted: Wanted, seen: Seen) -> tuple[Converted, Notes]:
    targets = _targets(raw.names, wanted, raw.path, raw.own_targets)
    apart_from_features = {*targets, *raw.own_targets, *wanted.drop}
    order = [*(name for name in raw.names if name not in apart_from_features), *targets]
    apart = {name: raw.column(name) for name in raw.own_targets}
    makers: list[Maker] = [Number(name, required=name in targets) for name in order]
    for k, name in enumerate(order):
        if name in apart and apart[name].dtype == object:
            if len(targets) > 1:
                raise _several(name, raw.path, sorted(set(apart[name])))
            makers[k] = Classes(name, tuple(sorted(set(apart[name]))))

    def rows() -> Iterator[list[Array]]:
        for start, stop in blocks(raw.size, len(order)):
            values = raw.values[start:stop]
            yield [
                apart[name][start:stop] if name in apart else values[:, raw.places([name])[0]].astype(np.float64)
                for name in order
            ]
            raw.done(start, stop)

    return _write(target, raw.size, makers, rows(), wanted.dtype, raw.where, targets, seen, lambda: None), Notes()


def _targets(names: list[str], wanted: Wanted, path: str, own: list[str] | None = None) -> list[str]:
    """The targets by name, all named columns known and something left for a feature."""
    for name in (*(wanted.targets or []), *wanted.drop):
        if name not in names:
            hint = did_you_mean(name, names, "its columns are")
            raise ConfigError(f"{path} has no column {name!r}", where="command line", hint=hint)
    targets = wanted.targets or own or [name for name in names if name not in wanted.drop][-1:]
    both = [name for name in targets if name in wanted.drop]
    if both:
        raise ConfigError(f"column {both[0]!r} is the target", where="command line", hint="leave it out of --drop")
    if len({*targets, *wanted.drop}) == len(names):
        raise ConfigError(
            f"{path} has no column left for a feature", where="command line", hint="check --target, --drop, --delimiter"
        )
    return list(dict.fromkeys(targets))


@dataclass
class _Column:
    """What a column turned out to hold: the ``kinds`` of its cells, and its ``words``, None from too many on.

    ``slips`` of its ``present`` cells are no numbers, ``slip`` the first of them.
    """

    name: str
    kinds: set[str] = field(default_factory=set)
    words: set[str] | None = field(default_factory=set)
    rows: int = 0
    present: int = 0
    slips: int = 0
    slip: str = ""

    @property
    def nearly_numbers(self) -> bool:
        """Whether it is text for a few cells only."""
        return 0 < self.slips <= FEW * self.present

    def take(self, kind: str, cells: Array) -> None:
        """See what some cells of one kind hold."""
        self.kinds.add(kind)
        if kind == "number":
            self.present += int(np.count_nonzero(~np.isnan(cells)))
            return
        texts = [cell for cell in cells if cell is not None]
        slips = [text for text in texts if not is_number(text)]
        self.present, self.slips, self.slip = (
            self.present + len(texts),
            self.slips + len(slips),
            self.slip or next(iter(slips), ""),
        )
        if self.words is not None:
            self.words.update(texts)
            self.words = self.words if len(self.words) <= MOST else None


def _examine(names: list[str], chunks: Iterator[Chunk], drop: list[str], seen: Seen) -> list[_Column]:
    """Read once, to see what is there."""
    found = [_Column(name) for name in names]
    for chunk in chunks:
        for column, (kind, cells) in zip(found, chunk, strict=True):
            column.rows += len(cells)
            if column.name not in drop and kind is not None:
                column.take(kind, cells)
        seen(found[0].rows)
    return found


def _maker(column: _Column, targets: list[str], path: str) -> Maker:
    name, of_target = column.name, column.name in targets
    if column.kinds <= {"number"}:
        return Number(name, required=of_target)
    if of_target and len(targets) > 1:
        other = sorted(word for word in column.words or () if word.lower() not in TRUTH)
        if other or column.words is None:
            raise _several(name, path, other)
        return Number(name, required=True)
    if column.words is None:
        raise ConfigError(
            f"column {name!r} of {path} is text with more than {MOST:,} different values",
            where="command line",
            hint=f"leave it out: --drop {name}" if not of_target else "is it the target? --target names another",
        )
    words = tuple(sorted(column.words))
    return Classes(name, words) if of_target else Words(Category(name, words, boolean=column.kinds == {"truth"}))


def _several(name: str, path: str, words: list[str]) -> ConfigError:
    return ConfigError(
        f"target {name!r} of {path} is text ({listed([repr(word) for word in words])})",
        where="command line",
        hint="several targets are numbers, or true and false; one alone may be text",
    )


def _write(
    target: Path,
    size: int,
    makers: list[Maker],
    chunks: Iterator[list[Array]],
    dtype: np.dtype,
    where: Where,
    targets: list[str],
    seen: Seen,
    unchanged: Callable[[], None],
) -> Converted:
    """Write the header, then a chunk of rows after the other; the source must be ``unchanged`` at the end."""
    names = [name for maker in makers for name in maker.outputs]
    with replacing(target) as file:
        header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (size, len(names))}
        npy.write_array_header_1_0(file, header)
        first = 0
        for cells in chunks:
            _write_rows(file, cells, makers, len(names), dtype, partial(_later, where, first))
            first += len(cells[0])
            seen(first)
        unchanged()
    classes = next((list(maker.labels) for maker in makers if isinstance(maker, Classes)), None)
    return Converted(size, names, targets, classes)


def _write_rows(
    file: BinaryIO, cells: list[Array], makers: list[Maker], width: int, dtype: np.dtype, where: Where
) -> None:
    for start, stop in blocks(len(cells[0]), width):
        out = np.empty((stop - start, width), dtype)
        place = 0
        for maker, column in zip(makers, cells, strict=True):
            end = place + len(maker.outputs)
            maker.fill(column[start:stop], out[:, place:end], partial(_later, where, start))
            place = end
        file.write(out.data)


def _later(where: Where, start: int, row: int) -> str:
    return where(start + row)


def _refuse_missing(name: str, missing: Array, where: Where) -> None:
    if missing.any():
        raise DataError(
            f"the target {name!r} is missing",
            where=where(int(np.flatnonzero(missing)[0])),
            hint="leave examples without a target out of the file",
        )
