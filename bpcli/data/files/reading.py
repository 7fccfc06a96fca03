"""Which kind of file is this? Content decides, then the suffix; the reader of that kind reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from bpcli.data.files import arrays
from bpcli.data.files.byte_source import ByteSource, open_bytes
from bpcli.data.files.dataset import CellsOf, Dataset, Format, Matrix, Reading, Table
from bpcli.data.files.matrices import ONE_THREAD
from bpcli.errors import DataError
from bpcli.readers import ONE_READER


@dataclass(frozen=True)
class FilePair:
    """Where examples are: one file, or features and targets in a file each."""

    features: str
    targets: str | None = None

    @property
    def paths(self) -> list[str]:
        """The files to read."""
        return [self.features] if self.targets is None else [self.features, self.targets]


def read_dataset(
    pair: FilePair, form: Format, exact: frozenset[str] | None = None, reading: Reading = ONE_THREAD
) -> Dataset:
    """Read examples, features and targets joined.

    ``exact`` columns are read to the letter, never as truth values; None means that the targets' names
    are not known yet, and the last column is one. The last column of a file of targets is one in any case.
    Of an array they are kept, besides those that ``reading`` names.
    """
    if exact is not None:
        reading = replace(reading, named=reading.named | exact, last=0)
    if pair.targets is None:
        return _read_one(pair.features, form, exact, reading)
    features = _read_one(pair.features, form, exact or frozenset(), reading)
    return _joined(features, _read_one(pair.targets, form, None, reading), form)


def _read_one(path: str, form: Format, exact: frozenset[str] | None, reading: Reading) -> Table | Matrix:
    source = open_bytes(path)
    alone = source.digest is None or not source.digest.is_the_same_for(reading.readers)
    found = _read_source(source, form, exact, replace(reading, readers=ONE_READER) if alone else reading)
    return replace(found, files={path: source.digest})


def _read_source(source: ByteSource, form: Format, exact: frozenset[str] | None, reading: Reading) -> Table | Matrix:
    read_array = arrays.array_reader(source.head)
    if read_array is not None:
        return read_array(source, reading=reading)
    from bpcli.data.files import tables

    return (
        tables.read_parquet(source, exact)
        if source.head[:4] == b"PAR1"
        else tables.read_text(source, form, exact, reading.threads)
    )


def _joined(features: Table | Matrix, targets: Table | Matrix, form: Format) -> Table | Matrix:
    if features.size != targets.size:
        raise DataError(
            f"{targets.size} targets for the {features.size} examples of {features.path}",
            where=targets.path,
            hint="the two files must hold the same examples in the same order",
        )
    names = targets.own_targets or targets.names
    own = dict(zip(names, names, strict=True))
    if isinstance(features, Matrix) or isinstance(targets, Matrix) or not form.header:
        own = _told_apart(names, set(features.names))
    columns = {new: targets.column(name) for new, name in own.items()}
    files = features.files | targets.files
    spellings = {new: targets.spellings[name] for new, name in own.items() if name in targets.spellings}
    if isinstance(features, Matrix):
        return replace(
            features,
            targets=columns,
            holds_classes=targets.holds_classes,
            cells=_cells(targets, own),
            spellings=spellings,
            files=files,
        )
    clash = [name for name in columns if name in features.names]
    if clash:
        raise DataError(
            f"column {clash[0]!r} stands in {features.path} too", where=targets.path, hint="rename it in one of them"
        )
    return Table(
        features.path,
        {name: features.column(name) for name in features.names} | columns,
        features.truth_columns,
        _cells(targets, own) | _cells(features, {name: name for name in features.names}),
        features.spellings | spellings,
        place=features.where,
        own_targets=list(columns),
        holds_classes=targets.holds_classes,
        pages=features.pages,
        files=files,
        missing=features.missing,
        numerals=features.numerals,
        width=features.width,
    )


def _cells(dataset: Dataset, own: dict[str, str]) -> dict[str, CellsOf]:
    """How to get at the cells of columns that now have other names than their ``own``."""
    return {new: partial(dataset.as_written, name) for new, name in own.items()}


def _told_apart(names: list[str], taken: set[str]) -> dict[str, str]:
    """Targets named apart from features, where columns have numbers for names: their own names by the new ones."""
    if not taken & set(names):
        return {name: name for name in names}
    if len(names) == 1:
        return {"target": names[0]}
    return {f"target_{name}": name for name in names}
